#include "model/channel_importance.h"

#include "cli/memory.h"
#include "kernels/batchnorm.h"

#include <math.h>
#include <stdlib.h>

struct work {
    const struct channel_groups *groups;
    const struct net *net;
    const float *parameters;
    double *importance; /* (units) */
};

/* Norms of the parts that a layer's weights have for each channel of a tensor. */
struct norms {
    double *of_unit; /* (units) sums of squares; 0 between two layers */
    double *sum;     /* (groups) */
    int *count;      /* (groups) */
};

/* Adds the norms of a layer to the importances, as multiples of their mean in each group. */
static void add_norms(struct work *work, struct norms *norms, int tensor)
{
    const struct channel_groups *groups = work->groups;
    const size_t from = groups->first[tensor], to = groups->first[tensor + 1];
    for (int pass = 0; pass < 2; pass++)
        for (size_t k = from; k < to; k++) {
            const int unit = groups->unit[k], group = unit < 0 ? 0 : groups->group[unit];
            if (unit < 0 || norms->of_unit[unit] < 0) /* or another channel has done it */
                continue;
            if (pass == 0) {
                norms->sum[group] += sqrt(norms->of_unit[unit]);
                norms->count[group]++;
            } else if (norms->sum[group] > 0) {
                work->importance[unit] += sqrt(norms->of_unit[unit]) * norms->count[group] / norms->sum[group];
                norms->of_unit[unit] = -1;
            }
        }
    for (size_t k = from; k < to; k++)
        if (groups->unit[k] >= 0) {
            norms->of_unit[groups->unit[k]] = 0;
            norms->sum[groups->group[groups->unit[k]]] = 0;
            norms->count[groups->group[groups->unit[k]]] = 0;
        }
}

/* The square of a number of a layer counts for this channel of a tensor. */
static void add_square(const struct work *work, const struct norms *norms, int tensor, size_t channel, double value)
{
    const int unit = work->groups->unit[work->groups->first[tensor] + channel];
    if (unit >= 0)
        norms->of_unit[unit] += value * value;
}

/* Of a conv2d or dense layer: the filters that make a channel, then those weights that read it. */
static void measure_filters(struct work *work, struct norms *norms, int i)
{
    const struct net *net = work->net;
    const struct node *node = &net->nodes[i];
    struct block blocks[4];
    net_blocks(blocks, net, i);
    const float *weights = work->parameters + blocks[0].offset;
    const size_t c = (size_t)net->shapes[node->input[0]].c, out = (size_t)net->shapes[i + 1].c;
    for (size_t k = 0; k < blocks[0].count; k++)
        add_square(work, norms, i + 1, k % out, (double)weights[k]);
    add_norms(work, norms, i + 1);
    if (node->groups > 1)
        return;
    for (size_t k = 0; k < blocks[0].count; k++)
        add_square(work, norms, node->input[0], k / out % c, (double)weights[k]);
    add_norms(work, norms, node->input[0]);
}

/* Of a layer with a factor for each channel, or a filter. */
static void measure_channels(struct work *work, struct norms *norms, int i)
{
    const struct net *net = work->net;
    struct block blocks[4];
    net_blocks(blocks, net, i);
    const float *scale = work->parameters + blocks[0].offset;
    const size_t c = (size_t)net->shapes[i + 1].c;
    const bool normalises = blocks[0].role == BLOCK_SCALE;
    for (size_t k = 0; k < blocks[0].count; k++) {
        const double variance =
            normalises ? (double)work->parameters[blocks[3].offset + k] + (double)BATCHNORM_EPSILON : 1;
        add_square(work, norms, i + 1, k % c, (double)scale[k] / sqrt(variance));
    }
    add_norms(work, norms, i + 1);
}

/* Importances as multiples of their mean in the group: it does not matter how many layers that has. */
static void normalise(struct work *work, struct norms *norms)
{
    const struct channel_groups *groups = work->groups;
    for (int u = 0; u < groups->units; u++) {
        norms->sum[groups->group[u]] += work->importance[u];
        norms->count[groups->group[u]]++;
    }
    for (int u = 0; u < groups->units; u++) {
        const int g = groups->group[u];
        if (norms->sum[g] > 0)
            work->importance[u] *= norms->count[g] / norms->sum[g];
    }
}

double *channel_importance(const struct channel_groups *groups, const struct net *net, const float *parameters)
{
    struct work work = {groups, net, parameters, allocate((size_t)groups->units + 1, sizeof(double))};
    struct norms norms = {allocate((size_t)groups->units + 1, sizeof(double)),
                          allocate((size_t)groups->groups + 1, sizeof(double)),
                          allocate((size_t)groups->groups + 1, sizeof(int))};
    for (int i = 0; i < net->node_count; i++) {
        const struct kind_traits *traits = &kind_traits[net->nodes[i].kind];
        if (traits->parameters == PARAMETERS_WEIGHTS && !traits->per_channel)
            measure_filters(&work, &norms, i);
        else if (traits->parameters == PARAMETERS_WEIGHTS || traits->parameters == PARAMETERS_NORM)
            measure_channels(&work, &norms, i);
    }
    normalise(&work, &norms);
    free(norms.of_unit);
    free(norms.sum);
    free(norms.count);
    return work.importance;
}
