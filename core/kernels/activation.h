/* Activations, softmax and dropout, sums and products, elementwise over `count` values. out may be in and din may be
 * dout; no other two may overlap.
 *
 *     activation_relu_forward(out, in, count);
 *     activation_relu_backward(din, dout, out, count);
 *     activation_softmax_forward(probabilities, logits, 1, n, classes);
 *
 * The exponential is this project's own, so that results are the same on every machine (libm's differ): relative
 * error below 3e-7 on [-87, 88]. Backward passes take what they are computed from: `out` or `in`. */
#ifndef ACTIVATION_H
#define ACTIVATION_H

#include <stddef.h>
#include <stdint.h>

/* in + second; ceiling as in gemm.h: of the ReLU or ReLU6 behind it. The gradient of both is dout. */
void activation_add_forward(float *out, const float *in, const float *second, float ceiling, size_t count);

/* in * second, and the gradient of one of the two from the values of the other; out may be second, too. */
void activation_multiply_forward(float *out, const float *in, const float *second, size_t count);
void activation_multiply_backward(float *din, const float *dout, const float *other, size_t count);

/* The gradient of a second input (c) that was added to, or multiplied, every pixel of one image (pixels, c): a sum over
 * the pixels, in their order. */
void activation_add_backward_channels(float *dsecond, const float *dout, size_t pixels, int c);
void activation_multiply_backward_channels(float *dsecond, const float *dout, const float *in, size_t pixels, int c);

void activation_relu_forward(float *out, const float *in, size_t count); /* max(x, 0) */
void activation_relu_backward(float *din, const float *dout, const float *out, size_t count);

void activation_relu6_forward(float *out, const float *in, size_t count); /* min(max(x, 0), 6) */
void activation_relu6_backward(float *din, const float *dout, const float *out, size_t count);

void activation_sigmoid_forward(float *out, const float *in, size_t count); /* 1 / (1 + exp(-x)) */
void activation_sigmoid_backward(float *din, const float *dout, const float *out, size_t count);

void activation_tanh_forward(float *out, const float *in, size_t count);
void activation_tanh_backward(float *din, const float *dout, const float *out, size_t count);

/* x * Phi(x) in its tanh form (Hendrycks and Gimpel 2016): x / (1 + exp(-2k (x + 0.044715 x^3))), k = sqrt(2 / pi).
 * Its backward pass needs the input, so it is never done in place. */
void activation_gelu_forward(float *out, const float *in, size_t count);
/* For inference: what lies between -1e-24 and 0 is 0. Such tails are far below any sum's last bit, and products of
 * them would be slow denormals. */
void activation_gelu_forward_cut(float *out, const float *in, size_t count);
void activation_gelu_backward(float *din, const float *dout, const float *in, size_t count);

/* x * relu6(x + 3) / 6 (Howard et al. 2019, MobileNetV3). Its backward pass needs the input, as gelu's. */
void activation_hardswish_forward(float *out, const float *in, size_t count);
void activation_hardswish_backward(float *din, const float *dout, const float *in, size_t count);

/* x * sigmoid(x) (Elfwing et al. 2017). Its backward pass needs the input, as gelu's. */
void activation_silu_forward(float *out, const float *in, size_t count);
void activation_silu_backward(float *din, const float *dout, const float *in, size_t count);

/* relu6(x + 3) / 6 */
void activation_hardsigmoid_forward(float *out, const float *in, size_t count);
void activation_hardsigmoid_backward(float *din, const float *dout, const float *out, size_t count);

/* x, or slope x below 0; slope is not below 0. */
void activation_leaky_relu_forward(float *out, const float *in, float slope, size_t count);
void activation_leaky_relu_backward(float *din, const float *dout, const float *out, float slope, size_t count);

/* The same with a slope, of any sign, for each channel: (pixels, c). dslopes (c) is added to. */
void activation_prelu_forward(float *out, const float *in, const float *slopes, size_t pixels, int c);
void activation_prelu_backward(float *din, const float *dout, const float *in, const float *slopes, size_t pixels,
                               int c);
void activation_prelu_backward_slopes(float *dslopes, const float *dout, const float *in, size_t pixels, int c);

/* out (n, c): exp(in / temperature), scaled to sum 1 over c. */
void activation_softmax_forward(float *out, const float *in, float temperature, int n, int c);
void activation_softmax_backward(float *din, const float *dout, const float *out, float temperature, int n, int c);

/* Zeroes each value with probability `rate` and scales the others by 1 / (1 - rate) (Srivastava et al. 2014). Value
 * i is kept or not by random_at(seed, stream, first + i), so backward repeats forward and no mask is stored. */
void activation_dropout_forward(float *out, const float *in, float rate, uint64_t seed, uint64_t stream, uint64_t first,
                                size_t count);
void activation_dropout_backward(float *din, const float *dout, float rate, uint64_t seed, uint64_t stream,
                                 uint64_t first, size_t count);

#endif
