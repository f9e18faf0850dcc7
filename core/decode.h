/* JPEG and PNG files to pixels, by stb_image (Debian's 2.27) behind a wall.
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

#include "status.h"

#include <stddef.h>
#include <stdint.h>

struct picture {
    int width, height;
    uint8_t *rgba; /* (height, width, 4), upright: the EXIF orientation is applied; the caller frees it */
};

/* STATUS_IMAGE_FORMAT, _SIZE, _CORRUPT or _MEMORY when there is no picture; then nothing needs freeing. */
enum status decode_picture(struct picture *picture, const uint8_t *bytes, size_t size);

/* Width and height as stored, without decoding. */
enum status decode_size(int *width, int *height, const uint8_t *bytes, size_t size);

#endif
