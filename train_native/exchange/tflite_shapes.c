/* Arithmetic with shapes: graphs for any number of pictures compute the dims of a reshape from those of the picture. Here
 * the number of pictures is 1, so that all of it is known while the file is read. */
#include "exchange/tflite_parts.h"

#include "cli/memory.h"

#include <limits.h>

/* Masks of a STRIDED_SLICE: fields of its options. */
enum { BEGIN_MASK, END_MASK, ELLIPSIS_MASK, NEW_AXIS_MASK, SHRINK_MASK };

static bool masked(const struct tflite_operator *node, int field, int dim)
{
    const int64_t mask = flatbuffer_int(&node->model->buffer, node->options, field, FLATBUFFER_INT32, 0);
    return dim < 31 && mask >> dim & 1;
}

/* From the end where it is negative; never below the first or behind the last. */
static int64_t inside(int64_t index, int size)
{
    index += index < 0 ? size : 0;
    return index < 0 ? 0 : index > size ? size : index;
}

bool tflite_stride(struct tflite_stride *stride, const struct tflite_operator *node, int dim, int size)
{
    struct tflite_ints begin, end, steps;
    if (!tflite_ints(&begin, node, 1, "where it begins") || !tflite_ints(&end, node, 2, "where it ends") ||
        !tflite_ints(&steps, node, 3, "its strides"))
        return false;
    for (int field = ELLIPSIS_MASK; field <= NEW_AXIS_MASK; field++)
        if (flatbuffer_int(&node->model->buffer, node->options, field, FLATBUFFER_INT32, 0)) {
            graph_refuse(node->model->graph, "with an ellipsis or a new axis: ranges of dimensions are possible");
            return false;
        }
    if (dim >= begin.count || dim >= end.count || dim >= steps.count)
        return false;
    stride->step = steps.values[dim];
    stride->shrinks = masked(node, SHRINK_MASK, dim);
    stride->start = masked(node, BEGIN_MASK, dim) ? 0 : (int)inside(begin.values[dim], size);
    stride->end = stride->shrinks               ? stride->start + 1
                  : masked(node, END_MASK, dim) ? size
                                                : (int)inside(end.values[dim], size);
    return stride->shrinks || stride->start != 0 || stride->end != size || stride->step != 1;
}

static bool add_number(struct tflite_ints *out, int64_t number)
{
    if (out->count == TFLITE_MAX_INTS || number < INT_MIN || number > INT_MAX)
        return false;
    out->values[out->count++] = (int)number;
    return true;
}

static bool shape_of(struct tflite_ints *out, const struct tflite_operator *node)
{
    const struct tflite_tensor *tensor = tflite_input(node, 0);
    if (!tensor)
        return false;
    const bool computed = tensor->value >= 0;
    const int rank = computed ? graph_rank(node->model->graph, tensor->value) : tensor->rank;
    const int *dims = computed ? graph_dims(node->model->graph, tensor->value) : tensor->dims;
    for (int i = 0; i < rank; i++)
        if (!add_number(out, dims[i]))
            return false;
    return true;
}

/* Lists one behind the other: also the PACK of single numbers. */
static bool joined(struct tflite_ints *out, const struct tflite_operator *node)
{
    for (size_t i = 0; i < node->inputs.count; i++) {
        struct tflite_ints part;
        const struct tflite_tensor *tensor = tflite_input(node, (int)i);
        if (!tensor || !tflite_known_ints(&part, tensor))
            return false;
        for (int k = 0; k < part.count; k++)
            if (!add_number(out, part.values[k]))
                return false;
    }
    return true;
}

static bool part_of(struct tflite_ints *out, const struct tflite_operator *node, int code,
                    const struct tflite_ints *list)
{
    struct tflite_stride stride = {0, list->count, 1, false};
    if (code == TFLITE_SLICE) {
        struct tflite_ints begin, size;
        if (!tflite_ints(&begin, node, 1, "where it begins") || !tflite_ints(&size, node, 2, "its size") ||
            begin.count != 1 || size.count != 1)
            return false;
        stride.start = (int)inside(begin.values[0], list->count);
        stride.end =
            size.values[0] == -1 ? list->count : (int)inside((int64_t)stride.start + size.values[0], list->count);
    } else
        tflite_stride(&stride, node, 0, list->count);
    if (graph_failed(node->model->graph) || stride.step < 1)
        return false;
    for (int64_t i = stride.start; i < stride.end && i < list->count; i += stride.step)
        add_number(out, list->values[i]);
    return true;
}

static bool gathered(struct tflite_ints *out, const struct tflite_operator *node, const struct tflite_ints *list)
{
    struct tflite_ints indices;
    if (!tflite_ints(&indices, node, 1, "its indices"))
        return false;
    for (int i = 0; i < indices.count; i++) {
        const int at = indices.values[i];
        if (at < 0 || at >= list->count || !add_number(out, list->values[at]))
            return false;
    }
    return true;
}

static bool product(struct tflite_ints *out, const struct tflite_ints *list)
{
    int64_t all = 1;
    for (int i = 0; i < list->count; i++) {
        all *= list->values[i];
        if (all > INT_MAX || all < INT_MIN)
            return false;
    }
    return add_number(out, all);
}

/* Number by number; a single one goes with each of a list. */
static bool combined(struct tflite_ints *out, const struct tflite_operator *node, int code,
                     const struct tflite_ints *list)
{
    struct tflite_ints other;
    const struct tflite_tensor *tensor = tflite_input(node, 1);
    if (!tensor || !tflite_known_ints(&other, tensor) || !list->count || !other.count ||
        (list->count != other.count && list->count != 1 && other.count != 1))
        return false;
    const int count = list->count > other.count ? list->count : other.count;
    for (int i = 0; i < count; i++) {
        const int64_t a = list->values[i % list->count], b = other.values[i % other.count];
        if (!add_number(out, code == TFLITE_ADD ? a + b : code == TFLITE_SUB ? a - b : a * b))
            return false;
    }
    return true;
}

static bool compute(struct tflite_ints *out, const struct tflite_operator *node, int code)
{
    struct tflite_ints list;
    const struct tflite_tensor *tensor = tflite_input(node, 0);
    if (code == TFLITE_SHAPE)
        return shape_of(out, node);
    if (!tensor || !tflite_known_ints(&list, tensor))
        return false;
    switch (code) {
    case TFLITE_PACK:
    case TFLITE_CONCATENATION: return joined(out, node);
    case TFLITE_SLICE:
    case TFLITE_STRIDED_SLICE: return part_of(out, node, code, &list);
    case TFLITE_GATHER: return gathered(out, node, &list);
    case TFLITE_REDUCE_PROD: return product(out, &list);
    case TFLITE_ADD:
    case TFLITE_SUB:
    case TFLITE_MUL: return combined(out, node, code, &list);
    case TFLITE_CAST:
    case TFLITE_RESHAPE:
    case TFLITE_SQUEEZE:
    case TFLITE_EXPAND_DIMS: *out = list; return true;
    }
    return false;
}

bool tflite_shape_operator(const struct tflite_operator *node, int code)
{
    struct tflite_tensor *output = tflite_output(node, 0);
    if (!output || output->known || (output->type != TFLITE_INT32 && output->type != TFLITE_INT64))
        return false;
    struct tflite_ints ints = {.count = 0};
    if (!compute(&ints, node, code))
        return false;
    output->known = allocate(1, sizeof *output->known);
    *output->known = ints;
    return true;
}
