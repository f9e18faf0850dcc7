/* Changes of a training image, drawn anew for every epoch from (seed, epoch, place of the image in its data set). */
#ifndef AUGMENT_H
#define AUGMENT_H

#include "random.h"
#include "tensor.h"

#include <stdbool.h>
#include <stdint.h>

enum flip {
    FLIP_NONE,
    FLIP_RANDOM,    /* left and right with probability 1/2 */
    FLIP_ALTERNATE, /* random in the first epoch, then every epoch the mirror of the last (Keller Jordan 2024) */
};

struct augment {
    enum flip flip;
    int crop; /* move the image by up to this many pixels each way, its border filled by reflection */
    int cutout; /* fill a square with sides of this many pixels, somewhere within the image (DeVries and Taylor 2017) */
};

/* out (h, w, 3) from in (h, w, 3); mean: the colour of a cutout, on a scale of 0 to 1. */
void augment_image(uint8_t *out, const uint8_t *in, struct shape shape, const struct augment *augment, const float mean[3],
                   uint64_t seed, int epoch, int place);

/* The image seen `down` and `right` pixels further on, mirrored or not; what lies outside is reflected. */
void augment_view(uint8_t *out, const uint8_t *in, struct shape shape, bool mirrored, int down, int right);

#endif
