/* Random changes of a training image, drawn anew for every image and epoch from (seed, image's number in the run). */
#ifndef AUGMENT_H
#define AUGMENT_H

#include "random.h"
#include "tensor.h"

#include <stdbool.h>
#include <stdint.h>

struct augment {
    bool flip; /* mirror left and right with probability 1/2 */
    int crop;  /* pad by this many pixels on every side, reflecting, and crop a random part of the old size */
};

/* out (h, w, 3) from in (h, w, 3). */
void augment_image(uint8_t *out, const uint8_t *in, struct shape shape, const struct augment *augment,
                   struct random *random);

#endif
