/* BMP files without compression: 1, 4, 8, 16, 24 and 32 bits a pixel, any header from OS/2's to Windows' fifth.
 *
 *     struct bmp bmp;
 *     enum status status = bmp_header(&bmp, bytes, size);
 *     if (!status)
 *         status = bmp_decode(rgba, &bmp);               // rgba: (bmp.height, bmp.width, 4), the caller's
 *
 * Pure: nothing is read outside [bytes, bytes + size), which stay in place until the picture is decoded. */
#ifndef BMP_H
#define BMP_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bmp {
    int width, height;
    /* private: */
    bool top_down;    /* the first row of the file is the picture's */
    int bits;         /* of a pixel */
    uint32_t mask[4]; /* red, green, blue, alpha in a pixel of 16 bits or more; alpha 0: opaque */
    const uint8_t *palette, *rows;
    int colours, colour_bytes; /* of the palette */
    size_t row_bytes;
};

/* STATUS_IMAGE_FORMAT if this is no BMP; _SIZE; _CORRUPT also when it is compressed or shorter than its pixels. */
enum status bmp_header(struct bmp *bmp, const uint8_t *bytes, size_t size);

/* _CORRUPT when a pixel has a colour that the palette lacks. */
enum status bmp_decode(uint8_t *rgba, const struct bmp *bmp);

#endif
