/* Evaluates nodes of an ONNX graph that do not depend on the picture: shape arithmetic, quantised or transposed weights.
 *
 *     if (!onnx_fold(reader))
 *         read_operator(reader);
 *
 * The batch is 1 there, whatever symbol the file has for it. */
#ifndef ONNX_FOLD_H
#define ONNX_FOLD_H

#include "exchange/onnx_node.h"
#include "exchange/onnx_shapes.h"

/* False: the node at hand is none of these. True: its output is a constant now, or it has been refused. */
bool onnx_fold(struct onnx_reader *reader);

/* (x - zero point) * scale of input k, whose scale is the next input, and its zero point, if there is one, the one after
 * that; along `axis` where there are several. NULL where that is refused. */
const struct onnx_constant *onnx_dequantize(struct onnx_reader *reader, size_t k, int axis);

/* ---- What the files of onnx_fold share ---- */

/* A constant of this shape, its elements to be filled in. */
bool onnx_fold_make(struct onnx_constant *out, struct onnx_elements *elements, struct onnx_reader *reader,
                    enum onnx_type type, const struct onnx_shape *shape);

/* Stores x as element i of a type, cut to what that holds. */
void onnx_store(const struct onnx_elements *elements, enum onnx_type type, size_t i, double x);

/* False: the node's operator is none that computes each element from one of each input. */
bool onnx_fold_elements(struct onnx_constant *out, struct onnx_reader *reader, bool *refused);

/* Each fills in the node's output, or refuses it (onnx_fold_parts.c). */
bool onnx_fold_identity(struct onnx_constant *out, struct onnx_reader *reader);
bool onnx_fold_reshape(struct onnx_constant *out, struct onnx_reader *reader);
bool onnx_fold_transpose(struct onnx_constant *out, struct onnx_reader *reader);
bool onnx_fold_slice(struct onnx_constant *out, struct onnx_reader *reader);
bool onnx_fold_expand(struct onnx_constant *out, struct onnx_reader *reader);
bool onnx_fold_gather(struct onnx_constant *out, struct onnx_reader *reader);
bool onnx_fold_concat(struct onnx_constant *out, struct onnx_reader *reader);

#endif
