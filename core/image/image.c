#include "image/image.h"

#include "base/bounds.h"
#include "image/resizer.h"

enum status image_check(int width, int height)
{
    if (width < 1 || height < 1)
        return STATUS_IMAGE_SIZE;
    if (width > LIMIT_IMAGE_SIDE || height > LIMIT_IMAGE_SIDE)
        return STATUS_IMAGE_SIDE;
    return (int64_t)width * height > LIMIT_IMAGE_PIXELS ? STATUS_IMAGE_PIXELS : STATUS_OK;
}

struct image_part image_part_shown(int width, int height, struct shape input, const struct preprocess *preprocess)
{
    const struct placement placement = placement_of(width, height, input, preprocess);
    const struct rectangle from = placement.from, to = placement.to;
    const double across = (double)from.width / placement.scaled_width;
    const double down = (double)from.height / placement.scaled_height;
    return (struct image_part){(from.x + (placement.skip_x - to.x) * across) / width,
                               (from.y + (placement.skip_y - to.y) * down) / height, input.w * across / width,
                               input.h * down / height};
}

void image_resize(uint8_t *pixels, const uint8_t *rgba, int width, int height, struct shape input,
                  const struct preprocess *preprocess, struct arena *arena)
{
    struct resizer resizer;
    resizer_plan(&resizer, width, height, input, preprocess, arena);
    if (!arena->base)
        return;
    resizer_start(&resizer, pixels);
    for (int y = 0; y < height; y++)
        resizer_row(&resizer, y, rgba + (size_t)y * (size_t)width * 4);
    resizer_finish(&resizer);
}

void image_normalise(float *out, const uint8_t *pixels, struct shape input, const struct preprocess *preprocess)
{
    float scale[3], shift[3];
    const int first = preprocess->order == ORDER_BGR ? 2 : 0; /* where red goes */
    for (int c = 0; c < 3; c++) {
        scale[c] = 1.0f / (255.0f * preprocess->std[c]);
        shift[c] = -preprocess->mean[c] / preprocess->std[c];
    }
    for (int i = 0; i < input.h * input.w; i++, pixels += 3)
        if (input.c == 1) {
            *out++ = (float)image_luminance(pixels) * scale[0] + shift[0];
        } else { /* no loop: compiled for size, it would be 2.5x slower */
            out[first] = (float)pixels[0] * scale[0] + shift[0];
            out[1] = (float)pixels[1] * scale[1] + shift[1];
            out[2 - first] = (float)pixels[2] * scale[2] + shift[2];
            out += 3;
        }
}
