/* How the learning rates change in the course of a run.
 *
 *     struct optimizer now = schedule_optimizer(&optimizer, SCHEDULE_COSINE, epochs_done, warmup, epochs);
 *
 *     struct plateau plateau = PLATEAU_START;                      // for SCHEDULE_PLATEAU, after each epoch:
 *     plateau_step(&plateau, validation_loss, 5);      // plateau.factor: of the learning rates */
#ifndef SCHEDULE_H
#define SCHEDULE_H

#include "training/optimizer.h"

#include <math.h>

enum schedule {
    SCHEDULE_CONSTANT,
    SCHEDULE_COSINE, /* half a wave down to 0 (Loshchilov and Hutter 2017) */
    SCHEDULE_LINEAR,
    SCHEDULE_ONECYCLE, /* half a wave up from 1/25 over the first 30 % of the epochs, then down to 1/250,000, and the
                          momentum of sgd 0.1 lower where the learning rate is highest (Smith 2018, in the form of
                          fast.ai and PyTorch) */
    SCHEDULE_PLATEAU   /* constant, and a tenth of it after every so many epochs without a lower validation loss */
};

/* The optimizer with its learning rates as they are after `epochs` of all; warmup: epochs over which they rise from 0,
 * but for SCHEDULE_ONECYCLE, which has its own rise. */
struct optimizer schedule_optimizer(const struct optimizer *optimizer, enum schedule schedule, double epochs,
                                    double warmup, double all);

struct plateau {
    double factor; /* of the learning rates */
    double lowest_loss;
    int epochs_waited; /* since then */
};
#define PLATEAU_START ((struct plateau){1, INFINITY, 0})

/* A loss that is not a ten-thousandth lower than the lowest is no better (PyTorch's threshold). */
void plateau_step(struct plateau *plateau, double loss, int patience);

#endif
