/* Structured pruning: a network with fewer channels, and its weights, from a trained one. Pure: the data decides nothing.
 *
 *     struct pruning pruning;
 *     struct failure failure;
 *     if (!prune(&pruning, &net, parameters, 0.5, &failure))         // half of the multiply-adds
 *         die_of(&failure);
 *     ... pruning.net, pruning.parameters ...
 *     pruning_free(&pruning);
 *
 * Channels that depend on each other go together (channel_groups.h), the least important ones of the whole network first
 * (channel_importance.h).
 *
 * A group keeps a multiple of 8 channels, of 4 if it has less than 64, which are a vector's lanes; only where no such
 * choice comes near the target, any number. It keeps at least 15 % and 4. */
#ifndef PRUNING_H
#define PRUNING_H

#include "cli/errors.h"
#include "model/channel_groups.h"

struct pruning {
    struct net net; /* has passed net_check */
    float *parameters;
    uint64_t before, after;             /* multiply-adds */
    enum channel_pin kept[LIMIT_NODES]; /* why a layer with weights keeps channels for others' sake; PIN_NONE */
};

/* net has passed net_check; target: the fraction of its multiply-adds, between 0 and 1. The result is within 5 %
 * of that number. False, with nothing to free, if there is no such choice. */
bool prune(struct pruning *pruning, const struct net *net, const float *parameters, double target,
           struct failure *failure);
void pruning_free(struct pruning *pruning);

#endif
