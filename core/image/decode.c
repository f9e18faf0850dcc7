#include "image/decode.h"

#include "image/bmp.h"
#include "image/inflate.h"
#include "image/jpeg.h"
#include "image/png_rows.h"
#include "base/bounds.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct file {
    const uint8_t *bytes;
    size_t size;
};

static enum status jpeg_size(struct picture *picture, struct file file)
{
    struct jpeg jpeg;
    const enum status status = jpeg_open(&jpeg, file.bytes, file.size);
    picture->width = jpeg.frame.width;
    picture->height = jpeg.frame.height;
    picture->orientation = jpeg.orientation;
    return status;
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
        return jpeg_size(picture, file);
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
enum status decode_upright(struct picture *picture)
{
    const int w = picture->width, h = picture->height, orientation = picture->orientation;
    const bool exchange = orientation >= 5;
    const bool from_right = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
    const bool from_bottom = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
    if (orientation == 1)
        return STATUS_OK;
    uint8_t *stored = picture->rgba, *out = malloc((size_t)w * (size_t)h * 4);
    if (!out)
        return STATUS_MEMORY;
    *picture = (struct picture){exchange ? h : w, exchange ? w : h, out, orientation, picture->format};
    for (int y = 0; y < picture->height; y++)
        for (int x = 0; x < picture->width; x++, out += 4) {
            const int column = exchange ? y : x, row = exchange ? x : y;
            const size_t from =
                (size_t)(from_bottom ? h - 1 - row : row) * (size_t)w + (size_t)(from_right ? w - 1 - column : column);
            memcpy(out, stored + from * 4, 4);
        }
    free(stored);
    return STATUS_OK;
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

/* Aligned by hand: emmalloc's aligned_alloc, in WebAssembly, may take twice the memory (wasm/exports.c). */
static enum status decode_jpeg(struct picture *picture, struct file file)
{
    struct jpeg jpeg;
    struct arena arena = {0};
    enum status status = jpeg_open(&jpeg, file.bytes, file.size);
    if (!status)
        status = jpeg_decode(NULL, &jpeg, &arena);
    if (status)
        return status;
    unsigned char *workspace = malloc((size_t)arena.used + ARENA_ALIGNMENT);
    picture->rgba = workspace ? malloc((size_t)picture->width * (size_t)picture->height * 4) : NULL;
    status = STATUS_MEMORY;
    if (picture->rgba) {
        const size_t before = ARENA_ALIGNMENT - (uintptr_t)workspace % ARENA_ALIGNMENT;
        arena = (struct arena){.base = workspace + before, .size = arena.used};
        status = jpeg_decode(picture->rgba, &jpeg, &arena);
    }
    free(workspace);
    return status;
}

/* What each decoder works in, beside the pixels. */
static enum status workspace_bytes(uint64_t *needed, struct picture *picture, struct file file)
{
    struct arena arena = {0};
    struct jpeg jpeg;
    struct png png;
    enum status status = STATUS_OK;
    if (picture->format == PICTURE_JPEG && !(status = jpeg_open(&jpeg, file.bytes, file.size)))
        status = jpeg_decode(NULL, &jpeg, &arena);
    *needed = arena.used + ARENA_ALIGNMENT;
    if (picture->format == PICTURE_PNG && !(status = png_open(&png, file.bytes, file.size))) {
        picture->orientation = png.orientation;
        *needed = png_workspace(&png);
    }
    return status;
}

/* The workspace is given back before the pixels are turned. */
enum status decode_bytes(uint64_t *needed, const uint8_t *bytes, size_t size)
{
    const struct file file = {bytes, size};
    struct picture picture;
    uint64_t workspace;
    enum status status = header(&picture, file);
    if (!status)
        status = workspace_bytes(&workspace, &picture, file);
    if (status)
        return status;
    const uint64_t pixels = (uint64_t)picture.width * (uint64_t)picture.height * 4;
    *needed = pixels + (picture.orientation > 1 && pixels > workspace ? pixels : workspace);
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
    if (!status)
        status = decode_upright(picture);
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
