#include "training/optimizer.h"

#include "training/muon.h"

#include <math.h>

static void sgd(float *w, const float *gradient, float *velocity, float rate, float momentum, bool nesterov, float decay,
                size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const float g = gradient[i] + decay * w[i];
        velocity[i] = momentum * velocity[i] + g;
        w[i] -= rate * (nesterov ? g + momentum * velocity[i] : velocity[i]);
    }
}

static void adam(const struct optimizer *o, int64_t step, float *w, const float *gradient, float *first, float *second,
                 float decay, size_t count)
{
    const float correction1 = (float)(1 / (1 - pow((double)o->beta1, (double)step)));
    const float correction2 = (float)(1 / (1 - pow((double)o->beta2, (double)step)));
    const float coupled = o->kind == OPTIMIZER_ADAM ? decay : 0, decoupled = o->kind == OPTIMIZER_ADAMW ? decay : 0;
    for (size_t i = 0; i < count; i++) {
        const float g = gradient[i] + coupled * w[i];
        first[i] = o->beta1 * first[i] + (1 - o->beta1) * g;
        second[i] = o->beta2 * second[i] + (1 - o->beta2) * g * g;
        w[i] -= o->rate * (first[i] * correction1 / (sqrtf(second[i] * correction2) + o->epsilon) + decoupled * w[i]);
    }
}

size_t optimizer_scratch_count(const struct optimizer *optimizer, const struct net *net)
{
    size_t most = 0;
    for (int node = 0; optimizer->kind == OPTIMIZER_MUON && node < net->node_count; node++)
        if (net->nodes[node].kind == NODE_CONV2D) {
            const struct window window = net_window(net, node);
            const size_t count = muon_scratch_count(window.kernel_h * window.kernel_w * window.in.c, window.out.c);
            most = count > most ? count : most;
        }
    return most;
}

/* What Muon leaves to SGD. */
static void muon_other(const struct optimizer *o, const struct node *node, enum block_role role, float *w,
                       const float *gradient, float *velocity, size_t count)
{
    const bool frozen = node->kind == NODE_CONV2D && node->frozen, weight = role == BLOCK_WEIGHT;
    sgd(w, gradient, velocity, weight ? o->dense_rate : frozen ? o->frozen_bias_rate : o->bias_rate, o->other_momentum,
        true, weight ? o->dense_decay : o->bias_decay, count);
}

void optimizer_step(const struct optimizer *optimizer, const struct net *net, int node, int64_t step, float *parameters,
                    const float *gradients, float *first, float *second, float *scratch)
{
    const struct node *of = &net->nodes[node];
    struct block blocks[4];
    const int count = net_blocks(blocks, net, node);
    for (int b = 0; b < count; b++) {
        const size_t place = blocks[b].offset, size = blocks[b].count;
        const enum block_role role = blocks[b].role;
        float *w = parameters + place, *velocity = first + place;
        const float *gradient = gradients + place;
        const float decay = role == BLOCK_WEIGHT ? optimizer->weight_decay : 0;
        if (role == BLOCK_MEAN || role == BLOCK_VARIANCE)
            for (size_t i = 0; i < size; i++)
                w[i] += BATCHNORM_MOMENTUM * (gradient[i] - w[i]);
        else if (of->frozen && (role == BLOCK_WEIGHT || role == BLOCK_SCALE))
            continue;
        else if (optimizer->kind == OPTIMIZER_SGD)
            sgd(w, gradient, velocity, optimizer->rate, optimizer->momentum, optimizer->nesterov, decay, size);
        else if (optimizer->kind != OPTIMIZER_MUON)
            adam(optimizer, step, w, gradient, velocity, second + place, decay, size);
        else if (of->kind == NODE_CONV2D && role == BLOCK_WEIGHT)
            muon_step(w, gradient, velocity, scratch, optimizer->rate, optimizer->momentum, (int)(size / (size_t)of->channels),
                      of->channels);
        else
            muon_other(optimizer, of, role, w, gradient, velocity, size);
    }
}

/* Over the random weights: output o repeats input o, for as many as there are of both. */
static void add_identity(float *weights, const struct window *window)
{
    const int in = window->in.c, out = window->out.c, same = in < out ? in : out;
    for (int tap = 0; tap < window->kernel_h * window->kernel_w; tap++)
        for (int o = 0; o < same; o++)
            for (int i = 0; i < in; i++)
                weights[(tap * in + i) * out + o] =
                    i == o && tap == window->kernel_h / 2 * window->kernel_w + window->kernel_w / 2 ? 1 : 0;
}

void net_initialize(float *parameters, const struct net *net, enum initializer initializer, struct random *random)
{
    for (int node = 0; node < net->node_count; node++) {
        struct block blocks[4];
        const int count = net_blocks(blocks, net, node);
        for (int b = 0; b < count; b++) {
            const float filling = blocks[b].role == BLOCK_SCALE || blocks[b].role == BLOCK_VARIANCE ? 1 : 0;
            float bound = 0;
            if (blocks[b].role == BLOCK_WEIGHT) {
                const struct window window = net_window(net, node);
                const float in = (float)(blocks[b].count / (size_t)window.out.c);
                const float out = (float)(blocks[b].count / (size_t)window.in.c);
                bound = initializer == INITIALIZE_UNIFORM ? sqrtf(1 / in)
                        : initializer == INITIALIZE_HE    ? sqrtf(6 / in)
                                                          : sqrtf(6 / (in + out));
            }
            for (size_t i = blocks[b].offset; i < blocks[b].offset + blocks[b].count; i++)
                parameters[i] = bound > 0 ? (2 * random_uniform(random) - 1) * bound : filling;
            if (blocks[b].role == BLOCK_WEIGHT && net->nodes[node].initial == INITIAL_IDENTITY) {
                const struct window window = net_window(net, node);
                add_identity(parameters + blocks[b].offset, &window);
            }
        }
    }
}
