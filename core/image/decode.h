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

#include "base/status.h"
#include "image/formats.h"

#include <stddef.h>
#include <stdint.h>

struct picture {
    int width, height;
    uint8_t *rgba;   /* (height, width, 4), upright: the EXIF orientation is applied; the caller frees it */
    int orientation; /* EXIF's, of the stored picture, 1 to 8; 1: upright */
    enum picture_format format;
};

/* Any status of an image, or STATUS_MEMORY, when there is no picture; then nothing needs freeing. No part of a picture is
 * made up: one whose rows are not all there is STATUS_IMAGE_TRUNCATED. */
enum status decode_picture(struct picture *picture, const uint8_t *bytes, size_t size);

/* Width and height as stored, without decoding. */
enum status decode_size(int *width, int *height, const uint8_t *bytes, size_t size);

/* Bytes that decode_picture takes for an image, beside those of the file: who decodes several at once can let one wait. */
enum status decode_bytes(uint64_t *needed, const uint8_t *bytes, size_t size);

/* Turns pixels that are stored as the picture's orientation says. STATUS_MEMORY: they are as they were. */
enum status decode_upright(struct picture *picture);

/* Unpacks raw deflate data that makes exactly out_size bytes (inflate.h); what follows them is not looked at. */
enum status decode_deflated(uint8_t *out, size_t out_size, const uint8_t *bytes, size_t size);

#endif
