/* Optimizers over the flat parameter array.
 *
 *     struct optimizer optimizer = {.kind = OPTIMIZER_ADAM, .learning_rate = 1e-3f, .beta1 = 0.9f, .beta2 = 0.999f,
 *                                   .epsilon = 1e-7f};
 *     struct optimizer_state state = {.step = 1, .parameters = parameters, .gradients = gradients, .first = first,
 *                                     .second = second, .scratch = scratch, .gemm = gemm_fast};
 *     for (int node = 0; node < net.node_count; node++)
 *         optimizer_step(&optimizer, &net, node, &state);
 *
 * SGD with momentum (Polyak) or Nesterov momentum (Sutskever et al. 2013): v = momentum v + g; w -= learning rate * v,
 * or, with
 *     Nesterov, w -= learning rate * (g + momentum v). Weight decay adds decay * w to g.
 * Adam (Kingma and Ba 2015), bias-corrected; weight decay adds decay * w to g.
 * AdamW (Loshchilov and Hutter 2019): Adam, and w -= learning rate * decay * w beside it.
 * Muon (muon.h) for the weights of conv2d, Nesterov SGD for everything else, with learning rates and decays of their
 * own,
 *     as in Keller Jordan's airbench94_muon. A depthwise layer's filters are no matrix: SGD trains them, as it does
 *     dense layers.
 * But for Muon's, weight decay acts on weights, not on biases, scales and shifts. */
#ifndef OPTIMIZER_H
#define OPTIMIZER_H

#include "kernels/gemm.h"
#include "net/net.h"

enum optimizer_kind { OPTIMIZER_SGD, OPTIMIZER_ADAM, OPTIMIZER_ADAMW, OPTIMIZER_MUON };

struct optimizer {
    enum optimizer_kind kind;
    float learning_rate; /* at this step; Muon: of conv2d weights */
    float momentum;
    bool nesterov;
    float beta1, beta2, epsilon;
    float weight_decay;
    /* Muon only, at this step, for what SGD trains: */
    float other_momentum;
    float dense_learning_rate, dense_decay; /* weights of dense and depthwise layers; decay * w is added to g */
    float bias_learning_rate, bias_decay;   /* biases and shifts */
    float frozen_bias_learning_rate;        /* biases of frozen layers */
};

/* Multiplies every learning rate. */
void optimizer_scale_learning_rates(struct optimizer *optimizer, float factor);

/* What a step reads and changes: flat arrays of all parameters. */
struct optimizer_state {
    int64_t step; /* its number, from 1 */
    float *parameters;
    const float *gradients; /* means over the batch; of running statistics: those of the batch */
    float *first, *second;  /* moments, which start as zeros; SGD and Muon use only the first: second may be NULL */
    float *scratch;         /* optimizer_scratch_count; may be NULL if that is 0 */
    gemm_function *gemm;    /* of Muon: gemm_fast or gemm_exact */
};

/* Floats of scratch that a step for any node needs. */
size_t optimizer_scratch_count(enum optimizer_kind kind, const struct net *net);

/* One step for the parameters of one node; nodes may take theirs in parallel, each with scratch of its own. Running
 * statistics move by BATCHNORM_MOMENTUM towards those of the batch. */
#define BATCHNORM_MOMENTUM 0.1f
void optimizer_step(const struct optimizer *optimizer, const struct net *net, int node,
                    const struct optimizer_state *state);

#endif
