/* Precise batch normalisation (Wu and Johnson 2021, "Rethinking 'Batch' in BatchNorm"): the statistics that inference
 * uses, measured anew with the weights as they are. The running ones lag behind by about 1 / BATCHNORM_MOMENTUM steps:
 * where an epoch has but few, they are of weights that are no longer there.
 *
 *     precise_batchnorm(trainer, &train, 300);
 *     struct epoch_result validated = trainer_measure(trainer, &validation);
 *     save(trainer_weights(trainer));                              // with the statistics that were measured with
 *
 * Training takes the statistics of its batches, so it goes on to the same weights. */
#ifndef PRECISE_BATCHNORM_H
#define PRECISE_BATCHNORM_H

#include "training/trainer.h"

/* Writes into trainer_weights the mean and variance, over `count` images of the subset (or all, if it has fewer), of
 * what reaches each batch normalisation that is not frozen. The images are drawn by the seed, the same in each call,
 * and taken as inference does: not augmented, without dropout. A shard at a time is normalised by its own statistics;
 * the same bits for any number of threads. Without such a layer, or without images, nothing is done. */
void precise_batchnorm(struct trainer *trainer, const struct subset *subset, int count);

#endif
