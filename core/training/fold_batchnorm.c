#include "training/fold_batchnorm.h"

#include "kernels/batchnorm.h"

#include <assert.h>
#include <string.h>

/* The node that can take in node i, if that is batch normalisation: the conv2d, depthwise or dense layer before it,
 * also across a maxpool, because the largest stays the largest under a factor above 0. -1 if there is none. */
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

/* Where the nodes and tensors of the folded net come from. */
struct fold {
    int tensor[LIMIT_NODES + 1]; /* the number that a tensor of the net has in the folded one */
    int source[LIMIT_NODES];     /* the node of the net that a node of the folded one is */
    int batchnorm[LIMIT_NODES];  /* the node of the net that is folded into it, or -1 */
};

static void fold_nodes(struct net *folded, struct fold *fold, const struct net *net, const float *parameters)
{
    *folded = (struct net){.input = net->input};
    fold->tensor[0] = 0;
    for (int i = 0; i < net->node_count; i++) {
        const struct node *node = &net->nodes[i];
        fold->tensor[i + 1] = fold->tensor[node->input[0]];
        if (node->kind == NODE_DROPOUT)
            continue;
        const int into = taker(net, i, parameters);
        if (into >= 0) {
            const int there = fold->tensor[into + 1] - 1;
            fold->batchnorm[there] = i;
            folded->nodes[there].bias = true;
            continue;
        }
        struct node *copy = &folded->nodes[folded->node_count];
        *copy = *node;
        for (int k = 0; k < kind_traits[node->kind].inputs; k++)
            copy->input[k] = fold->tensor[node->input[k]];
        fold->source[folded->node_count] = i;
        fold->batchnorm[folded->node_count] = -1;
        fold->tensor[i + 1] = ++folded->node_count;
    }
    folded->embedding = fold->tensor[net->embedding];
}

/* weights (.., c) and biases (c) take in the batch normalisation whose parameters are `norm` (4, c). */
static void fold_channels(float *weights, size_t count, float *biases, const float *norm, size_t c)
{
    for (size_t k = 0; k < c; k++) {
        float factor, offset;
        batchnorm_fold(&factor, &offset, norm + k, norm + c + k, norm + 2 * c + k, norm + 3 * c + k, 1);
        for (size_t i = k; i < count; i += c)
            weights[i] *= factor;
        biases[k] = biases[k] * factor + offset;
    }
}

enum status fold_batchnorm(struct net *folded, float *out, const struct net *net, const float *parameters)
{
    struct fold fold;
    fold_nodes(folded, &fold, net, parameters);
    const enum status status = net_check(folded, NULL);
    if (status)
        return status;
    assert(net_parameter_count(folded) <= net_parameter_count(net));
    for (int i = 0; i < folded->node_count; i++) {
        const size_t old = net->offset[fold.source[i] + 1] - net->offset[fold.source[i]];
        float *to = out + folded->offset[i];
        memset(to, 0, (folded->offset[i + 1] - folded->offset[i]) * sizeof(float)); /* where there was no bias before */
        memcpy(to, parameters + net->offset[fold.source[i]], old * sizeof(float));
        if (fold.batchnorm[i] < 0)
            continue;
        struct block blocks[4];
        net_blocks(blocks, folded, i);
        fold_channels(to, blocks[0].count, to + blocks[0].count, parameters + net->offset[fold.batchnorm[i]],
                      blocks[1].count);
    }
    return STATUS_OK;
}
