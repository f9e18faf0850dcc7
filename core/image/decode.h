/* JPEG, PNG and BMP files to pixels, each by a decoder of our own: jpeg.h, png_rows.h and bmp.h say what they read.
 *
 *     struct picture picture;
 *     enum status status = decode_picture(&picture, bytes, size);
 *     ...
 *     free(picture.rgba);
 *
 * Any bytes give the same pixels, or the same status, on every machine. Size and format are checked before decoding.
 * Callers decode where a mistake in a decoder would be survivable all the same - a fresh instance in JavaScript, a
 * child process natively. This is the one place in core that allocates (malloc).
 *
 * EXIF's orientation is applied to both formats that can have one, as a SHORT or a LONG (orientation.h): of a PNG it is
 * the chunk eXIf, before the pixels or behind them. Not the profile of ImageMagick's own in a text chunk, nor XMP:
 * Pillow turns such a picture, browsers do not. */
#ifndef DECODE_H
#define DECODE_H

#include "image/picture.h"

/* Any status of an image, or STATUS_MEMORY, when there is no picture; then nothing needs freeing. No part of a picture is
 * made up: one whose rows are not all there is STATUS_IMAGE_TRUNCATED. */
enum status decode_picture(struct picture *picture, const uint8_t *bytes, size_t size);

/* The same row by row, with what the rows' `begin` returns: of most files no more than some rows are in memory. */
enum status decode_rows(const struct picture_rows *rows, const uint8_t *bytes, size_t size);

/* Who takes the rows of a whole picture, turned upright, into *picture; whatever comes of it, free(picture->rgba). It may
 * be begun again. */
struct picture_rows decode_whole(struct picture *picture);

/* Width and height as stored, without decoding. */
enum status decode_size(int *width, int *height, const uint8_t *bytes, size_t size);

/* Bytes that decode_rows takes for an image, beside those of the file and of who takes the rows, and its size as stored:
 * who decodes several at once can let one wait. */
enum status decode_bytes(uint64_t *needed, struct picture *stored, const uint8_t *bytes, size_t size);

/* Unpacks raw deflate data that makes exactly out_size bytes (inflate.h); what follows them is not looked at. */
enum status decode_deflated(uint8_t *out, size_t out_size, const uint8_t *bytes, size_t size);

#endif
