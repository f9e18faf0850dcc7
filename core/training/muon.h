/* Muon (Jordan et al. 2024): momentum whose direction is made orthogonal, for the filters of convolutions.
 *
 *     v = momentum v + g;  d = g + momentum v (Nesterov);  w = w sqrt(out) / |w|;  w -= learning rate * orthogonal(d)
 *
 * as in Keller Jordan's airbench94_muon. orthogonal(d) brings all singular values of the matrix d near 1 by three
 * Newton-Schulz steps X = aX + (bA + cAA)X, A = XX', which start from d / |d|.
 *
 *     const struct muon muon = {.learning_rate = 0.02f, .momentum = 0.6f, .rows = 27, .columns = 16,
 *                               .gemm = gemm_fast};
 *     muon_step(w, gradient, velocity, scratch, &muon);      // scratch: muon_scratch_count(27, 16) floats */
#ifndef MUON_H
#define MUON_H

#include "kernels/gemm.h"

#include <stddef.h>

/* Floats of scratch for a matrix of this shape. */
size_t muon_scratch_count(int rows, int columns);

/* What weights (count) with so many output channels are multiplied with to have the size that Muon keeps. */
float muon_scale(const float *w, size_t count, int columns);

struct muon {
    float learning_rate, momentum;
    int rows, columns; /* of the weights; columns are the output channels */
    gemm_function *gemm;
};

/* One step for w (rows, columns); velocity (rows, columns) is kept by the caller. */
void muon_step(float *w, const float *gradient, float *velocity, float *scratch, const struct muon *muon);

#endif
