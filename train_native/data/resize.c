#include "data/resize.h"

#include "cli/errors.h"
#include "cli/memory.h"

#include <stdlib.h>
#include <string.h>

bool resize_picture(uint8_t *pixels, const uint8_t *rgba, int width, int height, struct shape input,
                    const struct preprocess *preprocess)
{
    struct arena measure = {0};
    image_resize(NULL, NULL, width, height, input, preprocess, &measure);
    struct arena arena = {.base = allocate_or_null((size_t)measure.used, 1), .size = measure.used};
    if (arena.base)
        image_resize(pixels, rgba, width, height, input, preprocess, &arena);
    free(arena.base);
    return arena.base != NULL;
}

void resize_pixels(uint8_t *pixels, const uint8_t *rgb, struct shape from, struct shape input,
                   const struct preprocess *preprocess)
{
    const size_t count = (size_t)from.h * (size_t)from.w;
    uint8_t *rgba = allocate(count, 4);
    for (size_t i = 0; i < count; i++) {
        memcpy(rgba + 4 * i, rgb + 3 * i, 3);
        rgba[4 * i + 3] = 255;
    }
    const bool resized = resize_picture(pixels, rgba, from.w, from.h, input, preprocess);
    free(rgba);
    if (!resized)
        die_of_memory();
}
