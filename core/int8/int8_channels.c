/* The layers that move channels (kernels/channels.h), in integers. */
#include "int8/int8_kernels.h"

#include "base/contract.h"
#include "int8/int8_tile.h"

#include <assert.h>
#include <string.h>

#ifndef NDEBUG
static bool apart(const int16_t *to, int to_c, const int16_t *from, int from_c, size_t pixels)
{
    return to && from && to_c > 0 && from_c > 0 &&
           contract_apart(to, pixels * (size_t)to_c * sizeof *to, from, pixels * (size_t)from_c * sizeof *from);
}
#endif

/* Pixels of c values, `step` apart in the output, from a tensor of another scale: each value, in a pair with 0, times
 * the factor. */
static void rescale(int16_t *out, int step, const int16_t *in, int16_t factor, size_t pixels, int c)
{
    const int16_t pair[2] = {factor, 0};
    const ivec factors = ivec_pairs(pair), unit = ivec_set1(1 << (32 - INT8_ADD_FRACTION));
    const ivec min = ivec_set1_16(-ACTIVATION_MAX), max = ivec_set1_16(ACTIVATION_MAX);
    for (size_t i = 0; i < pixels; i++, out += step, in += c)
        for (int k = 0; k < c; k += INT8_PANEL) {
            const ivec x = ivec_load(in + k);
            const ivec low = ivec_scale(ivec_dot(ivec_low(x, x), factors), unit);
            const ivec high = ivec_scale(ivec_dot(ivec_high(x, x), factors), unit);
            int8_store(out + k, ivec_min16(ivec_max16(ivec_narrow(low, high), min), max), c - k);
        }
}

void int8_concat(int16_t *out, const int16_t *a, const int16_t *b, int16_t factor_a, int16_t factor_b, size_t pixels,
                 int a_c, int b_c)
{
    assert(factor_a >= 0 && factor_b >= 0 && apart(out, a_c + b_c, a, a_c, pixels) &&
           apart(out, a_c + b_c, b, b_c, pixels));
    rescale(out, a_c + b_c, a, factor_a, pixels, a_c);
    rescale(out + a_c, a_c + b_c, b, factor_b, pixels, b_c);
}

void int8_slice(int16_t *out, const int16_t *in, size_t pixels, int first, int count, int c)
{
    assert(apart(out, count, in, c, pixels) && first >= 0 && first + count <= c);
    for (size_t i = 0; i < pixels; i++, out += count, in += c)
        memcpy(out, in + first, (size_t)count * sizeof *out);
}

void int8_shuffle(int16_t *out, const int16_t *in, size_t pixels, int groups, int c)
{
    assert(apart(out, c, in, c, pixels) && groups > 0 && c % groups == 0);
    const int size = c / groups;
    for (size_t i = 0; i < pixels; i++, in += c)
        for (int j = 0; j < size; j++)
            for (int group = 0; group < groups; group++)
                *out++ = in[group * size + j];
}
