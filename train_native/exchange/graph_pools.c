/* Pools. */
#include "exchange/graph_parts.h"

/* Whether no value of a tensor is below 0, as far as the layers before it show. */
static bool never_negative(const struct graph *graph, int tensor)
{
    const struct layer *layer = layer_of(graph, tensor);
    while (layer && (layer->kind == NODE_MAXPOOL || layer->kind == NODE_AVGPOOL))
        layer = layer_of(graph, layer->node.input[0]);
    return layer && (layer->kind == NODE_RELU || layer->kind == NODE_RELU6 || layer->kind == NODE_SIGMOID ||
                     layer->kind == NODE_HARDSIGMOID);
}

static int pool_value(struct graph *graph, struct layer *layer, int x, int channel_dim)
{
    const struct dim channels = value_of(graph, x)->dims[channel_dim];
    layer->node.dilation = 0;
    const int made = map_value(graph, add_layer(graph, layer), channel_dim);
    if (made >= 0)
        graph->values[made].dims[channel_dim] = channels;
    return made;
}

static bool pool_possible(struct graph *graph, int x, const struct graph_window *window, int channel_dim)
{
    if (!graph_readable(graph, x) || !is_map(graph, value_of(graph, x), channel_dim))
        return false;
    if (window->dilation[0] != 1 || window->dilation[1] != 1)
        graph_refuse(graph, "dilation %dx%d: pools have none", window->dilation[0], window->dilation[1]);
    return !graph->failed;
}

int graph_maxpool(struct graph *graph, int x, const struct graph_window *window, int channel_dim)
{
    if (!pool_possible(graph, x, window, channel_dim))
        return GRAPH_FAILED;
    const struct ground ground = ground_of(graph, value_of(graph, x)->tensor);
    if (ground.pad && !ground.pad->lowest && !never_negative(graph, ground.tensor))
        return graph_refuse(graph, "a maximum over padding with zeros: possible where no value is below 0, as behind "
                                   "ReLU; else pad within the pool");
    struct layer layer = {.kind = NODE_MAXPOOL};
    if (!place_window(graph, &layer, &ground, window, false))
        return GRAPH_FAILED;
    return pool_value(graph, &layer, x, channel_dim);
}

int graph_avgpool(struct graph *graph, int x, const struct graph_window *window, int channel_dim)
{
    if (!pool_possible(graph, x, window, channel_dim))
        return GRAPH_FAILED;
    const struct ground ground = ground_of(graph, value_of(graph, x)->tensor);
    const int *own = window->padding;
    const bool pads = window->mode != GRAPH_EXPLICIT || own[0] || own[1] || own[2] || own[3];
    if (ground.pad && (ground.pad->lowest || (pads && !window->count_padding)))
        return graph_refuse(graph, "a mean over two kinds of padding: pad within the pool");
    struct layer layer = {.kind = NODE_AVGPOOL};
    layer.node.count_padding = ground.pad || (pads && window->count_padding);
    const bool whole =
        !ground.pad && !pads && window->kernel[0] == ground.shape.h && window->kernel[1] == ground.shape.w;
    if (whole) {
        layer.kind = NODE_GLOBAL_AVGPOOL;
        layer.node.input[0] = ground.tensor;
        layer.shape = (struct shape){1, 1, ground.shape.c};
    } else if (!place_window(graph, &layer, &ground, window, layer.node.count_padding)) {
        return GRAPH_FAILED;
    }
    const int *padding = layer.node.padding;
    layer.node.count_padding = layer.node.count_padding && (padding[0] || padding[1] || padding[2] || padding[3]);
    return pool_value(graph, &layer, x, channel_dim);
}

int graph_reduce_mean(struct graph *graph, int x, int count, const int *axes, bool keep_dims)
{
    if (!graph_readable(graph, x))
        return GRAPH_FAILED;
    struct value value = *value_of(graph, x);
    const struct shape shape = tensor_shape(graph, value.tensor);
    bool reduced[GRAPH_RANK] = {false};
    int64_t pixels = 1;
    for (int i = 0; i < count; i++) {
        const int axis = resolve_axis(graph, axes[i], value.rank);
        if (axis < 0)
            return GRAPH_FAILED;
        const struct dim *dim = &value.dims[axis];
        for (int k = 0; k < dim->count; k++)
            if (dim->factors[k].axis == AXIS_C)
                return graph_refuse(graph, "a mean over channels: only one over all rows and columns is possible");
        pixels *= reduced[axis] ? 1 : dim_size(dim);
        reduced[axis] = true;
    }
    if (pixels != (int64_t)shape.h * shape.w)
        return graph_refuse(graph, "a mean over a part of the rows and columns: only one over all is possible");
    const struct layer pool = {
        .kind = NODE_GLOBAL_AVGPOOL, .node = {.input = {value.tensor}}, .shape = {1, 1, shape.c}};
    if (shape.h > 1 || shape.w > 1)
        value.tensor = add_layer(graph, &pool);
    int rank = 0;
    for (int i = 0; i < value.rank; i++) {
        if (reduced[i])
            value.dims[i].count = 0;
        if (!reduced[i] || keep_dims)
            value.dims[rank++] = value.dims[i];
    }
    value.rank = rank;
    return add_value(graph, &value);
}
