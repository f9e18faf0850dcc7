/* Layers in whole numbers, for inference: the kernels of a quantized model (net_int8.h).
 *
 * A tensor holds numbers of 16 bits, NHWC, from -ACTIVATION_MAX to ACTIVATION_MAX, each standing for its multiple of the tensor's
 * scale; weights have 8 bits and a scale for each output channel. Sums have 32 bits and leave through one multiplication:
 *
 *     out[o] = clamp(floor((bias[o] + sum of in * weights[o]) * factor[o] / 2^32 + 1/2), least, most)
 *
 * (Jacob et al. 2018). Everything is exact, so the order of the sums and the width of the vectors do not show in the result.
 * Activations have 12 bits because products of 16 bits are what machines do fastest from 8 bits on: the other 4 cost nothing.
 *
 * The caller sees to it that no sum can leave 32 bits, not even times 4 (net_int8.c). Behind every array that a kernel
 * reads it may read INT8_SLACK bytes more, whatever they are. */
#ifndef INT8_H
#define INT8_H

#include "base/shape.h"
#include "base/vec/vec.h"

#include <stdbool.h>
#include <stdint.h>

enum { ACTIVATION_MAX = 2047, INT8_SLACK = 64, INT8_PANEL = 2 * VEC_LANES, INT8_FRACTION = 30 };

/* A conv2d, depthwise or dense layer, packed. */
struct int8_layer {
    void *weights;
    int32_t *bias, *factor; /* (int8_padded(out.c)), channel int8_channel(i) at place i; factor in units of 2^-32 */
    int16_t least, most;
    bool pool; /* conv: store the largest of each 2x2 numbers instead; a row or column left over is dropped */
};

/* Channels in whole panels, and in which order a panel holds them: that in which ivec_narrow (vec.h) takes them. */
static inline int int8_padded(int channels)
{
    return (channels + INT8_PANEL - 1) / INT8_PANEL * INT8_PANEL;
}
static inline int int8_channel(int i)
{
    return i / INT8_PANEL * INT8_PANEL + IVEC_POSITION(i % INT8_PANEL / VEC_LANES, i % VEC_LANES);
}

/* Bytes of packed weights and of scratch. weights (kernel_h, kernel_w, in.c, out.c) or, depthwise, (kernel_h, kernel_w, c). */
size_t int8_conv_packed(const struct window *window);
size_t int8_conv_scratch(const struct window *window);
void int8_conv_pack(void *packed, const int8_t *weights, const struct window *window);
size_t int8_depthwise_packed(const struct window *window);
size_t int8_depthwise_scratch(const struct window *window);
void int8_depthwise_pack(void *packed, const int8_t *weights, const struct window *window);

/* out (out.h, out.w, out.c), or half the height and width with layer->pool, from in (in.h, in.w, in.c). */
void int8_conv(int16_t *out, const int16_t *in, const struct int8_layer *layer, void *scratch, const struct window *window);
void int8_depthwise(int16_t *out, const int16_t *in, const struct int8_layer *layer, void *scratch, const struct window *window);

void int8_maxpool(int16_t *out, const int16_t *in, const struct window *window);

/* clamp(floor(sum * factor[outside] / 2^INT8_FRACTION + 1/2)), with `outside` pixels of the window not inside the input. */
void int8_avgpool(int16_t *out, const int16_t *in, const int64_t *factor, const struct window *window);

/* clamp(floor((a * factor_a + b * factor_b) / 2^INT8_ADD_FRACTION + 1/2)); the factors are not below 0. */
enum { INT8_ADD_FRACTION = 12 };
void int8_add(int16_t *out, const int16_t *a, const int16_t *b, int16_t factor_a, int16_t factor_b, size_t count);

void int8_clamp(int16_t *out, const int16_t *in, int16_t least, int16_t most, size_t count);

/* out = table[ACTIVATION_MAX + in] */
void int8_look_up(int16_t *out, const int16_t *in, const int16_t *table, size_t count);

#endif
