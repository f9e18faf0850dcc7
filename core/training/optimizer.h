/* Optimizers over the flat parameter array.
 *
 *     struct optimizer optimizer = {.kind = OPTIMIZER_ADAM, .rate = 1e-3f, .beta1 = 0.9f, .beta2 = 0.999f, .epsilon = 1e-7f};
 *     for (int node = 0; node < net.node_count; node++)
 *         optimizer_step(&optimizer, &net, node, step, parameters, gradients, first, second, scratch);
 *
 * SGD with momentum (Polyak) or Nesterov momentum (Sutskever et al. 2013): v = momentum v + g; w -= rate v, or, with
 *     Nesterov, w -= rate (g + momentum v). Weight decay adds decay * w to g.
 * Adam (Kingma and Ba 2015), bias-corrected; weight decay adds decay * w to g.
 * AdamW (Loshchilov and Hutter 2019): Adam, and w -= rate decay w beside it.
 * Muon (muon.h) for the weights of conv2d, Nesterov SGD for everything else, with rates and decays of their own,
 *     as in Keller Jordan's airbench94_muon. A depthwise layer's filters are no matrix; SGD learns them as it does dense layers.
 * But for Muon's, weight decay acts on weights, not on biases, scales and shifts. */
#ifndef OPTIMIZER_H
#define OPTIMIZER_H

#include "net/net.h"
#include "base/random.h"

enum optimizer_kind { OPTIMIZER_SGD, OPTIMIZER_ADAM, OPTIMIZER_ADAMW, OPTIMIZER_MUON };

struct optimizer {
    enum optimizer_kind kind;
    float rate; /* the learning rate at this step; Muon: of conv2d weights */
    float momentum;
    bool nesterov;
    float beta1, beta2, epsilon;
    float weight_decay;
    /* Muon only, at this step, for what SGD learns: */
    float other_momentum;
    float dense_rate, dense_decay;         /* weights of dense and depthwise layers; decay * w is added to g */
    float bias_rate, bias_decay;           /* biases and shifts */
    float frozen_bias_rate;                /* biases of frozen layers */
};

/* Floats of scratch that a step for any node needs. */
size_t optimizer_scratch_count(const struct optimizer *optimizer, const struct net *net);

/* One step, numbered from 1, for the parameters of one node; nodes may take theirs in parallel. first and second
 * (parameters) hold the moments and start as zeros; SGD and Muon use only the first. gradients are means over the batch; in the indices of
 * batchnorm's running statistics they hold the batch's statistics, and these blocks move towards them by a share of
 * BATCHNORM_MOMENTUM. */
#define BATCHNORM_MOMENTUM 0.1f
void optimizer_step(const struct optimizer *optimizer, const struct net *net, int node, int64_t step, float *parameters,
                    const float *gradients, float *first, float *second, float *scratch);

enum initializer { INITIALIZE_GLOROT, INITIALIZE_HE, INITIALIZE_UNIFORM };

/* Draws new parameters, uniform in +-sqrt(6 / (fan in + fan out)) (Glorot and Bengio 2010, Keras's default) or +-sqrt(6 / fan in)
 * (He et al. 2015), the fans of a depthwise filter being its taps. Biases, shifts and means are 0, scales and variances 1.
 * INITIALIZE_UNIFORM: +-1 / sqrt(fan in), PyTorch's default. A conv2d's `initial` comes on top. */
void net_initialize(float *parameters, const struct net *net, enum initializer initializer, struct random *random);

#endif
