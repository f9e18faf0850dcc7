/* Batch normalisation back into a trained network whose own was folded away when it was written (fold_batchnorm.h), so
 * that it can go on training as it was trained: Muon sets the norm of a filter itself, and only before a normalisation
 * does that change nothing.
 *
 *     out = (in - mean) / std * std + mean + bias
 *
 * with the mean and the std of the images at hand: at first the network computes of them what it computed before. The
 * factor stays (`batchnorm frozen`), as in airbench94; the bias, which the layer before had, is trained as the shift.
 * Where a maxpool alone reads the layer, normalisation stands behind it, as in airbench94: the largest stays the largest
 * under a factor above 0, and training keeps fewer values.
 *
 *     struct unfolding unfolding;
 *     enum status status = unfold_batchnorm(&unfolding, &net, 0, head);
 *     ... parameters: net_parameter_count(&unfolding.net) floats ...
 *     unfold_batchnorm_parameters(parameters, &unfolding, &net, folded);
 *     unfold_batchnorm_measure(parameters, &unfolding.net, &preprocess, &subset, gemm_fast, memory); */
#ifndef UNFOLD_BATCHNORM_H
#define UNFOLD_BATCHNORM_H

#include "base/arena.h"
#include "image/image.h"
#include "net/net.h"
#include "training/images.h"

struct unfolding {
    struct net net;            /* the unfolded one, which has passed net_check */
    int source[LIMIT_NODES];   /* the node of the folded net that a node of it is, or -1: batch normalisation */
    int node[LIMIT_NODES + 1]; /* the number that a node of the folded net has in it; the last one: node_count */
};

/* Puts batch normalisation behind every conv2d and depthwise node of the net from `from` up to, not including, `head`,
 * or behind the maxpool in front of `head` that alone reads it.
 * STATUS_LIMIT where that would be too many nodes or parameters. */
enum status unfold_batchnorm(struct unfolding *unfolding, const struct net *net, int from, int head);

/* parameters (net_parameter_count of unfolding->net) from those of the folded net; the arrays must not overlap. */
void unfold_batchnorm_parameters(float *parameters, const struct unfolding *unfolding, const struct net *net,
                                 const float *folded);

/* Sets means, variances, factors and shifts from the first images of the subset, of the unfolded net's shape; a
 * hundred are enough. */
void unfold_batchnorm_measure(float *parameters, const struct net *net, const struct preprocess *preprocess,
                              const struct subset *subset, gemm_function *gemm, struct arena memory);

/* Bytes of memory that this needs for a subset of so many images. */
uint64_t unfold_batchnorm_bytes(const struct net *net, int count);

#endif
