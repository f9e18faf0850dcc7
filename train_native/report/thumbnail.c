#include "report/thumbnail.h"

#include "data/resize.h"
#include "report/html.h"
#include "cli/memory.h"

#include <stdlib.h>
#include <string.h>

#define STBIW_MALLOC(size) reallocate(NULL, size)
#define STBIW_REALLOC reallocate
#define STBIW_FREE free
#define STB_IMAGE_WRITE_IMPLEMENTATION
#define STBI_WRITE_NO_STDIO
#include <stb_image_write.h>

uint8_t *thumbnail_png(size_t *size, const uint8_t *pixels, struct shape shape)
{
    int length = 0;
    uint8_t *png = stbi_write_png_to_mem(pixels, 3 * shape.w, shape.w, shape.h, 3, &length);
    *size = (size_t)length;
    return png;
}

char *thumbnail_url(const uint8_t *pixels, struct shape shape)
{
    static const char start[] = "data:image/png;base64,";
    const int longest = shape.h > shape.w ? shape.h : shape.w;
    uint8_t *small = NULL;
    if (longest > THUMBNAIL_SIDE) { /* rounded up, so that no side becomes 0 */
        const struct shape to = {(shape.h * THUMBNAIL_SIDE + longest - 1) / longest,
                                 (shape.w * THUMBNAIL_SIDE + longest - 1) / longest, 3};
        small = allocate(shape_count(to), 1);
        resize_pixels(small, pixels, shape, to, &(struct preprocess){.resize_mode = RESIZE_STRETCH});
        shape = to;
    }
    size_t size;
    uint8_t *png = thumbnail_png(&size, small ? small : pixels, shape);
    char *base64 = html_base64(png, size), *url = allocate(strlen(base64) + sizeof start, 1);
    strcat(strcpy(url, start), base64);
    free(base64);
    free(png);
    free(small);
    return url;
}
