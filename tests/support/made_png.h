/* PNG files made byte by byte, so that a test knows their pixels and can say what is wrong with them.
 *
 *     struct made_png png = {.bytes = memory};
 *     made_png_start(&png, (struct png_kind){.width = 3, .height = 2, .depth = 8, .colour_type = 2});
 *     made_png_chunk(&png, "tEXt", "a\0b", 3);
 *     made_png_rows(&png, raw, raw_size);      // filter bytes and rows, packed in stored blocks
 *     made_png_chunk(&png, "IEND", NULL, 0);
 *     decode_picture(&picture, png.bytes, png.size);
 *
 * or, with pixels by a formula: made_png_file. */
#ifndef MADE_PNG_H
#define MADE_PNG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct png_kind {
    int width, height, depth, colour_type;
    bool interlaced;
};

struct made_png {
    uint8_t *bytes; /* the caller's, large enough */
    size_t size;
};

enum { MADE_PNG_SIDE = 16, MADE_PNG_RAW = 8192, MADE_PNG_BYTES = 3 * MADE_PNG_RAW };

/* A whole file of at most MADE_PNG_SIDE pixels a side, in memory of the test (test_release). Every row has another
 * filter; a palette has every colour that a pixel can name. */
struct made_png made_png_file(struct png_kind kind);

/* What its pixel (x, y) is. */
void made_png_pixel(uint8_t rgba[4], const struct png_kind *kind, int x, int y);

/* What its rows are packed from; returns the bytes, at most MADE_PNG_RAW. */
size_t made_png_raw(uint8_t *raw, const struct png_kind *kind);

/* PLTE with so many colours, of which there may be more than are valid, and one of them. */
enum { MADE_PNG_COLOURS = 256 + 8 };
void made_png_palette(struct made_png *png, unsigned colours);
void made_png_colour(uint8_t colour[3], unsigned index);

/* The signature and IHDR. */
void made_png_start(struct made_png *png, struct png_kind kind);

void made_png_chunk(struct made_png *png, const char *type, const void *data, size_t size);

/* The zlib stream of these bytes, without compression; its size is returned: size + 11 for up to 65,535 bytes. */
size_t made_png_zlib(uint8_t *out, const uint8_t *raw, size_t size);

/* One IDAT of such a stream. */
void made_png_rows(struct made_png *png, const uint8_t *raw, size_t size);

/* Writes each chunk's CRC anew, so that what was changed before reaches the decoder. */
void made_png_mend(uint8_t *bytes, size_t size);

#endif
