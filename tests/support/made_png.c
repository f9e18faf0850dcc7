#include "support/made_png.h"

#include "base/bytes.h"
#include "support/test.h"

#include <stdlib.h>
#include <string.h>

enum { GREY = 0, RGB = 2, PALETTE = 3, GREY_ALPHA = 4, RGBA = 6 };

void made_png_chunk(struct made_png *png, const char *type, const void *data, size_t size)
{
    uint8_t *p = png->bytes + png->size;
    bytes_put4_big(p, (uint32_t)size);
    memcpy(p + 4, type, 4);
    if (size)
        memcpy(p + 8, data, size);
    bytes_put4_big(p + 8 + size, bytes_crc32(p + 4, 4 + size));
    png->size += 12 + size;
}

void made_png_start(struct made_png *png, struct png_kind kind)
{
    uint8_t header[13] = {[8] = (uint8_t)kind.depth, (uint8_t)kind.colour_type, 0, 0, kind.interlaced};
    bytes_put4_big(header, (uint32_t)kind.width);
    bytes_put4_big(header + 4, (uint32_t)kind.height);
    memcpy(png->bytes, "\x89PNG\r\n\x1a\n", 8);
    png->size = 8;
    made_png_chunk(png, "IHDR", header, sizeof header);
}

size_t made_png_zlib(uint8_t *out, const uint8_t *raw, size_t size)
{
    uint8_t *p = out;
    *p++ = 0x78;
    *p++ = 0x01;
    size_t at = 0;
    do {
        const size_t count = size - at < 65535 ? size - at : 65535;
        *p++ = at + count == size; /* the last block */
        bytes_put2(p, (int)count);
        bytes_put2(p + 2, ~(int)count);
        if (count)
            memcpy(p + 4, raw + at, count);
        p += 4 + count;
        at += count;
    } while (at < size);
    uint32_t low = 1, high = 0;
    for (size_t i = 0; i < size; i++) {
        low = (low + raw[i]) % 65521;
        high = (high + low) % 65521;
    }
    bytes_put4_big(p, high << 16 | low);
    return (size_t)(p + 4 - out);
}

void made_png_rows(struct made_png *png, const uint8_t *raw, size_t size)
{
    uint8_t *data = png->bytes + png->size + 8;
    const size_t packed = made_png_zlib(data, raw, size);
    bytes_put4_big(data - 8, (uint32_t)packed);
    memcpy(data - 4, "IDAT", 4);
    bytes_put4_big(data + packed, bytes_crc32(data - 4, 4 + packed));
    png->size += 12 + packed;
}

void made_png_mend(uint8_t *bytes, size_t size)
{
    for (size_t at = 8; size >= 12 && at <= size - 12;) {
        const size_t count = bytes_get4_big(bytes + at);
        if (count > size - 12 - at)
            break;
        bytes_put4_big(bytes + at + 8 + count, bytes_crc32(bytes + at + 4, 4 + count));
        at += 12 + count;
    }
}

static int channels_of(int colour_type)
{
    return colour_type == RGBA ? 4 : colour_type == RGB ? 3 : colour_type == GREY_ALPHA ? 2 : 1;
}

/* Sample c of pixel (x, y). */
static unsigned sample(const struct png_kind *kind, int x, int y, int c)
{
    const unsigned number = (unsigned)(x * 3 + 1) * 2654435761u + (unsigned)(y * 5 + c * 7 + 1) * 40503u * 2246822519u;
    return (number >> 9 & 0xffff) >> (16 - kind->depth);
}

void made_png_colour(uint8_t colour[3], unsigned index)
{
    for (unsigned c = 0; c < 3; c++)
        colour[c] = (uint8_t)(index * (7 + 6 * c) + 31 * c + 1);
}

void made_png_pixel(uint8_t rgba[4], const struct png_kind *kind, int x, int y)
{
    const int channels = channels_of(kind->colour_type);
    uint8_t samples[4] = {0};
    for (int c = 0; c < channels; c++) {
        const unsigned value = sample(kind, x, y, c);
        samples[c] = (uint8_t)(kind->depth == 16 ? value >> 8 : value * 255 / ((1u << kind->depth) - 1));
    }
    for (int c = 0; c < 3; c++)
        rgba[c] = samples[channels < 3 ? 0 : c];
    rgba[3] = channels % 2 ? 255 : samples[channels - 1];
    if (kind->colour_type == PALETTE)
        made_png_colour(rgba, sample(kind, x, y, 0));
}

static uint8_t predicted(int filter, int left, int above, int corner)
{
    const int sum = left + above - corner, by_left = abs(sum - left), by_above = abs(sum - above),
              by_corner = abs(sum - corner);
    switch (filter) {
    case 1: return (uint8_t)left;
    case 2: return (uint8_t)above;
    case 3: return (uint8_t)((left + above) / 2);
    case 4:
        return (uint8_t)(by_left <= by_above && by_left <= by_corner ? left : by_above <= by_corner ? above : corner);
    default: return 0;
    }
}

/* The rows of a pass, each with another filter; returns their bytes. */
static size_t put_pass(uint8_t *out, const struct png_kind *kind, const int pass[4])
{
    const int channels = channels_of(kind->colour_type), pixel = (channels * kind->depth + 7) / 8;
    uint8_t rows[2][MADE_PNG_SIDE * 8 + 16] = {{0}}, *p = out;
    for (int y = pass[1], number = 0; y < kind->height && pass[0] < kind->width; y += pass[3], number++) {
        uint8_t *row = rows[number % 2] + 8, *above = rows[(number + 1) % 2] + 8;
        int bits = 0;
        memset(row, 0, MADE_PNG_SIDE * 8);
        for (int x = pass[0]; x < kind->width; x += pass[2])
            for (int c = 0; c < channels; c++, bits += kind->depth) {
                const unsigned value = sample(kind, x, y, c);
                if (kind->depth == 16)
                    row[bits / 8] = (uint8_t)(value >> 8), row[bits / 8 + 1] = (uint8_t)value;
                else
                    row[bits / 8] |= (uint8_t)(value << (8 - kind->depth - bits % 8));
            }
        *p++ = (uint8_t)((number + kind->colour_type) % 5);
        for (int i = 0; i < (bits + 7) / 8; i++)
            p[i] = (uint8_t)(row[i] - predicted(p[-1], row[i - pixel], above[i], above[i - pixel]));
        p += (bits + 7) / 8;
    }
    return (size_t)(p - out);
}

size_t made_png_raw(uint8_t *raw, const struct png_kind *kind)
{
    static const int all[4] = {0, 0, 1, 1}, adam7[7][4] = {{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4},
                                                           {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2}};
    size_t size = 0;
    for (int i = 0; i < (kind->interlaced ? 7 : 1); i++)
        size += put_pass(raw + size, kind, kind->interlaced ? adam7[i] : all);
    return size;
}

void made_png_palette(struct made_png *png, unsigned colours)
{
    uint8_t palette[3 * MADE_PNG_COLOURS];
    for (unsigned i = 0; i < colours; i++)
        made_png_colour(palette + 3 * i, i);
    made_png_chunk(png, "PLTE", palette, (size_t)colours * 3);
}

struct made_png made_png_file(struct png_kind kind)
{
    struct made_png png = {.bytes = test_bytes(MADE_PNG_BYTES)};
    uint8_t raw[MADE_PNG_RAW];
    made_png_start(&png, kind);
    if (kind.colour_type == PALETTE)
        made_png_palette(&png, 1u << kind.depth);
    made_png_rows(&png, raw, made_png_raw(raw, &kind));
    made_png_chunk(&png, "IEND", NULL, 0);
    return png;
}
