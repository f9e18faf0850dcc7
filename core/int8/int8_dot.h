/* Dot products of many int8 vectors with one of int16: exact search among embeddings.
 *
 *     int32_t products[2];
 *     int8_dot(products, vectors, query, 2, 64);
 *
 * Everything is exact in 32 bits, so results are the same on every machine, as long as no sum of absolute products
 * leaves them: with |query| <= ACTIVATION_MAX and |vectors| <= 127 up to 8,192 numbers cannot. */
#ifndef INT8_DOT_H
#define INT8_DOT_H

#include <stdint.h>

enum { INT8_DOT_STEP = 64 }; /* vectors are padded with zeros to a multiple of this */

/* out (n) from vectors (n, d) and query (d); d is a multiple of INT8_DOT_STEP. */
void int8_dot(int32_t *out, const int8_t *vectors, const int16_t *query, int n, int d);

#endif
