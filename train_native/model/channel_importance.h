/* How much the channels of a network count, by its weights alone, for pruning (pruning.h).
 *
 *     double *importance = channel_importance(&groups, &net, parameters);
 *     for (int u = 0; u < groups.units; u++)
 *         printf("set %d of channels: %g of the mean in its group\n", u, importance[u]);
 *     free(importance);
 *
 * The L2 norm of each layer's filters that make or read the channels, as a multiple of its mean in the layer, summed
 * over the layers of a group (DepGraph, Fang et al. 2023). Batch normalisation's scale is part of the filters of a model
 * that was written (fold_batchnorm.h); where it is a layer, it counts as one. Chosen on 10,000 images held out of
 * CIFAR-10's training images: of the network of web/models/tutorial.eyelet, trained on the others (81.1 %), half of the
 * multiply-adds have 50.0 % right without fine-tuning; 43.8 % by the L2 norm of the filters that make the channels alone,
 * 41.5 % by their L1 norm (Li et al. 2017), 40.6 % by the sum of L1 norms. */
#ifndef CHANNEL_IMPORTANCE_H
#define CHANNEL_IMPORTANCE_H

#include "model/channel_groups.h"

/* (units), 1 in the mean of each group; the caller frees it. */
double *channel_importance(const struct channel_groups *groups, const struct net *net, const float *parameters);

#endif
