/* Reads the images of a list, all cores at once, in child processes (sandbox.h).
 *
 *     const struct photo_reading reading = {list, input, &preprocess, threads, memory, false};
 *     struct photo_facts *facts = photos_read(&reading, pixels, &failure);
 *     ...
 *     photos_facts_free(facts, list);
 *
 * A picture is resized as soon as it is decoded, and its own pixels are freed: at full size there are never more of
 * them than `memory` holds. */
#ifndef PHOTOS_H
#define PHOTOS_H

#include "image/image.h"
#include "data/photo_list.h"
#include "data/photo_facts.h"
#include "data/pixels.h"

#include <stddef.h>

struct photo_reading {
    const struct photo_list *list;
    struct shape input; /* what the images are resized to */
    const struct preprocess *preprocess;
    int threads;
    uint64_t memory; /* bytes for pixels and for decoding */
    bool shared;     /* all ranks read it, each its share of the images, and exchange them (photo_shares.h) */
};

/* Into pixels (list->count). NULL, with the failure set: they cannot be stored. */
struct photo_facts *photos_read(const struct photo_reading *reading, const struct pixels *pixels,
                                struct failure *failure);
void photos_facts_free(struct photo_facts *facts, const struct photo_list *list);

/* Names what could not be read and counts it; ends the program if they are more than this fraction. Returns their
 * number. Tells of those that another decoder than core's has read. */
int photos_refuse(const struct photo_list *list, const struct photo_facts *facts, const char *source, float allowed);

#endif
