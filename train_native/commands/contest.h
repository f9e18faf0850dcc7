/* A head on a backbone's features against training from nothing: which is better is measured, on the same validation
 * images, but not longer than it is open.
 *
 *     if (epoch == contest_epoch(epochs) && contest_decided(best, &measured))
 *         stop();                                    // the head has won */
#ifndef CONTEST_H
#define CONTEST_H

#include "training/trainer.h"

/* After so many of its epochs training from nothing is looked at. */
int contest_epoch(int epochs);

/* Whether it cannot be expected to come up to the accuracy `best` of the head on the same images: even half of its errors
 * would be more than those of the head, both taken at the end of their 95 % intervals that speaks for training from
 * nothing. Over the three quarters of a run that are left, errors seldom become fewer than half: the learning rate
 * falls, but most of what is to be learnt has been. */
bool contest_decided(double best, const struct epoch_result *measured);

#endif
