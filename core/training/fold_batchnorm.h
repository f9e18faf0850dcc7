/* From a network in training to the one that ships: batch normalisation folded into the layer before it, dropout gone.
 *
 *     w' = w * factor, b' = b * factor + offset, with batchnorm = in * factor + offset (norm.h)
 *
 *     struct net folded;
 *     enum status status = fold_batchnorm(&folded, out, &net, parameters);     // out: net_parameter_count(&net) floats
 *
 * Batch normalisation that does not follow a conv2d, depthwise or dense layer of its own, directly or behind a
 * maxpool, stays a layer. */
#ifndef FOLD_BATCHNORM_H
#define FOLD_BATCHNORM_H

#include "net/net.h"

/* folded has passed net_check if the status is STATUS_OK; else it is net_check's. out: its parameters, never more than
 * those of net, for whose number there must be room; it must not overlap parameters. */
enum status fold_batchnorm(struct net *folded, float *out, const struct net *net, const float *parameters);

#endif
