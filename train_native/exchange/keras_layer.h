/* One layer of a Keras model, as Keras and TensorFlow.js describe it: a class, a configuration, weights by their
 * names.
 *
 *     const struct keras_layer layer = {.graph = graph, .weights = &weights, .class_name = "Conv2D", .name = "conv",
 *                                       .path = "sequential/conv", .config = config};
 *     y = keras_layer_apply(&layer, &x, 1);
 *
 * What is not there is refused through graph.h, with class and name: GRAPH_FAILED then. */
#ifndef KERAS_LAYER_H
#define KERAS_LAYER_H

#include "exchange/graph.h"
#include "exchange/json_tree.h"
#include "exchange/named_weights.h"

struct keras_layer {
    struct graph *graph;
    const struct named_weights *weights;
    const char *class_name, *name;
    const char *path;    /* names through nested models: "sequential/conv" */
    const cJSON *config; /* an object, or NULL: all is as Keras presumes it */
    bool keras_3;        /* hard_sigmoid has another slope there */
};

/* Of one or more values; a model and an input are no such layers (keras_model.h). */
int keras_layer_apply(const struct keras_layer *layer, const int *x, int count);

/* ---- What layers are read with. False, with the failure set, where a setting has another form ---- */

/* A number, or two of them for h and w; missing: what stands for none (null counts as none). */
bool keras_pair(int pair[2], const struct keras_layer *layer, const char *key, int missing);
bool keras_int(int *x, const struct keras_layer *layer, const char *key, int missing);
bool keras_number(double *x, const struct keras_layer *layer, const char *key, double missing);
bool keras_bool(bool *x, const struct keras_layer *layer, const char *key, bool missing);

/* The dimension of the channels of an image tensor: 3, or 1 where data_format is channels_first; 0: refused. */
int keras_channel_dim(const struct keras_layer *layer);

/* NULL, with the failure set, where there is none. */
const struct graph_constant *keras_weight(const struct keras_layer *layer, const char *name);

/* What `activation` of the layer's configuration says, or a layer of class Activation; NULL and null: nothing. */
int keras_activation(const struct keras_layer *layer, int x, const cJSON *activation);

/* Layers that are activations: ReLU, LeakyReLU, PReLU, Softmax. */
int keras_relu(const struct keras_layer *layer, const int *x, int count);
int keras_leaky_relu(const struct keras_layer *layer, const int *x, int count);
int keras_prelu(const struct keras_layer *layer, const int *x, int count);
int keras_softmax(const struct keras_layer *layer, const int *x, int count);
int keras_activation_layer(const struct keras_layer *layer, const int *x, int count);

#endif
