/* The learning-rate range test (Smith 2017, Cyclical Learning Rates): the learning rate rises from step to step, and a
 * tenth of the one with the lowest loss is a good one to train with.
 *
 *     find_learning_rate(trainer, &settings, &subset, false);     // prints a table and a suggestion
 *
 * The trainer's weights are spent afterwards. */
#ifndef FIND_LEARNING_RATE_H
#define FIND_LEARNING_RATE_H

#include "training/trainer.h"

void find_learning_rate(struct trainer *trainer, const struct trainer_settings *settings, const struct subset *subset,
                        bool json);

#endif
