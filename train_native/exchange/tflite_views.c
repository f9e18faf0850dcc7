/* TFLite's operators that move values about: other dims, channels joined and taken apart. */
#include "exchange/tflite_operators.h"

#include <string.h>

/* ---- Dims ---- */

int tflite_identity(const struct tflite_operator *node)
{
    return graph_identity(node->model->graph, tflite_value(node, 0));
}

bool tflite_constant_view(const struct tflite_operator *node)
{
    struct tflite_tensor *from = tflite_input(node, 0), *to = tflite_output(node, 0);
    if (!from || !to || from->value >= 0 || !tflite_is_constant(from) || to->constant)
        return false;
    to->of = from->of ? from->of : from;
    return true;
}

int tflite_reshape(const struct tflite_operator *node)
{
    struct graph *graph = node->model->graph;
    struct tflite_ints dims;
    const int x = tflite_value(node, 0);
    if (tflite_input(node, 1) ? !tflite_ints(&dims, node, 1, "its new shape") : !tflite_option_ints(&dims, node, 0))
        return graph_refuse(graph, "it has no new shape");
    if (dims.count > GRAPH_RANK)
        return graph_refuse(graph, "to %d dimensions: at most %d are possible", dims.count, GRAPH_RANK);
    return graph_reshape(graph, x, dims.count, dims.values);
}

int tflite_squeeze(const struct tflite_operator *node)
{
    struct graph *graph = node->model->graph;
    struct tflite_ints axes = {.count = 0};
    const int x = tflite_value(node, 0), rank = graph_rank(graph, x);
    const bool all = !tflite_option_ints(&axes, node, 0) || axes.count == 0;
    bool gone[GRAPH_RANK] = {false};
    for (int i = 0; i < axes.count; i++) {
        const int axis = axes.values[i] < 0 ? axes.values[i] + rank : axes.values[i];
        if (axis < 0 || axis >= rank)
            return graph_refuse(graph, "dimension %d of %d", axes.values[i], rank);
        gone[axis] = true;
    }
    int dims[GRAPH_RANK], count = 0;
    for (int i = 0; i < rank; i++) {
        const int size = graph_dims(graph, x)[i];
        if ((gone[i] || all) && size == 1)
            continue;
        if (gone[i])
            return graph_refuse(graph, "dimension %d has %d items", i, size);
        dims[count++] = size;
    }
    return graph_reshape(graph, x, count, dims);
}

int tflite_expand_dims(const struct tflite_operator *node)
{
    struct graph *graph = node->model->graph;
    struct tflite_ints axis = {.values = {0}};
    const int x = tflite_value(node, 0), rank = graph_rank(graph, x);
    if (!tflite_ints(&axis, node, 1, "its axis"))
        return GRAPH_FAILED;
    const int at = axis.count != 1 ? -1 : axis.values[0] < 0 ? axis.values[0] + rank + 1 : axis.values[0];
    if (at < 0 || at > rank || rank == GRAPH_RANK)
        return graph_refuse(graph, "a new dimension in the place of %d, of %d", axis.values[0], rank);
    int dims[GRAPH_RANK];
    memcpy(dims, graph_dims(graph, x), (size_t)at * sizeof *dims);
    memcpy(dims + at + 1, graph_dims(graph, x) + at, (size_t)(rank - at) * sizeof *dims);
    dims[at] = 1;
    return graph_reshape(graph, x, rank + 1, dims);
}

int tflite_transpose(const struct tflite_operator *node)
{
    struct tflite_ints permutation;
    const int x = tflite_value(node, 0);
    if (!tflite_ints(&permutation, node, 1, "its permutation"))
        return GRAPH_FAILED;
    if (permutation.count != graph_rank(node->model->graph, x))
        return graph_refuse(node->model->graph, "a permutation of %d dimensions for %d", permutation.count,
                            graph_rank(node->model->graph, x));
    return graph_transpose(node->model->graph, x, permutation.values);
}

/* ---- Channels joined and taken apart ---- */

int tflite_concatenation(const struct tflite_operator *node)
{
    struct graph *graph = node->model->graph;
    int values[LIMIT_NODES];
    if (node->inputs.count > LIMIT_NODES)
        return graph_refuse(graph, "of %zu inputs: at most %d are possible", node->inputs.count, LIMIT_NODES);
    for (size_t i = 0; i < node->inputs.count; i++)
        values[i] = tflite_value(node, (int)i);
    const int64_t axis = flatbuffer_int(&node->model->buffer, node->options, 0, FLATBUFFER_INT32, 0);
    return graph_failed(graph) ? GRAPH_FAILED : graph_concat(graph, (int)node->inputs.count, values, (int)axis);
}

int tflite_strided_slice(const struct tflite_operator *node)
{
    struct graph *graph = node->model->graph;
    int x = tflite_value(node, 0);
    const int rank = graph_rank(graph, x);
    int dims[GRAPH_RANK], count = 0;
    for (int i = 0; i < rank && x >= 0; i++) {
        struct tflite_stride stride;
        const int size = graph_dims(graph, x)[i];
        if (!tflite_stride(&stride, node, i, size)) {
            dims[count++] = size;
            continue;
        }
        x = graph_slice(graph, x, i, stride.start, stride.end, stride.step);
        if (!stride.shrinks && x >= 0)
            dims[count++] = graph_dims(graph, x)[i];
    }
    return count == rank || graph_failed(graph) ? x : graph_reshape(graph, x, count, dims);
}

int tflite_slice(const struct tflite_operator *node)
{
    struct graph *graph = node->model->graph;
    struct tflite_ints begin, size;
    int x = tflite_value(node, 0);
    const int rank = graph_rank(graph, x);
    if (!tflite_ints(&begin, node, 1, "where it begins") || !tflite_ints(&size, node, 2, "its size"))
        return GRAPH_FAILED;
    if (begin.count != rank || size.count != rank)
        return graph_refuse(graph, "%d beginnings and %d sizes for %d dimensions", begin.count, size.count, rank);
    for (int i = 0; i < rank && x >= 0; i++) {
        const int all = graph_dims(graph, x)[i], start = begin.values[i];
        const int taken = size.values[i] == -1 && start >= 0 ? all - start : size.values[i];
        if (start < 0 || taken < 1 || start > all || taken > all - start)
            return graph_refuse(graph, "%d from %d on of dimension %d, which has %d", size.values[i], start, i, all);
        x = graph_slice(graph, x, i, start, start + taken, 1);
    }
    return x;
}

/* Ranges of dimension `axis`, one behind the other, as the outputs. */
static bool parts(const struct tflite_operator *node, int x, int axis, const struct tflite_ints *sizes)
{
    struct graph *graph = node->model->graph;
    const int rank = graph_rank(graph, x);
    const int at = axis < 0 ? axis + rank : axis;
    if (at < 0 || at >= rank) {
        graph_refuse(graph, "dimension %d of %d", axis, rank);
        return false;
    }
    const int all = graph_dims(graph, x)[at];
    int start = 0;
    for (int i = 0; i < sizes->count && !graph_failed(graph); i++) {
        struct tflite_tensor *output = tflite_output(node, i);
        if (!output || sizes->values[i] < 1 || sizes->values[i] > all - start)
            graph_refuse(graph, "part %d of %d items, of %d", i + 1, sizes->values[i], all);
        else
            output->value = graph_slice(graph, x, at, start, start + sizes->values[i], 1);
        start += graph_failed(graph) ? 0 : sizes->values[i];
    }
    if (start != all)
        graph_refuse(graph, "parts of %d of %d items", start, all);
    return !graph_failed(graph);
}

/* How many parts there are; 0, with the failure set, where they are none or too many. */
static int part_count(const struct tflite_operator *node)
{
    if (node->outputs.count >= 1 && node->outputs.count <= TFLITE_MAX_INTS)
        return (int)node->outputs.count;
    graph_refuse(node->model->graph, "%zu parts: 1 to %d are possible", node->outputs.count, TFLITE_MAX_INTS);
    return 0;
}

bool tflite_split(const struct tflite_operator *node)
{
    struct graph *graph = node->model->graph;
    struct tflite_ints axis, sizes = {.count = part_count(node)};
    const int x = tflite_value(node, 1), rank = graph_rank(graph, x);
    if (!tflite_ints(&axis, node, 0, "its axis") || axis.count != 1 || rank == 0 || !sizes.count)
        return false;
    const int at = axis.values[0] < 0 ? axis.values[0] + rank : axis.values[0];
    const int all = at >= 0 && at < rank ? graph_dims(graph, x)[at] : 0;
    for (int i = 0; i < sizes.count; i++)
        sizes.values[i] = all / sizes.count;
    return parts(node, x, axis.values[0], &sizes);
}

bool tflite_split_v(const struct tflite_operator *node)
{
    struct graph *graph = node->model->graph;
    struct tflite_ints axis, sizes;
    const int x = tflite_value(node, 0), count = part_count(node);
    if (!tflite_ints(&sizes, node, 1, "its sizes") || !tflite_ints(&axis, node, 2, "its axis") || axis.count != 1 ||
        !count)
        return false;
    if (sizes.count != count) {
        graph_refuse(graph, "%d sizes for %d parts", sizes.count, count);
        return false;
    }
    return parts(node, x, axis.values[0], &sizes);
}
