#include "thumbnail.h"

#include "html.h"
#include "image.h"
#include "support.h"

#include <stdlib.h>
#include <string.h>

#define STB_IMAGE_WRITE_IMPLEMENTATION
#define STBI_WRITE_NO_STDIO
#include <stb_image_write.h>

/* The pixels in a smaller shape; the caller frees them. */
static uint8_t *scaled(const uint8_t *pixels, struct shape from, struct shape to)
{
    const struct preprocess stretch = {.fit = FIT_STRETCH};
    const size_t count = (size_t)from.h * (size_t)from.w;
    uint8_t *out = allocate(shape_count(to), 1), *rgba = allocate(count, 4);
    for (size_t i = 0; i < count; i++) {
        memcpy(rgba + 4 * i, pixels + 3 * i, 3);
        rgba[4 * i + 3] = 255;
    }
    struct arena arena = {0};
    image_fit(NULL, NULL, from.w, from.h, to, &stretch, &arena);
    void *scratch = allocate((size_t)arena.used, 1);
    arena = (struct arena){.base = scratch, .size = arena.used};
    image_fit(out, rgba, from.w, from.h, to, &stretch, &arena);
    free(scratch);
    free(rgba);
    return out;
}

char *thumbnail_url(const uint8_t *pixels, struct shape shape)
{
    static const char start[] = "data:image/png;base64,";
    const int longest = shape.h > shape.w ? shape.h : shape.w;
    uint8_t *small = NULL;
    if (longest > THUMBNAIL_SIDE) { /* rounded up, so that no side becomes 0 */
        const struct shape to = {(shape.h * THUMBNAIL_SIDE + longest - 1) / longest,
                                 (shape.w * THUMBNAIL_SIDE + longest - 1) / longest, 3};
        small = scaled(pixels, shape, to);
        shape = to;
    }
    int size;
    unsigned char *png = stbi_write_png_to_mem(small ? small : pixels, 3 * shape.w, shape.w, shape.h, 3, &size);
    if (!png)
        fail(NULL, NULL, "not enough memory for a picture");
    char *base64 = html_base64(png, (size_t)size), *url = allocate(strlen(base64) + sizeof start, 1);
    strcat(strcpy(url, start), base64);
    free(base64);
    free(png);
    free(small);
    return url;
}
