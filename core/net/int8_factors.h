/* The numbers that scales make (net_int8.h): what int8_scales.c checks and net_int8.c computes with.
 *
 *     const int16_t factor = (int16_t)int8_nearest(int8_add_factor(in, out)); */
#ifndef INT8_FACTORS_H
#define INT8_FACTORS_H

#include "image/image.h"
#include "int8/int8_kernels.h"

static inline int64_t int8_nearest(double x) { return (int64_t)(x + (x < 0 ? -0.5 : 0.5)); }

static inline bool int8_positive(float x) { return x > 0 && x - x == 0; }

/* Of each input of add and concat; of multiply. */
static inline double int8_add_factor(float in, float out)
{
    return (double)in / (double)out * (1 << INT8_ADD_FRACTION);
}

static inline double int8_product_factor(float first, float second, float out)
{
    return (double)first * (double)second / (double)out * 0x1p32;
}

/* What a byte of channel c means to the network. */
float int8_normalised(int byte, int c, const struct preprocess *preprocess);

#endif
