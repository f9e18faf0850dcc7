/* GIF, of an animation the first picture, by stb_image. That one fills up what a cut file lacks, and has indexed outside
 * of its tables: the codes are gone through here first, and it is compiled to stop before such an access (Makefile). */
#include "data/second_decoder.h"

#ifdef WITH_GIF

#include "base/bounds.h"
#include "base/bytes.h"
#include "cli/memory.h"

#include <stdlib.h>
#include <string.h>

static void *larger_block(void *block, size_t old_size, size_t size)
{
    void *larger = allocate_or_null(size, 1);
    if (larger && block) {
        memcpy(larger, block, old_size < size ? old_size : size);
        free(block);
    }
    return larger;
}

#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_STATIC
#define STBI_ONLY_GIF
#define STBI_NO_STDIO
#define STBI_NO_FAILURE_STRINGS
#define STBI_MAX_DIMENSIONS LIMIT_IMAGE_SIDE
#define STBI_ASSERT(x) ((void)0)
#define STBI_MALLOC(size) allocate_or_null(size, 1)
#define STBI_REALLOC_SIZED(block, old_size, size) larger_block(block, old_size, size)
#define STBI_FREE(block) free(block)
#include <stb_image.h>

enum { HEADER = 13, EXTENSION = 0x21, IMAGE = 0x2c, IMAGE_HEADER = 10, MAX_CODES = 4096 };

/* The image's data: sub-blocks of up to 255 bytes, each behind its length, of codes with the lowest bit first. */
struct codes {
    const uint8_t *at, *end;
    int left; /* bytes of the sub-block */
    uint32_t bits;
    int count;
};

/* The next code of so many bits; -1: the data end before it. */
static int next_code(struct codes *codes, int width)
{
    while (codes->count < width) {
        if (codes->left == 0) {
            codes->left = codes->at < codes->end ? *codes->at++ : 0;
            if (codes->left == 0 || codes->left > codes->end - codes->at)
                return -1;
        }
        codes->left--;
        codes->bits |= (uint32_t)*codes->at++ << codes->count;
        codes->count += 8;
    }
    const int code = (int)(codes->bits & ((1u << width) - 1));
    codes->bits >>= width;
    codes->count -= width;
    return code;
}

/* Goes through the codes until they stand for so many pixels; only their lengths matter. */
static enum status check_codes(struct codes codes, int literal_bits, uint64_t pixels)
{
    if (literal_bits < 2 || literal_bits > 8)
        return STATUS_IMAGE_CORRUPT;
    const int clear = 1 << literal_bits, end = clear + 1;
    uint16_t lengths[MAX_CODES]; /* of what a code stands for, counted up to 65,535 */
    int width = literal_bits + 1, next = end + 1, before = 0;
    for (uint64_t known = 0; known < pixels;) {
        const int code = next_code(&codes, width);
        if (code < 0 || code == end)
            return STATUS_IMAGE_TRUNCATED;
        if (code == clear) {
            width = literal_bits + 1;
            next = end + 1;
            before = 0;
            continue;
        }
        if (code > next || (code == next && (!before || next == MAX_CODES)))
            return STATUS_IMAGE_CORRUPT;
        const int added = before && before < UINT16_MAX ? before + 1 : before;
        if (before && next < MAX_CODES)
            lengths[next++] = (uint16_t)added;
        if (next == 1 << width && width < 12)
            width++;
        before = code < clear ? 1 : lengths[code];
        known += (uint64_t)before;
    }
    return STATUS_OK;
}

static size_t table_bytes(uint8_t flags) { return flags & 0x80 ? (size_t)3 << ((flags & 7) + 1) : 0; }

/* Up to the first image and through it: that none of its pixels is missing. */
static enum status check(const uint8_t *bytes, size_t size)
{
    if (size < HEADER)
        return STATUS_IMAGE_TRUNCATED;
    size_t at = HEADER + table_bytes(bytes[10]);
    for (;; at++) {
        if (at + IMAGE_HEADER >= size)
            return STATUS_IMAGE_TRUNCATED;
        if (bytes[at] == IMAGE)
            break;
        if (bytes[at] != EXTENSION)
            return STATUS_IMAGE_CORRUPT;
        for (at += 2; at < size && bytes[at];) /* sub-blocks; an empty one is the last */
            at += 1 + (size_t)bytes[at];
    }
    const uint8_t *image = bytes + at;
    at += IMAGE_HEADER + table_bytes(image[9]);
    if (at >= size)
        return STATUS_IMAGE_TRUNCATED;
    const struct codes codes = {.at = bytes + at + 1, .end = bytes + size};
    return check_codes(codes, bytes[at], (uint64_t)bytes_get2(image + 5) * bytes_get2(image + 7));
}

static bool reads(const uint8_t *bytes, size_t size) { return size >= 4 && memcmp(bytes, "GIF8", 4) == 0; }

static enum status size_of(struct picture *picture, const uint8_t *bytes, size_t size)
{
    if (size < HEADER)
        return STATUS_IMAGE_TRUNCATED;
    *picture = (struct picture){(int)bytes_get2(bytes + 6), (int)bytes_get2(bytes + 8), NULL, 1, PICTURE_FORMAT_COUNT};
    return STATUS_OK;
}

static enum status decode(struct picture *picture, const uint8_t *bytes, size_t size)
{
    const enum status status = size > INT32_MAX ? STATUS_IMAGE_BYTES : check(bytes, size);
    if (status)
        return status;
    int width, height, channels;
    picture->rgba = stbi_load_from_memory(bytes, (int)size, &width, &height, &channels, 4);
    if (!picture->rgba)
        return STATUS_IMAGE_CORRUPT;
    return width == picture->width && height == picture->height ? STATUS_OK : STATUS_IMAGE_CORRUPT;
}

/* RGBA, the picture before it, and which pixels were drawn. */
const struct second_decoder gif_decoder = {"stb_image", "gif", 12, reads, size_of, decode};

#endif
