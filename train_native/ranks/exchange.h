/* The exchange between ranks in a step of training, as the hooks of core/training/parallel.h.
 *
 *     const struct parallel parallel = exchange_parallel(threads, rank, ranks);
 *
 * The sum of lanes is the same, bit for bit, for any number of ranks: they have the lanes in order, so that the first
 * adds its own, sends the sum to the second, which adds its own to it, and so on; from the last the sums come back the
 * same way. Blocks are on their way while others are added, in both directions: in all a rank sends and receives the
 * gradients twice, whatever the number of ranks, which is no more than a ring does. */
#ifndef EXCHANGE_H
#define EXCHANGE_H

#include "training/parallel.h"

#include <signal.h>
#include <stdbool.h>

struct parallel exchange_parallel(int threads, int rank, int ranks);

/* A flag that a signal sets on some ranks goes along with all that is shared; exchange_interrupted then is true on all
 * of them, behind the same step. */
void exchange_watch(const volatile sig_atomic_t *flag);
bool exchange_interrupted(void);

/* Spent with the exchange so far, waiting for others and adding included. */
double exchange_seconds(void);

#endif
