/* What ONNX's operators on shapes ask for: the same for the network's tensors and for constants.
 *
 *     struct onnx_shape in, out;
 *     if (onnx_shape_of(&in, reader, 0) && onnx_reshaped(&out, reader, &in))
 *         x = graph_reshape(reader->graph, x, out.rank, out.dims);
 *
 * All are of the node at hand, and false where it is refused. */
#ifndef ONNX_SHAPES_H
#define ONNX_SHAPES_H

#include "exchange/onnx_node.h"

struct onnx_shape {
    int rank, dims[GRAPH_RANK];
};

/* Of input k, a tensor (the batch being 1) or a constant. */
bool onnx_shape_of(struct onnx_shape *shape, struct onnx_reader *reader, size_t k);

/* What Reshape, Flatten, Squeeze and Unsqueeze make of a shape. */
bool onnx_reshaped(struct onnx_shape *out, struct onnx_reader *reader, const struct onnx_shape *in);

/* Of Transpose: output dimension i is input dimension permutation[i]. */
bool onnx_permutation(int permutation[GRAPH_RANK], struct onnx_reader *reader, const struct onnx_shape *in);

/* Of Slice: `count` items from `start` on, `step` apart, which may be below 0, of each dimension. */
struct onnx_range {
    int start, count, step;
};
bool onnx_ranges(struct onnx_range ranges[GRAPH_RANK], struct onnx_reader *reader, const struct onnx_shape *in);

/* An axis, counted from the end if below 0; -1 with a refusal where there is no such dimension. */
int onnx_axis(struct onnx_reader *reader, int64_t axis, int rank);

#endif
