/* Finds GELU where an exporter has written it as a dozen operators.
 *
 *     const char *x = onnx_gelu_input(reader, node, &exact);
 *     if (x)
 *         printf("node %d computes GELU of %s\n", node, x);
 *
 * Any of the ways to write it: what is compared are numbers. */
#ifndef ONNX_GELU_H
#define ONNX_GELU_H

#include "exchange/onnx_node.h"

/* The value whose GELU the node computes, with the nodes before it; NULL: it does not. *exact: by erf, not by tanh. */
const char *onnx_gelu_input(struct onnx_reader *reader, int node, bool *exact);

#endif
