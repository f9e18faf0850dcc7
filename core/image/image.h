/* From the pixels of any picture to the values that a network reads: the one path for training, the command line and
 * the page.
 *
 *     RGBA (height, width, 4)  ->  over the background  ->  resized, cropped or padded  ->  RGB (h, w, 3)
 *     ->  (byte / 255 - mean) / std  ->  float (h, w, c), in the network's order of channels
 *
 *     struct preprocess preprocess = {.resize_mode = RESIZE_CROP,
 *                                     .mean = {0.5f, 0.5f, 0.5f}, .std = {0.25f, 0.25f, 0.25f}};
 *     struct arena arena = {0};
 *     image_resize(NULL, rgba, width, height, input, &preprocess, &arena); // measure; with arena.base set: for real
 *     image_resize(pixels, rgba, width, height, input, &preprocess, &arena);
 *     image_normalise(values, pixels, input, &preprocess);
 *
 * The resize is Pillow's to the bit (fixed point, rounded to a byte between the passes), so that the result is the
 * same on every machine and in the tools that people compare with. */
#ifndef IMAGE_H
#define IMAGE_H

#include "base/arena.h"
#include "base/status.h"
#include "image/preprocess.h"

/* STATUS_IMAGE_SIZE, _SIDE or _PIXELS unless both sides are within the limits of core/base/bounds.h. */
enum status image_check(int width, int height);

/* Plans, and with arena->base performs, the conversion of rgba (height, width, 4; alpha not premultiplied) to
 * pixels (h, w, 3). The scratch memory comes from the arena; call it once to measure, once for real. */
void image_resize(uint8_t *pixels, const uint8_t *rgba, int width, int height, struct shape input,
                  const struct preprocess *preprocess, struct arena *arena);

/* The part of a picture that the input's pixels show, as fractions of its sides: beyond 0 .. 1 where it was padded. */
struct image_part {
    double x, y, width, height;
};
struct image_part image_part_shown(int width, int height, struct shape input, const struct preprocess *preprocess);

/* ITU-R 601, as Pillow computes it. */
static inline int image_luminance(const uint8_t pixel[3])
{
    return (pixel[0] * 19595 + pixel[1] * 38470 + pixel[2] * 7471 + 0x8000) >> 16;
}

/* out (h, w, c) from pixels (h, w, 3). c is 3, or 1 for luminance. */
void image_normalise(float *out, const uint8_t *pixels, struct shape input, const struct preprocess *preprocess);

#endif
