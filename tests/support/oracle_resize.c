#include "support/oracle.h"

#include "support/test.h"

#include <math.h>

#define FOR(i, count) for (int i = 0; i < (count); i++)

/* ---- Pillow's resize: Resample.c, ImagingResampleHorizontal_8bpc and its vertical twin, one value at a time ---- */

static uint8_t resampled(const uint8_t *in, int count, int step, int to, int to_count)
{
    const double scale = (double)count / to_count, filter_scale = fmax(scale, 1), center = (to + 0.5) * scale;
    int min = (int)(center - filter_scale + 0.5), max = (int)(center + filter_scale + 0.5);
    min = min < 0 ? 0 : min;
    max = max > count ? count : max;
    double sum = 0;
    for (int i = min; i < max; i++)
        sum += fmax(0, 1 - fabs((i - center + 0.5) * (1 / filter_scale)));
    int64_t total = 1 << 21;
    for (int i = min; i < max; i++) {
        const double weight = fmax(0, 1 - fabs((i - center + 0.5) * (1 / filter_scale))) / sum;
        total += (int64_t)in[(ptrdiff_t)i * step] * (int64_t)(0.5 + weight * (1 << 22));
    }
    total >>= 22;
    return (uint8_t)(total > 255 ? 255 : total);
}

void oracle_resize(uint8_t *out, int out_w, int out_h, const uint8_t *in, int w, int h)
{
    uint8_t *narrowed = test_bytes((size_t)(h * out_w * 3));
    FOR(y, h) FOR(x, out_w) FOR(c, 3) narrowed[(y * out_w + x) * 3 + c] = resampled(in + y * w * 3 + c, w, 3, x, out_w);
    FOR(y, out_h)
    FOR(x, out_w) FOR(c, 3) out[(y * out_w + x) * 3 + c] = resampled(narrowed + x * 3 + c, h, out_w * 3, y, out_h);
}
