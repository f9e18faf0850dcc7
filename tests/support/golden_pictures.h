/* The golden pictures (golden/README.md) as a list. */
#ifndef GOLDEN_PICTURES_H
#define GOLDEN_PICTURES_H

#include "golden/pictures.h"

#include <stddef.h>
#include <stdint.h>

#define PICTURE(name) \
    { \
#name, name, sizeof name \
    }
static const struct {
    const char *name;
    const uint8_t *bytes;
    size_t size;
} pictures[] = {PICTURE(png_rgba),      PICTURE(png_rgb),          PICTURE(png_grey), PICTURE(png_palette),
                PICTURE(jpeg_baseline), PICTURE(jpeg_progressive), PICTURE(jpeg_grey)};
enum { PICTURES = sizeof pictures / sizeof *pictures };

#endif
