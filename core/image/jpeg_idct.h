/* From a block's quantized coefficients to its samples.
 *
 *     jpeg_idct(samples, stride, coefficients, quantization); // writes 8 rows of 8 bytes
 *
 * The algorithm and its rounding are those of libjpeg's accurate integer method (JDCT_ISLOW), which browsers and
 * Pillow use, to the bit. Where numbers do not fit 32 bits, which no encoder's do, they wrap: any coefficients give the
 * same samples on every machine. */
#ifndef JPEG_IDCT_H
#define JPEG_IDCT_H

#include <stddef.h>
#include <stdint.h>

/* Coefficients and quantization row by row, not along the zigzag. */
void jpeg_idct(uint8_t *samples, ptrdiff_t stride, const int16_t coefficients[64], const uint16_t quantization[64]);

#endif
