/* Batch normalisation back into a trained network whose own was folded away when it was written (fold_batchnorm.h), so that it can go on
 * learning as it trained: Muon sets the size of a filter itself, and only behind a normalisation does that change nothing.
 *
 *     out = (in - mean) / std * std + mean + bias
 *
 * with the mean and the std of the images at hand: at first the network says of them what it said before. The factor stays
 * (`batchnorm frozen`), as in airbench94; the bias, which the layer before had, goes on learning as the shift. */
#ifndef UNFOLD_BATCHNORM_H
#define UNFOLD_BATCHNORM_H

#include "data/dataset.h"
#include "image/image.h"
#include "net/net.h"

/* Puts it behind every conv2d and depthwise node from `from` up to `head`, both of which then have their new numbers. *parameters,
 * in the indices of the net, are replaced by some in the indices of the new one, which the caller frees. Too many layers end the
 * program. */
void unfold_batchnorm(struct net *net, float **parameters, int from, int *head, int *frozen_nodes);

/* Measures means and deviations from the first images among indices; a hundred are enough. */
void unfold_batchnorm_measure(float *parameters, const struct net *net, const struct preprocess *preprocess, const struct dataset *dataset,
                         const int *indices, int count);

#endif
