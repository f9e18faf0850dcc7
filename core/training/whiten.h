/* The whitening first layer of airbench94 (Keller Jordan 2024, after tysam-code's hlb-CIFAR10): a convolution whose
 * outputs, over the training images, are uncorrelated and of one size.
 *
 *     filters = +-eigenvectors of the patches' covariance / sqrt(eigenvalue + 5e-4)
 *
 *     const uint64_t size = whiten_bytes(&net);
 *     whiten_weights(parameters, &net, &preprocess, &subset, (struct arena){.base = memory, .size = size}); */
#ifndef WHITEN_H
#define WHITEN_H

#include "base/arena.h"
#include "image/image.h"
#include "net/net.h"
#include "training/images.h"

/* Bytes of memory that whiten_weights needs for this net, whose node 0 is an INITIAL_WHITEN conv2d. */
uint64_t whiten_bytes(const struct net *net);

/* Fills that node's weights (kernel_h, kernel_w, c, 2 * kernel_h * kernel_w * c) from the first images of the subset;
 * a few thousand are enough. Their shape is the net's input. */
void whiten_weights(float *weights, const struct net *net, const struct preprocess *preprocess,
                    const struct subset *subset, struct arena memory);

#endif
