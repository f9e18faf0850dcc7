/* PNG files.
 *
 *     struct png png;
 *     enum status status = png_header(&png, bytes, size);
 *
 * Never reads outside [bytes, bytes + size). */
#ifndef PNG_H
#define PNG_H

#include "base/status.h"

#include <stddef.h>
#include <stdint.h>

struct png {
    int width, height;
};

/* The size that IHDR, the first chunk, says: STATUS_IMAGE_CORRUPT, _SIZE, _SIDE or _PIXELS. */
enum status png_header(struct png *png, const uint8_t *bytes, size_t size);

#endif
