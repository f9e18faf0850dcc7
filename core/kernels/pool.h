/* Max and average pooling. A maximum or a mean is over the pixels inside the input: padding takes no part, but for a
 * mean with window.count_padding, whose divisor is the whole window.
 *
 *     const struct window window = {.in = {8, 8, 16}, .out = {4, 4, 16}, .kernel_h = 2, .kernel_w = 2, .stride = 2,
 *                                   .dilation = 1, .groups = 1};
 *     pool_max_forward(out, in, n, &window);
 *     pool_max_backward(din, dout, out, in, n, &window);
 *
 * Each window has at least one pixel inside the input (window_valid, shape.h). No output may overlap an input. */
#ifndef POOL_H
#define POOL_H

#include "base/shape.h"

/* out (n, out.h, out.w, c) from in (n, in.h, in.w, c). */
void pool_max_forward(float *out, const float *in, int n, const struct window *window);

/* din is overwritten; the gradient goes to the first maximum of each window, whose value out holds. */
void pool_max_backward(float *din, const float *dout, const float *out, const float *in, int n,
                       const struct window *window);

/* As above; din is overwritten. */
void pool_average_forward(float *out, const float *in, int n, const struct window *window);
void pool_average_backward(float *din, const float *dout, int n, const struct window *window);

#endif
