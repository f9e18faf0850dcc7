#include "exchange/onnx_shapes.h"

#include <limits.h>
#include <string.h>

bool onnx_shape_of(struct onnx_shape *shape, struct onnx_reader *reader, size_t k)
{
    *shape = (struct onnx_shape){0};
    if (onnx_is_constant(reader, k)) {
        const struct onnx_constant *constant = onnx_numbers(reader, k, "");
        if (!constant)
            return false;
        shape->rank = constant->rank;
        memcpy(shape->dims, constant->dims, sizeof shape->dims);
        return true;
    }
    const int x = onnx_tensor(reader, k);
    if (x == GRAPH_FAILED)
        return false;
    shape->rank = graph_rank(reader->graph, x);
    memcpy(shape->dims, graph_dims(reader->graph, x), (size_t)shape->rank * sizeof shape->dims[0]);
    return true;
}

int onnx_axis(struct onnx_reader *reader, int64_t axis, int rank)
{
    if (axis >= -rank && axis < rank)
        return (int)(axis < 0 ? axis + rank : axis);
    graph_refuse(reader->graph, "means axis %lld of %d dimensions", (long long)axis, rank);
    return -1;
}

/* One bit for each of the axes. -1 with a refusal. */
static int axis_bits(struct onnx_reader *reader, const struct onnx_ints *axes, int rank)
{
    int bits = 0;
    for (int i = 0; i < axes->count; i++) {
        const int axis = onnx_axis(reader, axes->values[i], rank);
        if (axis < 0)
            return -1;
        bits |= 1 << axis;
    }
    return bits;
}

static int64_t product(const int *dims, int count)
{
    int64_t result = 1; /* of dims below 2^31 each, whose product as a whole was checked where they came in */
    for (int i = 0; i < count; i++)
        if (__builtin_mul_overflow(result, dims[i], &result))
            return INT64_MAX;
    return result;
}

/* dims: -1 stands for what is left, 0 for the input's own, unless allowzero. A batch that the model was exported with is
 * 1 here. */
static bool reshape(struct onnx_shape *out, struct onnx_reader *reader, const struct onnx_shape *in)
{
    const struct onnx_ints dims = onnx_ints_or_input(reader, "shape", 1);
    const bool zeros = onnx_int(reader, "allowzero", 0) != 0;
    if (graph_failed(reader->graph))
        return false;
    if (dims.count > GRAPH_RANK)
        return onnx_refuse(reader, "makes %d dimensions; %d are the most", dims.count, GRAPH_RANK);
    out->rank = dims.count;
    int rest = -1;
    for (int i = 0; i < dims.count; i++) {
        out->dims[i] = dims.values[i] == 0 && !zeros && i < in->rank ? in->dims[i] : dims.values[i];
        if (dims.values[i] == -1 && rest < 0)
            rest = i;
        else if (out->dims[i] < 0)
            return onnx_refuse(reader, "makes a dimension of %d", out->dims[i]);
    }
    const int64_t all = product(in->dims, in->rank);
    if (rest >= 0) {
        out->dims[rest] = 1;
        int64_t others = product(out->dims, out->rank);
        if (reader->batch > 1 && rest != 0 && out->dims[0] == reader->batch && all % others != 0)
            others /= out->dims[0], out->dims[0] = 1;
        if (others == 0 || all % others != 0 || all / others > INT_MAX)
            return onnx_refuse(reader, "splits %lld values into parts of %lld", (long long)all, (long long)others);
        out->dims[rest] = (int)(all / others);
    } else if (reader->batch > 1 && out->rank && out->dims[0] == reader->batch &&
               product(out->dims, out->rank) == all * reader->batch) {
        out->dims[0] = 1;
    }
    return product(out->dims, out->rank) == all ||
           onnx_refuse(reader, "makes %lld values of %lld", (long long)product(out->dims, out->rank), (long long)all);
}

static bool flatten(struct onnx_shape *out, struct onnx_reader *reader, const struct onnx_shape *in)
{
    const int64_t axis = onnx_int(reader, "axis", 1);
    const int64_t before = axis < 0 ? axis + in->rank : axis;
    if (before < 0 || before > in->rank)
        return onnx_refuse(reader, "means axis %lld of %d dimensions", (long long)axis, in->rank);
    out->rank = 2;
    out->dims[0] = onnx_int_of(product(in->dims, (int)before));
    out->dims[1] = onnx_int_of(product(in->dims + before, in->rank - (int)before));
    return true;
}

static bool squeeze(struct onnx_shape *out, struct onnx_reader *reader, const struct onnx_shape *in)
{
    const struct onnx_ints axes = onnx_ints_or_input(reader, "axes", 1);
    const int bits = axis_bits(reader, &axes, in->rank);
    if (bits < 0 || graph_failed(reader->graph))
        return false;
    for (int i = 0; i < in->rank; i++) {
        const bool leave_out = axes.given ? bits >> i & 1 : in->dims[i] == 1;
        if (leave_out && in->dims[i] != 1)
            return onnx_refuse(reader, "leaves out axis %d, which has %d items", i, in->dims[i]);
        if (!leave_out)
            out->dims[out->rank++] = in->dims[i];
    }
    return true;
}

static bool unsqueeze(struct onnx_shape *out, struct onnx_reader *reader, const struct onnx_shape *in)
{
    const struct onnx_ints axes = onnx_ints_or_input(reader, "axes", 1);
    const int rank = in->rank + axes.count;
    if (rank > GRAPH_RANK)
        return onnx_refuse(reader, "makes %d dimensions; %d are the most", rank, GRAPH_RANK);
    const int bits = axis_bits(reader, &axes, rank);
    if (bits < 0 || graph_failed(reader->graph))
        return false;
    for (int i = 0, from = 0; i < rank; i++) {
        if (!(bits >> i & 1) && from == in->rank)
            return onnx_refuse(reader, "names an axis twice");
        out->dims[out->rank++] = bits >> i & 1 ? 1 : in->dims[from++];
    }
    return true;
}

bool onnx_reshaped(struct onnx_shape *out, struct onnx_reader *reader, const struct onnx_shape *in)
{
    const char *type = reader->node->op_type;
    *out = (struct onnx_shape){0};
    return strcmp(type, "Reshape") == 0   ? reshape(out, reader, in)
           : strcmp(type, "Flatten") == 0 ? flatten(out, reader, in)
           : strcmp(type, "Squeeze") == 0 ? squeeze(out, reader, in)
                                          : unsqueeze(out, reader, in);
}

bool onnx_permutation(int permutation[GRAPH_RANK], struct onnx_reader *reader, const struct onnx_shape *in)
{
    const struct onnx_ints given = onnx_ints(reader, "perm");
    if (given.given && axis_bits(reader, &given, in->rank) != (1 << in->rank) - 1)
        return onnx_refuse(reader, "its perm is no permutation of %d dimensions", in->rank);
    if (given.given && given.count != in->rank)
        return onnx_refuse(reader, "its perm names %d of %d dimensions", given.count, in->rank);
    for (int i = 0; i < in->rank; i++)
        permutation[i] = !given.given ? in->rank - 1 - i : given.values[i] + (given.values[i] < 0 ? in->rank : 0);
    return !graph_failed(reader->graph);
}

/* As Python's slices: ends are cut to what there is. */
static struct onnx_range range_of(int64_t start, int64_t end, int64_t step, int64_t size)
{
    const int64_t lowest = step < 0 ? -1 : 0, highest = step < 0 ? size - 1 : size;
    int64_t ends[2] = {start, end};
    for (int i = 0; i < 2; i++) {
        if (ends[i] < 0)
            ends[i] += size;
        ends[i] = ends[i] < lowest ? lowest : ends[i] > highest ? highest : ends[i];
    }
    const int64_t distance = step < 0 ? ends[0] - ends[1] : ends[1] - ends[0], stride = step < 0 ? -step : step;
    return (struct onnx_range){(int)ends[0], distance > 0 ? (int)((distance + stride - 1) / stride) : 0, (int)step};
}

bool onnx_ranges(struct onnx_range ranges[GRAPH_RANK], struct onnx_reader *reader, const struct onnx_shape *in)
{
    const struct onnx_ints starts = onnx_ints_or_input(reader, "starts", 1),
                           ends = onnx_ints_or_input(reader, "ends", 2), axes = onnx_ints_or_input(reader, "axes", 3),
                           steps = onnx_ints_or_input(reader, "steps", 4);
    if (graph_failed(reader->graph))
        return false;
    if (ends.count != starts.count || (axes.given && axes.count != starts.count) ||
        (steps.given && steps.count != starts.count))
        return onnx_refuse(reader, "has %d starts, but not as many ends, axes and steps", starts.count);
    for (int i = 0; i < in->rank; i++)
        ranges[i] = (struct onnx_range){0, in->dims[i], 1};
    for (int i = 0; i < starts.count; i++) {
        const int axis = onnx_axis(reader, axes.given ? axes.values[i] : i, in->rank);
        const int step = steps.given ? steps.values[i] : 1;
        if (axis < 0)
            return false;
        if (step == 0)
            return onnx_refuse(reader, "has a step of 0");
        ranges[axis] = range_of(starts.values[i], ends.values[i], step, in->dims[axis]);
    }
    return true;
}
