/* Naive loops in double over maps (c, h, w), as programs that keep channels first define their operators: what the graph
 * builder's networks are held against. Written from the operators' definitions; nothing here is fast.
 *
 *     struct random random = random_seed(1, 1);
 *     const struct map in = map_random(3, 8, 8, &random);
 *     const struct map mean = map_mean(&in);              // (3, 1, 1); memory goes with the test */
#ifndef NAIVE_MAP_H
#define NAIVE_MAP_H

#include "exchange/graph.h"
#include "support/test.h"

struct map {
    int c, h, w;
    double *values;
};

static inline int map_count(const struct map *map) { return map->c * map->h * map->w; }

/* 0 outside. */
double map_at(const struct map *map, int c, int y, int x);
struct map map_new(int c, int h, int w);
struct map map_copy(const struct map *map);
struct map map_random(int c, int h, int w, struct random *random);

/* A window that says what SAME and ceil_mode come to: padding explicit, and the outputs along h and w. */
struct graph_window map_window(int out[2], const struct map *in, const struct graph_window *window);

/* weights (out, c / groups, kernel), bias (out) or NULL. */
struct map map_conv(const struct map *in, const float *weights, const float *bias, int out, int groups,
                    const struct graph_window *window);
struct map map_maxpool(const struct map *in, const struct graph_window *window);
struct map map_avgpool(const struct map *in, const struct graph_window *window);

void map_affine(struct map *map, const double *factors, const double *offsets); /* (c) each */
void map_bend(struct map *map, double (*activation)(double));
struct map map_mean(const struct map *in);
struct map map_concat(const struct map *a, const struct map *b);
struct map map_slice(const struct map *in, int first, int count);
struct map map_shuffle(const struct map *in, int groups);     /* reshaped to (groups, c / groups), turned round */
struct map map_add(const struct map *a, const struct map *b); /* b may be of one pixel, as in map_multiply */
struct map map_multiply(const struct map *a, const struct map *b);

/* weights (out, all values of the map, in its order), bias (out). */
double *map_dense(const struct map *in, const float *weights, const float *bias, int out);

double naive_relu(double x);
double naive_relu6(double x);
double naive_sigmoid(double x);
double naive_hardsigmoid(double x);
double naive_hardswish(double x);
double naive_silu(double x);

#endif
