/* What a file lacks is no pixel here: rows behind its end are missing, a colour that its palette does not have is black. */
#include "image/bmp.h"

#include "base/bytes.h"
#include "image/image.h"

#include <string.h>

enum {
    FILE_HEADER = 14,
    OS2_HEADER = 12,
    SHORT_HEADER = 16, /* of OS/2's second version, the least of it */
    WINDOWS_HEADER = 40,
    FIRST_WITH_ALPHA = 56,
    LARGEST_HEADER = 124,
    MASKS = FILE_HEADER + WINDOWS_HEADER
};
enum { COMPRESSION_NONE = 0, RLE8 = 1, RLE4 = 2, COMPRESSION_MASKS = 3, COMPRESSION_MASKS_WITH_ALPHA = 6 };

/* The masks of the colours, where a pixel holds them itself. */
static enum status read_masks(struct bmp *bmp, const uint8_t *bytes, size_t size, uint32_t compression, uint32_t header)
{
    static const uint32_t usual[] = {0xff0000, 0xff00, 0xff}, usual_of_16_bits[] = {0x7c00, 0x3e0, 0x1f};
    memcpy(bmp->mask, bmp->bits == 16 ? usual_of_16_bits : usual, sizeof usual);
    if (compression == COMPRESSION_NONE)
        return STATUS_OK;
    const bool alpha = compression == COMPRESSION_MASKS_WITH_ALPHA || header >= FIRST_WITH_ALPHA;
    if (bmp->bits == 24)
        return STATUS_IMAGE_CORRUPT;
    if (size < MASKS + 16)
        return STATUS_IMAGE_TRUNCATED;
    for (int i = 0; i < 3 + alpha; i++)
        bmp->mask[i] = bytes_get4(bytes + MASKS + i * 4);
    for (int i = 0; i < 3; i++)
        if (!bmp->mask[i])
            return STATUS_IMAGE_CORRUPT;
    return STATUS_OK;
}

/* The palette ends where the rows begin, whatever its header says. */
static void read_palette(struct bmp *bmp, const uint8_t *palette, uint32_t used)
{
    const size_t entries = (size_t)1 << bmp->bits, wanted = used && used < entries ? used : entries;
    const size_t there = bmp->rows > palette ? (size_t)(bmp->rows - palette) / (size_t)bmp->colour_bytes : 0;
    bmp->palette = palette;
    bmp->colours = (int)(wanted < there ? wanted : there);
}

static bool is_known_kind(const struct bmp *bmp, uint32_t compression)
{
    switch (compression) {
    case COMPRESSION_NONE:
        return bmp->bits == 1 || bmp->bits == 4 || bmp->bits == 8 || bmp->bits == 16 || bmp->bits == 24 ||
               bmp->bits == 32;
    case RLE8: return bmp->bits == 8 && !bmp->top_down;
    case RLE4: return bmp->bits == 4 && !bmp->top_down;
    case COMPRESSION_MASKS:
    case COMPRESSION_MASKS_WITH_ALPHA: return bmp->bits == 16 || bmp->bits == 24 || bmp->bits == 32;
    }
    return false;
}

enum status bmp_header(struct bmp *bmp, const uint8_t *bytes, size_t size)
{
    if (size < FILE_HEADER + OS2_HEADER || memcmp(bytes, "BM", 2) != 0)
        return STATUS_IMAGE_FORMAT;
    const uint32_t header = bytes_get4(bytes + FILE_HEADER);
    const bool old = header == OS2_HEADER;
    if (!old && (header < SHORT_HEADER || header > LARGEST_HEADER))
        return STATUS_IMAGE_FORMAT;
    if (size < FILE_HEADER + header)
        return STATUS_IMAGE_TRUNCATED;
    const uint32_t width = old ? bytes_get2(bytes + 18) : bytes_get4(bytes + 18),
                   height = old ? bytes_get2(bytes + 20) : bytes_get4(bytes + 22);
    const bool whole = header >= WINDOWS_HEADER; /* what a shorter header lacks is 0 */
    const uint32_t compression = whole ? bytes_get4(bytes + 30) : COMPRESSION_NONE,
                   used = whole ? bytes_get4(bytes + 46) : 0, start = bytes_get4(bytes + 10);
    *bmp = (struct bmp){.top_down = height >> 31,
                        .bits = (int)bytes_get2(bytes + (old ? 24 : 28)),
                        .runs = compression == RLE8 || compression == RLE4,
                        .end = bytes + size,
                        .colour_bytes = old ? 3 : 4};
    const uint32_t rows = bmp->top_down ? 0 - height : height;
    bmp->width = width > INT32_MAX ? 0 : (int)width;
    bmp->height = rows > INT32_MAX ? 0 : (int)rows;
    const enum status status = image_check(bmp->width, bmp->height);
    if (status)
        return status;
    if (!is_known_kind(bmp, compression))
        return STATUS_IMAGE_CORRUPT;
    const size_t row_bits = (size_t)bmp->width * (size_t)bmp->bits;
    bmp->row_bytes = (row_bits + 31) / 32 * 4;
    /* The last row need not be filled up to four bytes. */
    const size_t needed = bmp->runs ? 2 : bmp->row_bytes * (size_t)(bmp->height - 1) + (row_bits + 7) / 8;
    if (start > size || needed > size - start)
        return STATUS_IMAGE_TRUNCATED;
    bmp->rows = bytes + start;
    if (bmp->bits > 8)
        return read_masks(bmp, bytes, size, compression, header);
    read_palette(bmp, bytes + FILE_HEADER + header, used);
    return STATUS_OK;
}

/* The bits of a pixel under a mask, on a scale of 0 to 255. */
static uint8_t under_mask(uint32_t pixel, uint32_t mask)
{
    const int shift = __builtin_ctz(mask);
    const uint64_t max = mask >> shift;
    return (uint8_t)(((pixel & mask) >> shift) * 255u / max);
}

static void put_colour(uint8_t *out, const struct bmp *bmp, int index)
{
    for (int c = 0; c < 3; c++)
        out[c] = index < bmp->colours ? bmp->palette[index * bmp->colour_bytes + 2 - c] : 0;
    out[3] = 255;
}

/* Index i of those in a row of bytes, the first in the highest bits. */
static int index_at(const struct bmp *bmp, const uint8_t *row, int i)
{
    const int bit = i * bmp->bits;
    return row[bit / 8] >> (8 - bmp->bits - bit % 8) & ((1 << bmp->bits) - 1);
}

/* A count and a byte of one or two indices, in turn; or 0 and what it says. */
static enum status decode_runs(uint8_t *rgba, const struct bmp *bmp)
{
    enum { END_OF_ROW, END_OF_PICTURE, MOVE };
    const uint8_t *p = bmp->rows;
    int x = 0, y = 0;
    for (size_t i = 0; i < (size_t)bmp->width * (size_t)bmp->height; i++)
        put_colour(rgba + i * 4, bmp, 0);
    while (y < bmp->height) {
        if (bmp->end - p < 2)
            return y == bmp->height - 1 && x >= bmp->width ? STATUS_OK : STATUS_IMAGE_TRUNCATED;
        const bool run = p[0] > 0;
        const int count = run ? p[0] : p[1];
        const uint8_t *indices = run ? p + 1 : p + 2;
        p += 2;
        if (!run && count == END_OF_PICTURE)
            return STATUS_OK;
        if (!run && count == END_OF_ROW) {
            x = 0;
            y++;
            continue;
        }
        const ptrdiff_t more = run ? 0 : count == MOVE ? 2 : (count * bmp->bits + 15) / 16 * 2;
        if (bmp->end - p < more)
            return STATUS_IMAGE_TRUNCATED;
        p += more;
        if (!run && count == MOVE) {
            x = x + indices[0] < bmp->width ? x + indices[0] : bmp->width; /* a file can hold more moves than an int */
            y += indices[1];
            continue;
        }
        uint8_t *row = rgba + (size_t)(bmp->height - 1 - y) * (size_t)bmp->width * 4;
        for (int i = 0; i < count && x < bmp->width; i++, x++)
            put_colour(row + x * 4, bmp, index_at(bmp, indices, run ? i % (8 / bmp->bits) : i));
    }
    return STATUS_OK;
}

/* Pixel x of a row that holds its colours itself. */
static uint32_t pixel_at(const struct bmp *bmp, const uint8_t *row, int x)
{
    const uint8_t *p = row + (size_t)x * (size_t)(bmp->bits / 8);
    const uint32_t low = bytes_get2(p);
    return bmp->bits == 16 ? low : low | (uint32_t)p[2] << 16 | (bmp->bits == 32 ? (uint32_t)p[3] << 24 : 0);
}

/* Row y of the picture in the file. */
static const uint8_t *row_at(const struct bmp *bmp, int y)
{
    return bmp->rows + (size_t)(bmp->top_down ? y : bmp->height - 1 - y) * bmp->row_bytes;
}

/* Many programs declare an alpha that they leave at 0. */
static bool has_alpha(const struct bmp *bmp)
{
    for (int y = 0; bmp->mask[3] && y < bmp->height; y++)
        for (int x = 0; x < bmp->width; x++)
            if (under_mask(pixel_at(bmp, row_at(bmp, y), x), bmp->mask[3]) != 0)
                return true;
    return false;
}

static void decode_row(uint8_t *out, const struct bmp *bmp, const uint8_t *row, bool alpha)
{
    for (int x = 0; x < bmp->width; x++, out += 4) {
        if (bmp->palette) {
            put_colour(out, bmp, index_at(bmp, row, x));
            continue;
        }
        out[3] = 255;
        const uint32_t pixel = pixel_at(bmp, row, x);
        for (int c = 0; c < 3 + alpha; c++)
            out[c] = under_mask(pixel, bmp->mask[c]);
    }
}

size_t bmp_workspace(const struct bmp *bmp) { return (size_t)bmp->width * (bmp->runs ? (size_t)bmp->height : 1) * 4; }

enum status bmp_decode(const struct picture_rows *taker, const struct bmp *bmp, void *workspace)
{
    uint8_t *rgba = workspace;
    const bool alpha = has_alpha(bmp);
    const enum status status = bmp->runs ? decode_runs(rgba, bmp) : STATUS_OK;
    if (status)
        return status;
    for (int y = 0; y < bmp->height; y++) {
        if (!bmp->runs)
            decode_row(rgba, bmp, row_at(bmp, y), alpha);
        taker->row(taker->context, y, rgba + (bmp->runs ? (size_t)y * (size_t)bmp->width * 4 : 0));
    }
    return STATUS_OK;
}
