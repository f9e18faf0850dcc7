/* The layers of a Functional model and what each reads, as its configuration says: of Keras 1 to 3 and TensorFlow.js.
 *
 *     struct keras_functional functional;
 *     if (!keras_functional_read(&functional, graph, config))
 *         return GRAPH_FAILED;
 *     struct keras_call call;
 *     if (keras_call_read(&call, graph, node))                   // an element of a layer's inbound nodes
 *         for (int i = 0; i < call.count; i++)
 *             puts(call.inputs[i].layer);
 *     keras_functional_free(&functional); */
#ifndef KERAS_FUNCTIONAL_H
#define KERAS_FUNCTIONAL_H

#include "exchange/graph.h"
#include "exchange/json_tree.h"

enum { KERAS_MAX_INPUTS = 64, KERAS_MAX_LAYERS = 4096, KERAS_MAX_CALLS = 64 /* of one layer */ };

/* What the `call`-th call of a layer gave. */
struct keras_reference {
    const char *layer;
    int call;
};

struct keras_call {
    struct keras_reference inputs[KERAS_MAX_INPUTS];
    int count;
};

struct keras_functional_layer {
    const char *name, *class_name;
    const cJSON *config, *nodes; /* nodes: its calls, an array */
    int calls;
    int *results; /* (calls): values of the graph; KERAS_PENDING where there is none yet */
};
enum { KERAS_PENDING = -2 };

struct keras_functional {
    struct keras_functional_layer *layers; /* in the order of their names */
    int count;
    struct keras_call inputs, outputs; /* of the model */
};

bool keras_functional_read(struct keras_functional *functional, struct graph *graph, const cJSON *config);
void keras_functional_free(struct keras_functional *functional);

/* NULL: there is none of that name. */
struct keras_functional_layer *keras_functional_layer(const struct keras_functional *functional, const char *name);

bool keras_call_read(struct keras_call *call, struct graph *graph, const cJSON *node);

/* Whether layers of this class are models. */
bool keras_is_model(const char *class_name);

/* The first of a model's layers: its configuration is their list, or has it. NULL: there is none. */
const cJSON *keras_first_layer(const cJSON *config);

/* A layer's class and name; the name may also stand in its configuration. False where there are none, with the failure in
 * the second. */
bool keras_find_names(const char **class_name, const char **name, const cJSON *layer);
bool keras_read_names(const char **class_name, const char **name, struct graph *graph, const cJSON *layer);

#endif
