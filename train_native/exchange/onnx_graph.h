/* The tensors of a graph that is being written, by their names in it.
 *
 *     const char *in = onnx_reads(graph, node->input[0], ONNX_IMAGE);
 *     onnx_put_node(graph->out, "GlobalAveragePool", onnx_makes(graph, i, ONNX_IMAGE), ONNX_INPUTS(in));
 *
 * Images are (n, h, w, c) here and (batch, c, h, w) there. What is (n, 1, 1, c) here can be (batch, c, 1, 1) or (batch,
 * c) there, and each layer takes the one that it needs: a tensor is written the way its layer makes it, and once more
 * the other way when another layer asks for that. */
#ifndef ONNX_GRAPH_H
#define ONNX_GRAPH_H

#include "exchange/onnx_messages.h"
#include "model/layer_name.h"

enum onnx_form { ONNX_IMAGE, ONNX_FLAT };

struct onnx_graph {
    struct protobuf *out;
    const struct model *model;
    int logits;                  /* the tensor */
    int source[LIMIT_NODES + 1]; /* the tensor that holds a tensor's values: layers that change none are left out */
    enum onnx_form form[LIMIT_NODES + 1];        /* as it was made */
    struct layer_name names[LIMIT_NODES + 1][2]; /* in each form; empty where it is not there */
};

/* The name of a part of a node. */
struct layer_name onnx_part(const struct onnx_graph *graph, int node, const char *part);

/* A new name for a tensor in one form. */
const char *onnx_named(struct onnx_graph *graph, int tensor, enum onnx_form form, const char *part);

/* The name of a node's output, which is made in this form. */
const char *onnx_makes(struct onnx_graph *graph, int node, enum onnx_form form);

/* The name of a tensor to be read in this form; a flat one has one pixel. */
const char *onnx_reads(struct onnx_graph *graph, int tensor, enum onnx_form form);

/* A constant, and its name. */
struct layer_name onnx_put_scalar(struct onnx_graph *graph, int node, const char *part, float x);

/* Layers that move values (onnx_moves.c). */
void onnx_put_flatten(struct onnx_graph *graph, int i);
void onnx_put_concat(struct onnx_graph *graph, int i);
void onnx_put_slice(struct onnx_graph *graph, int i);
void onnx_put_shuffle(struct onnx_graph *graph, int i);

#endif
