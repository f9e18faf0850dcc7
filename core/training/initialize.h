/* First weights.
 *
 *     struct random random = random_seed(seed, STREAM_WEIGHTS);
 *     initialize_parameters(parameters, &net, INITIALIZE_HE, &random); */
#ifndef INITIALIZE_H
#define INITIALIZE_H

#include "net/net.h"
#include "base/random.h"

enum initializer {
    INITIALIZE_GLOROT, /* uniform in +-sqrt(6 / (fan in + fan out)) (Glorot and Bengio 2010), Keras's default */
    INITIALIZE_HE,     /* +-sqrt(6 / fan in) (He et al. 2015) */
    INITIALIZE_UNIFORM /* +-1 / sqrt(fan in), PyTorch's default */
};

/* Draws the weights of every layer (net_parameter_count floats); the fans of a depthwise filter are its taps. Biases,
 * shifts and means are 0, scales and variances 1, prelu's slopes 1/4 (He et al. 2015). A conv2d's `initial` comes on top. */
void initialize_parameters(float *parameters, const struct net *net, enum initializer initializer,
                           struct random *random);

#endif
