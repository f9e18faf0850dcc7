/* The network that is pretrained without labels: another one's trunk and, in the place of its head (head.h), a
 * projector, whose outputs the loss compares (training/barlow_twins.h). The loss wants of them what it does not want of
 * the features themselves, so it is left out afterwards (Chen et al. 2020, A Simple Framework for Contrastive Learning).
 *
 *     struct net twins;
 *     enum status status = projector_attach(&twins, &net, 512);
 *     ... train the twins ...
 *     projector_detach(parameters, &net, trained);       // of net: the trunk's, and a head of zeros
 *
 * A projector is three dense layers of one width, the first two with batch normalisation and ReLU, as in the paper of
 * Barlow Twins. */
#ifndef PROJECTOR_H
#define PROJECTOR_H

#include "net/net.h"

/* net has been checked, and keeps its nodes; so is twins. STATUS_NODE: nothing in front of the head has weights;
 * STATUS_LIMIT: it would be too large. */
enum status projector_attach(struct net *twins, const struct net *net, int width);

/* parameters: of net, overwritten; trained: of its twins. */
void projector_detach(float *parameters, const struct net *net, const float *trained);

/* The tensor of the twins that the projector reads: the embedding. */
int projector_embedding(const struct net *net);

#endif
