/* The operators of ONNX that Eyelet has layers for: one table, a row an operator.
 *
 *     reader->node = node;
 *     graph_at(reader->graph, node->op_type, node->name);
 *     onnx_read_operator(reader);
 *
 * To add one: a function in onnx_layers.c, onnx_elements.c, onnx_views.c or onnx_quantized.c, and its row in
 * onnx_operators.c; if it makes sense on constants, a row in onnx_fold.c. */
#ifndef ONNX_OPERATORS_H
#define ONNX_OPERATORS_H

#include "exchange/onnx_node.h"

/* Adds the node at hand to the graph and binds its outputs; or refuses it. */
void onnx_read_operator(struct onnx_reader *reader);

/* Of each operator: adds it to the graph and gives its first output, a tensor. */
typedef int onnx_operator(struct onnx_reader *reader);

/* onnx_layers.c */
onnx_operator onnx_conv, onnx_maxpool, onnx_avgpool, onnx_global_avgpool, onnx_reduce_mean, onnx_gemm, onnx_matmul,
    onnx_batchnorm, onnx_pad;
/* onnx_elements.c */
onnx_operator onnx_add, onnx_subtract, onnx_multiply, onnx_divide, onnx_negate, onnx_min, onnx_max, onnx_clip,
    onnx_relu, onnx_leaky_relu, onnx_prelu, onnx_sigmoid, onnx_tanh, onnx_hard_sigmoid, onnx_hardswish, onnx_swish,
    onnx_gelu, onnx_fast_gelu, onnx_softmax, onnx_identity, onnx_dropout, onnx_cast;
/* onnx_views.c */
onnx_operator onnx_reshape, onnx_transpose, onnx_concat, onnx_split, onnx_slice, onnx_gather;
/* onnx_quantized.c */
onnx_operator onnx_quantize, onnx_dequantize_tensor, onnx_dynamic_quantize, onnx_qlinear_conv, onnx_conv_integer,
    onnx_qlinear_matmul, onnx_matmul_integer, onnx_dynamic_quantize_matmul, onnx_qgemm, onnx_qlinear_add,
    onnx_qlinear_multiply, onnx_qlinear_global_avgpool, onnx_qlinear_avgpool, onnx_qlinear_concat, onnx_qlinear_sigmoid,
    onnx_qlinear_leaky_relu, onnx_qlinear_softmax;

/* ---- What the files share ---- */

/* kernel_shape, strides, dilations, pads or auto_pad, ceil_mode, count_include_pad. False where they are refused. */
bool onnx_window(struct graph_window *window, struct onnx_reader *reader);

/* Numbers times a factor; the same where that is 1. NULL where they take too much memory, which is refused. */
const struct graph_constant *onnx_scaled(struct onnx_reader *reader, const struct graph_constant *numbers,
                                         float factor);

#endif
