/* Writes the messages of an ONNX model (onnx.proto3): nodes with their attributes, constants, inputs and outputs.
 *
 *     struct protobuf out = {0};
 *     onnx_put_header(&out, 13, "eyelet", "a model that adds one");
 *     const size_t graph = onnx_begin_graph(&out, "add");
 *     onnx_put_input(&out, "x", 1, (int[]){4}, "four values");
 *     onnx_put_output(&out, "y", 1, (int[]){4}, "one more than each");
 *     onnx_put_floats(&out, "one", 0, NULL, (float[]){1});
 *     onnx_put_node(&out, "Add", "y", ONNX_INPUTS("x", "one"));
 *     protobuf_end(&out, graph);
 *     use(out.bytes, out.size); free(out.bytes);
 *
 * Names and texts are copied. What stands in a graph is written between onnx_begin_graph and protobuf_end. */
#ifndef ONNX_MESSAGES_H
#define ONNX_MESSAGES_H

#include "exchange/protobuf.h"

/* The model, outside of its graph. */
void onnx_put_header(struct protobuf *out, int opset, const char *producer, const char *about);
void onnx_put_metadata(struct protobuf *out, const char *key, const char *value);
size_t onnx_begin_graph(struct protobuf *out, const char *name);

/* An input or output of the graph: float32 (batch, dims). */
void onnx_put_input(struct protobuf *out, const char *name, int rank, const int dims[], const char *about);
void onnx_put_output(struct protobuf *out, const char *name, int rank, const int dims[], const char *about);

/* Constants: float32 (dims), a scalar if rank is 0; int64 (count). */
void onnx_put_floats(struct protobuf *out, const char *name, int rank, const int dims[], const float *values);
void onnx_put_ints(struct protobuf *out, const char *name, const int *x, int count);

/* A node of one output. inputs: names, up to the first NULL. The attributes of a node that was begun follow until
 * protobuf_end. */
#define ONNX_INPUTS(...) \
    (const char *const[]) { __VA_ARGS__, NULL }
void onnx_put_node(struct protobuf *out, const char *type, const char *output, const char *const inputs[]);
size_t onnx_begin_node(struct protobuf *out, const char *type, const char *output, const char *const inputs[]);
void onnx_put_attribute_float(struct protobuf *out, const char *name, float x);
void onnx_put_attribute_int(struct protobuf *out, const char *name, int x);
void onnx_put_attribute_ints(struct protobuf *out, const char *name, const int *x, int count);

#endif
