/* Which way up a picture was stored: the value of the tag Orientation in an EXIF block, as JPEG's APP1 segment and
 * PNG's eXIf chunk hold it.
 *
 *     picture.orientation = orientation_of(block, block_size);
 *
 * Only the first directory is looked at. The value may be a SHORT or a LONG, of either byte order, as Pillow reads it
 * (Chromium reads a SHORT only). Never reads outside [block, block + size). */
#ifndef ORIENTATION_H
#define ORIENTATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* 1 to 8; 1, upright, where the block has no such tag or makes no sense. The block begins with a TIFF header, or with
 * "Exif\0\0" before it, as in JPEG. */
int orientation_of(const uint8_t *block, size_t size);

/* Whether the file's rows are the picture's columns; whether the picture's first column, or the first row, is the file's
 * last, before any exchange. */
static inline bool orientation_exchanges(int orientation) { return orientation >= 5; }
static inline bool orientation_from_right(int orientation)
{
    return orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
}
static inline bool orientation_from_bottom(int orientation)
{
    return orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
}

#endif
