/* Batch normalisation back into a trained network whose own was folded away when it was written (fold_batchnorm.h), so that it can go on
 * learning as it learnt: Muon sets the size of a filter itself, and only behind a normalisation does that change nothing.
 *
 *     out = (in - mean) / deviation * deviation + mean + bias
 *
 * with the mean and the deviation of the images at hand: at first the network says of them what it said before. The factor stays
 * (`batchnorm frozen`), as in airbench94; the bias, which the layer before had, goes on learning as the shift. */
#ifndef RENORMALISE_H
#define RENORMALISE_H

#include "data/dataset.h"
#include "image/image.h"
#include "net/net.h"

/* Puts it behind every conv2d and depthwise node from `from` up to `head`, both of which then have their new numbers. *parameters,
 * in the places of the net, are replaced by some in the places of the new one, which the caller frees. Too many layers end the
 * program. */
void renormalise(struct net *net, float **parameters, int from, int *head, int *resting);

/* Measures means and deviations from the first images among places; a hundred are enough. */
void renormalise_measure(float *parameters, const struct net *net, const struct preprocess *preprocess, const struct dataset *dataset,
                         const int *places, int count);

#endif
