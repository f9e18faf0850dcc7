/* The whitening first layer of airbench94 (Keller Jordan 2024, after tysam-code's hlb-CIFAR10): a convolution whose
 * outputs, over the training images, are uncorrelated and of one size.
 *
 *     filters = +-eigenvectors of the patches' covariance / sqrt(eigenvalue + 5e-4) */
#ifndef WHITEN_H
#define WHITEN_H

#include "data/dataset.h"
#include "image/image.h"
#include "net/net.h"

/* Fills the weights (kernel_h, kernel_w, c, 2 * kernel_h * kernel_w * c) of node 0, an INITIAL_WHITEN conv2d, from the
 * first images among indices; a few thousand are enough. */
void whiten_weights(float *weights, const struct net *net, const struct preprocess *preprocess,
                    const struct dataset *dataset, const int *indices, int count);

#endif
