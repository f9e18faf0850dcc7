/* The images of a list that this rank decodes, and what the others have decoded (ranks.h). Ranks have their share of some
 * tens of megabytes of images in a row, then of the next, so that the images go round in messages of that size, and what
 * takes long in one part of the list is not all one rank's.
 *
 *     struct photo_shares shares = photo_shares_of(count, pixels->size);
 *     int *own = photo_shares_own(&shares, &own_count);    // which of 0 .. count-1 this rank reads
 *     ...
 *     const bool stored = photo_shares_exchange(&shares, facts, pixels, &reason);   // by all ranks: now each has all
 */
#ifndef PHOTO_SHARES_H
#define PHOTO_SHARES_H

#include "data/photo_facts.h"
#include "data/pixels.h"

struct photo_shares {
    int count, at_a_time; /* images, and of them in a row that are shared out */
};

struct photo_shares photo_shares_of(int count, size_t size);

/* The caller frees it. */
int *photo_shares_own(const struct photo_shares *shares, int *own_count);

/* Facts (count) and pixels of others come to where own ones are. False, with *reason set: they cannot be stored; all ranks
 * have come through the exchange nevertheless. */
bool photo_shares_exchange(const struct photo_shares *shares, struct photo_facts *facts, const struct pixels *pixels,
                           const char **reason);

#endif
