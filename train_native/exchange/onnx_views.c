/* Operators that compute nothing: they give tensors other dimensions, join them or take parts of them. */
#include "exchange/onnx_operators.h"
#include "exchange/onnx_shapes.h"

#include "cli/memory.h"

#include <stdlib.h>
#include <string.h>

/* Reshape, Flatten, Squeeze, Unsqueeze. */
int onnx_reshape(struct onnx_reader *reader)
{
    const int x = onnx_tensor(reader, 0);
    struct onnx_shape in, out;
    if (!onnx_shape_of(&in, reader, 0) || !onnx_reshaped(&out, reader, &in))
        return GRAPH_FAILED;
    return graph_reshape(reader->graph, x, out.rank, out.dims);
}

int onnx_transpose(struct onnx_reader *reader)
{
    const int x = onnx_tensor(reader, 0);
    struct onnx_shape shape;
    int permutation[GRAPH_RANK];
    if (!onnx_shape_of(&shape, reader, 0) || !onnx_permutation(permutation, reader, &shape))
        return GRAPH_FAILED;
    return graph_transpose(reader->graph, x, permutation);
}

int onnx_concat(struct onnx_reader *reader)
{
    struct onnx_shape shape;
    if (!onnx_shape_of(&shape, reader, 0))
        return GRAPH_FAILED;
    const int axis = onnx_axis(reader, onnx_int(reader, "axis", 1), shape.rank),
              count = onnx_int_of((int64_t)reader->node->n_input);
    if (axis < 0)
        return GRAPH_FAILED;
    int *parts = allocate((size_t)count, sizeof *parts);
    for (int k = 0; k < count; k++)
        parts[k] = onnx_tensor(reader, (size_t)k);
    const int x = graph_failed(reader->graph) ? GRAPH_FAILED : graph_concat(reader->graph, count, parts, axis);
    free(parts);
    return x;
}

/* Parts of the sizes that are given, or as many equal ones as there are outputs, of which the last may be smaller. */
int onnx_split(struct onnx_reader *reader)
{
    const int x = onnx_tensor(reader, 0);
    struct onnx_shape shape;
    if (!onnx_shape_of(&shape, reader, 0))
        return GRAPH_FAILED;
    const int axis = onnx_axis(reader, onnx_int(reader, "axis", 0), shape.rank);
    const struct onnx_ints sizes = onnx_ints_or_input(reader, "split", 1);
    if (axis < 0 || graph_failed(reader->graph))
        return GRAPH_FAILED;
    const int count = onnx_int_of((int64_t)reader->node->n_output), size = shape.dims[axis];
    if (count < 1 || (sizes.given && sizes.count != count))
        return graph_refuse(reader->graph, "has %d outputs, but %d sizes", count, sizes.count);
    int first = GRAPH_FAILED;
    int64_t start = 0;
    for (int k = 0; k < count; k++) {
        const int part = sizes.given ? sizes.values[k] : (int)(((int64_t)size + count - 1) / count);
        const int64_t end = !sizes.given && start + part > size ? size : start + part;
        if (part < 0 || end > size)
            return graph_refuse(reader->graph, "takes more than the %d items that there are", size);
        const int piece = graph_slice(reader->graph, x, axis, (int)start, (int)end, 1);
        if (k == 0)
            first = piece;
        else
            onnx_bind(reader, (size_t)k, piece, onnx_is_nonnegative(reader, 0));
        start = end;
    }
    return first;
}

int onnx_slice(struct onnx_reader *reader)
{
    int x = onnx_tensor(reader, 0);
    struct onnx_shape shape;
    struct onnx_range ranges[GRAPH_RANK];
    if (!onnx_shape_of(&shape, reader, 0) || !onnx_ranges(ranges, reader, &shape))
        return GRAPH_FAILED;
    for (int i = 0; i < shape.rank; i++) {
        const struct onnx_range range = ranges[i];
        if (range.count == shape.dims[i] && range.step == 1)
            continue;
        if (range.count < 1 || range.step < 1)
            return graph_refuse(reader->graph, "takes %s along axis %d",
                                range.count < 1 ? "nothing" : "items backwards", i);
        x = graph_slice(reader->graph, x, i, range.start, range.start + (range.count - 1) * range.step + 1, range.step);
    }
    return graph_identity(reader->graph, x);
}

/* Items of an axis by number: one, which the axis goes with, or several at one distance. */
int onnx_gather(struct onnx_reader *reader)
{
    const int x = onnx_tensor(reader, 0);
    const struct onnx_constant *indices = onnx_numbers(reader, 1, "indices");
    struct onnx_shape shape;
    if (!indices || !onnx_shape_of(&shape, reader, 0))
        return GRAPH_FAILED;
    const int axis = onnx_axis(reader, onnx_int(reader, "axis", 0), shape.rank);
    if (axis < 0)
        return GRAPH_FAILED;
    if (!indices->integers || !indices->count || indices->rank > 1)
        return graph_refuse(reader->graph, "takes items by an index of %d dimensions: a list or one can be imported",
                            indices->rank);
    const int64_t size = shape.dims[axis], first = indices->integers[0] + (indices->integers[0] < 0 ? size : 0);
    int64_t step = 1;
    for (size_t i = 0; i < indices->count; i++) {
        const int64_t item = indices->integers[i] + (indices->integers[i] < 0 ? size : 0);
        if (item < 0 || item >= size)
            return graph_refuse(reader->graph, "takes item %lld of %lld", (long long)indices->integers[i],
                                (long long)size);
        if (i == 1)
            step = item - first;
        if (step < 1 || item != first + (int64_t)i * step)
            return graph_refuse(reader->graph, "takes items in an order of its own: one range can be imported");
    }
    const int end = (int)(first + ((int64_t)indices->count - 1) * step + 1);
    const int part = graph_slice(reader->graph, x, axis, (int)first, end, (int)step);
    if (indices->rank == 1)
        return part;
    for (int i = axis; i + 1 < shape.rank; i++)
        shape.dims[i] = shape.dims[i + 1];
    return graph_reshape(reader->graph, part, shape.rank - 1, shape.dims);
}
