/* The learning-rate range test (Smith 2017, Cyclical Learning Rates): the rate rises from step to step, and where the loss falls
 * best is a good rate to train with.
 *
 *     find_rate(trainer, &settings, &dataset, indices, count, false);     // prints a table and a suggestion
 *
 * The trainer's weights are spent afterwards. */
#ifndef FIND_LEARNING_RATE_H
#define FIND_LEARNING_RATE_H

#include "model/trainer.h"

void find_rate(struct trainer *trainer, const struct settings *settings, const struct dataset *dataset, const int *indices,
               int count, bool json);

#endif
