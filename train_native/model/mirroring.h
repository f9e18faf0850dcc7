/* Whether the mirror image of an image means the same, as training with --flip takes for granted: of a cat it does, of a
 * letter or an arrow it does not. The images tell.
 *
 *     const struct mirroring found = mirroring_measure(&train, seed, gemm_fast);
 *     if (found.changes_meaning)
 *         augment.flip = FLIP_NONE;
 *
 * Softmax regression on tiny images is trained on two thirds of up to MIRRORING_IMAGES images and tried on the others, as
 * they are and mirrored; three times, so that each is tried once. Where mirroring changes nothing, it recognises either
 * about as often. */
#ifndef MIRRORING_H
#define MIRRORING_H

#include "training/softmax_regression.h"
#include "training/images.h"

#include <stdbool.h>
#include <stdint.h>

enum { MIRRORING_IMAGES = 1800 };

struct mirroring {
    int images;          /* that were tried; 0: too few to tell */
    int right, mirrored; /* of them recognised as they are, and in the mirror */
    bool changes_meaning;
};

/* Which images are taken is drawn with the seed. */
struct mirroring mirroring_measure(const struct subset *train, uint64_t seed, gemm_function *gemm);

#endif
