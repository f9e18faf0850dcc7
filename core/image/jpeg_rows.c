#include "image/jpeg_rows.h"

#include <string.h>

void jpeg_rows_plan(struct jpeg_rows *rows, struct arena *arena)
{
    const uint64_t width = (uint64_t)rows->frame->width + 8; /* two samples of an odd width's last one, rounded up */
    rows->sums = arena_alloc(arena, width, sizeof *rows->sums);
    for (int i = 0; i < rows->frame->count; i++)
        rows->row[i] = arena_alloc(arena, width, 1);
    rows->rgba = arena_alloc(arena, width, 4);
}

static const uint8_t *sample_row(const struct jpeg_component *component, int y)
{
    y = y < 0 ? 0 : y >= component->height ? component->height - 1 : y;
    return component->samples + (size_t)(y % component->ring) * (size_t)component->stride;
}

/* 3/4 of a row and 1/4 of the one beyond, times 4. */
static void blend(uint16_t *sums, const uint8_t *near, const uint8_t *far, int width)
{
    for (int x = 0; x < width; x++)
        sums[x] = (uint16_t)(3 * near[x] + far[x]);
}

/* The same along the row: two samples of each. Halves are rounded down and up in turn, which `left` and `right` do. */
static void widen(uint8_t *out, const uint16_t *sums, int width, int left, int right, int shift)
{
    const int last = width - 1;
    out[0] = (uint8_t)((4 * sums[0] + left) >> shift);
    for (int x = 0; x < last; x++) {
        out[2 * x + 1] = (uint8_t)((3 * sums[x] + sums[x + 1] + right) >> shift);
        out[2 * x + 2] = (uint8_t)((3 * sums[x + 1] + sums[x] + left) >> shift);
    }
    out[2 * last + 1] = (uint8_t)((4 * sums[last] + right) >> shift);
}

/* Row y of component i at the picture's resolution. */
static const uint8_t *full_row(struct jpeg_rows *rows, int i, int y)
{
    const struct jpeg_frame *frame = rows->frame;
    const struct jpeg_component *component = &frame->components[i];
    const int h = frame->h / component->h, v = frame->v / component->v, width = component->width;
    const uint8_t *near = sample_row(component, y / v);
    const bool interpolated = h == 1 || (h == 2 && width > 2);
    uint8_t *out = rows->row[i];
    if (h == 1 && v != 2)
        return near;
    if (interpolated && v == 2) {
        blend(rows->sums, near, sample_row(component, y % 2 ? y / 2 + 1 : y / 2 - 1), width);
        if (h == 2)
            widen(out, rows->sums, width, 8, 7, 4);
        else
            for (int x = 0; x < width; x++)
                out[x] = (uint8_t)((rows->sums[x] + 1 + y % 2) >> 2);
    } else if (interpolated && v == 1) {
        for (int x = 0; x < width; x++)
            rows->sums[x] = near[x];
        widen(out, rows->sums, width, 1, 2, 2);
    } else {
        for (int x = 0; x < frame->width; x++)
            out[x] = near[x / h];
    }
    return out;
}

static inline uint32_t clamped(int x) { return (uint32_t)(x < 0 ? 0 : x > 255 ? 255 : x); }

/* A pixel as one number, which compilers vectorise several times better than its bytes in turn. */
static inline void put_pixel(uint8_t *rgba, uint32_t red, uint32_t green, uint32_t blue)
{
    const bool little = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;
    const uint32_t pixel =
        little ? red | green << 8 | blue << 16 | 255u << 24 : red << 24 | green << 16 | blue << 8 | 255;
    memcpy(rgba, &pixel, sizeof pixel);
}

/* ITU-R BT.601 in full range, as JFIF has it, with 16 bits behind the point. */
static void convert(uint8_t *rgba, const uint8_t *luminance, const uint8_t *blue, const uint8_t *red, int width)
{
    enum { HALF = 1 << 15, BLUE = 116130, BLUE_GREEN = 22554, RED_GREEN = 46802, RED = 91881 };
    for (int x = 0; x < width; x++) {
        const int y = luminance[x], cb = blue[x] - 128, cr = red[x] - 128;
        put_pixel(rgba + x * 4, clamped(y + ((RED * cr + HALF) >> 16)),
                  clamped(y + ((HALF - BLUE_GREEN * cb - RED_GREEN * cr) >> 16)),
                  clamped(y + ((BLUE * cb + HALF) >> 16)));
    }
}

static void interleave(uint8_t *rgba, const uint8_t *red, const uint8_t *green, const uint8_t *blue, int width)
{
    for (int x = 0; x < width; x++)
        put_pixel(rgba + x * 4, red[x], green[x], blue[x]);
}

void jpeg_rows_convert(struct jpeg_rows *rows, int first, int end)
{
    const int width = rows->frame->width;
    for (int y = first; y < end; y++) {
        const uint8_t *full[JPEG_COMPONENTS];
        for (int i = 0; i < JPEG_COMPONENTS; i++)
            full[i] = i < rows->frame->count ? full_row(rows, i, y) : full[0];
        if (rows->frame->count == 3 && !rows->rgb)
            convert(rows->rgba, full[0], full[1], full[2], width);
        else
            interleave(rows->rgba, full[0], full[1], full[2], width);
        rows->taker->row(rows->taker->context, y, rows->rgba);
    }
}
