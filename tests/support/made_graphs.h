/* Graphs for tests of the graph builder, with random numbers, and the scores of the networks that come out.
 *
 *     int x;
 *     struct graph *graph = made_graph(&x, 3, 8, 8);                  // with an input (1, 3, 8, 8)
 *     const struct graph_constant weights = made_constant(4, (const int[]){5, 3, 3, 3});
 *     const struct graph_conv conv = {&weights, NULL, GRAPH_OIHW, 1, 1, made_window(3, 1, 1)};
 *     x = graph_conv(graph, x, &conv); */
#ifndef MADE_GRAPHS_H
#define MADE_GRAPHS_H

#include "exchange/graph.h"
#include "support/naive_map.h"
#include "support/test.h"

extern struct random made_random;   /* begun anew with each graph */
extern struct failure made_failure; /* of the last graph */

struct graph *made_graph(int *x, int c, int h, int w);
struct graph_constant made_constant(int rank, const int *dims); /* random; memory goes with the test */
struct graph_constant made_vector(int c);
struct graph_window made_window(int kernel, int stride, int padding); /* the same along both sides */

/* What the result's network makes of a picture (c, h, w): its scores before the softmax. */
const float *made_scores(const struct graph_result *result, const struct map *picture);

#endif
