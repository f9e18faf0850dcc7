/* Finds duplicates: equal images, and near-duplicates (re-encoded, resized, brighter or darker, a little cropped).
 *
 *     struct duplicates duplicates = duplicates_find(contents, thumbnails, count);
 *     bool same = duplicates.same[i] == duplicates.same[k];       // pictures i and k are equal, pixel by pixel
 *     bool alike = duplicates.alike[i] == duplicates.alike[k];    // equal, or nearly, or linked by a chain of such
 *
 * Nearly: two thumbnails, each around its mean colour, have a correlation above 0.85. Where more than a third of a
 * picture is of two greys, as of drawings and letters, other pictures of the same kind come that near, and it must be
 * above 0.995. A picture without contrast is like none. Candidates are
 * pictures whose hashes differ in at most 7 bits: the signs of the 63 lowest frequencies (pHash: Zauner 2010,
 * "Implementation and Benchmarking of Perceptual Image Hash Functions"). They are found by multi-index hashing
 * (Norouzi, Punjani and Fleet 2012): of eight bytes of two such hashes one is equal, so of n pictures about n^2 / 64
 * pairs are looked at. `make bench-duplicates` measures what is found. */
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
