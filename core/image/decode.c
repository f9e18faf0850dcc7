#include "image/decode.h"

#include "image/bmp.h"
#include "image/inflate.h"
#include "image/jpeg.h"
#include "image/orientation.h"
#include "image/png_rows.h"
#include "base/bounds.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* A file that is about to be decoded. */
struct decoder {
    struct picture picture; /* as stored */
    union {
        struct jpeg jpeg;
        struct png png;
        struct bmp bmp;
    };
};

struct file {
    const uint8_t *bytes;
    size_t size;
};

static enum status open_jpeg(struct decoder *decoder, struct file file)
{
    const struct jpeg *jpeg = &decoder->jpeg;
    const enum status status = jpeg_open(&decoder->jpeg, file.bytes, file.size);
    decoder->picture.width = jpeg->frame.width;
    decoder->picture.height = jpeg->frame.height;
    decoder->picture.orientation = jpeg->orientation;
    return status;
}

static enum status open_bmp(struct decoder *decoder, struct file file)
{
    decoder->bmp = (struct bmp){0};
    const enum status status = bmp_header(&decoder->bmp, file.bytes, file.size);
    decoder->picture.width = decoder->bmp.width;
    decoder->picture.height = decoder->bmp.height;
    return status;
}

/* The size stands in the first chunk, the orientation in any. */
static enum status open_png(struct decoder *decoder, struct file file)
{
    decoder->png = (struct png){0};
    const enum status status = png_header(&decoder->png, file.bytes, file.size);
    decoder->picture.width = decoder->png.width;
    decoder->picture.height = decoder->png.height;
    return status;
}

static enum status open_file(struct decoder *decoder, struct file file)
{
    static enum status (*const openers[])(struct decoder *, struct file) = {
        [PICTURE_JPEG] = open_jpeg, [PICTURE_PNG] = open_png, [PICTURE_BMP] = open_bmp};
    struct picture *picture = &decoder->picture;
    *picture = (struct picture){.orientation = 1};
    if (!format_of(&picture->format, file.bytes, file.size))
        return format_refusal(file.bytes, file.size);
    return file.size > LIMIT_IMAGE_BYTES ? STATUS_IMAGE_BYTES : openers[picture->format](decoder, file);
}

enum status decode_size(int *width, int *height, const uint8_t *bytes, size_t size)
{
    struct decoder decoder;
    const enum status status = open_file(&decoder, (struct file){bytes, size});
    *width = decoder.picture.width;
    *height = decoder.picture.height;
    return status;
}

/* Opens a file, and measures what its decoder works in. */
static enum status prepare(struct decoder *decoder, uint64_t *workspace, struct file file)
{
    struct arena arena = {0};
    enum status status = open_file(decoder, file);
    *workspace = 0;
    if (status)
        return status;
    switch (decoder->picture.format) {
    case PICTURE_JPEG: status = jpeg_decode(NULL, &decoder->jpeg, &arena); break;
    case PICTURE_PNG:
        status = png_open(&decoder->png, file.bytes, file.size);
        decoder->picture.orientation = decoder->png.orientation;
        arena.used = status ? 0 : png_workspace(&decoder->png);
        break;
    case PICTURE_BMP: arena.used = bmp_workspace(&decoder->bmp); break;
    case PICTURE_FORMAT_COUNT: break;
    }
    *workspace = arena.used;
    return status;
}

enum status decode_bytes(uint64_t *needed, struct picture *stored, const uint8_t *bytes, size_t size)
{
    struct decoder decoder;
    const enum status status = prepare(&decoder, needed, (struct file){bytes, size});
    *needed += ARENA_ALIGNMENT;
    *stored = decoder.picture;
    return status;
}

static enum status decode(const struct picture_rows *rows, struct decoder *decoder, struct arena *workspace)
{
    switch (decoder->picture.format) {
    case PICTURE_JPEG: return jpeg_decode(rows, &decoder->jpeg, workspace);
    case PICTURE_PNG: return png_decode(rows, &decoder->png, workspace->base);
    case PICTURE_BMP: return bmp_decode(rows, &decoder->bmp, workspace->base);
    case PICTURE_FORMAT_COUNT: break;
    }
    return STATUS_IMAGE_FORMAT;
}

/* Aligned by hand: emmalloc's aligned_alloc, in WebAssembly, may take twice the memory (wasm/exports.c). */
enum status decode_rows(const struct picture_rows *rows, const uint8_t *bytes, size_t size)
{
    struct decoder decoder;
    uint64_t needed;
    enum status status = prepare(&decoder, &needed, (struct file){bytes, size});
    if (status)
        return status;
    unsigned char *workspace = malloc((size_t)needed + ARENA_ALIGNMENT);
    status = !workspace ? STATUS_MEMORY : rows->begin ? rows->begin(rows->context, &decoder.picture) : STATUS_OK;
    if (!status) {
        const size_t before = ARENA_ALIGNMENT - (uintptr_t)workspace % ARENA_ALIGNMENT;
        status = decode(rows, &decoder, &(struct arena){.base = workspace + before, .size = needed});
    }
    free(workspace);
    return status;
}

static enum status begin_whole(void *context, const struct picture *stored)
{
    struct picture *picture = context;
    const bool exchanges = orientation_exchanges(stored->orientation);
    free(picture->rgba);
    *picture = *stored;
    picture->width = exchanges ? stored->height : stored->width;
    picture->height = exchanges ? stored->width : stored->height;
    picture->rgba = malloc((size_t)stored->width * (size_t)stored->height * 4);
    return picture->rgba ? STATUS_OK : STATUS_MEMORY;
}

/* EXIF: 2 mirrored, 3 upside down, 4 both, 5 to 8 the same with rows and columns exchanged. */
static void put_row(void *context, int y, const uint8_t *rgba)
{
    struct picture *picture = context;
    const size_t width = (size_t)picture->width;
    const int orientation = picture->orientation;
    const bool exchanges = orientation_exchanges(orientation), from_right = orientation_from_right(orientation);
    const int count = exchanges ? picture->height : picture->width,
              line = orientation_from_bottom(orientation) ? (exchanges ? picture->width : picture->height) - 1 - y : y;
    uint8_t *out = picture->rgba + (exchanges ? (size_t)line : (size_t)line * width) * 4;
    if (orientation == 1) {
        memcpy(out, rgba, width * 4);
        return;
    }
    for (int x = 0; x < count; x++) {
        const size_t along = (size_t)(from_right ? count - 1 - x : x);
        memcpy(out + (exchanges ? along * width : along) * 4, rgba + x * 4, 4);
    }
}

struct picture_rows decode_whole(struct picture *picture)
{
    picture->rgba = NULL;
    return (struct picture_rows){picture, begin_whole, put_row};
}

enum status decode_picture(struct picture *picture, const uint8_t *bytes, size_t size)
{
    const struct picture_rows rows = decode_whole(picture);
    const enum status status = decode_rows(&rows, bytes, size);
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
