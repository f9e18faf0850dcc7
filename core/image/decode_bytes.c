/* Counted from what stb_image holds at one time; the kind of file stands in its first bytes, or is taken for the larger. */
#include "image/decode_bytes.h"

#include "image/formats.h"

#include <stdbool.h>
#include <string.h>

/* Whether a JPEG may be progressive: whether the marker of such a frame stands anywhere, be it in a thumbnail. */
static bool may_be_progressive(const uint8_t *bytes, size_t size)
{
    const uint8_t *at = bytes, *end = bytes + size;
    while (end - at > 1 && (at = memchr(at, 0xff, (size_t)(end - at) - 1)) != NULL)
        if (*++at == 0xc2)
            return true;
    return false;
}

/* The planes of its components, three at full resolution, in whole blocks of up to 32 pixels a side; of progressive ones
 * the coefficients too, two bytes each. Then RGBA, and once more to turn it. */
static uint64_t jpeg_bytes(uint64_t width, uint64_t height, const uint8_t *bytes, size_t size)
{
    const uint64_t planes = 3 * (width + 31) * (height + 31), pixels = width * height;
    const uint64_t decoding = planes * (may_be_progressive(bytes, size) ? 3 : 1) + 4 * pixels;
    return decoding > 8 * pixels ? decoding : 8 * pixels;
}

/* The compressed data, whose block doubles as it grows. Then the rows, with a filter byte for each, beside the picture in its
 * own depth and up to four channels, and a pass of half of it where it is interlaced; or what is made of that picture:
 * one of 8 bits from one of 16, an upright one. */
static uint64_t png_bytes(uint64_t width, uint64_t height, const uint8_t *bytes, size_t size)
{
    enum { DEPTH = 24, COLOUR_TYPE = 25, INTERLACED = 28, PASSES = 7 };
    static const uint8_t channels[] = {1, 1, 3, 1, 2, 1, 4, 1}; /* by colour type */
    const bool deep = bytes[DEPTH] > 8;
    const uint64_t row = (width * channels[bytes[COLOUR_TYPE] & 7] * bytes[DEPTH] + 7) / 8 + PASSES,
                   pixels = width * height;
    const uint64_t picture = pixels * (deep ? 8 : 5); /* an index and four channels, with a palette */
    const uint64_t unpacking = height * row + picture + (bytes[INTERLACED] ? picture / 2 : 0);
    const uint64_t converting = pixels * (deep ? 12 : 8);
    return 3 * size + (unpacking > converting ? unpacking : converting);
}

uint64_t decode_bytes(int width, int height, const uint8_t *bytes, size_t size)
{
    enum { BESIDE = 1 << 16, PNG_HEADER = 33 }; /* tables, and blocks' rounding */
    const uint64_t w = (uint64_t)width, h = (uint64_t)height;
    enum picture_format format;
    if (!format_of(&format, bytes, size))
        return 0;
    return BESIDE + (format == PICTURE_JPEG                        ? jpeg_bytes(w, h, bytes, size)
                     : format == PICTURE_PNG && size >= PNG_HEADER ? png_bytes(w, h, bytes, size)
                                                                   : 4 * w * h);
}
