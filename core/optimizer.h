/* Optimizers over the flat parameter array.
 *
 *     struct optimizer optimizer = {.kind = OPTIMIZER_ADAM, .rate = 1e-3f, .beta1 = 0.9f, .beta2 = 0.999f, .epsilon = 1e-7f};
 *     optimizer_step(&optimizer, &net, step, parameters, gradients, first, second);
 *
 * SGD with momentum (Polyak) or Nesterov momentum (Sutskever et al. 2013): v = momentum v + g; w -= rate v, or, with
 *     Nesterov, w -= rate (g + momentum v). Weight decay adds decay * w to g.
 * Adam (Kingma and Ba 2015), bias-corrected; weight decay adds decay * w to g.
 * AdamW (Loshchilov and Hutter 2019): Adam, and w -= rate decay w beside it.
 * Weight decay acts on weights, not on biases, scales and shifts. */
#ifndef OPTIMIZER_H
#define OPTIMIZER_H

#include "net.h"
#include "random.h"

enum optimizer_kind { OPTIMIZER_SGD, OPTIMIZER_ADAM, OPTIMIZER_ADAMW };

struct optimizer {
    enum optimizer_kind kind;
    float rate; /* the learning rate */
    float momentum;
    bool nesterov;
    float beta1, beta2, epsilon;
    float weight_decay;
};

/* One step, numbered from 1. first and second (parameters) hold the moments and start as zeros; SGD uses only the first. gradients are
 * means over the batch; in the places of batchnorm's running statistics they hold the batch's statistics, and these
 * blocks move towards them by a share of BATCHNORM_MOMENTUM. */
#define BATCHNORM_MOMENTUM 0.1f
void optimizer_step(const struct optimizer *optimizer, const struct net *net, int64_t step, float *parameters,
                    const float *gradients, float *first, float *second);

enum initializer { INITIALIZE_GLOROT, INITIALIZE_HE };

/* Draws new parameters, uniform in +-sqrt(6 / (fan in + fan out)) (Glorot and Bengio 2010, Keras's default) or +-sqrt(6 / fan in)
 * (He et al. 2015). Biases, shifts and means are 0, scales and variances 1. */
void net_initialize(float *parameters, const struct net *net, enum initializer initializer, struct random *random);

#endif
