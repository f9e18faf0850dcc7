#include "exchange/tfjs_operator.h"

#include <limits.h>
#include <stdint.h>

/* Of a list, such as a shape: items begin, begin + step .. below end; or one number of them. */
static int slice_list(struct tfjs_tensor *outputs, const struct tfjs_operator *operator, int begin, int end, int step)
{
    const struct graph_constant *list = &operator->inputs[0].constant;
    double mask = 0;
    const int size = list->dims[0];
    begin = begin < 0 ? begin + size : begin;
    end = end < 0 ? end + size : end < size ? end : size;
    const bool one = tfjs_number(&mask, operator, "shrink_axis_mask") && mask == 1;
    if (step < 1 || begin < 0 || begin >= size) {
        graph_refuse(operator->graph, "it begins at item %d of %d", begin, size);
        return 0;
    }
    const int count = one ? 1 : end > begin ? (end - begin - 1) / step + 1 : 0;
    float *values = tfjs_constant_output(outputs, one ? 0 : 1, &count);
    for (int i = 0; i < count; i++)
        values[i] = list->values[begin + i * step];
    return 1;
}

static bool masked(const struct tfjs_operator *operator, const char * key, int dim)
{
    double mask = 0;
    return tfjs_number(&mask, operator, key) && mask >= 0 && mask < 65536 && ((int)mask >> dim & 1);
}

int tfjs_strided_slice(struct tfjs_tensor *outputs, const struct tfjs_operator *operator)
{
    int begin[GRAPH_RANK], end[GRAPH_RANK], step[GRAPH_RANK];
    const int count = tfjs_constant_ints(begin, GRAPH_RANK, operator, 1);
    if (count < 0 || tfjs_constant_ints(end, GRAPH_RANK, operator, 2) != count ||
        tfjs_constant_ints(step, GRAPH_RANK, operator, 3) != count || !operator->count)
        return graph_refuse(operator->graph, "begin, end and strides are not lists of one length") != GRAPH_FAILED;
    for (int i = 0; i < count; i++) {
        begin[i] = masked(operator, "begin_mask", i) ? 0 : begin[i];
        end[i] = masked(operator, "end_mask", i) ? INT_MAX : end[i];
        if (masked(operator, "ellipsis_mask", i) || masked(operator, "new_axis_mask", i))
            return graph_refuse(operator->graph, "it has an ellipsis or a new axis") != GRAPH_FAILED;
    }
    if (operator->inputs[0].is_constant && operator->inputs[0].constant.rank == 1 && count == 1)
        return slice_list(outputs, operator, begin[0], end[0], step[0]);
    int x;
    if (!tfjs_value(&x, operator, 0))
        return 0;
    for (int i = 0; i < count && x != GRAPH_FAILED; i++) {
        const int size = i < graph_rank(operator->graph, x) ? graph_dims(operator->graph, x)[i] : 0;
        if (masked(operator, "shrink_axis_mask", i))
            return graph_refuse(operator->graph, "it takes one item of dimension %d", i) != GRAPH_FAILED;
        if (begin[i] != 0 || (end[i] < size && end[i] != 0) || step[i] != 1)
            x = graph_slice(operator->graph, x, i, begin[i], end[i], step[i]);
    }
    return tfjs_value_output(outputs, x);
}

int tfjs_slice(struct tfjs_tensor *outputs, const struct tfjs_operator *operator)
{
    int x, begin[GRAPH_RANK], size[GRAPH_RANK];
    const int count = tfjs_constant_ints(begin, GRAPH_RANK, operator, 1);
    if (count < 0 || tfjs_constant_ints(size, GRAPH_RANK, operator, 2) != count || !tfjs_value(&x, operator, 0))
        return graph_refuse(operator->graph, "begin and size are not lists of one length") != GRAPH_FAILED;
    for (int i = 0; i < count && x != GRAPH_FAILED; i++) {
        const int whole = i < graph_rank(operator->graph, x) ? graph_dims(operator->graph, x)[i] : 0;
        if (begin[i] < 0 || begin[i] > whole || size[i] > whole - begin[i])
            return graph_refuse(operator->graph, "it reaches out of dimension %d", i) != GRAPH_FAILED;
        if (begin[i] || (size[i] >= 0 && size[i] != whole))
            x = graph_slice(operator->graph, x, i, begin[i], size[i] < 0 ? whole : begin[i] + size[i], 1);
    }
    return tfjs_value_output(outputs, x);
}

/* Parts of these sizes, of which one may be open; sizes NULL: all equal. */
static int split_into(struct tfjs_tensor *outputs, const struct tfjs_operator *operator, int x, int axis, int count,
                      const int *sizes)
{
    axis = tfjs_axis(axis, graph_rank(operator->graph, x));
    const int whole = axis >= 0 && axis < graph_rank(operator->graph, x) ? graph_dims(operator->graph, x)[axis] : 0;
    if (count < 1 || count > TFJS_MAX_OUTPUTS || whole < count || (!sizes && whole % count))
        return graph_refuse(operator->graph, "it makes %d parts of %d", count, whole) != GRAPH_FAILED;
    int64_t rest = whole;
    for (int i = 0; sizes && i < count; i++)
        rest -= sizes[i] == -1 ? 0 : sizes[i];
    for (int i = 0, at = 0; i < count; i++) {
        const int64_t size = !sizes ? whole / count : sizes[i] == -1 ? rest : sizes[i];
        if (size < 1 || size > whole - at)
            return graph_refuse(operator->graph, "part %d is of size %d", i, (int)size) != GRAPH_FAILED;
        if (!tfjs_value_output(&outputs[i], graph_slice(operator->graph, x, axis, at, at + (int)size, 1)))
            return 0;
        at += (int)size;
    }
    return count;
}

int tfjs_split(struct tfjs_tensor *outputs, const struct tfjs_operator *operator)
{
    int x, axis;
    double count = 0;
    if (tfjs_constant_ints(&axis, 1, operator, 0) != 1 || !tfjs_value(&x, operator, 1))
        return 0;
    tfjs_number(&count, operator, "num_split");
    return split_into(outputs, operator, x, axis, count >= 1 && count <= (double)TFJS_MAX_OUTPUTS ? (int)count : 0,
                      NULL);
}

int tfjs_split_v(struct tfjs_tensor *outputs, const struct tfjs_operator *operator)
{
    int x, axis, sizes[TFJS_MAX_OUTPUTS];
    const int count = tfjs_constant_ints(sizes, TFJS_MAX_OUTPUTS, operator, 1);
    return count >= 0 && tfjs_constant_ints(&axis, 1, operator, 2) == 1 && tfjs_value(&x, operator, 0)
               ? split_into(outputs, operator, x, axis, count, sizes)
               : 0;
}
