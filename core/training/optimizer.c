#include "training/optimizer.h"

#include "kernels/math.h"
#include "training/muon.h"

#include <assert.h>
#include <math.h> /* sqrtf, which is rounded correctly everywhere */

static void sgd(float *w, const float *gradient, float *velocity, float learning_rate, float momentum, bool nesterov,
                float decay, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const float g = gradient[i] + decay * w[i];
        velocity[i] = momentum * velocity[i] + g;
        w[i] -= learning_rate * (nesterov ? g + momentum * velocity[i] : velocity[i]);
    }
}

static void adam(const struct optimizer *o, int64_t step, float *w, const float *gradient, float *first, float *second,
                 float decay, size_t count)
{
    const float correction1 = (float)(1 / (1 - math_pow((double)o->beta1, (double)step)));
    const float correction2 = (float)(1 / (1 - math_pow((double)o->beta2, (double)step)));
    const float coupled = o->kind == OPTIMIZER_ADAM ? decay : 0, decoupled = o->kind == OPTIMIZER_ADAMW ? decay : 0;
    for (size_t i = 0; i < count; i++) {
        const float g = gradient[i] + coupled * w[i];
        first[i] = o->beta1 * first[i] + (1 - o->beta1) * g;
        second[i] = o->beta2 * second[i] + (1 - o->beta2) * g * g;
        w[i] -= o->learning_rate *
                (first[i] * correction1 / (sqrtf(second[i] * correction2) + o->epsilon) + decoupled * w[i]);
    }
}

void optimizer_scale_learning_rates(struct optimizer *optimizer, float factor)
{
    optimizer->learning_rate *= factor;
    optimizer->dense_learning_rate *= factor;
    optimizer->bias_learning_rate *= factor;
    optimizer->frozen_bias_learning_rate *= factor;
}

size_t optimizer_scratch_count(enum optimizer_kind kind, const struct net *net)
{
    size_t max = 0;
    for (int node = 0; kind == OPTIMIZER_MUON && node < net->node_count; node++)
        if (net->nodes[node].kind == NODE_CONV2D) {
            const struct window window = net_window(net, node);
            const size_t count = muon_scratch_count(window.kernel_h * window.kernel_w * window.in.c, window.out.c);
            max = count > max ? count : max;
        }
    return max;
}

/* What Muon leaves to SGD. */
static void muon_other(const struct optimizer *o, const struct node *node, enum block_role role, float *w,
                       const float *gradient, float *velocity, size_t count)
{
    const bool frozen = node->kind == NODE_CONV2D && node->frozen, weight = role == BLOCK_WEIGHT;
    const float bias_learning_rate = frozen ? o->frozen_bias_learning_rate : o->bias_learning_rate;
    sgd(w, gradient, velocity, weight ? o->dense_learning_rate : bias_learning_rate, o->other_momentum, true,
        weight ? o->dense_decay : o->bias_decay, count);
}

void optimizer_step(const struct optimizer *optimizer, const struct net *net, int node,
                    const struct optimizer_state *state)
{
    assert(node >= 0 && node < net->node_count && state->step >= 1);
    const struct node *of = &net->nodes[node];
    struct block blocks[4];
    const int count = net_blocks(blocks, net, node);
    for (int b = 0; b < count; b++) {
        const size_t offset = blocks[b].offset, size = blocks[b].count;
        const enum block_role role = blocks[b].role;
        float *w = state->parameters + offset, *velocity = state->first + offset;
        const float *gradient = state->gradients + offset;
        const float decay = role == BLOCK_WEIGHT ? optimizer->weight_decay : 0;
        if (role == BLOCK_MEAN || role == BLOCK_VARIANCE)
            for (size_t i = 0; i < size; i++)
                w[i] += BATCHNORM_MOMENTUM * (gradient[i] - w[i]);
        else if (of->frozen && (role == BLOCK_WEIGHT || role == BLOCK_SCALE))
            continue;
        else if (optimizer->kind == OPTIMIZER_SGD)
            sgd(w, gradient, velocity, optimizer->learning_rate, optimizer->momentum, optimizer->nesterov, decay, size);
        else if (optimizer->kind != OPTIMIZER_MUON)
            adam(optimizer, state->step, w, gradient, velocity, state->second + offset, decay, size);
        else if (of->kind == NODE_CONV2D && role == BLOCK_WEIGHT) {
            const struct muon muon = {optimizer->learning_rate, optimizer->momentum, (int)(size / (size_t)of->channels),
                                      of->channels, state->gemm};
            muon_step(w, gradient, velocity, state->scratch, &muon);
        } else
            muon_other(optimizer, of, role, w, gradient, velocity, size);
    }
}
