#include "optimizer.h"

#include <math.h>

static void sgd(const struct optimizer *o, float *w, const float *gradient, float *velocity, float decay, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const float g = gradient[i] + decay * w[i];
        velocity[i] = o->momentum * velocity[i] + g;
        w[i] -= o->rate * (o->nesterov ? g + o->momentum * velocity[i] : velocity[i]);
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

void optimizer_step(const struct optimizer *optimizer, const struct net *net, int64_t step, float *parameters,
                    const float *gradients, float *first, float *second)
{
    for (int node = 0; node < net->node_count; node++) {
        struct block blocks[4];
        const int count = net_blocks(blocks, net, node);
        for (int b = 0; b < count; b++) {
            const size_t place = blocks[b].place, size = blocks[b].count;
            const float decay = blocks[b].role == BLOCK_WEIGHT ? optimizer->weight_decay : 0;
            if (blocks[b].role == BLOCK_MEAN || blocks[b].role == BLOCK_VARIANCE)
                for (size_t i = place; i < place + size; i++)
                    parameters[i] += BATCHNORM_MOMENTUM * (gradients[i] - parameters[i]);
            else if (optimizer->kind == OPTIMIZER_SGD)
                sgd(optimizer, parameters + place, gradients + place, first + place, decay, size);
            else
                adam(optimizer, step, parameters + place, gradients + place, first + place, second + place, decay, size);
        }
    }
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
                const float taps = (float)(window.kernel_h * window.kernel_w);
                const float in = taps * (float)window.in.c, out = taps * (float)window.out.c;
                bound = sqrtf(6 / (initializer == INITIALIZE_HE ? in : in + out));
            }
            for (size_t i = blocks[b].place; i < blocks[b].place + blocks[b].count; i++)
                parameters[i] = bound > 0 ? (2 * random_uniform(random) - 1) * bound : filling;
        }
    }
}
