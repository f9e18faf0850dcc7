#include "image/image.h"

#include "base/bounds.h"

#include <assert.h>
#include <string.h>

enum status image_check(int width, int height)
{
    if (width < 1 || height < 1)
        return STATUS_IMAGE_SIZE;
    if (width > LIMIT_IMAGE_SIDE || height > LIMIT_IMAGE_SIDE)
        return STATUS_IMAGE_SIDE;
    return (int64_t)width * height > LIMIT_IMAGE_PIXELS ? STATUS_IMAGE_PIXELS : STATUS_OK;
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

/* Of the filter whose support is `reach`: 1 for the triangle, 2 for Keys' cubic convolution with a = -1/2 (1981). */
static double filter_at(double x, double reach)
{
    x = x < 0 ? -x : x;
    if (x >= reach)
        return 0;
    if (reach < 2)
        return 1 - x;
    return x < 1 ? (1.5 * x - 2.5) * x * x + 1 : ((-0.5 * x + 2.5) * x - 4) * x + 2;
}

/* For outputs skip .. skip + out of `scaled`, made of `in`: Pillow's precompute_coeffs and normalize_coeffs_8bpc. */
static struct filter filter_plan(int in, int scaled, int skip, int out, enum resize_filter kind, struct arena *arena)
{
    const double step = (double)in / scaled, widen = step < 1 || kind == FILTER_BILINEAR_ALIASED ? 1 : step;
    const double reach = kind == FILTER_BICUBIC ? 2 : 1, support = reach * widen, narrow = 1.0 / widen;
    const int taps = ((int)support + (support > (int)support)) * 2 + 1;
    struct filter filter = {taps, arena_alloc(arena, (uint64_t)out, sizeof(int32_t)),
                            arena_alloc(arena, (uint64_t)out, sizeof(int32_t)),
                            arena_alloc(arena, (uint64_t)out * (uint64_t)taps, sizeof(int32_t))};
    double *exact = arena_alloc(arena, (uint64_t)taps, sizeof(double));
    if (!arena->base)
        return filter;

    for (int i = 0; i < out; i++) {
        const double center = (skip + i + 0.5) * step;
        int first = (int)(center - support + 0.5), last = (int)(center + support + 0.5);
        first = first < 0 ? 0 : first;
        last = last > in ? in : last;
        double sum = 0;
        for (int k = 0; k < last - first; k++) {
            exact[k] = filter_at((k + first - center + 0.5) * narrow, reach);
            sum += exact[k];
        }
        for (int k = 0; k < last - first; k++) {
            const double weight = exact[k] / sum * (1 << FILTER_BITS);
            filter.weight[i * taps + k] = (int32_t)(weight < 0 ? weight - 0.5 : weight + 0.5);
        }
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

static int rounded_quotient(int64_t a, int64_t b, int max)
{
    int64_t quotient = (2 * a + b) / (2 * b);
    return quotient < 1 ? 1 : quotient > max ? max : (int)quotient;
}

/* The picture's pixels, the part of it that is resized, to which size, the part of that which is kept, and where it
 * stands in the pixels of the input. */
struct placement {
    const uint8_t *rgba;
    int width; /* of the picture */
    struct rectangle from, to;
    int scaled_width, scaled_height, skip_x, skip_y;
};

/* Half of what is left over, halves to the even number, as Python's round in torchvision's center_crop. */
static int centred(int left_over) { return left_over / 2 + (left_over % 4 == 3); }

static struct placement placement_of(int width, int height, struct shape input, const struct preprocess *preprocess)
{
    struct placement placement = {.from = {0, 0, width, height}, .to = {0, 0, input.w, input.h}};
    struct rectangle *from = &placement.from, *to = &placement.to;
    const enum resize_mode mode = preprocess->resize_mode;
    const bool wide = (int64_t)width * input.h > (int64_t)height * input.w;
    if (mode == RESIZE_CROP && wide)
        from->width = rounded_quotient((int64_t)height * input.w, input.h, width);
    else if (mode == RESIZE_CROP)
        from->height = rounded_quotient((int64_t)width * input.h, input.w, height);
    else if (mode == RESIZE_PAD && wide)
        to->height = rounded_quotient((int64_t)height * input.w, width, input.h);
    else if (mode == RESIZE_PAD)
        to->width = rounded_quotient((int64_t)width * input.h, height, input.w);
    from->x = (width - from->width) / 2;
    from->y = (height - from->height) / 2;
    to->x = (input.w - to->width) / 2;
    to->y = (input.h - to->height) / 2;
    placement.scaled_width = to->width;
    placement.scaled_height = to->height;
    if (mode == RESIZE_SHORTER_SIDE) {
        const int64_t side = preprocess->shorter_side, shorter = width < height ? width : height;
        placement.scaled_width = (int)(side * width / shorter);
        placement.scaled_height = (int)(side * height / shorter);
        placement.skip_x = centred(placement.scaled_width - input.w);
        placement.skip_y = centred(placement.scaled_height - input.h);
    }
    return placement;
}

struct image_part image_part_shown(int width, int height, struct shape input, const struct preprocess *preprocess)
{
    const struct placement placement = placement_of(width, height, input, preprocess);
    const struct rectangle from = placement.from, to = placement.to;
    const double across = (double)from.width / placement.scaled_width;
    const double down = (double)from.height / placement.scaled_height;
    return (struct image_part){(from.x + (placement.skip_x - to.x) * across) / width,
                               (from.y + (placement.skip_y - to.y) * down) / height, input.w * across / width,
                               input.h * down / height};
}

/* Both passes, row by row of the picture and then of the pixels. */
static void resample(uint8_t *pixels, struct shape input, const struct placement *placement,
                     const struct preprocess *preprocess, struct arena *arena)
{
    const struct rectangle from = placement->from, to = placement->to;
    uint8_t *row = arena_alloc(arena, (uint64_t)from.width, 3);
    const struct filter across =
        filter_plan(from.width, placement->scaled_width, placement->skip_x, to.width, preprocess->filter, arena);
    const struct filter down =
        filter_plan(from.height, placement->scaled_height, placement->skip_y, to.height, preprocess->filter, arena);
    uint8_t *narrowed = arena_alloc(arena, (uint64_t)from.height * (uint64_t)to.width, 3);
    if (!arena->base)
        return;

    for (int y = 0; y < from.height; y++) {
        over_background(row, pixel_at(placement->rgba, placement->width, from.x, from.y + y), from.width,
                        preprocess->background);
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

void image_resize(uint8_t *pixels, const uint8_t *rgba, int width, int height, struct shape input,
                  const struct preprocess *preprocess, struct arena *arena)
{
    assert(image_check(width, height) == STATUS_OK && input.h > 0 && input.w > 0);
    struct placement placement = placement_of(width, height, input, preprocess);
    placement.rgba = rgba;
    placement.width = width;
    const struct rectangle from = placement.from, to = placement.to;
    if (from.width != placement.scaled_width || from.height != placement.scaled_height) {
        resample(pixels, input, &placement, preprocess, arena);
        return;
    }
    if (!arena->base) /* every weight would be 1 or 0: the part that is kept is copied */
        return;
    fill(pixels, input, &to, preprocess->background);
    for (int y = 0; y < to.height; y++)
        over_background(pixels + ((to.y + y) * input.w + to.x) * 3,
                        pixel_at(rgba, width, from.x + placement.skip_x, from.y + placement.skip_y + y), to.width,
                        preprocess->background);
}

void image_normalise(float *out, const uint8_t *pixels, struct shape input, const struct preprocess *preprocess)
{
    float scale[3], shift[3];
    const int first = preprocess->order == ORDER_BGR ? 2 : 0; /* where red goes */
    for (int c = 0; c < 3; c++) {
        scale[c] = 1.0f / (255.0f * preprocess->std[c]);
        shift[c] = -preprocess->mean[c] / preprocess->std[c];
    }
    for (int i = 0; i < input.h * input.w; i++, pixels += 3)
        if (input.c == 1) {
            *out++ = (float)image_luminance(pixels) * scale[0] + shift[0];
        } else { /* no loop: compiled for size, it would be 2.5x slower */
            out[first] = (float)pixels[0] * scale[0] + shift[0];
            out[1] = (float)pixels[1] * scale[1] + shift[1];
            out[2 - first] = (float)pixels[2] * scale[2] + shift[2];
            out += 3;
        }
}
