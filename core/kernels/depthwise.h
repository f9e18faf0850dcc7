/* Depthwise convolution: every channel has a filter of its own (Sifre and Mallat 2014; Howard et al. 2017,
 * MobileNets).
 *
 *     out[i, y, x, c] = bias[c] + sum over ky, kx of in[i, y*stride + ky - pad_top, x*stride + kx - pad_left, c]
 *                                                    * weights[ky, kx, c]
 *
 *     depthwise_forward(out, in, weights, bias, 6, n, &window);         // with a ReLU6
 *     depthwise_backward_input(din, dout, weights, n, &window);
 *     depthwise_backward_weights(dweights, dout, in, n, &window);
 *
 * weights are (kernel_h, kernel_w, c), read as they are: nothing is packed or copied, and taps outside the input are
 * left out. All sums add their products in order, each rounded twice (multiply, then add), so results and gradients
 * are the same on every machine. The bias's gradient is conv_backward_bias (conv.h). */
#ifndef DEPTHWISE_H
#define DEPTHWISE_H

#include "base/shape.h"

/* out (n, out.h, out.w, c) from in (n, in.h, in.w, c); bias (c) or NULL. ceiling: 0 stores the sums, else it stores
 * min(max(sum, 0), ceiling): INFINITY is a ReLU, 6 a ReLU6. */
void depthwise_forward(float *out, const float *in, const float *weights, const float *bias, float ceiling, int n,
                       const struct window *window);

/* din is overwritten. */
void depthwise_backward_input(float *din, const float *dout, const float *weights, int n, const struct window *window);

/* Adds to dweights. */
void depthwise_backward_weights(float *dweights, const float *dout, const float *in, int n,
                                const struct window *window);

#endif
