/* Winograd's F(2x2, 3x3) in integers: 3x3 convolutions with stride 1 in 4/9 of the multiplications (Lavin and Gray
 * 2016).
 *
 *     4 * out tile (2, 2)  =  A' [ (2G w 2G')  *  (B' in tile (4, 4) B) ] A,    * elementwise, summed over in.c
 *
 * 2G has no fractions, so the filters are exact in 16 bits (9 * 128), the input is too (4 * ACTIVATION_MAX), and so
 * is the result: sums between may wrap around, 4 * out does not. Results are those of int8_conv to the bit, for
 * layers packed by int8_winograd_pack and with 4 times the bias and a quarter of the factor. Arguments are those of
 * int8_kernels.h.
 *
 *     if (int8_winograd_computes(&window)) {
 *         int8_winograd_pack(layer.weights, weights, &window);   // of int8_winograd_packed(&window) + INT8_SLACK bytes
 *         int8_winograd(out, in, &layer, scratch, &window);            // of int8_winograd_scratch(&window) bytes
 *     } */
#ifndef INT8_WINOGRAD_H
#define INT8_WINOGRAD_H

#include "int8/int8_layer.h"

/* Whether it computes this convolution. */
bool int8_winograd_computes(const struct window *window);

size_t int8_winograd_packed(const struct window *window);
size_t int8_winograd_scratch(const struct window *window);
void int8_winograd_pack(void *packed, const int8_t *weights, const struct window *window);
void int8_winograd(int16_t *out, const int16_t *in, const struct int8_layer *layer, void *scratch,
                   const struct window *window);

#endif
