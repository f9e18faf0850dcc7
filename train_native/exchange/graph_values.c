#include "exchange/graph_parts.h"

#include "cli/list.h"
#include "cli/memory.h"
#include "cli/text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Layers before dead ones are dropped: a file that asks for more is no network that could come out of it. */
enum { MAX_LAYERS = 16 * LIMIT_NODES, MAX_VALUES = 8 * MAX_LAYERS };

struct graph *graph_new(struct failure *failure)
{
    struct graph *graph = allocate(1, sizeof *graph);
    graph->failure = failure;
    strcpy(graph->origin, "the graph");
    return graph;
}

static void layer_free(struct layer *layer)
{
    free(layer->parameters);
    free(layer->affine);
    free(layer->origin);
}

void graph_free(struct graph *graph)
{
    if (!graph)
        return;
    for (int i = 0; i < graph->layer_count; i++)
        layer_free(&graph->layers[i]);
    free(graph->layers);
    free(graph->values);
    free(graph);
}

void graph_at(struct graph *graph, const char *operator_name, const char *node)
{
    snprintf(graph->origin, sizeof graph->origin, *node ? "%.60s \"%.120s\"" : "%.60s", operator_name, node);
}

int graph_refuse(struct graph *graph, const char *format, ...)
{
    if (graph->failed)
        return GRAPH_FAILED;
    va_list arguments;
    va_start(arguments, format);
    char *text = text_format_list(format, arguments);
    va_end(arguments);
    failure_set(graph->failure, NULL, NULL, "%s: %s", graph->origin, text);
    failure_key(graph->failure, "LAYER", "%s\n%s", graph->origin, text);
    free(text);
    graph->failed = true;
    return GRAPH_FAILED;
}

int graph_refuse_kind(struct graph *graph, const char *reason)
{
    if (graph->failed)
        return GRAPH_FAILED;
    graph_refuse(graph, "%s", reason);
    failure_key(graph->failure, "LAYER_KIND", "%s", graph->origin);
    return GRAPH_FAILED;
}

bool graph_failed(const struct graph *graph) { return graph->failed; }

bool graph_readable(struct graph *graph, int x)
{
    if (graph->failed)
        return false;
    if (x >= 0 && x < graph->value_count)
        return true;
    graph_refuse(graph, "reads what no operator before it has made");
    return false;
}

const struct value *value_of(const struct graph *graph, int x) { return &graph->values[x]; }

int add_value(struct graph *graph, const struct value *value)
{
    if (value->tensor < 0 || graph->failed)
        return GRAPH_FAILED;
    if (graph->value_count == MAX_VALUES)
        return graph_refuse(graph, "the graph has more than %d values", MAX_VALUES);
    const struct value copy = *value; /* which may stand in the list that grows */
    LIST_ADD(graph->values, graph->value_count, copy);
    return graph->value_count - 1;
}

int value_like(struct graph *graph, int tensor, const struct value *like)
{
    struct value value = *like;
    value.tensor = tensor;
    return add_value(graph, &value);
}

static bool same_settings(const struct node *a, const struct node *b)
{
    return a->input[0] == b->input[0] && a->input[1] == b->input[1] && a->channels == b->channels &&
           a->kernel_h == b->kernel_h && a->kernel_w == b->kernel_w && a->stride == b->stride && a->same == b->same &&
           memcmp(a->padding, b->padding, sizeof a->padding) == 0 && a->dilation == b->dilation &&
           a->groups == b->groups && a->first == b->first && a->count_padding == b->count_padding &&
           memcmp(&a->rate, &b->rate, sizeof a->rate) == 0;
}

/* A layer without parameters that computes the same; -1: there is none. The concatenations of a DenseNet begin with one
 * another. */
static int equal_layer(const struct graph *graph, const struct layer *layer)
{
    if (layer->parameters || layer->affine)
        return -1;
    for (int i = graph->layer_count - 1; i >= 0; i--) {
        const struct layer *other = &graph->layers[i];
        if (other->kind == layer->kind && !other->parameters && !other->affine && other->lowest == layer->lowest &&
            same_settings(&other->node, &layer->node))
            return i;
    }
    return -1;
}

int add_layer(struct graph *graph, const struct layer *layer)
{
    struct layer own = *layer;
    const int equal = graph->failed ? -1 : equal_layer(graph, layer);
    if (equal >= 0)
        return equal + 1;
    const uint64_t count = (uint64_t)own.shape.h * (uint64_t)own.shape.w * (uint64_t)own.shape.c;
    if (own.shape.c > LIMIT_CHANNELS && own.kind != NODE_FLATTEN && (own.shape.h > 1 || own.shape.w > 1))
        graph_refuse(graph, "%d channels: at most %d are possible", own.shape.c, LIMIT_CHANNELS);
    else if (count > LIMIT_ACTIVATIONS)
        graph_refuse(graph, "makes %dx%dx%d values: at most %d are possible", own.shape.h, own.shape.w, own.shape.c,
                     LIMIT_ACTIVATIONS);
    else if (own.count > LIMIT_PARAMETERS - graph->parameter_count)
        graph_refuse(graph, "the network has more than %s parameters", format_thousands(LIMIT_PARAMETERS));
    else if (graph->layer_count == MAX_LAYERS)
        graph_refuse(graph, "the graph has more than %d layers", MAX_LAYERS);
    if (graph->failed) {
        layer_free(&own);
        return GRAPH_FAILED;
    }
    graph->parameter_count += own.count;
    own.origin = text_copy(graph->origin);
    LIST_ADD(graph->layers, graph->layer_count, own);
    return graph->layer_count;
}

size_t constant_count(struct graph *graph, const struct graph_constant *constant, const char *what)
{
    if (constant->rank < 0 || constant->rank > GRAPH_RANK) {
        graph_refuse(graph, "%s of %d dimensions: at most %d are possible", what, constant->rank, GRAPH_RANK);
        return 0;
    }
    uint64_t count = 1;
    for (int i = 0; i < constant->rank; i++) {
        if (constant->dims[i] < 1 || (uint64_t)constant->dims[i] > LIMIT_PARAMETERS / count) {
            graph_refuse(graph, "%s of more than %s values, or of none", what, format_thousands(LIMIT_PARAMETERS));
            return 0;
        }
        count *= (uint64_t)constant->dims[i];
    }
    for (size_t i = 0; i < count; i++)
        if (!isfinite(constant->values[i])) {
            graph_refuse(graph, "%s that are not finite", what);
            return 0;
        }
    return (size_t)count;
}

bool constant_fits(struct graph *graph, const struct graph_constant *constant, const char *what, int count)
{
    const size_t there = constant ? constant_count(graph, constant, what) : (size_t)count;
    if (!there)
        return false;
    if (there != (size_t)count)
        graph_refuse(graph, "%zu %s for %d channels", there, what, count);
    return there == (size_t)count;
}

int graph_input(struct graph *graph, int rank, const int *dims, int channel_dim)
{
    if (graph->has_input)
        return graph_refuse(graph, "a second input: a network reads one picture");
    if (rank != 3 && rank != 4)
        return graph_refuse(graph, "an input of %d dimensions: a picture has 4, one of them the batch", rank);
    if ((channel_dim = resolve_axis(graph, channel_dim, rank)) < 0)
        return GRAPH_FAILED;
    const int batch = rank - 4; /* dimension 0, or none */
    if (batch == 0 && (dims[0] > 1 || channel_dim == 0))
        return graph_refuse(graph, "a batch of %d pictures: export it for 1, or for any number", dims[0]);
    struct value value = {.tensor = 0, .rank = rank};
    int sides[2], count = 0;
    for (int i = batch + 1; i < rank; i++) {
        if (i == channel_dim)
            continue;
        if (dims[i] < 1)
            return graph_refuse(graph, "a picture of any size: export it for one size");
        if (dims[i] > LIMIT_SIDE)
            return graph_refuse(graph, "a picture of %d pixels a side: at most %d are possible", dims[i], LIMIT_SIDE);
        value.dims[i] = whole_axis(count == 0 ? AXIS_H : AXIS_W, dims[i]);
        sides[count++] = dims[i];
    }
    if (dims[channel_dim] != 1 && dims[channel_dim] != 3)
        return graph_refuse(graph, "a picture of %d channels: 1 or 3 are possible", dims[channel_dim]);
    value.dims[channel_dim] = whole_axis(AXIS_C, dims[channel_dim]);
    graph->input = (struct shape){sides[0], sides[1], dims[channel_dim]};
    graph->has_input = true;
    return add_value(graph, &value);
}

int graph_rank(const struct graph *graph, int x)
{
    return graph->failed || x < 0 || x >= graph->value_count ? 0 : graph->values[x].rank;
}

const int *graph_dims(const struct graph *graph, int x)
{
    int *dims = ((struct graph *)graph)->dims;
    for (int i = 0; i < graph_rank(graph, x); i++)
        dims[i] = dim_size(&graph->values[x].dims[i]);
    return dims;
}

void graph_expect_classes(struct graph *graph, int classes)
{
    if (classes > 0 && graph->expected_count < GRAPH_EXPECTED)
        graph->expected[graph->expected_count++] = classes;
}

int graph_identity(struct graph *graph, int x) { return graph_readable(graph, x) ? x : GRAPH_FAILED; }
