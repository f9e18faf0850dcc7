/* Operators that give elements of a constant other dimensions, or a part of them in another order. */
#include "exchange/onnx_fold.h"

#include <string.h>

/* ---- The same elements under other dimensions ---- */

bool onnx_fold_identity(struct onnx_constant *out, struct onnx_reader *reader)
{
    const struct onnx_constant *in = onnx_numbers(reader, 0, "operand");
    if (in)
        *out = *in;
    return in != NULL;
}

bool onnx_fold_reshape(struct onnx_constant *out, struct onnx_reader *reader)
{
    struct onnx_shape in, shape;
    if (!onnx_shape_of(&in, reader, 0) || !onnx_reshaped(&shape, reader, &in) || !onnx_fold_identity(out, reader))
        return false;
    out->rank = shape.rank;
    memcpy(out->dims, shape.dims, sizeof out->dims);
    return true;
}

/* ---- A part of the elements, in another order ---- */

/* Element (i, j, ..) of the shape is element offset + i * step[0] + j * step[1] .. of the input. */
struct view {
    struct onnx_shape shape;
    int64_t offset, step[GRAPH_RANK];
};

static struct view whole(const struct onnx_constant *in)
{
    struct view view = {.shape = {.rank = in->rank}};
    int64_t step = 1;
    for (int i = in->rank - 1; i >= 0; i--) {
        view.shape.dims[i] = in->dims[i];
        view.step[i] = step;
        step *= in->dims[i];
    }
    return view;
}

static bool copy_view(struct onnx_constant *out, struct onnx_reader *reader, const struct onnx_constant *in,
                      const struct view *view)
{
    struct onnx_elements elements;
    if (!onnx_fold_make(out, &elements, reader, in->type, &view->shape))
        return false;
    int position[GRAPH_RANK] = {0};
    int64_t at = view->offset;
    for (size_t i = 0; i < out->count; i++) {
        if (elements.floats)
            elements.floats[i] = in->floats[at];
        else
            elements.integers[i] = in->integers[at];
        for (int k = out->rank - 1; k >= 0; k--) {
            at += view->step[k];
            if (++position[k] < out->dims[k])
                break;
            at -= view->step[k] * position[k];
            position[k] = 0;
        }
    }
    return true;
}

bool onnx_fold_transpose(struct onnx_constant *out, struct onnx_reader *reader)
{
    const struct onnx_constant *in = onnx_numbers(reader, 0, "operand");
    struct onnx_shape shape;
    int permutation[GRAPH_RANK];
    if (!in || !onnx_shape_of(&shape, reader, 0) || !onnx_permutation(permutation, reader, &shape))
        return false;
    const struct view from = whole(in);
    struct view view = from;
    for (int i = 0; i < in->rank; i++) {
        view.shape.dims[i] = from.shape.dims[permutation[i]];
        view.step[i] = from.step[permutation[i]];
    }
    return copy_view(out, reader, in, &view);
}

bool onnx_fold_slice(struct onnx_constant *out, struct onnx_reader *reader)
{
    const struct onnx_constant *in = onnx_numbers(reader, 0, "operand");
    struct onnx_shape shape;
    struct onnx_range ranges[GRAPH_RANK];
    if (!in || !onnx_shape_of(&shape, reader, 0) || !onnx_ranges(ranges, reader, &shape))
        return false;
    struct view view = whole(in);
    for (int i = 0; i < in->rank; i++) {
        view.offset += ranges[i].count ? view.step[i] * ranges[i].start : 0;
        view.step[i] *= ranges[i].step;
        view.shape.dims[i] = ranges[i].count;
    }
    return copy_view(out, reader, in, &view);
}

/* To the dimensions in input 1, by numpy's broadcasting; dimensions of 1 there keep the input's. */
bool onnx_fold_expand(struct onnx_constant *out, struct onnx_reader *reader)
{
    const struct onnx_constant *in = onnx_numbers(reader, 0, "operand");
    const struct onnx_ints dims = onnx_ints_or_input(reader, "shape", 1);
    if (!in || graph_failed(reader->graph))
        return false;
    const struct view from = whole(in);
    struct view view = {.shape = {.rank = dims.count > in->rank ? dims.count : in->rank}};
    if (view.shape.rank > GRAPH_RANK)
        return onnx_refuse(reader, "makes %d dimensions; %d are the most", view.shape.rank, GRAPH_RANK);
    for (int i = 0; i < view.shape.rank; i++) {
        const int own = i - (view.shape.rank - in->rank), given = i - (view.shape.rank - dims.count);
        const int size = own < 0 ? 1 : in->dims[own], wanted = given < 0 ? 1 : dims.values[given];
        if (wanted < 0 || (size != 1 && wanted != 1 && size != wanted))
            return onnx_refuse(reader, "makes %d items of %d along axis %d", wanted, size, i);
        view.shape.dims[i] = size == 1 ? wanted : size;
        view.step[i] = own < 0 || size == 1 ? 0 : from.step[own];
    }
    return copy_view(out, reader, in, &view);
}

/* Items along an axis, by their numbers: those replace it. */
bool onnx_fold_gather(struct onnx_constant *out, struct onnx_reader *reader)
{
    const struct onnx_constant *in = onnx_numbers(reader, 0, "operand"), *indices = onnx_numbers(reader, 1, "indices");
    if (!in || !indices || !indices->integers)
        return onnx_refuse(reader, "its indices are no integers");
    const int axis = onnx_axis(reader, onnx_int(reader, "axis", 0), in->rank);
    if (axis < 0)
        return false;
    if (in->rank - 1 + indices->rank > GRAPH_RANK)
        return onnx_refuse(reader, "makes %d dimensions; %d are the most", in->rank - 1 + indices->rank, GRAPH_RANK);
    const int size = in->dims[axis];
    size_t before = 1, after = 1;
    struct onnx_shape shape = {.rank = 0};
    for (int i = 0; i < axis; before *= (size_t)in->dims[i++])
        shape.dims[shape.rank++] = in->dims[i];
    for (int i = 0; i < indices->rank; i++)
        shape.dims[shape.rank++] = indices->dims[i];
    for (int i = axis + 1; i < in->rank; after *= (size_t)in->dims[i++])
        shape.dims[shape.rank++] = in->dims[i];
    struct onnx_elements elements;
    if (!onnx_fold_make(out, &elements, reader, in->type, &shape))
        return false;
    for (size_t i = 0; i < out->count; i++) {
        const int64_t index = indices->integers[i / after % indices->count], item = index < 0 ? index + size : index;
        if (item < 0 || item >= size)
            return onnx_refuse(reader, "takes item %lld of %d", (long long)index, size);
        const size_t from = (i / after / indices->count * (size_t)size + (size_t)item) * after + i % after;
        onnx_store(&elements, out->type, i, onnx_element(in, from));
    }
    return before > 0;
}

bool onnx_fold_concat(struct onnx_constant *out, struct onnx_reader *reader)
{
    const struct onnx_constant *first = onnx_numbers(reader, 0, "operands");
    const int axis = first ? onnx_axis(reader, onnx_int(reader, "axis", 0), first->rank) : -1;
    if (axis < 0)
        return false;
    struct onnx_shape shape = whole(first).shape;
    size_t after = 1, before = 1;
    for (int i = 0; i < first->rank; i++)
        *(i < axis ? &before : &after) *= i == axis ? 1 : (size_t)first->dims[i];
    for (size_t k = 1; k < reader->node->n_input; k++) {
        const struct onnx_constant *next = onnx_numbers(reader, k, "operands");
        if (!next)
            return false;
        bool fits = next->rank == first->rank && next->type == first->type &&
                    !__builtin_add_overflow(shape.dims[axis], next->dims[axis], &shape.dims[axis]);
        for (int i = 0; fits && i < first->rank; i++)
            fits = i == axis || next->dims[i] == first->dims[i];
        if (!fits)
            return onnx_refuse(reader, "its inputs' dimensions or types do not fit together");
    }
    struct onnx_elements elements;
    if (!onnx_fold_make(out, &elements, reader, first->type, &shape))
        return false;
    size_t to = 0; /* along the axis */
    for (size_t k = 0; k < reader->node->n_input; k++) {
        const struct onnx_constant *part = onnx_numbers(reader, k, "operands");
        const size_t row = (size_t)part->dims[axis] * after, out_row = (size_t)shape.dims[axis] * after;
        for (size_t i = 0; i < part->count; i++)
            onnx_store(&elements, out->type, i / row * out_row + to + i % row, onnx_element(part, i));
        to += row;
    }
    return before > 0;
}
