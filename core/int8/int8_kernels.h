/* The layers of a quantized model (net_int8.h): inference in int8 weights and 12-bit activations, int8_layer.h has
 * the arithmetic.
 *
 *     int8_conv_pack(layer.weights, weights, &window);          // of int8_conv_packed(&window) + INT8_SLACK bytes
 *     int8_conv(out, in, &layer, scratch, &window);      // scratch of int8_conv_scratch(&window) bytes, aligned to 4
 *     int8_clamp(out, out, 0, ACTIVATION_MAX, count);           // a ReLU */
#ifndef INT8_KERNELS_H
#define INT8_KERNELS_H

#include "int8/int8_layer.h"

/* Bytes of packed weights and of scratch. weights (kernel_h, kernel_w, in.c, out.c) or, depthwise, (kernel_h,
 * kernel_w, c). */
size_t int8_conv_packed(const struct window *window);
size_t int8_conv_scratch(const struct window *window);
void int8_conv_pack(void *packed, const int8_t *weights, const struct window *window);
size_t int8_depthwise_packed(const struct window *window);
size_t int8_depthwise_scratch(const struct window *window);
void int8_depthwise_pack(void *packed, const int8_t *weights, const struct window *window);

/* out (out.h, out.w, out.c), or half the height and width with layer->pool, from in (in.h, in.w, in.c). */
void int8_conv(int16_t *out, const int16_t *in, const struct int8_layer *layer, void *scratch,
               const struct window *window);
void int8_depthwise(int16_t *out, const int16_t *in, const struct int8_layer *layer, void *scratch,
                    const struct window *window);

/* Padding never takes part. */
void int8_maxpool(int16_t *out, const int16_t *in, const struct window *window);

/* clamp(floor(sum * factor[outside] / 2^INT8_FRACTION + 1/2)), with `outside` pixels of the window not inside the
 * input. */
void int8_avgpool(int16_t *out, const int16_t *in, const int64_t *factor, const struct window *window);

/* clamp(floor((a * factor_a + b * factor_b) / 2^INT8_ADD_FRACTION + 1/2)); the factors are not below 0. */
enum { INT8_ADD_FRACTION = 12 };
void int8_add(int16_t *out, const int16_t *a, const int16_t *b, int16_t factor_a, int16_t factor_b, size_t count);

/* clamp(floor(a * b * factor / 2^32 + 1/2)); factor is above 0. */
void int8_multiply(int16_t *out, const int16_t *a, const int16_t *b, int32_t factor, size_t count);

/* As channels.h has them for floats. concat: each value clamp(floor(x * factor / 2^INT8_ADD_FRACTION + 1/2)). */
void int8_concat(int16_t *out, const int16_t *a, const int16_t *b, int16_t factor_a, int16_t factor_b, size_t pixels,
                 int a_c, int b_c);
void int8_slice(int16_t *out, const int16_t *in, size_t pixels, int first, int count, int c);
void int8_shuffle(int16_t *out, const int16_t *in, size_t pixels, int groups, int c);

void int8_clamp(int16_t *out, const int16_t *in, int16_t min, int16_t max, size_t count);

/* out = table[ACTIVATION_MAX + in], table of 2 * ACTIVATION_MAX + 1. As int8_add, int8_multiply and
 * int8_clamp, in place too. */
void int8_look_up(int16_t *out, const int16_t *in, const int16_t *table, size_t count);

#endif
