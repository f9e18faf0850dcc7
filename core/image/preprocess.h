/* How a model wants its pictures: the settings of image.h, as they stand in model files.
 *
 *     struct preprocess preprocess = {.resize_mode = RESIZE_SHORTER_SIDE, .shorter_side = 256,
 *                                     .mean = {0.485f, 0.456f, 0.406f}, .std = {0.229f, 0.224f, 0.225f}};
 */
#ifndef PREPROCESS_H
#define PREPROCESS_H

#include "base/shape.h"

#include <stdbool.h>
#include <stdint.h>

/* How an image of another aspect ratio meets the network's input. Pinned: stored in models. */
enum resize_mode {
    RESIZE_STRETCH = 0,
    RESIZE_CROP = 1,        /* the largest centred part of the right aspect */
    RESIZE_PAD = 2,         /* all of it, centred on the background */
    RESIZE_SHORTER_SIDE = 3 /* the shorter side to so many pixels, then crop the centre, as torchvision does */
};

/* Pinned: stored in models. */
enum resize_filter {
    FILTER_BILINEAR = 0, /* Pillow's: a triangle as wide as the step where that is above 1 (antialiasing) */
    FILTER_BICUBIC = 1,  /* Pillow's: Keys' cubic, a = -1/2, the same way */
    /* Between the nearest pixels only: as TensorFlow's resize and PyTorch's interpolate, but rounded to bytes. */
    FILTER_BILINEAR_ALIASED = 2
};

enum channel_order { ORDER_RGB = 0, ORDER_BGR = 1 }; /* pinned: stored in models */

struct preprocess {
    enum resize_mode resize_mode;
    enum resize_filter filter;
    int shorter_side;         /* RESIZE_SHORTER_SIDE: at least the input's height and width */
    enum channel_order order; /* in which the network reads the channels; all else is red, green, blue */
    uint8_t background[3];
    float mean[3], std[3]; /* of a channel on a scale of 0 to 1 */
};

#endif
