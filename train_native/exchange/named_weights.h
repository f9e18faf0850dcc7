/* Weights by their names, as Keras and TensorFlow call them: "block_1/conv/kernel".
 *
 *     struct named_weights weights = {0};
 *     float *values = allocate(count, sizeof *values);
 *     named_weights_add(&weights, "conv/kernel", &(struct graph_constant){.rank = 4, .dims = {3, 3, 3, 16}}, values);
 *     const char *twice = named_weights_sort(&weights);
 *     bool ambiguous;
 *     const struct graph_constant *kernel = named_weights_of_layer(&weights, "sequential/conv", "kernel", &ambiguous);
 *     named_weights_free(&weights); */
#ifndef NAMED_WEIGHTS_H
#define NAMED_WEIGHTS_H

#include "exchange/graph.h"

#include <stdbool.h>
#include <stddef.h>

struct named_weight {
    char *name;
    const char *tail; /* of the name: the last two parts, the layer's and the weight's own */
    struct graph_constant constant;
    float *values; /* the constant's, owned */
};

struct named_weights {
    struct named_weight *items;
    int count;
};

/* A copy of the name, and the constant, whose values (allocated, or NULL for none) it frees. */
void named_weights_add(struct named_weights *weights, const char *name, const struct graph_constant *constant,
                       float *values);
void named_weights_free(struct named_weights *weights);

/* For the look-ups below, when all are there. Returns a name that stands there twice, or NULL. */
const char *named_weights_sort(struct named_weights *weights);

/* By its whole name; NULL: there is none. */
const struct graph_constant *named_weights_find(const struct named_weights *weights, const char *name);

/* Of a layer, given by its path of names through nested models: called so with the path before it, as much of it as
 * the program that wrote them put there; TensorFlow.js and Keras mostly leave all but the layer's own name out.
 * *ambiguous: set where several are called so and none by the whole path. */
const struct graph_constant *named_weights_of_layer(const struct named_weights *weights, const char *path,
                                                    const char *weight, bool *ambiguous);

#endif
