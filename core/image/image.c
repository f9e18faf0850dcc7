#include "image/image.h"

#include "base/bounds.h"

#include <string.h>

enum status image_check(int width, int height)
{
    if (width < 1 || height < 1 || width > LIMIT_IMAGE_SIDE || height > LIMIT_IMAGE_SIDE)
        return STATUS_IMAGE_SIZE;
    return (int64_t)width * height > LIMIT_IMAGE_PIXELS ? STATUS_IMAGE_SIZE : STATUS_OK;
}

struct rectangle {
    int x, y, width, height;
};

/* One pass of the resize: output i is the sum of count[i] inputs from first[i] on, weighted by weight[i * taps ...]
 * in fixed point. */
struct filter {
    int taps;
    int32_t *first, *count, *weight;
};

#define FILTER_BITS 22 /* Pillow's PRECISION_BITS: 32 bits less 8 of the pixel, less 2 of headroom */

/* Triangle filter, widened by the scale when shrinking: Pillow's precompute_coeffs and normalize_coeffs_8bpc. */
static struct filter filter_plan(int in, int out, struct arena *arena)
{
    const double scale = (double)in / out, support = scale < 1 ? 1 : scale;
    const int taps = ((int)support + (support > (int)support)) * 2 + 1;
    struct filter filter = {taps, arena_alloc(arena, (uint64_t)out, sizeof(int32_t)),
                            arena_alloc(arena, (uint64_t)out, sizeof(int32_t)),
                            arena_alloc(arena, (uint64_t)out * (uint64_t)taps, sizeof(int32_t))};
    double *exact = arena_alloc(arena, (uint64_t)taps, sizeof(double));
    if (!arena->base)
        return filter;

    for (int i = 0; i < out; i++) {
        const double center = (i + 0.5) * scale, narrow = 1.0 / support;
        int first = (int)(center - support + 0.5), last = (int)(center + support + 0.5);
        first = first < 0 ? 0 : first;
        last = last > in ? in : last;
        double sum = 0;
        for (int k = 0; k < last - first; k++) {
            double distance = (k + first - center + 0.5) * narrow;
            distance = distance < 0 ? -distance : distance;
            exact[k] = distance < 1 ? 1 - distance : 0;
            sum += exact[k];
        }
        for (int k = 0; k < last - first; k++)
            filter.weight[i * taps + k] = (int32_t)(0.5 + exact[k] / sum * (1 << FILTER_BITS));
        filter.first[i] = first;
        filter.count[i] = last - first;
    }
    return filter;
}

static uint8_t clip(int32_t sum)
{
    sum >>= FILTER_BITS;
    return (uint8_t)(sum < 0 ? 0 : sum > 255 ? 255 : sum);
}

static void over_background(uint8_t *rgb, const uint8_t *rgba, int count, const uint8_t background[3])
{
    for (int i = 0; i < count; i++, rgb += 3, rgba += 4) {
        const int alpha = rgba[3];
        if (alpha == 255) {
            memcpy(rgb, rgba, 3);
            continue;
        }
        for (int c = 0; c < 3; c++)
            rgb[c] = (uint8_t)((rgba[c] * alpha + background[c] * (255 - alpha) + 127) / 255);
    }
}

/* What `to` leaves free, if anything. */
static void fill(uint8_t *pixels, struct shape input, const struct rectangle *to, const uint8_t colour[3])
{
    if (to->width == input.w && to->height == input.h)
        return;
    for (int i = 0; i < input.h * input.w; i++)
        memcpy(pixels + i * 3, colour, 3);
}

static const uint8_t *pixel_at(const uint8_t *rgba, int width, int x, int y)
{
    return rgba + ((size_t)y * (size_t)width + (size_t)x) * 4;
}

static int rounded_quotient(int64_t a, int64_t b, int most)
{
    int64_t quotient = (2 * a + b) / (2 * b);
    return quotient < 1 ? 1 : quotient > most ? most : (int)quotient;
}

void image_resize(uint8_t *pixels, const uint8_t *rgba, int width, int height, struct shape input,
               const struct preprocess *preprocess, struct arena *arena)
{
    struct rectangle from = {0, 0, width, height}, to = {0, 0, input.w, input.h};
    const bool wide = (int64_t)width * input.h > (int64_t)height * input.w;
    if (preprocess->resize_mode == RESIZE_CROP && wide)
        from.width = rounded_quotient((int64_t)height * input.w, input.h, width);
    else if (preprocess->resize_mode == RESIZE_CROP)
        from.height = rounded_quotient((int64_t)width * input.h, input.w, height);
    else if (preprocess->resize_mode == RESIZE_PAD && wide)
        to.height = rounded_quotient((int64_t)height * input.w, width, input.h);
    else if (preprocess->resize_mode == RESIZE_PAD)
        to.width = rounded_quotient((int64_t)width * input.h, height, input.w);
    from.x = (width - from.width) / 2;
    from.y = (height - from.height) / 2;
    to.x = (input.w - to.width) / 2;
    to.y = (input.h - to.height) / 2;

    if (from.width == to.width && from.height == to.height) { /* every weight would be 1 or 0 */
        if (!arena->base)
            return;
        fill(pixels, input, &to, preprocess->background);
        for (int y = 0; y < to.height; y++)
            over_background(pixels + ((to.y + y) * input.w + to.x) * 3, pixel_at(rgba, width, from.x, from.y + y), to.width,
                            preprocess->background);
        return;
    }
    uint8_t *row = arena_alloc(arena, (uint64_t)from.width, 3);
    const struct filter across = filter_plan(from.width, to.width, arena);
    const struct filter down = filter_plan(from.height, to.height, arena);
    uint8_t *narrowed = arena_alloc(arena, (uint64_t)from.height * (uint64_t)to.width, 3);
    if (!arena->base)
        return;

    for (int y = 0; y < from.height; y++) {
        over_background(row, pixel_at(rgba, width, from.x, from.y + y), from.width, preprocess->background);
        uint8_t *out = narrowed + (size_t)y * (size_t)to.width * 3;
        for (int x = 0; x < to.width; x++)
            for (int c = 0; c < 3; c++) {
                int32_t sum = 1 << (FILTER_BITS - 1);
                for (int k = 0; k < across.count[x]; k++)
                    sum += row[(across.first[x] + k) * 3 + c] * across.weight[x * across.taps + k];
                out[x * 3 + c] = clip(sum);
            }
    }

    fill(pixels, input, &to, preprocess->background);
    for (int y = 0; y < to.height; y++)
        for (int x = 0; x < to.width * 3; x++) {
            int32_t sum = 1 << (FILTER_BITS - 1);
            for (int k = 0; k < down.count[y]; k++)
                sum += narrowed[(size_t)(down.first[y] + k) * (size_t)to.width * 3 + (size_t)x] *
                       down.weight[y * down.taps + k];
            pixels[((to.y + y) * input.w + to.x) * 3 + x] = clip(sum);
        }
}

void image_normalise(float *out, const uint8_t *pixels, struct shape input, const struct preprocess *preprocess)
{
    float scale[3], shift[3];
    for (int c = 0; c < 3; c++) {
        scale[c] = 1.0f / (255.0f * preprocess->std[c]);
        shift[c] = -preprocess->mean[c] / preprocess->std[c];
    }
    for (int i = 0; i < input.h * input.w; i++, pixels += 3)
        if (input.c == 1) {
            *out++ = (float)image_luminance(pixels) * scale[0] + shift[0];
        } else { /* no loop: compiled for size, it would take two and a half times as long */
            *out++ = (float)pixels[0] * scale[0] + shift[0];
            *out++ = (float)pixels[1] * scale[1] + shift[1];
            *out++ = (float)pixels[2] * scale[2] + shift[2];
        }
}
