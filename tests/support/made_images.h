/* A small data set that tests draw themselves: noise, brighter for higher labels.
 *
 *     const struct images images = made_images();
 *     const struct subset subset = made_subset(&images); */
#ifndef MADE_IMAGES_H
#define MADE_IMAGES_H

#include "image/image.h"
#include "training/images.h"

enum { MADE_SIDE = 12, MADE_IMAGES = 70, MADE_CLASSES = 3 };

extern const struct preprocess made_preprocess;

/* Their memory goes with the test. */
struct images made_images(void);

/* All but every seventh, from the last to the first. */
struct subset made_subset(const struct images *images);

#endif
