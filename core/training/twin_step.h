/* One step of training without labels: of each image of a batch two views, augmented each by itself, and the loss of
 * Barlow Twins (barlow_twins.h) on what the net makes of them: its logits are the projections. trainer_epoch takes such
 * steps for a trainer with options.twins.
 *
 *     const struct trainer_options options = {.net = &net, ..., .twins = settings.batch};
 *     ... trainer_open(&trainer, memory, size, &options) ...
 *     struct step step = {.settings = &settings, .batch = batch, .number = epoch, .epochs = epoch + 0.5};
 *     struct sums sums = twin_step(trainer, &step);
 *
 * The loss is one of the whole batch, and the net takes it in shards: it runs forward over all of them, then, with the
 * gradient of all projections, again and back over each. Shards are of one view, and their gradients are added up in
 * the lanes of trainer_step.h: the same bits for any number of threads. Views number v of the images of an epoch e are
 * augmented as those of the epoch 2e + v would be, without mixing. */
#ifndef TWIN_STEP_H
#define TWIN_STEP_H

#include "training/trainer_step.h"

enum { TWIN_VIEWS = 2 };

/* sums.loss: the batch's loss times its images, for a mean over them; nothing is right or wrong. After a loss that is
 * not finite the weights are what they were. */
struct sums twin_step(struct trainer *trainer, const struct step *step);

#endif
