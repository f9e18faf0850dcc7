/* A map of where something is seen in a picture (core/explain.h), drawn over the picture.
 *
 *     struct heat_picture *drawn = allocate(1, sizeof *drawn);
 *     if (heat_picture_draw(drawn, &picture, heat, (struct shape){224, 224, 1}, part))
 *         printf("%d x %d\n", drawn->shape.w, drawn->shape.h);
 *     free(drawn); */
#ifndef HEAT_PICTURE_H
#define HEAT_PICTURE_H

#include "base/shape.h"
#include "image/decode.h"

#include <stdbool.h>

enum { HEAT_PICTURE_SIDE = 1024 }; /* larger pictures are made smaller */

struct heat_picture {
    struct shape shape;
    uint8_t pixels[HEAT_PICTURE_SIDE * HEAT_PICTURE_SIDE * 3]; /* (shape.h, shape.w, 3) */
};

/* heat (of.h, of.w), from 0 to 1, lies over the part x, y, width, height of the picture, in fractions of its sides. False:
 * there is no memory for it. */
bool heat_picture_draw(struct heat_picture *drawn, const struct picture *picture, const float *heat, struct shape of,
                       const double part[4]);

#endif
