/* The pixels of a PNG whose chunks are known (png.h).
 *
 *     void *workspace = malloc(png_workspace(&png));
 *     status = png_decode(&rows, &png, workspace);
 *
 * Every bit depth, colour type and both orders of rows are read; 16 bits lose their lower byte. Every row must be there:
 * what follows the rows may be missing, as long as a CRC or the Adler-32 of zlib says that they are right; more data
 * than the rows need is passed over. A colour that PLTE lacks is opaque black, as libpng has it. Colour
 * profiles and gamma are not applied. */
#ifndef PNG_ROWS_H
#define PNG_ROWS_H

#include "image/picture.h"
#include "image/png.h"

/* Bytes that png_decode needs: some rows, or all pixels where their order is another (interlaced). */
size_t png_workspace(const struct png *png);

/* Gives the rows to the taker (whose `row` alone is called). STATUS_IMAGE_TRUNCATED: rows are missing; _CORRUPT. The
 * workspace is aligned as malloc's memory is. */
enum status png_decode(const struct picture_rows *taker, const struct png *png, void *workspace);

#endif
