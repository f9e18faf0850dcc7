/* What the losses of a class are multiplied with (--class-weights).
 *
 *     int counts[] = {90, 10};                                              // training images
 *     float *weights = class_weights(counts, 2, CLASS_WEIGHTS_BALANCED);    // 0.556, 5
 *     free(weights); */
#ifndef CLASS_WEIGHTS_H
#define CLASS_WEIGHTS_H

#include "data/dataset.h"

enum class_weighting { CLASS_WEIGHTS_NONE, CLASS_WEIGHTS_BALANCED };

/* From this imbalance on the classes weigh alike in the loss of a head on features, where --class-weights does not say. Of
 * photos-20, with 100 images of each second class and 12 of the others, accuracy on 1,000 test images, 50 of each, is
 * 31.9 % so and 28.0 % without weights (31.4 % by square roots of inverse frequencies; means of two draws, features of
 * airbench95). Networks that are trained from nothing do not gain: 27.6 % so and 31.6 % without (30.4 % by square roots;
 * means of three seeds; 32x32, convolutions of 24 and 32 channels). */
#define WEIGHTED_IMBALANCE 5.0

/* (classes) the images of each class among these; the caller frees them. */
int *class_counts(const struct dataset *dataset, const int *indices, int count);

/* How many times as many images as the smallest class with any the largest one has; 1 where there is no image. */
double class_imbalance(const int *counts, int classes);

/* (classes) inverse frequencies (King and Zeng 2001), 1 in the mean over the images; a class without any has 0. NULL for
 * CLASS_WEIGHTS_NONE. The caller frees it. */
float *class_weights(const int *counts, int classes, enum class_weighting weighting);

#endif
