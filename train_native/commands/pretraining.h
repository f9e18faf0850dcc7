/* What a run without labels (`eyelet pretrain`) has beside those of training_job.h: its network with a projector, and
 * how its embeddings are watched.
 *
 *     struct pretraining pretraining = pretraining_open(&options);          // the network and its twins
 *     struct run run = {.options = &options, .pretraining = &pretraining};  // and so on (epochs.h)
 *     const double spread = pretraining_spread(&pretraining, trainer, &train, &options);
 *     pretraining_check(spread, epoch, &options);
 *     pretraining_free(&pretraining);
 *
 * What goes wrong ends the program. */
#ifndef PRETRAINING_H
#define PRETRAINING_H

#include "commands/train_options.h"
#include "net/net.h"

struct pretraining {
    struct net *net;   /* that is written: its head has one class, and knows nothing */
    struct net *twins; /* that is trained (projector.h) */
    int embedding;     /* a tensor of the twins */
};

/* Of options->network and options->projector. */
struct pretraining pretraining_open(const struct train_options *options);
void pretraining_free(struct pretraining *pretraining);

/* How far apart the embeddings of images are, of up to 300 of the subset, as they are and as in inference: each scaled
 * to length 1, the mean of their numbers' standard deviations, times the root of how many numbers they have (Chen and
 * He 2021, Exploring Simple Siamese Representation Learning). 0: all images have the same one; 1 is the most. */
double pretraining_spread(const struct pretraining *pretraining, const struct trainer *trainer,
                          const struct subset *subset, const struct train_options *options);

/* Ends the program where that is next to nothing, or no number. epoch: from 0. */
void pretraining_check(double spread, int epoch, const struct train_options *options);

#endif
