/* Winograd's F(4x4, 3x3): 3x3 convolutions with stride 1 in a quarter of the multiplications (Lavin and Gray 2016).
 *
 *     out tile (4, 4)  =  A' [ (G w G')  *  (B' in tile (6, 6) B) ] A,    * elementwise, summed over in.c
 *
 * Input tiles overlap by two pixels. For each of the 36 points of a transformed tile the sum over channels is a
 * matrix product (tiles, in.c) x (in.c, out.c), which gemm.h computes. Backward is the adjoint of that formula, so
 * the gradients are those of the very sums that forward adds up:
 *
 *     dM = A dout A',    din = B [sum over out.c of (G w G') * dM] B',    dw = G' [sum over tiles of (B' in B) * dM] G
 *
 * The polynomial's points are 0, +-5/8, +-3/2 and infinity instead of the usual 0, +-1, +-2: with them the mean
 * error is twice that of the direct sum in float, not three times (256 channels). All transforms multiply, round,
 * then add, so with gemm_exact results do not depend on the machine. Arguments are those of conv.h.
 *
 *     if (winograd_computes(&window)) {
 *         winograd_pack(packed, weights, &window);               // winograd_packed_count(&window) floats
 *         winograd_forward(out, in, packed, bias, 0,
 *                          scratch, n, &window, gemm_exact);   // winograd_forward_scratch(n, &window) floats
 *     } */
#ifndef WINOGRAD_H
#define WINOGRAD_H

#include "kernels/gemm.h"
#include "base/shape.h"

enum { WINOGRAD_MIN_CHANNELS = 16 }; /* they fill any vector */

/* Whether it computes this convolution: 3x3, stride 1, from WINOGRAD_MIN_CHANNELS channels or more to as many. */
bool winograd_computes(const struct window *window);

/* Floats of transformed and packed weights, for winograd_forward and for winograd_backward. */
size_t winograd_packed_count(const struct window *window);
size_t winograd_packed_backward_count(const struct window *window);
void winograd_pack(float *packed, const float *weights, const struct window *window);
void winograd_pack_backward(float *packed, const float *weights, const struct window *window);

/* Floats of scratch that a call with n images needs. */
size_t winograd_forward_scratch(int n, const struct window *window);
size_t winograd_backward_scratch(int n, const struct window *window);

void winograd_forward(float *out, const float *in, const float *packed, const float *bias, float ceiling,
                      float *scratch, int n, const struct window *window, gemm_function *gemm);

/* din is overwritten, dweights added to; either may be NULL. */
void winograd_backward(float *din, float *dweights, const float *dout, const float *in, const float *packed_backward,
                       float *scratch, int n, const struct window *window, gemm_function *gemm);

#endif
