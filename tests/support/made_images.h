/* A small data set that tests draw themselves: noise, brighter for higher labels; and what trains on it.
 *
 *     const struct images images = made_images();
 *     const struct subset subset = made_subset(&images);
 *     struct trainer *trainer = made_trainer((struct trainer_options){.net = &net, .shard = 5}); */
#ifndef MADE_IMAGES_H
#define MADE_IMAGES_H

#include "image/image.h"
#include "training/images.h"
#include "training/trainer.h"

enum { MADE_SIDE = 12, MADE_IMAGES = 70, MADE_CLASSES = 3 };

extern const struct preprocess made_preprocess;

/* Their memory goes with the test. */
struct images made_images(void);

/* All but every seventh, from the last to the first. */
struct subset made_subset(const struct images *images);

/* With these options; for images, weights and products, which the caller leaves out, those of a test. Its memory goes with the test. */
struct trainer *made_trainer(struct trainer_options options);

#endif
