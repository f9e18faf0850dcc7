/* Cross-validation of softmax regression: the scores of every image by weights that were trained without it and those
 * around it.
 *
 *     uint8_t folds[count];
 *     cross_validation_deal(folds, &data);
 *     const struct arena memory = {.base = block, .size = cross_validation_bytes(&data)};
 *     memset(w, 0, CROSS_VALIDATION_FOLDS * features * classes * sizeof(float));
 *     double loss = cross_validation(logits, w, &data, folds, 0.1f, memory);
 *
 * Images that a camera takes one after the other are nearly the same: dealt at random, each would be known from its
 * neighbours, and the estimate too good. So a fold has a fifth of each class that were added one after the other, and
 * equal images are in one fold (block cross-validation, Roberts et al. 2017). */
#ifndef CROSS_VALIDATION_H
#define CROSS_VALIDATION_H

#include "training/softmax_regression.h"

/* KEPT is of images that are never held out: those of a class that has one image only, or only equal ones. */
enum { CROSS_VALIDATION_FOLDS = 5, CROSS_VALIDATION_KEPT = 255 };

/* The fold of each image, in the order in which they came. */
void cross_validation_deal(uint8_t *folds, const struct regression *data);

uint64_t cross_validation_bytes(const struct regression *data);

/* logits (count, classes), of the images that are held out in turn; the others' are 0. w (CROSS_VALIDATION_FOLDS,
 * features, classes): where each fold starts, and what it comes to. Returns the sum of the losses of what is held out,
 * each times its weight. */
double cross_validation(float *logits, float *w, const struct regression *data, const uint8_t *folds, float l2,
                        struct arena memory);

#endif
