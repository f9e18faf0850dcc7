#include "image/png.h"

#include "base/bounds.h"
#include "base/bytes.h"
#include "image/image.h"

#include <string.h>

enum status png_header(struct png *png, const uint8_t *bytes, size_t size)
{
    /* IHDR must come first: stb_image would skip another chunk here and then believe a size that was never checked. */
    if (size < 33 || memcmp(bytes + 8, "\0\0\0\rIHDR", 8) != 0)
        return STATUS_IMAGE_CORRUPT;
    const uint32_t w = bytes_get4_big(bytes + 16), h = bytes_get4_big(bytes + 20);
    if (w > LIMIT_IMAGE_SIDE || h > LIMIT_IMAGE_SIDE)
        return STATUS_IMAGE_SIDE;
    *png = (struct png){(int)w, (int)h};
    return image_check(png->width, png->height);
}
