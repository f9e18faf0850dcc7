/* Where a picture's pixels go in a network's input: the geometry of a resize mode.
 *
 *     const struct placement placement = placement_of(640, 480, (struct shape){224, 224, 3}, &preprocess);
 *     // placement.from of the picture is resized to scaled_width x scaled_height; of that the part from skip_x, skip_y
 *     // on, as large as placement.to, is kept, and stands at placement.to in the input
 */
#ifndef PLACEMENT_H
#define PLACEMENT_H

#include "image/preprocess.h"

struct rectangle {
    int x, y, width, height;
};

struct placement {
    struct rectangle from, to;
    int scaled_width, scaled_height, skip_x, skip_y;
};

/* Of a picture as it is seen, upright. */
struct placement placement_of(int width, int height, struct shape input, const struct preprocess *preprocess);

#endif
