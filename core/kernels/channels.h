/* Layers that move channels and compute nothing: two tensors as one, a part of one, the channels in another order.
 *
 *     channels_concat_forward(out, in, second, pixels, c, second_c);
 *     channels_concat_backward(din, dout, pixels, 0, c, c + second_c);
 *     channels_slice_forward(out, in, pixels, first, count, c);
 *     channels_shuffle_forward(out, in, pixels, groups, c);
 *
 * Pixels are those of all images: n * h * w. No output may overlap an input. */
#ifndef CHANNELS_H
#define CHANNELS_H

#include <stddef.h>

/* out (pixels, c + second_c): in (pixels, c), behind it second (pixels, second_c). */
void channels_concat_forward(float *out, const float *in, const float *second, size_t pixels, int c, int second_c);

/* The gradient of the input, din (pixels, count), whose channels are those from `first` on of dout (pixels, c). */
void channels_concat_backward(float *din, const float *dout, size_t pixels, int first, int count, int c);

/* out (pixels, count): channels `first` .. first + count - 1 of in (pixels, c). din is overwritten. */
void channels_slice_forward(float *out, const float *in, size_t pixels, int first, int count, int c);
void channels_slice_backward(float *din, const float *dout, size_t pixels, int first, int count, int c);

/* out[j * groups + i] = in[i * (c / groups) + j] (Zhang et al. 2018, ShuffleNet): c is a multiple of groups. */
void channels_shuffle_forward(float *out, const float *in, size_t pixels, int groups, int c);
void channels_shuffle_backward(float *din, const float *dout, size_t pixels, int groups, int c);

#endif
