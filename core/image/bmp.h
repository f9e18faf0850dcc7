/* BMP files: 1, 4, 8, 16, 24 and 32 bits a pixel, 4 and 8 bits also as runs (RLE4, RLE8), any header from OS/2's to
 * Windows' fifth. A colour that the palette lacks is black. Of a run, what reaches beyond its row is passed over; a
 * pixel that no run sets has the palette's first colour, as in Pillow.
 *
 *     struct bmp bmp;
 *     enum status status = bmp_header(&bmp, bytes, size);
 *     if (!status)
 *         status = bmp_decode(&rows, &bmp, workspace);   // of bmp_workspace(&bmp) bytes
 *
 * Pure: nothing is read outside [bytes, bytes + size), which stay in place until the picture is decoded. */
#ifndef BMP_H
#define BMP_H

#include "image/picture.h"

struct bmp {
    int width, height;
    /* private: */
    bool top_down;    /* the first row of the file is the picture's */
    int bits;         /* of a pixel */
    uint32_t mask[4]; /* red, green, blue, alpha in a pixel of 16 bits or more; alpha 0: opaque */
    bool runs;
    const uint8_t *palette, *rows, *end; /* of the file */
    int colours, colour_bytes;           /* of the palette */
    size_t row_bytes;
};

/* STATUS_IMAGE_FORMAT if this is no BMP; _SIZE, _SIDE, _PIXELS; _TRUNCATED when it is shorter than its rows; _CORRUPT,
 * also for a compression that is not read. */
enum status bmp_header(struct bmp *bmp, const uint8_t *bytes, size_t size);

/* Bytes that bmp_decode needs: a row, or all pixels where they are stored as runs. */
size_t bmp_workspace(const struct bmp *bmp);

/* Gives the rows to the taker (whose `row` alone is called). _TRUNCATED when runs end before the last row does. */
enum status bmp_decode(const struct picture_rows *taker, const struct bmp *bmp, void *workspace);

#endif
