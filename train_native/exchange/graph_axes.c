/* Dimensions as products of factors of the axes h, w and c (graph_parts.h): what reshaping and transposing do to them,
 * and what operators ask of them. */
#include "exchange/graph_parts.h"

#include "cli/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int dim_size(const struct dim *dim)
{
    int size = 1; /* of a tensor's part: within LIMIT_ACTIVATIONS */
    for (int i = 0; i < dim->count; i++)
        size *= dim->factors[i].size;
    return size;
}

static bool same_factor(struct factor a, struct factor b)
{
    return a.axis == b.axis && a.size == b.size && a.stride == b.stride;
}

bool same_dim(const struct dim *a, const struct dim *b)
{
    bool same = a->count == b->count;
    for (int i = 0; same && i < a->count; i++)
        same = same_factor(a->factors[i], b->factors[i]);
    return same;
}

struct dim whole_axis(enum map_axis axis, int size)
{
    struct dim dim = {0};
    add_factor(&dim, (struct factor){axis, size, 1});
    return dim;
}

bool add_factor(struct dim *dim, struct factor factor)
{
    if (factor.size == 1)
        return true;
    struct factor *last = dim->count ? &dim->factors[dim->count - 1] : NULL;
    if (last && last->axis == factor.axis && last->stride == factor.stride * factor.size) {
        last->size *= factor.size;
        last->stride = factor.stride;
        return true;
    }
    if (dim->count == MAX_FACTORS)
        return false;
    dim->factors[dim->count++] = factor;
    return true;
}

int resolve_axis(struct graph *graph, int axis, int rank)
{
    if (axis >= -rank && axis < rank)
        return axis < 0 ? axis + rank : axis;
    graph_refuse(graph, "axis %d of %d dimensions", axis, rank);
    return -1;
}

/* ---- Orders ---- */

/* Where each index of a list of factors stands, if one step along an axis is `steps[axis]` elements. */
static void factor_order(int *order, const struct factor *factors, int count, const int steps[AXES])
{
    int size = 1;
    order[0] = 0;
    for (int k = count - 1; k >= 0; k--) { /* from the fastest on, each repeats what is there */
        const int step = factors[k].stride * steps[factors[k].axis];
        for (int i = 1; i < factors[k].size; i++)
            for (int j = 0; j < size; j++)
                order[i * size + j] = order[j] + i * step;
        size *= factors[k].size;
    }
}

/* The factors of all dimensions, the last one fastest. */
static int all_factors(struct factor factors[GRAPH_RANK * MAX_FACTORS], const struct value *value)
{
    int count = 0;
    for (int i = 0; i < value->rank; i++)
        for (int k = 0; k < value->dims[i].count; k++)
            factors[count++] = value->dims[i].factors[k];
    return count;
}

bool is_channels(const struct graph *graph, const struct value *value, int dim)
{
    const struct dim *of = &value->dims[dim];
    for (int i = 0; i < of->count; i++)
        if (of->factors[i].axis != AXIS_C)
            return false;
    return dim_size(of) == tensor_shape(graph, value->tensor).c;
}

void channel_order(int *order, const struct value *value, int dim)
{
    factor_order(order, value->dims[dim].factors, value->dims[dim].count, (const int[AXES]){0, 0, 1});
}

void element_order(int *order, const struct graph *graph, const struct value *value)
{
    const struct shape shape = tensor_shape(graph, value->tensor);
    struct factor factors[GRAPH_RANK * MAX_FACTORS];
    const int count = all_factors(factors, value);
    factor_order(order, factors, count, (const int[AXES]){shape.w * shape.c, shape.c, 1});
}

/* ---- What operators ask for ---- */

static bool is_axis(const struct dim *dim, enum map_axis axis, int size)
{
    const struct dim whole = whole_axis(axis, size);
    return same_dim(dim, &whole);
}

/* Whether the dims but that of the batch and of the channels are rows and columns, in this order. */
static bool has_sides(const struct graph *graph, const struct value *value, int channel_dim)
{
    const struct shape shape = tensor_shape(graph, value->tensor);
    return is_axis(&value->dims[channel_dim == 1 ? 2 : 1], AXIS_H, shape.h) &&
           is_axis(&value->dims[channel_dim == 3 ? 2 : 3], AXIS_W, shape.w);
}

bool could_be_map(const struct graph *graph, const struct value *value, int channel_dim)
{
    return value->rank == 4 && value->dims[0].count == 0 && is_channels(graph, value, channel_dim) &&
           has_sides(graph, value, channel_dim);
}

bool is_map(struct graph *graph, const struct value *value, int channel_dim)
{
    if (value->rank != 4)
        graph_refuse(graph, "takes 4 dimensions, its input has %d: other than over pictures is not possible",
                     value->rank);
    else if (channel_dim < 1 || channel_dim > 3 || !is_channels(graph, value, channel_dim))
        graph_refuse(graph, "dimension %d of its input is not that of the channels", channel_dim);
    else if (value->dims[0].count)
        graph_refuse(graph, "a batch of %d: 1 is possible", dim_size(&value->dims[0]));
    else if (!has_sides(graph, value, channel_dim))
        graph_refuse(graph, "its input's rows and columns were reshaped or transposed: keep them as they are");
    return !graph->failed;
}

static void sort_by_stride(struct factor *factors, int count)
{
    for (int i = 1; i < count; i++)
        for (int k = i; k > 0 && factors[k - 1].stride < factors[k].stride; k--) {
            const struct factor swapped = factors[k];
            factors[k] = factors[k - 1];
            factors[k - 1] = swapped;
        }
}

/* The same dimensions of a tensor whose channels stand in their order. */
static void renumber_channels(struct value *value)
{
    int stride = 1;
    for (int i = value->rank - 1; i >= 0; i--)
        for (int k = value->dims[i].count - 1; k >= 0; k--) {
            struct factor *factor = &value->dims[i].factors[k];
            if (factor->axis != AXIS_C)
                continue;
            factor->stride = stride;
            stride *= factor->size;
        }
    for (int i = 0; i < value->rank; i++) { /* what has become one */
        const struct dim before = value->dims[i];
        value->dims[i].count = 0;
        for (int k = 0; k < before.count; k++)
            add_factor(&value->dims[i], before.factors[k]);
    }
}

/* A shuffle with `groups` turns channels (groups, rest) into (rest, groups): the first factors of them come behind the
 * others. */
int plain_channels(struct graph *graph, int x)
{
    if (!graph_readable(graph, x))
        return GRAPH_FAILED;
    struct value value = *value_of(graph, x);
    struct factor wanted[GRAPH_RANK * MAX_FACTORS], there[GRAPH_RANK * MAX_FACTORS];
    const int all = all_factors(wanted, &value);
    int count = 0;
    for (int i = 0; i < all; i++)
        if (wanted[i].axis == AXIS_C)
            wanted[count++] = wanted[i];
    memcpy(there, wanted, (size_t)count * sizeof *wanted);
    sort_by_stride(there, count);
    int first = 0, groups = 1;
    while (first < count && !same_factor(there[first], wanted[0]))
        groups *= there[first++].size;
    for (int i = 0; i < count; i++)
        if (!same_factor(wanted[i], there[(first + i) % count]))
            return graph_refuse(graph, "its channels come in an order that no channel shuffle makes");
    if (first == 0)
        return x;
    const struct layer shuffle = {.kind = NODE_SHUFFLE,
                                  .node = {.input = {value.tensor}, .groups = groups},
                                  .shape = tensor_shape(graph, value.tensor)};
    value.tensor = add_layer(graph, &shuffle);
    renumber_channels(&value);
    return add_value(graph, &value);
}

/* ---- Shapes ---- */

static void dims_text(char *text, size_t size, const int *dims, int rank)
{
    size_t length = 0;
    for (int i = 0; i < rank && length < size; i++)
        length += (size_t)snprintf(text + length, size - length, "%s%d", i ? "x" : "", dims[i]);
    if (rank == 0)
        snprintf(text, size, "no dimensions");
}

/* Sets the one dim that is -1; false: they do not hold `count` elements. */
static bool complete_dims(int *dims, int rank, int count)
{
    int open = -1, left = count;
    for (int i = 0; i < rank; i++) {
        if (dims[i] == -1 && open < 0) {
            open = i;
            continue;
        }
        if (dims[i] < 1 || left % dims[i])
            return false;
        left /= dims[i];
    }
    if (open >= 0)
        dims[open] = left;
    return open >= 0 || left == 1;
}

/* Hands the factors out to dims of these sizes, split where an end comes within one; false: a dim ends within a factor
 * that does not divide so. */
static bool deal_factors(struct value *value, const struct factor *factors, int count, const int *dims)
{
    int next = 0;
    struct factor rest = {AXIS_C, 1, 1};
    for (int i = 0; i < value->rank; i++) {
        value->dims[i].count = 0;
        for (int left = dims[i]; left > 1;) {
            if (rest.size == 1)
                rest = next < count ? factors[next++] : rest;
            struct factor part = rest;
            if (left % rest.size == 0) {
                rest.size = 1;
            } else if (rest.size % left == 0) {
                rest.size /= left;
                part = (struct factor){rest.axis, left, rest.stride * rest.size};
            } else {
                return false;
            }
            left /= part.size;
            if (!add_factor(&value->dims[i], part))
                return false;
        }
    }
    return true;
}

int graph_reshape(struct graph *graph, int x, int rank, const int *dims)
{
    if (!graph_readable(graph, x))
        return GRAPH_FAILED;
    if (rank < 0 || rank > GRAPH_RANK)
        return graph_refuse(graph, "%d dimensions: at most %d are possible", rank, GRAPH_RANK);
    struct value value = *value_of(graph, x);
    struct factor factors[GRAPH_RANK * MAX_FACTORS];
    const int count = all_factors(factors, &value);
    int whole[GRAPH_RANK];
    char from[100], to[100];
    memcpy(whole, dims, (size_t)rank * sizeof *dims);
    dims_text(from, sizeof from, graph_dims(graph, x), value.rank);
    dims_text(to, sizeof to, dims, rank);
    if (!complete_dims(whole, rank, (int)shape_count(tensor_shape(graph, value.tensor))))
        return graph_refuse(graph, "%s values do not fill %s", from, to);
    value.rank = rank;
    if (deal_factors(&value, factors, count, whole))
        return add_value(graph, &value);
    const int plain = plain_channels(graph, x); /* as where one shuffle follows another */
    if (plain == x)
        return graph_refuse(graph, "to turn %s into %s would mix rows, columns and channels", from, to);
    return graph_reshape(graph, plain, rank, dims);
}

int graph_transpose(struct graph *graph, int x, const int *permutation)
{
    if (!graph_readable(graph, x))
        return GRAPH_FAILED;
    struct value value = *value_of(graph, x);
    const struct value before = value;
    bool seen[GRAPH_RANK] = {false};
    for (int i = 0; i < value.rank; i++) {
        const int from = resolve_axis(graph, permutation[i], value.rank);
        if (from < 0)
            return GRAPH_FAILED;
        if (seen[from])
            return graph_refuse(graph, "takes dimension %d twice", from);
        seen[from] = true;
        value.dims[i] = before.dims[from];
    }
    return add_value(graph, &value);
}
