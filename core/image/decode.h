/* JPEG, PNG and BMP files to pixels, the first two by stb_image (Debian's 2.27) behind a wall.
 *
 *     struct picture picture;
 *     enum status status = decode_picture(&picture, bytes, size);
 *     ...
 *     free(picture.rgba);
 *
 * That version of stb_image indexes outside its tables on hostile JPEGs. This file's unit is built with trapping bounds
 * checks (see the Makefile), so such a picture ends the WebAssembly instance or the process before the stray access:
 * callers decode where that is survivable - a fresh instance in JavaScript, a child process natively. Size and format
 * are checked before decoding. This is the one place in core that allocates (malloc, through stb_image). */
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

/* STATUS_IMAGE_FORMAT, _SIZE, _CORRUPT, _CMYK or _MEMORY when there is no picture; then nothing needs freeing. A
 * JPEG without a scan or without its end marker is corrupt: no part of a picture is made up. */
enum status decode_picture(struct picture *picture, const uint8_t *bytes, size_t size);

/* Width and height as stored, without decoding. */
enum status decode_size(int *width, int *height, const uint8_t *bytes, size_t size);

/* Unpacks raw deflate data that makes exactly out_size bytes. At least 4 bytes should follow the data within `size`,
 * as the trailers of zlib and gzip do: stb_image may take the end itself for damage. The same walls are needed as
 * for pictures. */
enum status decode_deflated(uint8_t *out, size_t out_size, const uint8_t *bytes, size_t size);

#endif
