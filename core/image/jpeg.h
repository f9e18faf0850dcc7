/* JPEG files to pixels (ITU-T T.81): sequential and progressive, Huffman codes, 8 bits, grey or three components.
 *
 *     struct jpeg jpeg;
 *     enum status status = jpeg_open(&jpeg, bytes, size);
 *     struct arena arena = {0};
 *     if (!status)
 *         status = jpeg_decode(NULL, &jpeg, &arena); // measure; with arena.base set: for real
 *     ...
 *     status = jpeg_decode(&rows, &jpeg, &arena);
 *
 * The pixels are those of libjpeg, and so of browsers and Pillow, to the bit. As there, bytes between two segments or
 * before a marker are passed over, a file without Huffman tables has the typical ones (Motion JPEG), and whatever
 * follows the picture's last bit, an end marker among it, is not looked at. Unlike there, no part of a picture is made
 * up: where a row, or a bit of a progressive picture's coefficients, is missing, there is no picture.
 *
 * STATUS_IMAGE_TRUNCATED: the file or an end marker comes too soon. _CORRUPT: a damaged segment or code, or one that is
 * against the standard. _12_BIT, _LOSSLESS, _ARITHMETIC and _CMYK are kinds that are not read. _SCANS: more than
 * LIMIT_IMAGE_SCANS, or more blocks in them than LIMIT_IMAGE_SCAN_BLOCKS. And those of image_check. */
#ifndef JPEG_H
#define JPEG_H

#include "base/arena.h"
#include "image/jpeg_segments.h"
#include "image/picture.h"

/* Reads up to the first scan's data; the bytes, of at least two, stay the caller's. Whatever the status is,
 * frame.width and .height are what has been read of them, or 0. */
enum status jpeg_open(struct jpeg *jpeg, const uint8_t *bytes, size_t size);

/* Plans, and with arena->base performs, the decoding to rows (of which `row` alone is called). What is too large to
 * decode is refused while measuring. For real only once. */
enum status jpeg_decode(const struct picture_rows *taker, struct jpeg *jpeg, struct arena *arena);

#endif
