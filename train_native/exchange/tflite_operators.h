/* TFLite's operators, each as the calls of the graph builder (graph.h) that compute the same; tflite_build.c has the
 * table of them.
 *
 *     node->name = "CONV_2D";
 *     tflite_output(node, 0)->value = tflite_conv_2d(node); */
#ifndef TFLITE_OPERATORS_H
#define TFLITE_OPERATORS_H

#include "exchange/tflite_parts.h"

/* The graph's value of input i; GRAPH_FAILED, with the failure set, where it is none. */
int tflite_value(const struct tflite_operator *node, int i);

/* What an operator of one output makes, of the graph; GRAPH_FAILED, with the failure set. A fused activation is left to
 * the caller. */
typedef int tflite_value_function(const struct tflite_operator *node);

/* tflite_operators.c */
tflite_value_function tflite_conv_2d, tflite_depthwise_conv_2d, tflite_average_pool_2d, tflite_max_pool_2d, tflite_mean,
    tflite_pad, tflite_fully_connected, tflite_add, tflite_sub, tflite_mul, tflite_divide, tflite_relu, tflite_relu6,
    tflite_relu_n1_to_1, tflite_relu_0_to_1, tflite_logistic, tflite_hyperbolic_tangent, tflite_hard_swish,
    tflite_leaky_relu, tflite_prelu, tflite_softmax;

/* tflite_views.c */
tflite_value_function tflite_identity, tflite_reshape, tflite_squeeze, tflite_expand_dims, tflite_transpose,
    tflite_concatenation, tflite_strided_slice, tflite_slice;

/* Those of several outputs, whose values they set. */
typedef bool tflite_parts_function(const struct tflite_operator *node);
tflite_parts_function tflite_split, tflite_split_v;

/* Makes the output another view of input 0, a constant: its numbers under the dims of the output; false: it is none. */
bool tflite_constant_view(const struct tflite_operator *node);

#endif
