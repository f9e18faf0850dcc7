#include "exchange/onnx_fold.h"

#include "base/bounds.h"
#include "cli/text.h"

#include <limits.h>
#include <math.h>
#include <string.h>

bool onnx_fold_make(struct onnx_constant *out, struct onnx_elements *elements, struct onnx_reader *reader,
                    enum onnx_type type, const struct onnx_shape *shape)
{
    int64_t dims[GRAPH_RANK] = {0};
    for (int i = 0; i < shape->rank; i++)
        dims[i] = shape->dims[i];
    return onnx_constant_make(out, elements, type, shape->rank, dims, &reader->memory) ||
           onnx_refuse(reader, "makes a constant of more than %s elements, or %zu MB do not hold all constants",
                       format_thousands(LIMIT_PARAMETERS), ONNX_MEMORY_BYTES >> 20);
}

static bool make_integers(struct onnx_constant *out, struct onnx_reader *reader, const int *values, int count)
{
    struct onnx_elements elements;
    if (!onnx_fold_make(out, &elements, reader, ONNX_INT64, &(struct onnx_shape){1, {count}}))
        return false;
    for (int i = 0; i < count; i++)
        elements.integers[i] = values[i];
    return true;
}

/* ---- New numbers ---- */

static bool fold_constant(struct onnx_constant *out, struct onnx_reader *reader)
{
    const Onnx__Attribute *value = onnx_attribute(reader, "value"), *number = onnx_attribute(reader, "value_float"),
                          *integer = onnx_attribute(reader, "value_int"), *list = onnx_attribute(reader, "value_ints"),
                          *floats = onnx_attribute(reader, "value_floats");
    char reason[ONNX_REASON];
    struct onnx_elements elements;
    if (value && value->t)
        return onnx_tensor_read(out, value->t, reader->package, &reader->memory, reason) ||
               onnx_refuse(reader, "%s", reason);
    if (!number && !integer && !list && !floats)
        return onnx_refuse(reader, "holds no numbers (texts and sparse tensors are not read)");
    const Onnx__Attribute *many = list ? list : floats;
    const size_t count = !many ? 1 : list ? list->n_ints : floats->n_floats;
    const bool fits =
        count <= INT_MAX && onnx_fold_make(out, &elements, reader, number || floats ? ONNX_FLOAT : ONNX_INT64,
                                           &(struct onnx_shape){many ? 1 : 0, {(int)(count & INT_MAX)}});
    for (size_t i = 0; fits && i < count; i++)
        if (elements.floats)
            elements.floats[i] = number ? number->f : floats->floats[i];
        else
            elements.integers[i] = integer ? integer->i : list->ints[i];
    return fits;
}

static bool fold_constant_of_shape(struct onnx_constant *out, struct onnx_reader *reader)
{
    const struct onnx_ints dims = onnx_ints_or_input(reader, "shape", 0);
    const Onnx__Attribute *attribute = onnx_attribute(reader, "value");
    struct onnx_constant value = {.type = ONNX_FLOAT, .count = 1, .floats = (const float[]){0}};
    char reason[ONNX_REASON];
    if (attribute && attribute->t && !onnx_tensor_read(&value, attribute->t, reader->package, &reader->memory, reason))
        return onnx_refuse(reader, "%s", reason);
    if (graph_failed(reader->graph))
        return false;
    if (dims.count > GRAPH_RANK || value.count != 1)
        return onnx_refuse(reader, "makes %d dimensions of %zu values", dims.count, value.count);
    struct onnx_shape shape = {.rank = dims.count};
    memcpy(shape.dims, dims.values, sizeof shape.dims);
    struct onnx_elements elements;
    if (!onnx_fold_make(out, &elements, reader, value.type, &shape))
        return false;
    for (size_t i = 0; i < out->count; i++)
        onnx_store(&elements, out->type, i, onnx_element(&value, 0));
    return true;
}

static bool fold_range(struct onnx_constant *out, struct onnx_reader *reader)
{
    const struct onnx_constant *first = onnx_numbers(reader, 0, "start");
    const double start = onnx_number(reader, 0, "start", 0), limit = onnx_number(reader, 1, "limit", 0),
                 step = onnx_number(reader, 2, "step", 1), count = ceil((limit - start) / step);
    if (!first || graph_failed(reader->graph))
        return false;
    if (!(count <= INT_MAX)) /* also where the step is 0 */
        return onnx_refuse(reader, "counts from %g to %g by %g", start, limit, step);
    struct onnx_elements elements;
    if (!onnx_fold_make(out, &elements, reader, first->type, &(struct onnx_shape){1, {count > 0 ? (int)count : 0}}))
        return false;
    for (size_t i = 0; i < out->count; i++)
        onnx_store(&elements, out->type, i, start + (double)i * step);
    return true;
}

static bool fold_shape(struct onnx_constant *out, struct onnx_reader *reader)
{
    struct onnx_shape shape;
    if (!onnx_shape_of(&shape, reader, 0))
        return false;
    const int start = onnx_int_of(onnx_int(reader, "start", 0)), end = onnx_int_of(onnx_int(reader, "end", INT_MAX));
    int64_t ends[2] = {start, end};
    for (int i = 0; i < 2; i++) {
        ends[i] += ends[i] < 0 ? shape.rank : 0;
        ends[i] = ends[i] < 0 ? 0 : ends[i] > shape.rank ? shape.rank : ends[i];
    }
    const int count = ends[1] > ends[0] ? (int)(ends[1] - ends[0]) : 0;
    return make_integers(out, reader, shape.dims + (count ? ends[0] : 0), count);
}

static bool fold_size(struct onnx_constant *out, struct onnx_reader *reader)
{
    struct onnx_shape shape;
    if (!onnx_shape_of(&shape, reader, 0))
        return false;
    int64_t count = 1;
    for (int i = 0; i < shape.rank; i++)
        if (__builtin_mul_overflow(count, shape.dims[i], &count))
            return onnx_refuse(reader, "counts too many elements");
    if (!make_integers(out, reader, (const int[]){onnx_int_of(count)}, 1))
        return false;
    out->rank = 0;
    return true;
}

static bool fold_cast(struct onnx_constant *out, struct onnx_reader *reader)
{
    const struct onnx_constant *in = onnx_numbers(reader, 0, "operand");
    const int to = onnx_int_of(onnx_int(reader, "to", 0));
    if (!in)
        return false;
    const char *name = onnx_type_name(to);
    if (to <= 0 || to >= ONNX_TYPES || (!onnx_type_is_float(to) && to != ONNX_BOOL && !strstr(name, "int")))
        return onnx_refuse(reader, "makes elements of %s, which Eyelet does not read", name);
    if (onnx_type_is_float(to) == (in->floats != NULL)) { /* kept in as many bits as they need */
        *out = *in;
        out->type = (enum onnx_type)to;
        if (in->floats || to == ONNX_INT64)
            return true;
    }
    struct onnx_elements elements;
    struct onnx_shape shape = {.rank = in->rank};
    memcpy(shape.dims, in->dims, sizeof shape.dims);
    if (!onnx_fold_make(out, &elements, reader, (enum onnx_type)to, &shape))
        return false;
    for (size_t i = 0; i < out->count; i++)
        onnx_store(&elements, out->type, i, to == ONNX_BOOL ? onnx_element(in, i) != 0 : onnx_element(in, i));
    return true;
}

/* ---- Quantisation ---- */

/* Of x along an axis: one value for all, or one for each item of the axis. */
static bool fits_axis(const struct onnx_constant *values, const struct onnx_constant *x, int axis)
{
    return values->count == 1 || (axis < x->rank && values->count == (size_t)x->dims[axis]);
}

const struct onnx_constant *onnx_dequantize(struct onnx_reader *reader, size_t k, int axis)
{
    const struct onnx_constant *x = onnx_numbers(reader, k, "quantised values"),
                               *scale = onnx_numbers(reader, k + 1, "scales");
    const struct onnx_constant *zero =
        onnx_has_input(reader, k + 2) ? onnx_numbers(reader, k + 2, "zero points") : NULL;
    if (!x || !scale || graph_failed(reader->graph))
        return NULL;
    if (x->rank && axis < 0)
        axis += x->rank;
    if (axis < 0 || !fits_axis(scale, x, axis) || (zero && !fits_axis(zero, x, axis))) {
        graph_refuse(reader->graph, "has %zu scales and %zu zero points for its axis %d", scale->count,
                     zero ? zero->count : 0, axis);
        return NULL;
    }
    struct onnx_constant out;
    struct onnx_elements elements;
    struct onnx_shape shape = {.rank = x->rank};
    memcpy(shape.dims, x->dims, sizeof shape.dims);
    if (!onnx_fold_make(&out, &elements, reader, ONNX_FLOAT, &shape))
        return NULL;
    size_t after = 1;
    for (int i = axis + 1; i < x->rank; i++)
        after *= (size_t)x->dims[i];
    for (size_t i = 0; i < out.count; i++) {
        const size_t item = axis < x->rank ? i / after % (size_t)x->dims[axis] : 0;
        const double offset = zero ? onnx_element(zero, zero->count == 1 ? 0 : item) : 0;
        elements.floats[i] =
            (float)(onnx_element(x, i) - offset) * (float)onnx_element(scale, scale->count == 1 ? 0 : item);
    }
    return onnx_keep(reader, &out);
}

static bool fold_dequantize(struct onnx_constant *out, struct onnx_reader *reader)
{
    if (onnx_int(reader, "block_size", 0))
        return onnx_refuse(reader, "is quantised in blocks, which Eyelet does not read");
    const struct onnx_constant *x = onnx_dequantize(reader, 0, onnx_int_of(onnx_int(reader, "axis", 1)));
    if (x)
        *out = *x;
    return x != NULL;
}

/* round(x / scale) + zero point, ties to even; by one scale. */
static bool fold_quantize(struct onnx_constant *out, struct onnx_reader *reader)
{
    const struct onnx_constant *x = onnx_numbers(reader, 0, "operand");
    const double scale = onnx_number(reader, 1, "scale", 1), offset = onnx_number(reader, 2, "zero point", 0);
    const struct onnx_constant *zero = onnx_has_input(reader, 2) ? onnx_numbers(reader, 2, "zero point") : NULL;
    if (!x || graph_failed(reader->graph))
        return false;
    struct onnx_elements elements;
    struct onnx_shape shape = {.rank = x->rank};
    memcpy(shape.dims, x->dims, sizeof shape.dims);
    if (!onnx_fold_make(out, &elements, reader, zero ? zero->type : ONNX_UINT8, &shape))
        return false;
    if (!elements.integers)
        return onnx_refuse(reader, "makes %s, which are no integers", onnx_type_name((int)out->type));
    for (size_t i = 0; i < out->count; i++)
        onnx_store(&elements, out->type, i, nearbyint(onnx_element(x, i) / scale) + offset);
    return true;
}

/* ---- The table ---- */

struct fold {
    const char *name;
    bool (*fold)(struct onnx_constant *out, struct onnx_reader *reader);
    bool of_tensors; /* also where its operand is a tensor: only the dimensions are asked for */
};
static const struct fold folds[] = {
    {"Cast", fold_cast, false},
    {"Concat", onnx_fold_concat, false},
    {"Constant", fold_constant, false},
    {"ConstantOfShape", fold_constant_of_shape, false},
    {"DequantizeLinear", fold_dequantize, false},
    {"Expand", onnx_fold_expand, false},
    {"Flatten", onnx_fold_reshape, false},
    {"Gather", onnx_fold_gather, false},
    {"Identity", onnx_fold_identity, false},
    {"QuantizeLinear", fold_quantize, false},
    {"Range", fold_range, false},
    {"Reshape", onnx_fold_reshape, false},
    {"Shape", fold_shape, true},
    {"Size", fold_size, true},
    {"Slice", onnx_fold_slice, false},
    {"Squeeze", onnx_fold_reshape, false},
    {"Transpose", onnx_fold_transpose, false},
    {"Unsqueeze", onnx_fold_reshape, false},
};

bool onnx_fold(struct onnx_reader *reader)
{
    const struct fold *fold = NULL;
    for (size_t i = 0; i < sizeof folds / sizeof folds[0]; i++)
        if (strcmp(folds[i].name, reader->node->op_type) == 0)
            fold = &folds[i];
    for (size_t k = 0; k < reader->node->n_input; k++)
        if (onnx_has_input(reader, k) && !onnx_is_constant(reader, k) && !(fold && fold->of_tensors))
            return false;
    struct onnx_constant out;
    bool refused = false;
    if (fold)
        refused = !fold->fold(&out, reader);
    else if (!onnx_fold_elements(&out, reader, &refused))
        return false;
    if (!refused)
        onnx_bind_constant(reader, 0, onnx_keep(reader, &out));
    return true;
}
