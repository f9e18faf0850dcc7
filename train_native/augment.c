#include "augment.h"

#include <string.h>

/* A place outside 0 .. count-1, reflected without repeating the edge: -1 is 1. */
static int reflected(int at, int count)
{
    while (at < 0 || at >= count)
        at = at < 0 ? -at : 2 * (count - 1) - at;
    return at;
}

void augment_view(uint8_t *out, const uint8_t *in, struct shape shape, bool mirrored, int down, int right)
{
    for (int y = 0; y < shape.h; y++) {
        const uint8_t *row = in + (size_t)reflected(y + down, shape.h) * (size_t)shape.w * 3;
        for (int x = 0; x < shape.w; x++, out += 3) {
            const int column = reflected((mirrored ? shape.w - 1 - x : x) + right, shape.w);
            memcpy(out, row + column * 3, 3);
        }
    }
}

/* A square of the mean colour, which is near 0 once it is normalised; it lies within the image. */
static void cut_out(uint8_t *out, struct shape shape, int side, const float mean[3], struct random random)
{
    const uint8_t colour[3] = {(uint8_t)(mean[0] * 255 + 0.5f), (uint8_t)(mean[1] * 255 + 0.5f), (uint8_t)(mean[2] * 255 + 0.5f)};
    const int h = side < shape.h ? side : shape.h, w = side < shape.w ? side : shape.w;
    const int top = (int)random_below(&random, (uint32_t)(shape.h - h + 1)), left = (int)random_below(&random, (uint32_t)(shape.w - w + 1));
    for (int y = top; y < top + h; y++)
        for (int x = left; x < left + w; x++)
            memcpy(out + ((size_t)y * (size_t)shape.w + (size_t)x) * 3, colour, 3);
}

void augment_image(uint8_t *out, const uint8_t *in, struct shape shape, const struct augment *augment, const float mean[3],
                   uint64_t seed, int epoch, int place)
{
    /* Each choice has its own stream, so that one option does not change what another one draws. */
    struct random moves = random_seed(random_at(seed, 10, (uint64_t)epoch), (uint64_t)place);
    const uint64_t first = random_at(seed, 11, (uint64_t)place) >> 63;
    const uint64_t now = random_at(random_at(seed, 12, (uint64_t)epoch), 0, (uint64_t)place) >> 63;
    const bool mirrored = augment->flip == FLIP_RANDOM ? now : augment->flip == FLIP_ALTERNATE && ((first + (uint64_t)epoch) & 1);
    const int most = shape.h < shape.w ? shape.h - 1 : shape.w - 1, crop = augment->crop < most ? augment->crop : most;
    const int down = (int)random_below(&moves, (uint32_t)(2 * crop + 1)) - crop;
    const int right = (int)random_below(&moves, (uint32_t)(2 * crop + 1)) - crop;
    augment_view(out, in, shape, mirrored, down, right);
    if (augment->cutout)
        cut_out(out, shape, augment->cutout, mean, random_seed(random_at(seed, 13, (uint64_t)epoch), (uint64_t)place));
}
