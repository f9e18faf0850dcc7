/* image_resize with exactly the memory that it asks for.
 *
 *     const uint8_t *pixels = resized(rgba, width, height, (struct shape){7, 5, 3}, &preprocess);
 */
#ifndef RESIZED_H
#define RESIZED_H

#include "image/image.h"

/* (input.h, input.w, 3), in memory of the test. */
uint8_t *resized(const uint8_t *rgba, int width, int height, struct shape input, const struct preprocess *preprocess);

#endif
