/* From the pixels of any picture to the numbers that a network reads: the one path for training, the command line
 * and the page.
 *
 *     RGBA (height, width, 4)  ->  over the background  ->  crop or pad or stretch, antialiased  ->  RGB (h, w, 3)
 *     ->  (byte / 255 - mean) / std  ->  float (h, w, c)
 *
 * The resize is Pillow's bilinear filter to the bit (fixed point, rounded to a byte between the passes), so that the
 * result is the same on every machine and in the tools that people compare with. */
#ifndef IMAGE_H
#define IMAGE_H

#include "base/arena.h"
#include "base/status.h"
#include "base/shape.h"

#include <stdbool.h>
#include <stdint.h>

enum resize_mode { /* how a picture of another aspect ratio meets the network's input; pinned: stored in models */
    RESIZE_STRETCH = 0,
    RESIZE_CROP = 1, /* the largest centred part of the right aspect */
    RESIZE_PAD = 2   /* all of it, centred on the background */
};

struct preprocess {
    enum resize_mode resize_mode;
    uint8_t background[3];          /* red, green, blue */
    float mean[3], std[3];    /* of a channel on a scale of 0 to 1 */
};

/* STATUS_IMAGE_SIZE unless both sides are within the limits of core/base/bounds.h. */
enum status image_check(int width, int height);

/* Plans, and with arena->base performs, the conversion of rgba (height, width, 4; alpha not premultiplied) to
 * pixels (h, w, 3). The scratch memory comes from the arena; call it once to measure, once for real. */
void image_resize(uint8_t *pixels, const uint8_t *rgba, int width, int height, struct shape input,
               const struct preprocess *preprocess, struct arena *arena);

/* ITU-R 601, as Pillow computes it. */
static inline int image_luminance(const uint8_t pixel[3])
{
    return (pixel[0] * 19595 + pixel[1] * 38470 + pixel[2] * 7471 + 0x8000) >> 16;
}

/* out (h, w, c) from pixels (h, w, 3). c is 3, or 1 for luminance. */
void image_normalise(float *out, const uint8_t *pixels, struct shape input, const struct preprocess *preprocess);

#endif
