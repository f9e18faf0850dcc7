/* Winograd's F(4, 3) along rows: 3x3 convolutions with stride 1 in half of the multiplications, for outputs of few
 * tiles.
 *
 *     out row (4)  =  A' [ sum over the three rows under the filter of (G w)  *  (B' in row (6)) ],    * elementwise
 *
 * in the notation of winograd.h, whose tiles of 4x4 pixels need four times as many transformed weights as there are
 * weights; these rows need twice as many. For one tile it is reading the weights that takes the time. Forward only;
 * arguments are those of conv.h. */
#ifndef WINOGRAD_ROWS_H
#define WINOGRAD_ROWS_H

#include "kernels/gemm.h"
#include "base/shape.h"

/* For the windows that winograd_computes accepts. */
size_t winograd_rows_packed_count(const struct window *window);
void winograd_rows_pack(float *packed, const float *weights, const struct window *window);
size_t winograd_rows_forward_scratch(int n, const struct window *window);
void winograd_rows_forward(float *out, const float *in, const float *packed, const float *bias, float ceiling,
                           float *scratch, int n, const struct window *window, gemm_function *gemm);

#endif
