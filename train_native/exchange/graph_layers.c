/* Dense layers, activations, concatenation and slices. */
#include "exchange/graph_parts.h"

#include "cli/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- Dense layers ---- */

int flatten_value(struct graph *graph, int x)
{
    if (!graph_readable(graph, x))
        return GRAPH_FAILED;
    struct value value = *value_of(graph, x);
    const struct shape shape = tensor_shape(graph, value.tensor);
    if (shape.h == 1 && shape.w == 1)
        return x;
    const struct layer flatten = {
        .kind = NODE_FLATTEN, .node = {.input = {value.tensor}}, .shape = {1, 1, (int)shape_count(shape)}};
    const int steps[AXES] = {shape.w * shape.c, shape.c, 1};
    for (int i = 0; i < value.rank; i++) {
        const struct dim before = value.dims[i];
        value.dims[i].count = 0;
        for (int k = 0; k < before.count; k++) {
            const struct factor *factor = &before.factors[k];
            add_factor(&value.dims[i], (struct factor){AXIS_C, factor->size, factor->stride * steps[factor->axis]});
        }
    }
    return value_like(graph, add_layer(graph, &flatten), &value);
}

/* Weights (in, out) and perhaps a bias of a layer; the rows in the tensor's order of channels. */
static void copy_dense(struct layer *layer, const struct graph_dense *dense, const int *order, int in, int out)
{
    const size_t count = (size_t)in * (size_t)out;
    const float *from = dense->weights->values;
    layer->node.bias = dense->bias != NULL;
    layer->node.channels = out;
    layer->count = count + (dense->bias ? (size_t)out : 0);
    layer->parameters = allocate(layer->count, sizeof(float));
    for (int i = 0; i < in; i++) {
        float *row = layer->parameters + (size_t)order[i] * (size_t)out;
        for (int o = 0; o < out; o++)
            row[o] = dense->transposed ? from[(size_t)o * (size_t)in + (size_t)i]
                                       : from[(size_t)i * (size_t)out + (size_t)o];
    }
    if (dense->bias)
        memcpy(layer->parameters + count, dense->bias->values, (size_t)out * sizeof(float));
}

int graph_dense(struct graph *graph, int x, const struct graph_dense *dense)
{
    if (!graph_readable(graph, x) || !constant_count(graph, dense->weights, "weights"))
        return GRAPH_FAILED;
    const struct graph_constant *weights = dense->weights;
    const struct value *before = value_of(graph, x);
    if (weights->rank != 2 || before->rank < 1)
        return graph_refuse(graph, "weights of %d dimensions: a matrix has 2", weights->rank);
    const int in = weights->dims[dense->transposed ? 1 : 0], out = weights->dims[dense->transposed ? 0 : 1];
    const int last = before->rank - 1;
    if (dim_size(&before->dims[last]) != in)
        return graph_refuse(graph, "weights of %d inputs for %d", in, dim_size(&before->dims[last]));
    if (out > LIMIT_CHANNELS)
        return graph_refuse(graph, "%d outputs: at most %d are possible", out, LIMIT_CHANNELS);
    if (!constant_fits(graph, dense->bias, "biases", out))
        return GRAPH_FAILED;
    if (in == (int)shape_count(tensor_shape(graph, before->tensor)) && (x = flatten_value(graph, x)) < 0)
        return GRAPH_FAILED;
    struct value value = *value_of(graph, x);
    const struct shape shape = tensor_shape(graph, value.tensor);
    if (!is_channels(graph, &value, last))
        return graph_refuse(graph,
                            "a product over a part of a %dx%dx%d map: over all of it, or over its channels, is "
                            "possible",
                            shape.h, shape.w, shape.c);
    struct layer layer = {.kind = NODE_DENSE, .node = {.input = {value.tensor}}, .shape = {shape.h, shape.w, out}};
    if (shape.h > 1 || shape.w > 1) {
        layer.kind = NODE_CONV2D;
        layer.node.kernel_h = layer.node.kernel_w = layer.node.stride = layer.node.dilation = layer.node.groups = 1;
    }
    int *order = allocate((size_t)in, sizeof *order);
    channel_order(order, &value, last);
    copy_dense(&layer, dense, order, in, out);
    free(order);
    value.tensor = add_layer(graph, &layer);
    value.dims[last] = whole_axis(AXIS_C, out);
    return add_value(graph, &value);
}

/* ---- Activations ---- */

int add_elementwise(struct graph *graph, int kind, int tensor, float setting)
{
    if (graph->failed)
        return GRAPH_FAILED;
    const struct layer layer = {
        .kind = kind, .node = {.input = {tensor}, .rate = setting}, .shape = tensor_shape(graph, tensor)};
    return add_layer(graph, &layer);
}

int graph_activation(struct graph *graph, int x, enum node_kind kind, float setting)
{
    if (!graph_readable(graph, x))
        return GRAPH_FAILED;
    const struct value value = *value_of(graph, x);
    if (kind < 1 || kind >= NODE_KINDS || !kind_traits[kind].activation || kind == NODE_SOFTMAX ||
        kind_traits[kind].parameters != PARAMETERS_NONE)
        return graph_refuse(graph, "no activation of this kind is possible");
    if (!isfinite(setting) || !kind_accepts_rate(kind, setting))
        return graph_refuse(graph, "its slope %g is outside of what a layer may have", (double)setting);
    return value_like(graph, add_elementwise(graph, (int)kind, value.tensor, setting), &value);
}

/* min + (max - min) / 6 * relu6((x - min) * 6 / (max - min)); relu(x - min) + min; max - relu(max - x). */
int graph_clip(struct graph *graph, int x, float min, float max)
{
    if (!graph_readable(graph, x))
        return GRAPH_FAILED;
    if (isnan(min) || isnan(max) || min >= max)
        return graph_refuse(graph, "from %g to %g", (double)min, (double)max);
    const bool below = min > -1e30f, above = max < 1e30f; /* that it clips: exporters write large numbers for none */
    const double low = (double)min, high = (double)max, factor = (high - low) / 6;
    if (!below && !above)
        return x;
    if (!above) {
        x = min == 0 ? x : add_scaling(graph, x, 1, -low, false);
        x = graph_activation(graph, x, NODE_RELU, 0);
        return min == 0 ? x : add_scaling(graph, x, 1, low, false);
    }
    if (!below)
        return add_scaling(graph, graph_activation(graph, add_scaling(graph, x, -1, high, false), NODE_RELU, 0), -1,
                           high, false);
    if (min == 0 && max == 6)
        return graph_activation(graph, x, NODE_RELU6, 0);
    x = graph_activation(graph, add_scaling(graph, x, 1 / factor, -low / factor, false), NODE_RELU6, 0);
    return add_scaling(graph, x, factor, low, false);
}

/* As x / 6 + 1 / 2 between 0 and 1, of 6 alpha x + 6 (beta - 1 / 2). */
int graph_hard_sigmoid(struct graph *graph, int x, float alpha, float beta)
{
    if (fabsf(alpha - 1 / 6.0f) > 1e-6f || beta != 0.5f)
        x = add_scaling(graph, x, 6 * (double)alpha, 6 * ((double)beta - 0.5), false);
    return graph_activation(graph, x, NODE_HARDSIGMOID, 0);
}

int graph_prelu(struct graph *graph, int x, const struct graph_constant *slope)
{
    if (!graph_readable(graph, x))
        return GRAPH_FAILED;
    const struct value value = *value_of(graph, x);
    const struct shape shape = tensor_shape(graph, value.tensor);
    double *numbers = allocate((size_t)shape.c, sizeof *numbers);
    if (!channel_values(numbers, graph, x, slope)) {
        free(numbers);
        return GRAPH_FAILED;
    }
    struct layer layer = {.kind = NODE_PRELU, .node = {.input = {value.tensor}}, .shape = shape};
    layer.count = (size_t)shape.c;
    layer.parameters = allocate(layer.count, sizeof(float));
    for (int i = 0; i < shape.c; i++)
        layer.parameters[i] = (float)numbers[i];
    free(numbers);
    return value_like(graph, add_layer(graph, &layer), &value);
}

int graph_softmax(struct graph *graph, int x, int axis)
{
    x = plain_channels(graph, x);
    if (x < 0)
        return GRAPH_FAILED;
    const struct value value = *value_of(graph, x);
    const struct shape shape = tensor_shape(graph, value.tensor);
    axis = resolve_axis(graph, axis, value.rank);
    if (axis < 0)
        return GRAPH_FAILED;
    if (shape.h != 1 || shape.w != 1 || !is_channels(graph, &value, axis))
        return graph_refuse(graph, "over a part of a %dx%dx%d map: one over all classes, at the end, is possible",
                            shape.h, shape.w, shape.c);
    return value_like(graph, add_elementwise(graph, NODE_SOFTMAX, value.tensor, 0), &value);
}

/* ---- Channels joined and taken apart ---- */

/* Two values whose dims are equal but for the one that is joined, which is all the channels of each. */
static int join(struct graph *graph, int x, int y, int axis)
{
    const struct value a = *value_of(graph, x), b = *value_of(graph, y);
    const struct shape first = tensor_shape(graph, a.tensor), second = tensor_shape(graph, b.tensor);
    bool equal = a.rank == b.rank && first.h == second.h && first.w == second.w;
    for (int i = 0; equal && i < a.rank; i++)
        equal = i == axis ? is_channels(graph, &a, i) && is_channels(graph, &b, i) : same_dim(&a.dims[i], &b.dims[i]);
    if (!equal)
        return graph_refuse(graph,
                            "of maps of %dx%dx%d and %dx%dx%d along dimension %d: channels of equal maps can be "
                            "joined",
                            first.h, first.w, first.c, second.h, second.w, second.c, axis);
    const struct layer layer = {
        .kind = NODE_CONCAT, .node = {.input = {a.tensor, b.tensor}}, .shape = {first.h, first.w, first.c + second.c}};
    struct value joined = a;
    joined.tensor = add_layer(graph, &layer);
    joined.dims[axis] = whole_axis(AXIS_C, layer.shape.c);
    return add_value(graph, &joined);
}

int graph_concat(struct graph *graph, int count, const int *x, int axis)
{
    if (count < 1)
        return graph_refuse(graph, "of nothing");
    int joined = plain_channels(graph, x[0]);
    if (joined < 0 || (axis = resolve_axis(graph, axis, value_of(graph, joined)->rank)) < 0)
        return GRAPH_FAILED;
    for (int i = 1; i < count && joined >= 0; i++) {
        const int next = plain_channels(graph, x[i]);
        joined = next < 0 ? GRAPH_FAILED : join(graph, joined, next, axis);
    }
    return joined;
}

/* From 0 to size, counted from the end where it is negative, and cut to what there is. */
static int clamp_index(int index, int size)
{
    if (index < 0)
        index = index < -size ? 0 : index + size;
    return index > size ? size : index;
}

/* Whether a dim is the slowest factor of the channels, so that a part of it is channels one behind the other. */
static bool is_outer(const struct graph *graph, const struct value *value, int dim)
{
    const struct dim *of = &value->dims[dim];
    return of->count == 1 && of->factors[0].axis == AXIS_C &&
           of->factors[0].size * of->factors[0].stride == tensor_shape(graph, value->tensor).c;
}

int graph_slice(struct graph *graph, int x, int axis, int start, int end, int step)
{
    if (!graph_readable(graph, x) || (axis = resolve_axis(graph, axis, value_of(graph, x)->rank)) < 0)
        return GRAPH_FAILED;
    const int size = dim_size(&value_of(graph, x)->dims[axis]);
    start = clamp_index(start, size);
    end = clamp_index(end, size);
    if (step != 1)
        return graph_refuse(graph, "every %d. of dimension %d: a range is possible", step, axis);
    if (start >= end)
        return graph_refuse(graph, "nothing of dimension %d", axis);
    if (start == 0 && end == size)
        return x;
    if (!is_outer(graph, value_of(graph, x), axis) && (x = plain_channels(graph, x)) < 0)
        return GRAPH_FAILED;
    struct value value = *value_of(graph, x);
    if (!is_outer(graph, &value, axis))
        return graph_refuse(graph, "a part of dimension %d: channels one behind the other are possible", axis);
    const struct shape shape = tensor_shape(graph, value.tensor);
    const int stride = value.dims[axis].factors[0].stride;
    const struct layer layer = {
        .kind = NODE_SLICE,
        .node = {.input = {value.tensor}, .first = start * stride, .channels = (end - start) * stride},
        .shape = {shape.h, shape.w, (end - start) * stride}};
    value.tensor = add_layer(graph, &layer);
    value.dims[axis].count = 0;
    add_factor(&value.dims[axis], (struct factor){AXIS_C, end - start, stride});
    return add_value(graph, &value);
}
