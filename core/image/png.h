/* PNG files (ISO/IEC 15948): their chunks. png_rows.h has the pixels.
 *
 *     struct png png;
 *     enum status status = png_open(&png, bytes, size);
 *     if (!status)
 *         status = png_decode(&rows, &png, workspace);   // png_rows.h
 *
 * Up to the last IDAT each chunk's CRC must be right, as Pillow demands: one damaged bit could make of a chunk that
 * matters another that does not. Behind it, only eXIf matters. What may be missing is said in png_rows.h.
 *
 * Pure: nothing is read outside [bytes, bytes + size), which stay in place until the picture is decoded. */
#ifndef PNG_H
#define PNG_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct png {
    int width, height;
    int orientation; /* of eXIf, 1 to 8 (orientation.h) */
    /* private: */
    int depth, colour_type;
    bool interlaced;
    bool checked; /* the CRC of every IDAT */
    const uint8_t *bytes;
    size_t size, data;                      /* of the file; where its first IDAT is */
    const uint8_t *palette, *transparency;  /* what PLTE and tRNS hold, or NULL */
    size_t palette_size, transparency_size; /* in bytes */
};

/* IHDR alone: STATUS_IMAGE_CORRUPT, _TRUNCATED, _CGBI, _SIZE, _SIDE or _PIXELS. */
enum status png_header(struct png *png, const uint8_t *bytes, size_t size);

/* All chunks; the same, and _TRUNCATED where there are fewer data than the rows must take. */
enum status png_open(struct png *png, const uint8_t *bytes, size_t size);

/* ---- For png_rows.c ---- */

enum { PNG_CHUNK_START = 8, PNG_CHUNK_END = 4 }; /* size and type; CRC */

/* Deflate makes at most 258 bytes of 2 bits. */
enum { PNG_MAX_RATIO = 258 * 8 / 2 };

enum { PNG_GREY = 0, PNG_RGB = 2, PNG_PALETTE = 3, PNG_GREY_ALPHA = 4, PNG_RGBA = 6 }; /* colour types */

struct png_chunk {
    const uint8_t *type, *data;
    size_t size, next; /* of the data that are there; where the next chunk starts */
    bool whole;        /* it ends within the file */
};

/* False where the file ends. */
bool png_chunk_at(struct png_chunk *chunk, const struct png *png, size_t at);

/* Some pixels of the picture: every `right`-th of a row from `left` on, in every `down`-th row from `top` on. */
struct png_pass {
    int left, top, right, down, width, height; /* no width: no rows either */
};

static inline int png_passes(const struct png *png) { return png->interlaced ? 7 : 1; }

/* Adam7's, or the one of a picture that is stored row by row. */
static inline struct png_pass png_pass_of(const struct png *png, int i)
{
    static const uint8_t all[4] = {0, 0, 1, 1}, adam7[7][4] = {{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4},
                                                               {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2}};
    const uint8_t *p = png->interlaced ? adam7[i] : all;
    struct png_pass pass = {p[0], p[1], p[2], p[3], 0, 0};
    pass.width = (png->width - pass.left + pass.right - 1) / pass.right;
    pass.height = (png->height - pass.top + pass.down - 1) / pass.down;
    return pass;
}

static inline int png_channels(const struct png *png)
{
    static const uint8_t channels[] = {
        [PNG_GREY] = 1, [PNG_RGB] = 3, [PNG_PALETTE] = 1, [PNG_GREY_ALPHA] = 2, [PNG_RGBA] = 4};
    return channels[png->colour_type];
}

static inline size_t png_row_bytes(const struct png *png, int width)
{
    return ((size_t)width * (size_t)png_channels(png) * (size_t)png->depth + 7) / 8;
}

#endif
