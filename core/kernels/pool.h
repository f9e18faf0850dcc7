/* Pooling over windows. Padding never takes part: a maximum or a mean is over the pixels inside the input. */
#ifndef POOL_H
#define POOL_H

#include "base/shape.h"

/* out (n, out.h, out.w, c) from in (n, in.h, in.w, c). */
void maxpool_forward(float *out, const float *in, int n, const struct window *window);

/* din is overwritten; the gradient goes to the first maximum of each window. */
void maxpool_backward(float *din, const float *dout, const float *out, const float *in, int n,
                      const struct window *window);

void avgpool_forward(float *out, const float *in, int n, const struct window *window);
void avgpool_backward(float *din, const float *dout, int n, const struct window *window);

#endif
