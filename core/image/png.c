#include "image/png.h"

#include "base/bytes.h"
#include "image/image.h"
#include "image/orientation.h"

#include <string.h>

enum { SIGNATURE = 8, HEADER = 13 };

static bool is_letter(uint8_t c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); }

bool png_chunk_at(struct png_chunk *chunk, const struct png *png, size_t at)
{
    if (at > png->size || png->size - at < PNG_CHUNK_START)
        return false;
    const uint8_t *p = png->bytes + at;
    const size_t left = png->size - at - PNG_CHUNK_START, size = bytes_get4_big(p);
    *chunk = (struct png_chunk){.type = p + 4, .data = p + PNG_CHUNK_START};
    chunk->whole = left >= PNG_CHUNK_END && size <= left - PNG_CHUNK_END;
    chunk->size = size < left ? size : left;
    chunk->next = at + PNG_CHUNK_START + chunk->size + PNG_CHUNK_END;
    return true;
}

static bool is_undamaged(const struct png_chunk *chunk)
{
    return bytes_crc32(chunk->type, 4 + chunk->size) == bytes_get4_big(chunk->data + chunk->size);
}

/* The rows of all passes, each with its filter's byte. */
static uint64_t raw_bytes(const struct png *png)
{
    uint64_t sum = 0;
    for (int i = 0; i < png_passes(png); i++) {
        const struct png_pass pass = png_pass_of(png, i);
        sum += (uint64_t)pass.height * (1 + png_row_bytes(png, pass.width)) * (pass.width > 0);
    }
    return sum;
}

/* What a picture must be of: bit depths by colour type. */
static bool is_known_kind(int depth, int colour_type)
{
    static const uint32_t depths[] = {[0] = 1 << 1 | 1 << 2 | 1 << 4 | 1 << 8 | 1 << 16,
                                      [2] = 1 << 8 | 1 << 16,
                                      [3] = 1 << 1 | 1 << 2 | 1 << 4 | 1 << 8,
                                      [4] = 1 << 8 | 1 << 16,
                                      [6] = 1 << 8 | 1 << 16};
    return colour_type <= 6 && depth <= 16 && (depths[colour_type] >> depth & 1);
}

enum status png_header(struct png *png, const uint8_t *bytes, size_t size)
{
    *png = (struct png){.bytes = bytes, .size = size, .orientation = 1};
    struct png_chunk chunk;
    if (!png_chunk_at(&chunk, png, SIGNATURE))
        return STATUS_IMAGE_TRUNCATED;
    if (memcmp(chunk.type, "CgBI", 4) == 0)
        return STATUS_IMAGE_CGBI;
    if (memcmp(chunk.type, "IHDR", 4) != 0 || bytes_get4_big(bytes + SIGNATURE) != HEADER)
        return STATUS_IMAGE_CORRUPT;
    if (!chunk.whole)
        return STATUS_IMAGE_TRUNCATED;
    const uint8_t *header = chunk.data;
    if (!is_undamaged(&chunk) || !is_known_kind(header[8], header[9]) || header[10] || header[11] || header[12] > 1)
        return STATUS_IMAGE_CORRUPT;
    const uint32_t width = bytes_get4_big(header), height = bytes_get4_big(header + 4);
    png->width = width > INT32_MAX ? INT32_MAX : (int)width;
    png->height = height > INT32_MAX ? INT32_MAX : (int)height;
    png->depth = header[8];
    png->colour_type = header[9];
    png->interlaced = header[12];
    return image_check(png->width, png->height);
}

/* A chunk before the first IDAT. */
static enum status read_chunk(struct png *png, const struct png_chunk *chunk, bool *has_exif)
{
    enum { ANCILLARY = 0x20, PALETTE_BYTES = 256 * 3 };
    if (memcmp(chunk->type, "PLTE", 4) == 0) {
        if (png->colour_type == PNG_PALETTE &&
            (png->palette || !chunk->size || chunk->size % 3 || chunk->size > PALETTE_BYTES))
            return STATUS_IMAGE_CORRUPT;
        png->palette = chunk->data;
        png->palette_size = chunk->size;
    } else if (memcmp(chunk->type, "tRNS", 4) == 0) {
        png->transparency = chunk->data;
        png->transparency_size = chunk->size;
    } else if (memcmp(chunk->type, "eXIf", 4) == 0 && !*has_exif) {
        png->orientation = orientation_of(chunk->data, chunk->size);
        *has_exif = true;
    } else if (!(chunk->type[0] & ANCILLARY)) /* unknown, out of order, or the end */
        return STATUS_IMAGE_CORRUPT;
    return STATUS_OK;
}

/* From the first IDAT on. The data end at the first other chunk, of which as of all that follow only eXIf matters. */
static enum status read_data(struct png *png, size_t at, bool has_exif)
{
    struct png_chunk chunk;
    uint64_t packed = 0;
    png->data = at;
    png->checked = true;
    for (; png_chunk_at(&chunk, png, at) && memcmp(chunk.type, "IDAT", 4) == 0; at = chunk.next) {
        if (chunk.whole && !is_undamaged(&chunk))
            return STATUS_IMAGE_CORRUPT;
        png->checked &= chunk.whole;
        packed += chunk.size;
    }
    if (packed * PNG_MAX_RATIO < raw_bytes(png))
        return STATUS_IMAGE_TRUNCATED;
    for (; png_chunk_at(&chunk, png, at) && chunk.whole && !has_exif; at = chunk.next)
        if (memcmp(chunk.type, "eXIf", 4) == 0) {
            if (!is_undamaged(&chunk))
                return STATUS_IMAGE_CORRUPT;
            png->orientation = orientation_of(chunk.data, chunk.size);
            has_exif = true;
        }
    return STATUS_OK;
}

enum status png_open(struct png *png, const uint8_t *bytes, size_t size)
{
    enum status status = png_header(png, bytes, size);
    bool has_exif = false;
    struct png_chunk chunk;
    for (size_t at = SIGNATURE + PNG_CHUNK_START + HEADER + PNG_CHUNK_END; !status; at = chunk.next) {
        if (!png_chunk_at(&chunk, png, at))
            return STATUS_IMAGE_TRUNCATED;
        for (int i = 0; i < 4; i++)
            if (!is_letter(chunk.type[i]))
                return STATUS_IMAGE_CORRUPT;
        if (memcmp(chunk.type, "IDAT", 4) == 0) {
            if (png->colour_type == PNG_PALETTE && !png->palette)
                return STATUS_IMAGE_CORRUPT;
            return read_data(png, at, has_exif);
        }
        if (!chunk.whole)
            return STATUS_IMAGE_TRUNCATED;
        if (!is_undamaged(&chunk))
            return STATUS_IMAGE_CORRUPT;
        status = read_chunk(png, &chunk, &has_exif);
    }
    return status;
}
