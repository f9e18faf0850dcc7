/* Post-training quantization: what a network in float becomes in int8 (net_int8.h), and with which scales.
 *
 *     struct net net;
 *     int failed;
 *     enum status status = quantize_net(&net, parameters, &folded, folded_parameters, &failed);
 *     float ranges[LIMIT_NODES + 1] = {0}, own[LIMIT_NODES];
 *     ... a run over net, planned with NET_TRAIN, which keeps every tensor; images into run->tensor[0] ...
 *     quantize_observe(ranges, run, n);
 *     ... the next batch ...
 *     quantize_scales(own, ranges, &net, parameters, &preprocess);     // of struct model: scale[]
 *
 * Weights are rounded to 8 bits with a scale for each output channel, when the model is written, unless they were
 * before (train_native/model/weight_rounding.h). The scale of a tensor follows from the largest number that some images
 * bring about in it, and a quarter more: with 12 bits for an activation there is room, so nothing needs to be clipped
 * (compare Jacob et al. 2018, who have 8). */
#ifndef QUANTIZE_H
#define QUANTIZE_H

#include "image/image.h"
#include "net/net.h"

/* The network that int8 computes: batch normalisation that no layer took in (fold_batchnorm.h) becomes a depthwise
 * layer of 1x1. to_parameters: its own, with room for net_parameter_count(net). The status of a network that int8
 * cannot compute, and in *failed its first such layer, or -1. */
enum status quantize_net(struct net *out, float *to_parameters, const struct net *net, const float *parameters,
                         int *failed);

/* Runs over the n images in run->tensor[0]; ranges, 0 before the first call, become the largest values of each
 * tensor. */
void quantize_observe(float ranges[LIMIT_NODES + 1], struct net_run *run, int n);

/* The scale of each node's output, 0 where it has none of its own. */
void quantize_scales(float own[LIMIT_NODES], const float ranges[LIMIT_NODES + 1], const struct net *net,
                     const float *parameters, const struct preprocess *preprocess);

/* The scale of the output of one node that has one of its own: for numbers up to `range`, with headroom, but large
 * enough to compute with whatever the range. scale: of the tensors before it. */
float quantize_scale(const struct net *net, int node, const float *parameters, float range, const float scale[]);

#endif
