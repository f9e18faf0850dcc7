/* Factors and offsets find their place: in the weights of the layer before, in the normalisation of the picture, or in a
 * layer of their own. */
#include "exchange/graph_parts.h"

#include "cli/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void folding_free(struct folding *folding)
{
    free(folding->live);
    free(folding->replaced);
    free(folding->consumers);
}

static int inputs_of(const struct layer *layer)
{
    return layer->kind == NODE_ADD || layer->kind == NODE_MULTIPLY || layer->kind == NODE_CONCAT ? 2 : 1;
}

static void find_live(struct folding *folding, const struct graph *graph, int output)
{
    folding->consumers[output]++;
    for (int i = graph->layer_count - 1; i >= 0; i--) {
        folding->live[i] = folding->consumers[i + 1] > 0;
        for (int k = 0; folding->live[i] && k < inputs_of(&graph->layers[i]); k++)
            folding->consumers[graph->layers[i].node.input[k]]++;
    }
}

/* The layer that alone makes a tensor for one consumer; NULL: the input, or there are others. */
static struct layer *private_maker(const struct folding *folding, const struct graph *graph, int tensor)
{
    return folding->consumers[tensor] == 1 ? layer_of(graph, tensor) : NULL;
}

/* Layer i is left out: who reads its output reads `tensor`, its input, instead. */
static void leave_out(struct folding *folding, int i, int tensor)
{
    folding->live[i] = false;
    folding->replaced[i + 1] = tensor;
    folding->consumers[tensor] += folding->consumers[i + 1] - 1;
}

static bool is_identity(const struct layer *layer)
{
    const int c = layer->shape.c;
    for (int k = 0; k < c; k++)
        if (layer->affine[k] != 1 || layer->affine[c + k] != 0)
            return false;
    return true;
}

/* layer after `before`. 6 * (1 / 6), which hardswish is written with, is 1 but for a rounding. */
static void compose(struct layer *layer, const struct layer *before)
{
    const int c = layer->shape.c;
    for (int k = 0; k < c; k++) {
        layer->affine[c + k] += layer->affine[k] * before->affine[c + k];
        layer->affine[k] *= before->affine[k];
        if (fabs(layer->affine[k] - 1) < 1e-7)
            layer->affine[k] = 1;
    }
    layer->uniform = layer->uniform && before->uniform;
    layer->node.input[0] = before->node.input[0];
    free(layer->parameters);
    layer->parameters = NULL;
    layer->count = 0;
}

/* The layer with weights that takes an affine one in: the one before, also across a maxpool, because the largest stays
 * the largest under a factor above 0. NULL: there is none. */
static struct layer *taker(const struct folding *folding, const struct graph *graph, const struct layer *affine,
                           int tensor)
{
    struct layer *before = private_maker(folding, graph, tensor);
    bool rising = true;
    for (int k = 0; k < affine->shape.c; k++)
        rising = rising && affine->affine[k] > 0;
    if (before && before->kind == NODE_MAXPOOL && rising)
        before = private_maker(folding, graph, folding->replaced[before->node.input[0]]);
    return before && before->kind < NODE_KINDS && node_has_weights((enum node_kind)before->kind) ? before : NULL;
}

static void fold_into(struct layer *layer, const struct layer *affine)
{
    const size_t c = (size_t)layer->shape.c, weights = layer->count - (layer->node.bias ? c : 0);
    float *out = allocate(weights + c, sizeof *out);
    for (size_t i = 0; i < weights; i++)
        out[i] = (float)((double)layer->parameters[i] * affine->affine[i % c]);
    for (size_t k = 0; k < c; k++) {
        const double bias = layer->node.bias ? (double)layer->parameters[weights + k] : 0;
        out[weights + k] = (float)(bias * affine->affine[k] + affine->affine[c + k]);
    }
    free(layer->parameters);
    layer->parameters = out;
    layer->count = weights + c;
    layer->node.bias = true;
}

/* The network reads picture * scale + shift. */
static void fold_into_front(struct graph_result *result, const struct layer *affine)
{
    const int c = affine->shape.c;
    for (int k = 0; k < 3; k++) {
        const int channel = c == 1 ? 0 : k;
        const double factor = affine->affine[channel], offset = affine->affine[c + channel];
        result->front_scale[k] = (float)((double)result->front_scale[k] * factor);
        result->front_shift[k] = (float)((double)result->front_shift[k] * factor + offset);
    }
    result->has_front = true;
}

/* A factor for all channels is a layer that costs next to nothing, and stays one. */
static bool is_factor(const struct layer *layer)
{
    const double factor = layer->affine[0];
    return layer->uniform && layer->affine[layer->shape.c] == 0 && factor > 0 &&
           kind_accepts_rate(NODE_SCALE, (float)factor);
}

static void fold_affine(struct folding *folding, struct graph *graph, struct graph_result *result, int i)
{
    struct layer *layer = &graph->layers[i];
    int tensor = folding->replaced[layer->node.input[0]];
    const struct layer *before = private_maker(folding, graph, tensor);
    if (before && before->kind == LAYER_AFFINE) {
        const int index = tensor - 1;
        compose(layer, before);
        folding->live[index] = false;
        tensor = layer->node.input[0] = folding->replaced[layer->node.input[0]];
    }
    struct layer *into = is_factor(layer) ? NULL : taker(folding, graph, layer, tensor);
    if (tensor == 0 && folding->consumers[0] == 1)
        fold_into_front(result, layer);
    else if (into)
        fold_into(into, layer);
    else if (!is_identity(layer))
        return;
    leave_out(folding, i, tensor);
}

void fold_layers(struct folding *folding, struct graph *graph, struct graph_result *result, int output)
{
    const size_t layers = (size_t)graph->layer_count;
    *folding = (struct folding){allocate(layers + 1, sizeof(bool)), allocate(layers + 1, sizeof(int)),
                                allocate(layers + 1, sizeof(int))};
    for (int t = 0; t <= graph->layer_count; t++)
        folding->replaced[t] = t;
    for (int k = 0; k < 3; k++) {
        result->front_scale[k] = 1;
        result->front_shift[k] = 0;
    }
    find_live(folding, graph, output);
    for (int i = 0; i < graph->layer_count; i++)
        if (folding->live[i] && graph->layers[i].kind == LAYER_AFFINE)
            fold_affine(folding, graph, result, i);
}
