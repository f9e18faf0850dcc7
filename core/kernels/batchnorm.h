/* Batch normalisation (Ioffe and Szegedy, 2015), a channel at a time over `rows` = n * h * w pixels.
 *
 *     out = (in - mean) / sqrt(variance + BATCHNORM_EPSILON) * scale + shift
 *
 *     batchnorm_forward(out, mean, std, in, scale, shift, rows, c);                            // training
 *     batchnorm_backward(din, dscale, dshift, dout, in, mean, std, scale, rows, c);
 *     batchnorm_fold(factor, offset, scale, shift, running_mean, running_variance, c);         // inference
 *     batchnorm_apply(out, in, factor, offset, rows, c);
 *
 * While training, mean and variance are those of the images that one call sees. The trainer calls it with a fixed part
 * of the batch ("ghost" batch norm, Hoffer et al. 2017), so the result does not depend on the number of threads. */
#ifndef BATCHNORM_H
#define BATCHNORM_H

#define BATCHNORM_EPSILON 1e-3f /* Keras's default */

/* out (rows, c), which may be in; mean, std (c) are outputs that the backward pass reads. */
void batchnorm_forward(float *out, float *mean, float *std, const float *in, const float *scale, const float *shift,
                       int rows, int c);

/* Overwrites din, which may be dout, and adds to dscale and dshift. */
void batchnorm_backward(float *din, float *dscale, float *dshift, const float *dout, const float *in, const float *mean,
                        const float *std, const float *scale, int rows, int c);

/* For inference: the layer as out = in * factor + offset, from its running statistics. out may be in. */
void batchnorm_fold(float *factor, float *offset, const float *scale, const float *shift, const float *mean,
                    const float *variance, int c);
void batchnorm_apply(float *out, const float *in, const float *factor, const float *offset, int rows, int c);

#endif
