/* Pictures resized to a network's input, by image_resize (core/image/image.h), with the memory that it needs.
 *
 *     uint8_t pixels[32 * 32 * 3];
 *     resize_picture(pixels, picture.rgba, picture.width, picture.height, (struct shape){32, 32, 3}, &preprocess);
 */
#ifndef RESIZE_H
#define RESIZE_H

#include "image/image.h"

/* pixels (input.h, input.w, 3) from rgba (height, width, 4). False: there is no memory for it. */
bool resize_picture(uint8_t *pixels, const uint8_t *rgba, int width, int height, struct shape input,
                    const struct preprocess *preprocess);

/* The same from rgb (from.h, from.w, 3); the program ends where there is no memory. */
void resize_pixels(uint8_t *pixels, const uint8_t *rgb, struct shape from, struct shape input,
                   const struct preprocess *preprocess);

#endif
