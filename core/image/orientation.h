/* Which way up a picture was stored: the value of the tag Orientation in an EXIF block, as JPEG's APP1 segment and
 * PNG's eXIf chunk hold it.
 *
 *     picture.orientation = orientation_of(block, block_size);
 *
 * Only the first directory is looked at. The value may be a SHORT or a LONG, of either byte order, as Pillow reads it
 * (Chromium reads a SHORT only). Never reads outside [block, block + size). */
#ifndef ORIENTATION_H
#define ORIENTATION_H

#include <stddef.h>
#include <stdint.h>

/* 1 to 8; 1, upright, where the block has no such tag or makes no sense. The block begins with a TIFF header, or with
 * "Exif\0\0" before it, as in JPEG. */
int orientation_of(const uint8_t *block, size_t size);

#endif
