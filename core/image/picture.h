/* A picture, and who takes its rows while it is decoded.
 *
 *     static void print(void *context, int y, const uint8_t *rgba)
 *     {
 *         (void)context;
 *         printf("row %d begins with %d %d %d\n", y, rgba[0], rgba[1], rgba[2]);
 *     }
 *     struct picture_rows rows = {.row = print};
 */
#ifndef PICTURE_H
#define PICTURE_H

#include "base/status.h"
#include "image/formats.h"

struct picture {
    int width, height;
    uint8_t *rgba;   /* (height, width, 4), upright: the EXIF orientation is applied; the caller frees it */
    int orientation; /* EXIF's, of the stored picture, 1 to 8; 1: upright */
    enum picture_format format;
};

struct picture_rows {
    void *context;
    /* Once, before the first row, with width and height as the file stores them and no pixels: the place for memory.
     * What it returns ends the decoding unless it is STATUS_OK. NULL: there is nothing to prepare. */
    enum status (*begin)(void *context, const struct picture *stored);
    /* Row y of the file, (width, 4), alpha not premultiplied: each once, from the first to the last. Valid until it
     * returns. A picture may still turn out to be damaged after some. */
    void (*row)(void *context, int y, const uint8_t *rgba);
};

#endif
