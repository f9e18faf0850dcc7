#include "training/initialize.h"

#include <math.h>

/* Over the random weights: output o repeats input o, for as many as there are of both. */
static void add_identity(float *weights, const struct window *window)
{
    const int in = window->in.c / window->groups, out = window->out.c, same = in < out ? in : out;
    for (int tap = 0; tap < window->kernel_h * window->kernel_w; tap++)
        for (int o = 0; o < same; o++)
            for (int i = 0; i < in; i++)
                weights[(tap * in + i) * out + o] =
                    i == o && tap == window->kernel_h / 2 * window->kernel_w + window->kernel_w / 2 ? 1 : 0;
}

void initialize_parameters(float *parameters, const struct net *net, enum initializer initializer,
                           struct random *random)
{
    for (int node = 0; node < net->node_count; node++) {
        struct block blocks[4];
        const int count = net_blocks(blocks, net, node);
        for (int b = 0; b < count; b++) {
            const bool one = blocks[b].role == BLOCK_SCALE || blocks[b].role == BLOCK_VARIANCE;
            const float filling = one ? 1 : blocks[b].role == BLOCK_SLOPE ? 0.25f : 0;
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
