/* A TensorFlow.js graph model (GraphDef in JSON, as tensorflowjs_converter writes it) as a graph of ours.
 *
 *     struct graph *graph = graph_new(&failure);
 *     const int output = tfjs_graph_build(graph, model, &weights, 224); // GRAPH_FAILED, with the failure
 *     bool done = graph_finish(&result, graph, output);
 *     graph_free(graph); */
#ifndef TFJS_GRAPH_H
#define TFJS_GRAPH_H

#include "exchange/graph.h"
#include "exchange/json_tree.h"
#include "exchange/named_weights.h"

/* model: all of model.json. side: the input's height and width where the model leaves them open; 0: not known. Only
 * what leads to the one output is read. */
int tfjs_graph_build(struct graph *graph, const cJSON *model, const struct named_weights *weights, int side);

#endif
