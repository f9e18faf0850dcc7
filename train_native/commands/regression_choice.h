/* The regularization of softmax regression, chosen among a few strengths (L2) on images that it was not trained on.
 *
 *     float *w = allocate((size_t)train.features * (size_t)train.classes, sizeof *w);
 *     const struct epoch_result measured = regression_choose(w, &options, &train, &validation);
 *
 * On the validation images; without any by cross-validation: every third of the training images is held out in turn,
 * equal images together. By the loss, which is less noisy than the accuracy where images are few. Prints what it
 * finds. */
#ifndef REGRESSION_CHOICE_H
#define REGRESSION_CHOICE_H

#include "commands/train_options.h"
#include "training/softmax_regression.h"

/* w (features, classes), zeroed: the weights that all of `train` gives. train: options->views rows of an image one behind
 * the other. Returns how they do on the validation images. */
struct epoch_result regression_choose(float *w, const struct train_options *options, const struct regression *train,
                                      const struct regression *validation);

#endif
