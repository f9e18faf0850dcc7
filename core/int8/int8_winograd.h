/* Winograd's F(2x2, 3x3) in whole numbers: 3x3 convolutions with stride 1 in 4/9 of the multiplications (Lavin and Gray 2016).
 *
 *     4 * out tile (2, 2)  =  A' [ (2G w 2G')  *  (B' in tile (4, 4) B) ] A,    * elementwise, summed over the input's channels
 *
 * 2G has no fractions, so the filters are exact in 16 bits (9 * 128), the input is too (4 * INTEGER_MOST), and so is the result:
 * sums between may wrap around, 4 * out does not. Results are those of integer_conv to the bit, for layers packed by
 * integer_winograd_pack and with 4 times the bias and a quarter of the factor. Arguments are those of int8_kernels.h. */
#ifndef INTEGER_WINOGRAD_H
#define INTEGER_WINOGRAD_H

#include "int8/int8_kernels.h"

/* Whether it computes this convolution. */
bool integer_winograd_computes(const struct window *window);

size_t integer_winograd_packed(const struct window *window);
size_t integer_winograd_scratch(const struct window *window);
void integer_winograd_pack(void *packed, const int8_t *weights, const struct window *window);
void integer_winograd(int16_t *out, const int16_t *in, const struct integer_layer *layer, void *scratch, const struct window *window);

#endif
