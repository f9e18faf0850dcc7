/* A Keras model as a graph: Sequential, Model and Functional, within one another, out of the layers of keras_layer.h.
 *
 *     const struct keras_source source = {.model = json_tree_path(tree, "modelTopology", "model_config"),
 *                                         .weights = &weights};
 *     struct graph *graph = graph_new(&failure);
 *     const int output = keras_model_build(graph, &source);      // GRAPH_FAILED, with the failure, where it cannot be
 *     bool done = graph_finish(&result, graph, output);
 *     graph_free(graph);
 *
 * A layer that is called several times keeps one set of weights, as in Keras. */
#ifndef KERAS_MODEL_H
#define KERAS_MODEL_H

#include "exchange/graph.h"
#include "exchange/json_tree.h"
#include "exchange/named_weights.h"

struct keras_source {
    const cJSON *model; /* an object with class_name and config */
    const struct named_weights *weights;
    bool keras_3;
    int side; /* the input's height and width where the model leaves them open; 0: not known */
};

int keras_model_build(struct graph *graph, const struct keras_source *source);

/* The model's name in its configuration, or NULL. */
const char *keras_model_name(const cJSON *model);

#endif
