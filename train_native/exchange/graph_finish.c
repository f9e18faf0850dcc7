/* From the graph's layers to a network. */
#include "exchange/graph_parts.h"

#include "cli/memory.h"
#include "kernels/batchnorm.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- What stands at the end ---- */

/* Whether a vector that no dense layer made are scores of classes: SqueezeNet ends in a convolution for each class and
 * a mean, as trunks end in a mean of features, of which there is a multiple of 32. */
static bool pools_classes(const struct graph *graph, int tensor)
{
    const int c = tensor_shape(graph, tensor).c;
    for (int i = 0; i < graph->expected_count; i++)
        if (c == graph->expected[i] || c == graph->expected[i] + 1) /* and a background */
            return true;
    return c % 32 != 0;
}

/* Of a tensor of one pixel: whether it is made by a layer with weights, but for what moves and bends single values. */
static bool made_by_weights(const struct graph *graph, int tensor)
{
    const struct layer *layer = layer_of(graph, tensor);
    while (layer && layer->kind != NODE_GLOBAL_AVGPOOL && !(layer->parameters && layer->kind != LAYER_AFFINE))
        layer = layer_of(graph, layer->node.input[0]);
    return layer && layer->kind != NODE_GLOBAL_AVGPOOL;
}

/* A global pool and a dense layer of one class. */
static int add_classless_head(struct graph *graph, int tensor)
{
    const struct shape shape = tensor_shape(graph, tensor);
    const struct layer pool = {.kind = NODE_GLOBAL_AVGPOOL, .node = {.input = {tensor}}, .shape = {1, 1, shape.c}};
    if (shape.h > 1 || shape.w > 1)
        tensor = add_layer(graph, &pool);
    if (tensor < 0)
        return GRAPH_FAILED;
    const struct layer head = {.kind = NODE_DENSE,
                               .node = {.input = {tensor}, .channels = 1},
                               .shape = {1, 1, 1},
                               .count = (size_t)shape.c,
                               .parameters = allocate((size_t)shape.c, sizeof(float))};
    return add_layer(graph, &head);
}

/* A sigmoid of one number z is a softmax of 0 and z: the dense layer of z, if that is what makes it, or another one
 * behind it, with a column of zeros in front. */
static int add_other_class(struct graph *graph, int tensor)
{
    const struct layer *maker = layer_of(graph, tensor);
    const bool dense = maker && maker->kind == NODE_DENSE;
    const size_t in = dense ? maker->count - maker->node.bias : 1;
    struct layer pair = {.kind = NODE_DENSE,
                         .node = {.input = {dense ? maker->node.input[0] : tensor}, .channels = 2, .bias = true},
                         .shape = {1, 1, 2},
                         .count = 2 * in + 2,
                         .parameters = allocate(2 * in + 2, sizeof(float))};
    for (size_t i = 0; i < in; i++)
        pair.parameters[2 * i + 1] = dense ? maker->parameters[i] : 1;
    if (dense && maker->node.bias)
        pair.parameters[2 * in + 1] = maker->parameters[in];
    return add_layer(graph, &pair);
}

/* What the output's softmax reads, also where the graph has none. */
static int find_logits(struct graph_result *result, struct graph *graph, int output)
{
    int tensor = value_of(graph, output)->tensor;
    const struct shape shape = tensor_shape(graph, tensor);
    const struct layer *last = layer_of(graph, tensor);
    result->temperature = 1;
    if (last && last->kind == NODE_SOFTMAX) {
        result->logits_were_probabilities = true;
        tensor = last->node.input[0];
        const struct layer *division = layer_of(graph, tensor);
        if (division && division->kind == LAYER_AFFINE && division->division && division->uniform &&
            division->affine[0] > 0 && 1 / division->affine[0] >= 1e-6 && 1 / division->affine[0] <= FLT_MAX) {
            result->temperature = (float)(1 / division->affine[0]);
            tensor = division->node.input[0];
        }
        return tensor;
    }
    if (last && last->kind == NODE_SIGMOID && shape_count(shape) == 1) {
        result->logits_were_probabilities = true;
        return add_other_class(graph, last->node.input[0]);
    }
    if (last && last->kind == NODE_SIGMOID)
        return graph_refuse(graph, "the network ends in a sigmoid, so that several classes may hold at once: one that "
                                   "ends in a softmax, or in its scores, is possible");
    result->features_only =
        shape.h > 1 || shape.w > 1 || (!made_by_weights(graph, tensor) && !pools_classes(graph, tensor));
    return result->features_only ? add_classless_head(graph, tensor) : tensor;
}

/* ---- Nodes ---- */

/* Why a layer that leads to the output can be none of a network; false: it can be. */
static bool impossible(struct graph *graph, const struct layer *layer)
{
    strcpy(graph->origin, layer->origin);
    if (layer->kind == LAYER_PAD)
        graph_refuse(graph, "padding that no convolution and no pool follows");
    else if (layer->kind == NODE_SOFTMAX)
        graph_refuse(graph, "a softmax before the end: one at the end is possible");
    else if (layer->kind != LAYER_AFFINE && layer->kind >= NODE_KINDS)
        graph_refuse(graph, "no layer of this program computes this");
    else if (layer->kind != LAYER_AFFINE && !kind_accepts_rate((enum node_kind)layer->kind, layer->node.rate))
        graph_refuse(graph, "its setting %g is outside of what a layer may have", (double)layer->node.rate);
    return graph->failed;
}

static bool has_infinite(struct graph *graph, const struct layer *layer)
{
    for (size_t i = 0; i < layer->count && !graph->failed; i++)
        if (!isfinite(layer->parameters[i]))
            graph_refuse(graph, "batch norms or factors make its weights infinite");
    return graph->failed;
}

/* A layer of factors and offsets as a node with parameters of its own. */
static void settle_affine(struct layer *layer)
{
    const int c = layer->shape.c;
    const double *affine = layer->affine;
    layer->kind = NODE_BATCHNORM;
    if (layer->parameters)
        return;
    if (layer->uniform && affine[c] == 0 && affine[0] > 0 && kind_accepts_rate(NODE_SCALE, (float)affine[0])) {
        layer->kind = NODE_SCALE;
        layer->node.rate = (float)affine[0];
        return;
    }
    layer->count = 4 * (size_t)c;
    layer->parameters = allocate(layer->count, sizeof(float));
    for (int k = 0; k < c; k++) {
        layer->parameters[k] = (float)affine[k];
        layer->parameters[c + k] = (float)affine[c + k];
        layer->parameters[3 * c + k] = 1 - BATCHNORM_EPSILON;
    }
}

/* The nodes of all live layers, and a softmax; source: the layer that each of them is. */
static bool put_nodes(struct net *net, int *source, struct graph *graph, const struct folding *folding, int logits)
{
    int *number = allocate((size_t)graph->layer_count + 1, sizeof *number);
    net->input = graph->input;
    for (int i = 0; i < graph->layer_count && !graph->failed; i++) {
        struct layer *layer = &graph->layers[i];
        if (!folding->live[i] || impossible(graph, layer))
            continue;
        if (layer->kind == LAYER_AFFINE)
            settle_affine(layer);
        if (has_infinite(graph, layer))
            continue;
        if (net->node_count == LIMIT_NODES - 1) {
            graph_refuse(graph, "the network has more than %d layers", LIMIT_NODES);
            break;
        }
        struct node *node = &net->nodes[net->node_count];
        *node = layer->node;
        node->kind = (enum node_kind)layer->kind;
        for (int k = 0; k < kind_traits[node->kind].inputs; k++)
            node->input[k] = number[folding->replaced[layer->node.input[k]]];
        source[net->node_count] = i;
        number[i + 1] = ++net->node_count;
    }
    net->nodes[net->node_count++] = (struct node){.kind = NODE_SOFTMAX, .input = {number[folding->replaced[logits]]}};
    free(number);
    return !graph->failed;
}

/* What stays as a second output: the last mean over all pixels, if vectors alone follow; else what the last layer with
 * weights reads, if that is one. */
static int find_embedding(const struct net *net)
{
    const int logits = net->nodes[net->node_count - 1].input[0];
    for (int i = net->node_count - 1; i >= 0 && net->shapes[i + 1].h == 1 && net->shapes[i + 1].w == 1; i--)
        if (net->nodes[i].kind == NODE_GLOBAL_AVGPOOL)
            return i + 1 == logits ? 0 : i + 1;
    const int tensor = net->nodes[net_head(net)].input[0];
    return net->shapes[tensor].h == 1 && net->shapes[tensor].w == 1 ? tensor : 0;
}

static bool check_net(struct graph_result *result, struct graph *graph, const int *source)
{
    int failed;
    struct net *net = &result->net;
    enum status status = net_check(net, &failed);
    if (!status) {
        net->embedding = find_embedding(net);
        status = net_check(net, &failed);
    }
    if (!status)
        return true;
    if (failed < net->node_count - 1)
        strcpy(graph->origin, graph->layers[source[failed]].origin);
    graph_refuse(graph, "%s",
                 status == STATUS_NODE ? "no layer of these sizes is possible" : eyelet_status_text(status));
    return false;
}

bool graph_finish(struct graph_result *result, struct graph *graph, int output)
{
    memset(result, 0, sizeof *result);
    output = plain_channels(graph, output);
    const int logits = output < 0 ? GRAPH_FAILED : find_logits(result, graph, output);
    if (logits < 0)
        return false;
    if (logits == 0) {
        graph_refuse(graph, "the output is the picture itself");
        return false;
    }
    struct folding folding;
    int source[LIMIT_NODES];
    fold_layers(&folding, graph, result, logits);
    bool done = put_nodes(&result->net, source, graph, &folding, logits) && check_net(result, graph, source);
    folding_free(&folding);
    if (!done)
        return false;
    const struct net *net = &result->net;
    result->parameters = allocate(net_parameter_count(net) + 1, sizeof(float));
    for (int i = 0; i < net->node_count - 1; i++) {
        const struct layer *layer = &graph->layers[source[i]];
        assert(layer->count == net->offset[i + 1] - net->offset[i]);
        if (layer->count)
            memcpy(result->parameters + net->offset[i], layer->parameters, layer->count * sizeof(float));
    }
    return true;
}
