/* Barlow Twins (Zbontar, Jing, Misra, LeCun and Deny 2021): the loss of two views of each image of a batch, without
 * labels. A network gives each view d numbers, its projection; both views of an image are to have the same, and no two
 * of the d numbers are to say the same:
 *
 *     C_kl = 1/n sum_i x_ik y_il          x, y: the projections of the first and of the second views, each number with
 *                                         its mean over the batch taken off, over its standard deviation
 *     loss = 1/d (sum_k (1 - C_kk)^2 + redundancy sum_k sum_l!=k C_kl^2)
 *
 * which is the paper's loss over d, so that it is near 1 at the start, whatever d is: 1 is also what projections have
 * that are the same for all images, 0 is the least. Over n - 1 < d images the second sum cannot vanish.
 *
 *     const struct barlow_twins twins = {.n = n, .d = d, .redundancy = 0.01f, .gemm = gemm_fast};
 *     float *scratch = malloc(barlow_twins_scratch_count(n, d) * sizeof *scratch);
 *     double loss = barlow_twins_forward(scratch, first, second, &twins);
 *     barlow_twins_backward(dfirst, dsecond, first, second, scratch, &twins);
 *
 * It needs the batch as a whole: a trainer that takes it in parts joins their projections first (twin_step.h). One
 * thread computes it, so that its bits depend on the batch alone. */
#ifndef BARLOW_TWINS_H
#define BARLOW_TWINS_H

#include "kernels/gemm.h"

struct barlow_twins {
    int n, d;            /* images; numbers of a projection: 1 or more each */
    float redundancy;    /* the weight of the second sum (the paper's lambda) */
    gemm_function *gemm; /* gemm_fast, or gemm_exact for the same bits on every machine */
};

/* Floats of scratch. */
size_t barlow_twins_scratch_count(int n, int d);

/* The loss of projections first, second (n, d). Standard deviations are those of batchnorm.h. */
double barlow_twins_forward(float *scratch, const float *first, const float *second, const struct barlow_twins *twins);

/* dfirst, dsecond (n, d), overwritten: the gradient of the loss; scratch is as barlow_twins_forward has left it for the
 * same projections, and holds nothing of use afterwards. */
void barlow_twins_backward(float *dfirst, float *dsecond, const float *first, const float *second, float *scratch,
                           const struct barlow_twins *twins);

#endif
