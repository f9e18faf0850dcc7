/* What a resize does to every pixel (resizer.h plans it).
 *
 *     resize_narrow(out, rgba, 1, &across, outputs);
 */
#ifndef RESIZE_KERNELS_H
#define RESIZE_KERNELS_H

#include <stdbool.h>
#include <stdint.h>

/* Of a weight behind its point: Pillow's PRECISION_BITS, 32 less 8 of the pixel, less 2 of headroom. */
enum { RESIZE_BITS = 22, RESIZE_HALF = 1 << (RESIZE_BITS - 1) };

/* One pass: output i is the sum of count[i] inputs from first[i] on, weighted by weight[i * taps ...] in fixed point. */
struct resize_pass {
    int taps;
    int32_t *first, *count, *weight;
};

/* Whether the alpha of all `count` pixels is 255. */
bool resize_is_opaque(const uint8_t *rgba, int count);

/* A row of the pass across: out (outputs, 3) of pixels, the first at rgba and each next one `step` behind, 1 or -1. */
void resize_narrow(uint8_t *out, const uint8_t *rgba, int step, const struct resize_pass *pass, int outputs);

/* Adds weighted values to sums, which begin with RESIZE_HALF, so that they are rounded. */
void resize_add(int32_t *restrict sums, const uint8_t *restrict values, int count, int32_t weight);

static inline uint8_t resize_clip(int32_t sum)
{
    sum >>= RESIZE_BITS;
    return (uint8_t)(sum < 0 ? 0 : sum > 255 ? 255 : sum);
}

#endif
