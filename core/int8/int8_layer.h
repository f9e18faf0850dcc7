/* What int8 tensors and packed layers are: the ground that the kernels (int8_kernels.h, int8_winograd.h) and those
 * who pack for them stand on.
 *
 *     struct int8_layer layer = {.weights = memory, .bias = bias, .factor = factor,
 *                                .min = -ACTIVATION_MAX, .max = ACTIVATION_MAX};
 *     int8_conv_pack(layer.weights, weights, &window);
 *     for (int i = 0; i < int8_padded(window.out.c); i++) {
 *         const int channel = int8_channel(i);
 *         layer.bias[i] = channel < window.out.c ? bias_of[channel] : 0;
 *         layer.factor[i] = channel < window.out.c ? factor_of[channel] : 0;
 *     }
 *
 * A tensor is int16, NHWC, with values from -ACTIVATION_MAX to ACTIVATION_MAX, each standing for its multiple of the
 * tensor's scale; weights are int8 with a scale for each output channel. Sums are int32 and leave through one
 * multiplication (requantization):
 *
 *     out[o] = clamp(floor((bias[o] + sum of in * weights[o]) * factor[o] / 2^32 + 1/2), min, max)
 *
 * (Jacob et al. 2018). Everything is exact, so the order of the sums and the width of the vectors do not show in the
 * result. Activations have 12 bits because products of int16 are what machines do fastest from 8 bits on: the other
 * 4 cost nothing.
 *
 * The caller sees to it that no sum can leave 32 bits, not even times 4 (net_int8.c). Behind every array that a
 * kernel reads it may read INT8_SLACK bytes more, whatever they are. */
#ifndef INT8_LAYER_H
#define INT8_LAYER_H

#include "base/shape.h"
#include "base/vec/vec.h"

#include <stdbool.h>
#include <stdint.h>

/* INT8_PANEL: output channels of a panel of packed weights. INT8_FRACTION: fraction bits of a factor before it is
 * stored. */
enum { ACTIVATION_MAX = 2047, INT8_SLACK = 64, INT8_PANEL = 2 * VEC_LANES, INT8_FRACTION = 30 };

/* A conv2d, depthwise or dense layer, packed. The memory is the caller's. */
struct int8_layer {
    void *weights;
    int32_t *bias, *factor; /* (int8_padded(out.c)), channel int8_channel(i) at index i; factor > 0 in units of 2^-32 */
    int16_t min, max;
    bool pool; /* conv: store the maximum of each 2x2 outputs instead; a row or column left over is dropped */
};

/* Numbers that a layer stores of an image. */
static inline size_t int8_stored(const struct window *window, const struct int8_layer *layer)
{
    const struct shape out = window->out;
    return layer->pool ? shape_count((struct shape){out.h / 2, out.w / 2, out.c}) : shape_count(out);
}

/* Channels in full panels, and in which order a panel holds them: that in which ivec_narrow (vec.h) takes them. */
static inline int int8_padded(int channels) { return (channels + INT8_PANEL - 1) / INT8_PANEL * INT8_PANEL; }
static inline int int8_channel(int i)
{
    return i / INT8_PANEL * INT8_PANEL + IVEC_POSITION(i % INT8_PANEL / VEC_LANES, i % VEC_LANES);
}

#endif
