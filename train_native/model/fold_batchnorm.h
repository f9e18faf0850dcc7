/* From a network in training to the one that ships: batch normalisation folded into the layer before it, dropout gone.
 *
 *     w' = w * factor, b' = b * factor + offset, with batchnorm = in * factor + offset (norm.h)
 *
 * Batch normalisation that does not follow a conv2d, depthwise or dense layer of its own, directly or behind a maxpool, stays a
 * layer. */
#ifndef FOLD_BATCHNORM_H
#define FOLD_BATCHNORM_H

#include "net/net.h"

/* Frozen has passed net_check; returns its parameters, which the caller frees. */
float *net_freeze(struct net *frozen, const struct net *net, const float *parameters);

#endif
