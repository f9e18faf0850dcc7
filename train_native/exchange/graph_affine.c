/* Factors and offsets, a channel each: batch norms, and sums and products with numbers. What becomes of them is decided
 * at the end (graph_fold.c). */
#include "exchange/graph_parts.h"

#include "cli/memory.h"
#include "kernels/batchnorm.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool all_equal(const double *numbers, int count)
{
    for (int i = 1; i < count; i++)
        if (numbers[i] != numbers[0])
            return false;
    return true;
}

int add_affine(struct graph *graph, int x, const struct affine *affine)
{
    if (!graph_readable(graph, x))
        return GRAPH_FAILED;
    const int tensor = value_of(graph, x)->tensor;
    const struct shape shape = tensor_shape(graph, tensor);
    const size_t c = (size_t)shape.c;
    struct layer layer = {.kind = LAYER_AFFINE, .node = {.input = {tensor}}, .shape = shape};
    for (size_t i = 0; i < c; i++)
        if (!isfinite((float)affine->factors[i]) || !isfinite((float)affine->offsets[i]))
            return graph_refuse(graph, "factors that are not finite");
    layer.affine = allocate(2 * c, sizeof(double));
    memcpy(layer.affine, affine->factors, c * sizeof(double));
    memcpy(layer.affine + c, affine->offsets, c * sizeof(double));
    layer.uniform = !affine->batchnorm && all_equal(affine->factors, shape.c) && all_equal(affine->offsets, shape.c);
    layer.division = affine->division;
    if (affine->batchnorm) {
        layer.count = 4 * c;
        layer.parameters = allocate(layer.count, sizeof(float));
        memcpy(layer.parameters, affine->batchnorm, layer.count * sizeof(float));
    }
    struct value value = *value_of(graph, x);
    value.tensor = add_layer(graph, &layer);
    return add_value(graph, &value);
}

int add_scaling(struct graph *graph, int x, double factor, double offset, bool division)
{
    if (!graph_readable(graph, x))
        return GRAPH_FAILED;
    const int c = tensor_shape(graph, value_of(graph, x)->tensor).c;
    double *numbers = allocate(2 * (size_t)c, sizeof *numbers);
    for (int i = 0; i < c; i++) {
        numbers[i] = factor;
        numbers[c + i] = offset;
    }
    x = add_affine(graph, x, &(struct affine){numbers, numbers + c, NULL, division});
    free(numbers);
    return x;
}

bool is_scaling(const struct graph *graph, int tensor, double *factor, double *offset)
{
    const struct layer *layer = layer_of(graph, tensor);
    if (!layer || layer->kind != LAYER_AFFINE || !layer->uniform)
        return false;
    *factor = layer->affine[0];
    *offset = layer->affine[layer->shape.c];
    return true;
}

int without_factors(const struct graph *graph, int tensor, double *factor)
{
    double once, offset;
    *factor = 1;
    for (; is_scaling(graph, tensor, &once, &offset) && offset == 0; tensor = layer_of(graph, tensor)->node.input[0])
        *factor *= once;
    return tensor;
}

/* ---- Batch norms ---- */

/* Where the channels of x stand, for its dimension of them; the caller frees it. NULL, with the failure set: it is none. */
static int *order_of(struct graph *graph, const struct value *value, int channel_dim)
{
    if (!is_channels(graph, value, channel_dim)) {
        graph_refuse(graph, "dimension %d of its input is not that of the channels", channel_dim);
        return NULL;
    }
    int *order = allocate((size_t)dim_size(&value->dims[channel_dim]), sizeof *order);
    channel_order(order, value, channel_dim);
    return order;
}

/* x with rows and columns in its channels, one behind the other, where a dimension mixes them: so that each element of a
 * flattened map is a channel. */
static int flattened_where_mixed(struct graph *graph, int x, int dim)
{
    const struct value *value = value_of(graph, x);
    const struct shape shape = tensor_shape(graph, value->tensor);
    if ((shape.h == 1 && shape.w == 1) || dim_size(&value->dims[dim]) != (int)shape_count(shape))
        return x;
    return flatten_value(graph, x);
}

int graph_batchnorm(struct graph *graph, int x, const struct graph_batchnorm *batchnorm)
{
    if (!graph_readable(graph, x))
        return GRAPH_FAILED;
    const int dim = resolve_axis(graph, batchnorm->channel_dim, value_of(graph, x)->rank);
    if (dim < 0 || (x = flattened_where_mixed(graph, x, dim)) < 0)
        return GRAPH_FAILED;
    const int c = dim_size(&value_of(graph, x)->dims[dim]);
    if (!constant_fits(graph, batchnorm->mean, "means", c) ||
        !constant_fits(graph, batchnorm->variance, "variances", c) ||
        !constant_fits(graph, batchnorm->scale, "scales", c) || !constant_fits(graph, batchnorm->shift, "shifts", c))
        return GRAPH_FAILED;
    int *order = order_of(graph, value_of(graph, x), dim);
    if (!order)
        return GRAPH_FAILED;
    float *stored = allocate(4 * (size_t)c, sizeof *stored);
    double *numbers = allocate(2 * (size_t)c, sizeof *numbers);
    bool possible = true;
    for (int i = 0; i < c; i++) {
        const int k = order[i];
        const double scale = batchnorm->scale ? (double)batchnorm->scale->values[i] : 1;
        const double shift = batchnorm->shift ? (double)batchnorm->shift->values[i] : 0;
        const double mean = (double)batchnorm->mean->values[i], variance = (double)batchnorm->variance->values[i];
        const double whole = variance + (double)batchnorm->epsilon;
        possible = possible && whole > 0;
        numbers[k] = scale / sqrt(whole);
        numbers[c + k] = shift - mean * numbers[k];
        stored[k] = (float)scale;
        stored[c + k] = (float)shift;
        stored[2 * c + k] = (float)mean;
        stored[3 * c + k] = (float)(whole - (double)BATCHNORM_EPSILON);
        if (batchnorm->epsilon == BATCHNORM_EPSILON) /* without a rounding */
            stored[3 * c + k] = batchnorm->variance->values[i];
    }
    bool kept = possible; /* as a batch norm with the epsilon of ours: none of its variances is below 0 */
    for (int i = 3 * c; i < 4 * c; i++)
        kept = kept && stored[i] >= 0;
    x = possible ? add_affine(graph, x, &(struct affine){numbers, numbers + c, kept ? stored : NULL, false})
                 : graph_refuse(graph, "a variance below 0");
    free(order);
    free(stored);
    free(numbers);
    return x;
}

/* ---- Sums and products with numbers ---- */

/* x with dims of size 1 before it, up to a rank; GRAPH_FAILED where the constant has more. */
static int widened(struct graph *graph, int x, int rank)
{
    struct value value = *value_of(graph, x);
    const int more = rank - value.rank;
    if (more <= 0)
        return x;
    memmove(value.dims + more, value.dims, (size_t)value.rank * sizeof *value.dims);
    for (int i = 0; i < more; i++)
        value.dims[i].count = 0;
    value.rank = rank;
    return add_value(graph, &value);
}

/* out (c): the constant's value for each channel of the tensor, broadcast over all else. */
static bool spread(double *out, struct graph *graph, const struct value *value, const struct graph_constant *constant,
                   size_t count)
{
    const int c = tensor_shape(graph, value->tensor).c;
    bool equal = true;
    for (size_t i = 1; i < count; i++)
        equal = equal && constant->values[i] == constant->values[0];
    for (int i = 0; i < constant->rank; i++) {
        const int dim = value->rank - constant->rank + i, size = dim_size(&value->dims[dim]);
        if (constant->dims[i] != 1 && constant->dims[i] != size) {
            graph_refuse(graph, "a constant of %d values for a dimension of %d", constant->dims[i], size);
            return false;
        }
        for (int k = 0; k < value->dims[dim].count; k++)
            if (constant->dims[i] != 1 && value->dims[dim].factors[k].axis != AXIS_C && !equal) {
                graph_refuse(graph, "constants that differ from pixel to pixel: one number, or one a channel, is "
                                    "possible");
                return false;
            }
    }
    for (int channel = 0; channel < c; channel++) {
        size_t at = 0;
        for (int i = 0; i < constant->rank && !equal; i++) {
            const struct dim *dim = &value->dims[value->rank - constant->rank + i];
            if (constant->dims[i] == 1)
                continue;
            for (int k = 0; k < dim->count; k++)
                at = at * (size_t)dim->factors[k].size +
                     (size_t)(channel / dim->factors[k].stride % dim->factors[k].size);
        }
        out[channel] = (double)constant->values[at];
    }
    return true;
}

bool channel_values(double *out, struct graph *graph, int x, const struct graph_constant *constant)
{
    const size_t count = constant_count(graph, constant, "constants");
    if (count && constant->rank > value_of(graph, x)->rank)
        graph_refuse(graph, "a constant of %d dimensions for %d", constant->rank, value_of(graph, x)->rank);
    return !graph->failed && spread(out, graph, value_of(graph, x), constant, count);
}

/* relu6(x + 3) / 6 is the hard sigmoid of x: the tensor x, or -1. */
static int gated_by_six(const struct graph *graph, int tensor, double factor)
{
    double one, three;
    const struct layer *clip = layer_of(graph, tensor);
    if (!clip || clip->kind != NODE_RELU6 || fabs(6 * factor - 1) > 1e-6 ||
        !is_scaling(graph, clip->node.input[0], &one, &three) || one != 1 || three != 3)
        return -1;
    return layer_of(graph, clip->node.input[0])->node.input[0];
}

static int multiplied(struct graph *graph, int x, double *factors, bool division)
{
    const struct value value = *value_of(graph, x);
    const int c = tensor_shape(graph, value.tensor).c;
    const int gate = all_equal(factors, c) ? gated_by_six(graph, value.tensor, factors[0]) : -1;
    if (gate >= 0)
        return value_like(graph, add_elementwise(graph, NODE_HARDSIGMOID, gate, 0), &value);
    double *offsets = allocate((size_t)c, sizeof *offsets);
    x = add_affine(graph, x, &(struct affine){factors, offsets, NULL, division});
    free(offsets);
    return x;
}

static int added(struct graph *graph, int x, double sign, const double *offsets)
{
    const int c = tensor_shape(graph, value_of(graph, x)->tensor).c;
    double *factors = allocate((size_t)c, sizeof *factors);
    for (int i = 0; i < c; i++)
        factors[i] = sign;
    x = add_affine(graph, x, &(struct affine){factors, offsets, NULL, false});
    free(factors);
    return x;
}

int graph_arithmetic_constant(struct graph *graph, enum graph_arithmetic operation, int x,
                              const struct graph_constant *constant, bool first)
{
    if (!graph_readable(graph, x) || !constant_count(graph, constant, "constants") ||
        (x = widened(graph, x, constant->rank)) < 0)
        return GRAPH_FAILED;
    const int c = tensor_shape(graph, value_of(graph, x)->tensor).c;
    double *numbers = allocate((size_t)c, sizeof *numbers);
    int result = GRAPH_FAILED;
    if (operation == GRAPH_DIVIDE && first) {
        graph_refuse(graph, "a number divided by a tensor: no layer computes this");
    } else if (channel_values(numbers, graph, x, constant)) {
        const bool minus = operation == GRAPH_SUBTRACT && !first;
        for (int i = 0; i < c; i++)
            numbers[i] = minus ? -numbers[i] : operation == GRAPH_DIVIDE ? 1 / numbers[i] : numbers[i];
        result = operation == GRAPH_ADD || operation == GRAPH_SUBTRACT
                     ? added(graph, x, operation == GRAPH_SUBTRACT && first ? -1 : 1, numbers)
                     : multiplied(graph, x, numbers, operation == GRAPH_DIVIDE);
    }
    free(numbers);
    return result;
}
