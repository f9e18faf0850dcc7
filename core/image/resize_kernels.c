#include "image/resize_kernels.h"

#include "base/vec/vec.h"

bool resize_is_opaque(const uint8_t *rgba, int count)
{
    uint32_t all = UINT32_MAX, pixel;
    VEC_KEEP_SMALL
    for (const uint8_t *end = rgba + (size_t)count * 4; rgba < end; rgba += sizeof pixel) {
        memcpy(&pixel, rgba, sizeof pixel);
        all &= pixel;
    }
    uint8_t bytes[4];
    memcpy(bytes, &all, sizeof all);
    return bytes[3] == 255;
}

/* The four bytes of a pixel at once; what becomes of the alpha is nothing's. */
void resize_narrow(uint8_t *out, const uint8_t *rgba, int step, const struct resize_pass *pass, int outputs)
{
    for (int x = 0; x < outputs; x++, out += 3) {
        const uint8_t *pixel = rgba + pass->first[x] * step * 4;
        const int32_t *weight = pass->weight + x * pass->taps;
        quad sum = quad_set1(RESIZE_HALF);
        for (int k = 0; k < pass->count[x]; k++)
            sum = quad_add(sum, quad_mul(quad_widen_bytes(pixel + k * step * 4), quad_set1(weight[k])));
        uint8_t bytes[8];
        quad_store_bytes(bytes, quad_right(sum, RESIZE_BITS), quad_set1(0));
        memcpy(out, bytes, 3);
    }
}

void resize_add(int32_t *restrict sums, const uint8_t *restrict values, int count, int32_t weight)
{
    const quad factor = quad_set1(weight);
    int i = 0;
    for (; i + 4 <= count; i += 4)
        quad_store(sums + i, quad_add(quad_load(sums + i), quad_mul(quad_widen_bytes(values + i), factor)));
    VEC_KEEP_SMALL
    for (; i < count; i++)
        sums[i] += values[i] * weight;
}
