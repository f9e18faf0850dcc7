/* 2-D convolution (cross-correlation, as in every framework), and the dense layer, which is a 1x1 convolution of a
 * 1x1 image.
 *
 *     out[i, y, x, o] = bias[o] + sum over ky, kx, c of
 *         in[i, y*stride + ky*dilation - pad_top, x*stride + kx*dilation - pad_left, first(o) + c] *
 *         weights[ky, kx, c, o]
 *
 * With `groups` above 1 the channels fall into so many parts in order, and an output sees those of its part:
 * first(o) = o / (out.c / groups) * (in.c / groups), 0 <= c < in.c / groups; else all, first(o) = 0. weights are
 * (kernel_h, kernel_w, in.c / groups, out.c). Forward, the input's gradient and the weights' gradient are the same
 * implicit GEMM (gemm.h) through different axes, group by group; only padded borders are copied, into scratch.
 *
 *     conv_pack(packed, weights, &window);                                      // conv_packed_count(&window)
 *     conv_forward(out, in, packed, bias, 0, scratch, n, &window, gemm_exact);  // conv_forward_scratch(n, &window)
 *     conv_pack_backward(packed_backward, weights, &window);
 *     conv_backward_input(din, dout, packed_backward, scratch, n, &window, gemm_fast);
 *
 * No output may overlap an input or scratch. */
#ifndef CONV_H
#define CONV_H

#include "kernels/gemm.h"
#include "base/shape.h"

/* Floats of packed weights, for conv_forward and for conv_backward_input. */
size_t conv_packed_count(const struct window *window);
size_t conv_packed_backward_count(const struct window *window);
void conv_pack(float *packed, const float *weights, const struct window *window);
void conv_pack_backward(float *packed, const float *weights, const struct window *window);

/* Floats of scratch that a call with n images needs. */
size_t conv_forward_scratch(int n, const struct window *window);
size_t conv_backward_input_scratch(int n, const struct window *window);
size_t conv_backward_weights_scratch(int n, const struct window *window);

/* out (n, out.h, out.w, out.c) from in (n, in.h, in.w, in.c); bias (out.c) or NULL; ceiling as in gemm.h. */
void conv_forward(float *out, const float *in, const float *packed, const float *bias, float ceiling, float *scratch,
                  int n, const struct window *window, gemm_function *gemm);

/* din is overwritten. */
void conv_backward_input(float *din, const float *dout, const float *packed_backward, float *scratch, int n,
                         const struct window *window, gemm_function *gemm);

/* Adds to dweights. */
void conv_backward_weights(float *dweights, const float *dout, const float *in, float *scratch, int n,
                           const struct window *window, gemm_function *gemm);

/* Adds to dbias. */
void conv_backward_bias(float *dbias, const float *dout, int n, const struct window *window);

#endif
