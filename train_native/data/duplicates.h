/* Finds duplicates: equal images, and near-duplicates (re-encoded, resized, a little brighter).
 *
 *     struct duplicates duplicates = duplicates_find(contents, thumbnails, count);
 *     bool same = duplicates.same[i] == duplicates.same[k];       // pictures i and k are equal, pixel by pixel
 *     bool alike = duplicates.alike[i] == duplicates.alike[k];    // equal, or nearly, or linked by a chain of such
 *
 * Nearly: the difference hashes (dHash: Krawetz 2013, "Kind of Like That") of two pictures, 64 bits of which side of
 * neighbouring pixels of a 9 x 8 thumbnail is brighter, differ in at most 4 bits, and the thumbnails' values by less
 * than 8 of 255 on average. A picture without contrast is like none. Found by multi-index hashing (Norouzi, Punjani
 * and Fleet 2012): of five parts of two such hashes one is equal. */
#ifndef DUPLICATES_H
#define DUPLICATES_H

#include "base/shape.h"

#include <stdint.h>

extern const struct shape thumbnail_shape;

struct duplicates {
    int *same, *alike; /* (count): the first picture of the group; its own index for one without duplicates */
};

/* contents (count): equal for equal pictures. thumbnails (count) of thumbnail_shape: the whole picture, resized. */
struct duplicates duplicates_find(const uint64_t *contents, const uint8_t *thumbnails, int count);
void duplicates_free(struct duplicates *duplicates);

#endif
