/* Small pictures for a page. */
#ifndef THUMBNAIL_H
#define THUMBNAIL_H

#include "base/shape.h"

#include <stddef.h>
#include <stdint.h>

enum { THUMBNAIL_SIDE = 64 }; /* larger images are made smaller */

/* A data: URL with a PNG of pixels (h, w, 3); the caller frees it. */
char *thumbnail_url(const uint8_t *pixels, struct shape shape);

/* A PNG file of pixels (h, w, 3), of their own size; the caller frees it. */
uint8_t *thumbnail_png(size_t *size, const uint8_t *pixels, struct shape shape);

#endif
