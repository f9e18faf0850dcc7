/* Of a JPEG our own walk over the markers finds the size and the orientation; stb_image then decodes.
 * Built with -fsanitize=bounds in trapping mode (Makefile). */
#include "image/decode.h"

#include "image/bmp.h"
#include "image/image.h"
#include "image/inflate.h"
#include "image/orientation.h"
#include "image/png_rows.h"
#include "base/bounds.h"
#include "base/bytes.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_STATIC
#define STBI_ONLY_JPEG
#define STBI_NO_STDIO
#define STBI_NO_LINEAR
#define STBI_NO_HDR
#define STBI_NO_FAILURE_STRINGS
#define STBI_NO_THREAD_LOCALS
#define STBI_MAX_DIMENSIONS LIMIT_IMAGE_SIDE
#define STBI_ASSERT(x) ((void)0)

/* No block may be larger than the largest picture's. Blocks start as zeros, because a JPEG may use a Huffman table that
 * it never defined: what it then decodes to is at least the same every time. */
static bool too_large(size_t size) { return size > (size_t)LIMIT_IMAGE_PIXELS * 8 + (1 << 20); }

/* Whether a block was not to be had since decoding began: stb_image, which has no argument to carry it, says only that
 * there is no picture, and that is no damage. */
static _Thread_local bool out_of_memory;

static void *noted(void *block)
{
    out_of_memory |= !block;
    return block;
}

static void *bounded_calloc(size_t size) { return too_large(size) ? NULL : noted(calloc(1, size)); }

static void *bounded_realloc(void *block, size_t size) { return too_large(size) ? NULL : noted(realloc(block, size)); }
#define STBI_MALLOC(size) bounded_calloc(size)
#define STBI_REALLOC(block, size) bounded_realloc(block, size)
#define STBI_FREE(block) free(block)
#include <stb_image.h>

struct file {
    const uint8_t *bytes;
    size_t size;
};

/* Walks the segments of a JPEG up to its frame header. */
static enum status jpeg_header(int *width, int *height, int *orientation, struct file file)
{
    size_t at = 2;
    while (at + 4 <= file.size) {
        if (file.bytes[at] != 0xff)
            return STATUS_IMAGE_CORRUPT;
        const unsigned marker = file.bytes[at + 1];
        if (marker == 0xff) { /* a filling byte */
            at++;
            continue;
        }
        const size_t length = bytes_get2_big(file.bytes + at + 2);
        if (length < 2 || at + 2 + length > file.size)
            return STATUS_IMAGE_CORRUPT;
        const uint8_t *segment = file.bytes + at + 4;
        if (marker == 0xe1 && *orientation == 1)
            *orientation = orientation_of(segment, length - 2);
        if (marker >= 0xc0 && marker <= 0xc2 && length >= 8) {
            *height = (int)bytes_get2_big(segment + 1);
            *width = (int)bytes_get2_big(segment + 3);
            const enum status status = image_check(*width, *height);
            return !status && segment[5] == 4 ? STATUS_IMAGE_CMYK : status; /* four components: CMYK or YCCK */
        }
        if (marker == 0xda || marker == 0xd9) /* the picture, or the end, without a frame header */
            return STATUS_IMAGE_CORRUPT;
        at += 2 + length;
    }
    return STATUS_IMAGE_CORRUPT;
}

/* Whether the file has a scan and then, where the last scan's data ends, the end marker. Of a file that is cut short
 * stb_image makes a picture that is grey from there on. What follows the end is not looked at: cameras put things
 * there. */
static bool jpeg_complete(struct file file)
{
    bool scanned = false;
    for (size_t at = 2; at + 4 <= file.size + 2;) {
        if (file.bytes[at] != 0xff || file.bytes[at + 1] == 0xff) { /* data of a scan, or a filling byte */
            at++;
            continue;
        }
        const unsigned marker = file.bytes[at + 1];
        if (marker == 0xd9)
            return scanned;
        at += 2;
        if (marker <= 1 || (marker >= 0xd0 && marker <= 0xd8)) /* an escaped 0xff, a restart */
            continue;
        if (at + 2 > file.size)
            return false;
        scanned |= marker == 0xda;
        at += bytes_get2_big(file.bytes + at);
    }
    return false;
}

static enum status bmp_size(int *width, int *height, struct file file)
{
    struct bmp bmp = {0};
    const enum status status = bmp_header(&bmp, file.bytes, file.size);
    *width = bmp.width;
    *height = bmp.height;
    return status;
}

static enum status png_size(int *width, int *height, struct file file)
{
    struct png png = {0};
    const enum status status = png_header(&png, file.bytes, file.size);
    *width = png.width;
    *height = png.height;
    return status;
}

static enum status header(struct picture *picture, struct file file)
{
    *picture = (struct picture){.orientation = 1};
    if (!format_of(&picture->format, file.bytes, file.size))
        return format_refusal(file.bytes, file.size);
    if (file.size > LIMIT_IMAGE_BYTES)
        return STATUS_IMAGE_BYTES;
    if (picture->format == PICTURE_JPEG)
        return jpeg_header(&picture->width, &picture->height, &picture->orientation, file);
    return (picture->format == PICTURE_BMP ? bmp_size : png_size)(&picture->width, &picture->height, file);
}

enum status decode_size(int *width, int *height, const uint8_t *bytes, size_t size)
{
    struct picture picture;
    const enum status status = header(&picture, (struct file){bytes, size});
    *width = picture.width;
    *height = picture.height;
    return status;
}

/* EXIF: 2 mirrored, 3 upside down, 4 both, 5 to 8 the same with rows and columns exchanged. */
static uint8_t *upright(struct picture *picture, const uint8_t *stored)
{
    const int w = picture->width, h = picture->height, orientation = picture->orientation;
    const bool exchange = orientation >= 5;
    const bool from_right = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
    const bool from_bottom = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
    uint8_t *rgba = malloc((size_t)w * (size_t)h * 4);
    if (!rgba)
        return NULL;
    picture->width = exchange ? h : w;
    picture->height = exchange ? w : h;
    uint8_t *out = rgba;
    for (int y = 0; y < picture->height; y++)
        for (int x = 0; x < picture->width; x++, out += 4) {
            const int column = exchange ? y : x, row = exchange ? x : y;
            const size_t from =
                (size_t)(from_bottom ? h - 1 - row : row) * (size_t)w + (size_t)(from_right ? w - 1 - column : column);
            memcpy(out, stored + from * 4, 4);
        }
    return rgba;
}

static enum status decode_bmp(struct picture *picture, struct file file)
{
    struct bmp bmp;
    bmp_header(&bmp, file.bytes, file.size);
    picture->rgba = malloc((size_t)bmp.width * (size_t)bmp.height * 4);
    return picture->rgba ? bmp_decode(picture->rgba, &bmp) : STATUS_MEMORY;
}

static enum status decode_png(struct picture *picture, struct file file)
{
    struct png png;
    enum status status = png_open(&png, file.bytes, file.size);
    if (status)
        return status;
    picture->orientation = png.orientation;
    void *workspace = malloc(png_workspace(&png));
    picture->rgba = workspace ? malloc((size_t)png.width * (size_t)png.height * 4) : NULL;
    status = picture->rgba ? png_decode(picture->rgba, &png, workspace) : STATUS_MEMORY;
    free(workspace);
    return status;
}

static enum status decode_jpeg(struct picture *picture, struct file file)
{
    int width = 0, height = 0, stored_channels;
    if (!jpeg_complete(file))
        return STATUS_IMAGE_CORRUPT;
    out_of_memory = false;
    picture->rgba = stbi_load_from_memory(file.bytes, (int)file.size, &width, &height, &stored_channels, 4);
    if (!picture->rgba && out_of_memory)
        return STATUS_MEMORY;
    if (!picture->rgba || width != picture->width || height != picture->height)
        return STATUS_IMAGE_CORRUPT;
    return STATUS_OK;
}

enum status decode_picture(struct picture *picture, const uint8_t *bytes, size_t size)
{
    static enum status (*const decoders[])(struct picture *, struct file) = {
        [PICTURE_JPEG] = decode_jpeg, [PICTURE_PNG] = decode_png, [PICTURE_BMP] = decode_bmp};
    const struct file file = {bytes, size};
    enum status status = header(picture, file);
    if (!status)
        status = decoders[picture->format](picture, file);
    if (!status && picture->orientation > 1) {
        uint8_t *stored = picture->rgba;
        picture->rgba = upright(picture, stored);
        free(stored);
        status = picture->rgba ? STATUS_OK : STATUS_MEMORY;
    }
    if (status) {
        free(picture->rgba);
        picture->rgba = NULL;
    }
    return status;
}

enum status decode_deflated(uint8_t *out, size_t out_size, const uint8_t *bytes, size_t size)
{
    struct inflate *inflate = malloc(sizeof *inflate);
    const bool good = inflate && inflate_all(out, out_size, bytes, size, inflate);
    free(inflate);
    return good ? STATUS_OK : inflate ? STATUS_IMAGE_CORRUPT : STATUS_MEMORY;
}
