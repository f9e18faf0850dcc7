/* Not stb_image's reader: that one makes pixels of what a file lacks, of bytes behind its end and of colours that
 * its palette does not have. */
#include "image/bmp.h"

#include "base/bytes.h"
#include "image/image.h"

#include <string.h>

enum {
    FILE_HEADER = 14,
    OS2_HEADER = 12,
    WINDOWS_HEADER = 40,
    FIRST_WITH_ALPHA = 56,
    MASKS = FILE_HEADER + WINDOWS_HEADER
};
enum { COMPRESSION_NONE = 0, COMPRESSION_MASKS = 3, COMPRESSION_MASKS_WITH_ALPHA = 6 };

/* The masks of the colours, where a pixel holds them itself. */
static enum status read_masks(struct bmp *bmp, const uint8_t *bytes, size_t size, uint32_t compression, uint32_t header)
{
    static const uint32_t usual[] = {0xff0000, 0xff00, 0xff}, usual_of_16_bits[] = {0x7c00, 0x3e0, 0x1f};
    memcpy(bmp->mask, bmp->bits == 16 ? usual_of_16_bits : usual, sizeof usual);
    if (compression == COMPRESSION_NONE)
        return STATUS_OK;
    const bool alpha = compression == COMPRESSION_MASKS_WITH_ALPHA || header >= FIRST_WITH_ALPHA;
    if (bmp->bits == 24 || size < MASKS + 16)
        return STATUS_IMAGE_CORRUPT;
    for (int i = 0; i < 3 + alpha; i++)
        bmp->mask[i] = bytes_get4(bytes + MASKS + i * 4);
    for (int i = 0; i < 3; i++)
        if (!bmp->mask[i])
            return STATUS_IMAGE_CORRUPT;
    return STATUS_OK;
}

enum status bmp_header(struct bmp *bmp, const uint8_t *bytes, size_t size)
{
    if (size < FILE_HEADER + OS2_HEADER || memcmp(bytes, "BM", 2) != 0)
        return STATUS_IMAGE_FORMAT;
    const uint32_t header = bytes_get4(bytes + FILE_HEADER);
    const bool old = header == OS2_HEADER;
    if (!old && (header < WINDOWS_HEADER || header > 124))
        return STATUS_IMAGE_FORMAT;
    if (size < FILE_HEADER + header)
        return STATUS_IMAGE_CORRUPT;
    const uint32_t width = old ? bytes_get2(bytes + 18) : bytes_get4(bytes + 18),
                   height = old ? bytes_get2(bytes + 20) : bytes_get4(bytes + 22);
    const uint32_t compression = old ? COMPRESSION_NONE : bytes_get4(bytes + 30),
                   used = old ? 0 : bytes_get4(bytes + 46);
    *bmp = (struct bmp){
        .top_down = height >> 31, .bits = (int)bytes_get2(bytes + (old ? 24 : 28)), .colour_bytes = old ? 3 : 4};
    const uint32_t rows = bmp->top_down ? 0 - height : height;
    bmp->width = width > INT32_MAX ? 0 : (int)width;
    bmp->height = rows > INT32_MAX ? 0 : (int)rows;
    enum status status = image_check(bmp->width, bmp->height);
    if (status)
        return status;
    const bool indexed = bmp->bits == 1 || bmp->bits == 4 || bmp->bits == 8;
    const bool masked = compression == COMPRESSION_MASKS || compression == COMPRESSION_MASKS_WITH_ALPHA;
    if ((!indexed && bmp->bits != 16 && bmp->bits != 24 && bmp->bits != 32) ||
        (compression != COMPRESSION_NONE && (indexed || !masked)))
        return STATUS_IMAGE_CORRUPT;

    bmp->row_bytes = ((size_t)bmp->width * (size_t)bmp->bits + 31) / 32 * 4;
    const uint32_t start = bytes_get4(bytes + 10);
    if (start > size || bmp->row_bytes * (size_t)bmp->height > size - start)
        return STATUS_IMAGE_CORRUPT;
    bmp->rows = bytes + start;
    if (!indexed)
        return read_masks(bmp, bytes, size, compression, header);
    const uint32_t entries = 1u << bmp->bits;
    bmp->colours = (int)(used && used < entries ? used : entries);
    bmp->palette = bytes + FILE_HEADER + header;
    if ((size_t)(bmp->colours * bmp->colour_bytes) > size - FILE_HEADER - header)
        return STATUS_IMAGE_CORRUPT;
    return STATUS_OK;
}

/* The bits of a pixel under a mask, on a scale of 0 to 255. */
static uint8_t under_mask(uint32_t pixel, uint32_t mask)
{
    const int shift = __builtin_ctz(mask);
    const uint64_t max = mask >> shift;
    return (uint8_t)(((pixel & mask) >> shift) * 255u / max);
}

enum status bmp_decode(uint8_t *rgba, const struct bmp *bmp)
{
    bool any_alpha = false;
    for (int y = 0; y < bmp->height; y++) {
        const uint8_t *row = bmp->rows + (size_t)(bmp->top_down ? y : bmp->height - 1 - y) * bmp->row_bytes;
        uint8_t *out = rgba + (size_t)y * (size_t)bmp->width * 4;
        for (int x = 0; x < bmp->width; x++, out += 4) {
            out[3] = 255;
            if (bmp->palette) {
                const int bit = x * bmp->bits,
                          index = row[bit / 8] >> (8 - bmp->bits - bit % 8) & ((1 << bmp->bits) - 1);
                if (index >= bmp->colours)
                    return STATUS_IMAGE_CORRUPT;
                for (int c = 0; c < 3; c++)
                    out[c] = bmp->palette[index * bmp->colour_bytes + 2 - c];
                continue;
            }
            const uint8_t *p = row + (size_t)x * (size_t)(bmp->bits / 8);
            const uint32_t pixel =
                bmp->bits == 16 ? bytes_get2(p)
                                : bytes_get2(p) | (uint32_t)p[2] << 16 | (bmp->bits == 32 ? (uint32_t)p[3] << 24 : 0);
            for (int c = 0; c < 3 + (bmp->mask[3] != 0); c++)
                out[c] = under_mask(pixel, bmp->mask[c]);
            any_alpha |= out[3] != 0;
        }
    }
    if (bmp->mask[3] && !any_alpha) /* many programs declare an alpha that they leave at 0 */
        for (size_t i = 0; i < (size_t)bmp->width * (size_t)bmp->height; i++)
            rgba[i * 4 + 3] = 255;
    return STATUS_OK;
}
