#include "model/fold_batchnorm.h"

#include "kernels/norm.h"
#include "cli/errors.h"
#include "cli/memory.h"

#include <stdlib.h>
#include <string.h>

/* The node that can take in node i, if that is batch normalisation: the conv2d, depthwise or dense layer before it, also across a
 * maxpool, because the largest stays the largest under a factor above 0. -1 if there is none. */
static int taker(const struct net *net, int i, const float *parameters)
{
    if (net->nodes[i].kind != NODE_BATCHNORM)
        return -1;
    int before = net->nodes[i].input[0] - 1;
    if (before >= 0 && net->nodes[before].kind == NODE_MAXPOOL && net->consumers[before + 1] == 1) {
        const float *scale = parameters + net->offset[i];
        for (int k = 0; k < net->shapes[i + 1].c; k++)
            if (!(scale[k] > 0))
                return -1;
        before = net->nodes[before].input[0] - 1;
    }
    if (before < 0 || net->consumers[before + 1] != 1)
        return -1;
    return node_has_weights(net->nodes[before].kind) ? before : -1;
}

float *net_freeze(struct net *frozen, const struct net *net, const float *parameters)
{
    int tensor[LIMIT_NODES + 1] = {0}; /* where each tensor of net stands in frozen */
    int source[LIMIT_NODES], folded[LIMIT_NODES]; /* the node of net that a frozen one is; the batchnorm in it, or -1 */
    memset(frozen, 0, sizeof *frozen);
    frozen->input = net->input;
    for (int i = 0; i < net->node_count; i++) {
        const struct node *node = &net->nodes[i];
        tensor[i + 1] = tensor[node->input[0]];
        if (node->kind == NODE_DROPOUT)
            continue;
        const int into = taker(net, i, parameters);
        if (into >= 0) {
            const int there = tensor[into + 1] - 1;
            folded[there] = i;
            frozen->nodes[there].bias = true;
            continue;
        }
        struct node *copy = &frozen->nodes[frozen->node_count];
        *copy = *node;
        for (int k = 0; k < kind_traits[node->kind].inputs; k++)
            copy->input[k] = tensor[node->input[k]];
        source[frozen->node_count] = i;
        folded[frozen->node_count] = -1;
        tensor[i + 1] = ++frozen->node_count;
    }
    const enum status status = net_check(frozen, NULL);
    if (status)
        die(NULL, NULL, "the trained network cannot be frozen: %s", status_text(status));

    float *out = allocate(net_parameter_count(frozen) + 1, sizeof(float));
    for (int i = 0; i < frozen->node_count; i++) {
        const size_t old = net->offset[source[i] + 1] - net->offset[source[i]];
        float *to = out + frozen->offset[i];
        memcpy(to, parameters + net->offset[source[i]], old * sizeof(float));
        if (folded[i] < 0)
            continue;
        struct block blocks[4];
        net_blocks(blocks, frozen, i);
        const size_t c = blocks[1].count, weights = blocks[0].count;
        const float *norm = parameters + net->offset[folded[i]];
        float *factor = allocate(2 * c, sizeof(float)), *offset = factor + c, *bias = to + weights;
        batchnorm_fold(factor, offset, norm, norm + c, norm + 2 * c, norm + 3 * c, (int)c);
        for (size_t k = 0; k < weights; k++)
            to[k] *= factor[k % c];
        for (size_t k = 0; k < c; k++)
            bias[k] = bias[k] * factor[k] + offset[k]; /* without a bias before, the zero that allocate left */
        free(factor);
    }
    return out;
}
