/* Random graphs, in both layouts of maps and all layouts of weights, built operator by operator, against naive loops. */
#include "support/test.h"

#include "support/made_graphs.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A graph as it grows, beside what it should compute. */
struct growth {
    struct graph *graph;
    struct random random;
    int x;
    bool last; /* the channels are the last dimension, as in (n, h, w, c) */
    struct map map;
    char steps[200];
};

static int channel_dim(const struct growth *g) { return g->last ? 3 : 1; }

static int between(struct growth *g, int min, int max) { return test_between(&g->random, min, max); }

static bool coin(struct growth *g) { return between(g, 0, 1); }

static int count_of(int rank, const int *dims)
{
    int count = 1;
    for (int i = 0; i < rank; i++)
        count *= dims[i];
    return count;
}

/* Numbers of about one over the square root of `terms`. */
static float *numbers(struct growth *g, int count, int terms)
{
    float *made = test_random_floats((size_t)count, &g->random);
    for (int i = 0; i < count; i++)
        made[i] *= 1.7f / sqrtf((float)terms);
    return made;
}

static struct graph_constant constant(int rank, const int *dims, const float *values)
{
    struct graph_constant made = {.rank = rank, .values = values};
    memcpy(made.dims, dims, (size_t)rank * sizeof *dims);
    return made;
}

/* `from` (dims) with its dimensions in another order. */
static struct graph_constant permuted(const float *from, const int dims[4], const int order[4])
{
    const int to_dims[4] = {dims[order[0]], dims[order[1]], dims[order[2]], dims[order[3]]};
    float *values = test_floats((size_t)count_of(4, dims));
    int index[4];
    for (index[0] = 0; index[0] < dims[0]; index[0]++)
        for (index[1] = 0; index[1] < dims[1]; index[1]++)
            for (index[2] = 0; index[2] < dims[2]; index[2]++)
                for (index[3] = 0; index[3] < dims[3]; index[3]++) {
                    int at = 0, from_at = 0;
                    for (int i = 0; i < 4; i++) {
                        at = at * to_dims[i] + index[order[i]];
                        from_at = from_at * dims[i] + index[i];
                    }
                    values[at] = from[from_at];
                }
    return constant(4, to_dims, values);
}

/* A window that fits the map, with explicit padding or SAME. */
static struct graph_window random_window(struct growth *g, bool pools)
{
    struct graph_window window = {.mode = (enum graph_padding)between(g, 0, 2)};
    const int stride = between(g, 1, 2), dilation = pools ? 1 : between(g, 1, 2), sizes[2] = {g->map.h, g->map.w};
    for (int k = 0; k < 2; k++) {
        int kernel = between(g, 1, 3);
        if ((kernel - 1) * dilation + 1 > sizes[k])
            kernel = 1;
        window.kernel[k] = kernel;
        window.stride[k] = stride;
        window.dilation[k] = dilation;
        const int reach = (kernel - 1) * dilation + 1;
        if (window.mode == GRAPH_EXPLICIT) {
            window.padding[k] = between(g, 0, reach - 1);
            window.padding[k + 2] = between(g, 0, reach - 1);
        }
    }
    window.ceil = pools && coin(g);
    return window;
}

/* ---- Steps ---- */

/* 1 = OIHW: weights (o, i, h, w) as each program would store them. */
static void step_conv(struct growth *g)
{
    const struct graph_window window = random_window(g, false);
    const int c = g->map.c, groups = c % 2 == 0 && coin(g) ? 2 : 1, out = groups * between(g, 1, 6);
    const int dims[4] = {out, c / groups, window.kernel[0], window.kernel[1]};
    const float *weights = numbers(g, count_of(4, dims), count_of(3, dims + 1)), *bias = numbers(g, out, 1);
    static const int orders[3][4] = {{0, 1, 2, 3}, {2, 3, 1, 0}, {0, 2, 3, 1}};
    const int layout = between(g, 0, 2);
    const struct graph_constant stored = permuted(weights, dims, orders[layout]), stored_bias = constant(1, &out, bias);
    const bool biased = coin(g);
    const struct graph_conv conv = {
        &stored, biased ? &stored_bias : NULL, (enum graph_layout)layout, groups, channel_dim(g), window};
    g->x = graph_conv(g->graph, g->x, &conv);
    g->map = map_conv(&g->map, weights, biased ? bias : NULL, out, groups, &window);
}

static void step_depthwise(struct growth *g)
{
    const struct graph_window window = random_window(g, false);
    const int c = g->map.c, multiplier = c <= 8 ? between(g, 1, 2) : 1, out = c * multiplier;
    const int dims[4] = {out, 1, window.kernel[0], window.kernel[1]};
    const float *weights = numbers(g, count_of(4, dims), count_of(2, dims + 2)), *bias = numbers(g, out, 1);
    static const int orders[3][4] = {{0, 1, 2, 3}, {2, 3, 0, 1}, {1, 2, 3, 0}};
    static const enum graph_layout layouts[3] = {GRAPH_OIHW, GRAPH_HWCM, GRAPH_1HWC};
    const int layout = between(g, 0, 2);
    struct graph_constant stored = permuted(weights, dims, orders[layout]), stored_bias = constant(1, &out, bias);
    if (layouts[layout] == GRAPH_HWCM) { /* (h, w, c * m, 1) is (h, w, c, m) */
        stored.dims[2] = c;
        stored.dims[3] = multiplier;
    }
    const struct graph_conv conv = {&stored, &stored_bias, layouts[layout], layout ? 1 : c, channel_dim(g), window};
    g->x = graph_conv(g->graph, g->x, &conv);
    g->map = map_conv(&g->map, weights, bias, out, c, &window);
}

static void step_batchnorm(struct growth *g)
{
    const int c = g->map.c;
    float *numbers_of[4];
    struct graph_constant constants[4];
    double *affine = test_doubles(2 * (size_t)c);
    const float epsilon = coin(g) ? 1e-3f : 1e-5f;
    for (int i = 0; i < 4; i++) {
        numbers_of[i] = numbers(g, c, 1);
        for (int k = 0; i == 3 && k < c; k++)
            numbers_of[i][k] = fabsf(numbers_of[i][k]) + 0.3f;
        constants[i] = constant(1, &c, numbers_of[i]);
    }
    for (int k = 0; k < c; k++) {
        affine[k] = (double)numbers_of[0][k] / sqrt((double)numbers_of[3][k] + (double)epsilon);
        affine[c + k] = (double)numbers_of[1][k] - (double)numbers_of[2][k] * affine[k];
    }
    g->x = graph_batchnorm(
        g->graph, g->x,
        &(struct graph_batchnorm){constants, constants + 1, constants + 2, constants + 3, epsilon, channel_dim(g)});
    map_affine(&g->map, affine, affine + c);
}

/* A constant as (c), (c, 1, 1) or a number, on either side. */
static void step_constant(struct growth *g)
{
    const int c = g->map.c, operation = between(g, 0, 3);
    const bool one = coin(g), first = operation != GRAPH_DIVIDE && coin(g);
    float *values = numbers(g, c, 1);
    double *affine = test_doubles(2 * (size_t)c);
    for (int k = 0; k < c; k++) {
        values[k] = one && k ? values[0] : values[k] + (operation == GRAPH_DIVIDE ? 2 : 0);
        const double value = (double)values[k];
        affine[k] = operation == GRAPH_MULTIPLY ? value : operation == GRAPH_DIVIDE ? 1 / value : 1;
        affine[c + k] = operation == GRAPH_ADD ? value : operation == GRAPH_SUBTRACT ? -value : 0;
        if (operation == GRAPH_SUBTRACT && first) {
            affine[k] = -1;
            affine[c + k] = value;
        }
    }
    const int dims[3] = {c, 1, 1};
    const struct graph_constant stored = constant(one ? 0 : g->last ? 1 : 3, dims, values);
    g->x = graph_arithmetic_constant(g->graph, (enum graph_arithmetic)operation, g->x, &stored, first);
    map_affine(&g->map, affine, affine + c);
}

static double clip_between(double x) { return fmin(fmax(x, -0.25), 0.5); }

static double clip_below(double x) { return fmax(x, -0.25); }

static double clip_above(double x) { return fmin(x, 0.5); }

static double keras_hardsigmoid(double x) { return fmin(fmax(0.2 * x + 0.5, 0), 1); }

static int scalar(struct graph *graph, enum graph_arithmetic operation, int x, float number)
{
    return graph_arithmetic_constant(graph, operation, x, &(struct graph_constant){0, {0}, &number}, false);
}

static void step_activation(struct growth *g)
{
    static double (*const naive[])(double) = {naive_relu,        naive_relu6,    naive_sigmoid, naive_silu,
                                              naive_hardswish,   clip_between,   clip_below,    clip_above,
                                              keras_hardsigmoid, naive_hardswish};
    struct graph *graph = g->graph;
    const int which = between(g, 0, 9), x = g->x;
    switch (which) {
    case 0: g->x = graph_activation(graph, x, NODE_RELU, 0); break;
    case 1: g->x = graph_clip(graph, x, 0, 6); break;
    case 2: g->x = graph_activation(graph, x, NODE_SIGMOID, 0); break;
    case 3: g->x = graph_arithmetic(graph, GRAPH_MULTIPLY, graph_activation(graph, x, NODE_SIGMOID, 0), x); break;
    case 4: g->x = graph_arithmetic(graph, GRAPH_MULTIPLY, x, graph_hard_sigmoid(graph, x, 1 / 6.0f, 0.5f)); break;
    case 5: g->x = graph_clip(graph, x, -0.25f, 0.5f); break;
    case 6: g->x = graph_clip(graph, x, -0.25f, INFINITY); break;
    case 7: g->x = graph_clip(graph, x, -INFINITY, 0.5f); break;
    case 8: g->x = graph_hard_sigmoid(graph, x, 0.2f, 0.5f); break;
    default: /* Keras: x * (relu6(x + 3) * (1 / 6)), or the sixth behind */
        g->x = graph_clip(graph, scalar(graph, GRAPH_ADD, x, 3), 0, 6);
        if (coin(g)) {
            g->x = graph_arithmetic(graph, GRAPH_MULTIPLY, x, scalar(graph, GRAPH_MULTIPLY, g->x, 1 / 6.0f));
        } else {
            g->x = scalar(graph, GRAPH_DIVIDE, graph_arithmetic(graph, GRAPH_MULTIPLY, g->x, x), 6);
        }
    }
    map_bend(&g->map, naive[which]);
}

static void step_pool(struct growth *g)
{
    struct graph_window window = random_window(g, true);
    const bool mean = coin(g);
    window.count_padding = mean && window.mode == GRAPH_EXPLICIT && !window.ceil && coin(g);
    g->x = mean ? graph_avgpool(g->graph, g->x, &window, channel_dim(g))
                : graph_maxpool(g->graph, g->x, &window, channel_dim(g));
    g->map = mean ? map_avgpool(&g->map, &window) : map_maxpool(&g->map, &window);
}

/* Zeros, then a 3x3 convolution that has no padding. */
static void step_pad(struct growth *g)
{
    const int pads[4] = {between(g, 0, 2), between(g, 0, 2), between(g, 0, 2), between(g, 0, 2)}, c = g->map.c;
    if (g->map.h + pads[0] + pads[2] < 3 || g->map.w + pads[1] + pads[3] < 3)
        return;
    int before[4] = {0}, after[4] = {0};
    for (int k = 0; k < 2; k++) {
        before[(g->last ? 1 : 2) + k] = pads[k];
        after[(g->last ? 1 : 2) + k] = pads[k + 2];
    }
    const int dims[4] = {4, c, 3, 3};
    const float *weights = numbers(g, count_of(4, dims), 9 * c);
    const struct graph_constant stored = constant(4, dims, weights);
    struct graph_conv conv = {&stored, NULL, GRAPH_OIHW, 1, channel_dim(g), {{3, 3}, {1, 1}, {1, 1}, .ceil = false}};
    g->x = graph_conv(g->graph, graph_pad(g->graph, g->x, before, after, 0), &conv);
    memcpy(conv.window.padding, pads, sizeof pads);
    g->map = map_conv(&g->map, weights, NULL, 4, 1, &conv.window);
}

static void step_transpose(struct growth *g)
{
    const int to_last[4] = {0, 2, 3, 1}, to_first[4] = {0, 3, 1, 2};
    g->x = graph_transpose(g->graph, g->x, g->last ? to_first : to_last);
    g->last = !g->last;
}

/* (g, c / g) to (c / g, g), as ShuffleNet is written. */
static void step_shuffle(struct growth *g)
{
    const int c = g->map.c, h = g->map.h, w = g->map.w, groups = c % 3 == 0 ? 3 : c % 2 == 0 ? 2 : 1;
    const int first[5] = {1, groups, c / groups, h, w}, first_order[5] = {0, 2, 1, 3, 4}, first_back[4] = {1, c, h, w};
    const int last[5] = {1, h, w, groups, c / groups}, last_order[5] = {0, 1, 2, 4, 3}, last_back[4] = {1, -1, w, c};
    g->x = graph_reshape(g->graph, g->x, 5, g->last ? last : first);
    g->x = graph_transpose(g->graph, g->x, g->last ? last_order : first_order);
    g->x = graph_reshape(g->graph, g->x, 4, g->last ? last_back : first_back);
    g->map = map_shuffle(&g->map, groups);
}

static void step_concat(struct growth *g)
{
    if (g->map.c > 12)
        return;
    struct map other = map_copy(&g->map);
    map_bend(&other, naive_relu);
    const int parts[2] = {g->x, graph_activation(g->graph, g->x, NODE_RELU, 0)};
    g->x = graph_concat(g->graph, 2, parts, channel_dim(g) - 4);
    g->map = map_concat(&g->map, &other);
}

static void step_slice(struct growth *g)
{
    const int first = between(g, 0, g->map.c - 1), count = between(g, 1, g->map.c - first);
    g->x = graph_slice(g->graph, g->x, channel_dim(g), first - (coin(g) ? g->map.c : 0), first + count, 1);
    g->map = map_slice(&g->map, first, count);
}

/* x times a factor a channel that its means decide. */
static void step_gate(struct growth *g)
{
    const int c = g->map.c, axes[2] = {g->last ? 1 : 2, -1 - g->last}, dims[4] = {c, c, 1, 1};
    const float *weights = numbers(g, c * c, c), *bias = numbers(g, c, 1);
    const struct graph_constant stored = constant(4, dims, weights), stored_bias = constant(1, &c, bias);
    const struct graph_conv conv = {&stored, &stored_bias,   GRAPH_OIHW,
                                    1,       channel_dim(g), {{1, 1}, {1, 1}, {1, 1}, .ceil = false}};
    int gate = graph_reduce_mean(g->graph, g->x, 2, axes, true);
    gate = graph_hard_sigmoid(g->graph, graph_conv(g->graph, gate, &conv), 1 / 6.0f, 0.5f);
    const bool sum = coin(g);
    g->x = coin(g) ? graph_arithmetic(g->graph, sum ? GRAPH_ADD : GRAPH_MULTIPLY, g->x, gate)
                   : graph_arithmetic(g->graph, sum ? GRAPH_ADD : GRAPH_MULTIPLY, gate, g->x);
    struct map mean = map_mean(&g->map);
    mean = map_conv(&mean, weights, bias, c, 1, &conv.window);
    map_bend(&mean, naive_hardsigmoid);
    g->map = sum ? map_add(&g->map, &mean) : map_multiply(&g->map, &mean);
}

static void step_residual(struct growth *g)
{
    const int c = g->map.c, dims[4] = {c, c, 3, 3};
    const float *weights = numbers(g, count_of(4, dims), 9 * c);
    const struct graph_constant stored = constant(4, dims, weights);
    const struct graph_conv conv = {&stored, NULL,           GRAPH_OIHW,
                                    1,       channel_dim(g), {{3, 3}, {1, 1}, {1, 1}, .padding = {1, 1, 1, 1}}};
    const int branch = graph_conv(g->graph, g->x, &conv);
    struct map other = map_conv(&g->map, weights, NULL, c, 1, &conv.window);
    if (coin(g)) {
        g->x = graph_arithmetic(g->graph, GRAPH_ADD, g->x, branch);
    } else {
        g->x = graph_arithmetic(g->graph, GRAPH_SUBTRACT, g->x, branch);
        for (int i = 0; i < map_count(&other); i++)
            other.values[i] = -other.values[i];
    }
    g->map = map_add(&g->map, &other);
}

static void (*const steps[])(struct growth *) = {
    step_conv,      step_depthwise, step_batchnorm, step_constant, step_activation, step_pool,    step_pad,
    step_transpose, step_shuffle,   step_concat,    step_slice,    step_gate,       step_residual};
static const char letters[] = "cdbkapztsjlgr";

/* ---- The end ---- */

/* A dense layer over the flattened map, in the order in which the graph has it. */
static double *end_dense(struct growth *g, int classes)
{
    if (coin(g)) {
        const int axes[2] = {g->last ? 1 : 2, g->last ? 2 : 3};
        g->x = graph_reduce_mean(g->graph, g->x, 2, axes, true);
        g->map = map_mean(&g->map);
    }
    const int count = map_count(&g->map), pixels = g->map.h * g->map.w, c = g->map.c;
    const float *weights = numbers(g, classes * count, count), *bias = numbers(g, classes, 1);
    const bool transposed = coin(g);
    float *stored = test_floats((size_t)(classes * count));
    for (int o = 0; o < classes; o++)
        for (int i = 0; i < count; i++) {
            const int at = g->last ? i % pixels * c + i / pixels : i;
            stored[transposed ? o * count + at : at * classes + o] = weights[o * count + i];
        }
    const int dims[2] = {transposed ? classes : count, transposed ? count : classes};
    const struct graph_constant matrix = constant(2, dims, stored), shift = constant(1, &classes, bias);
    g->x = graph_reshape(g->graph, g->x, 2, (const int[]){-1, count});
    g->x = graph_dense(g->graph, g->x, &(struct graph_dense){&matrix, &shift, transposed});
    return map_dense(&g->map, weights, bias, classes);
}

static void grow(uint64_t seed)
{
    enum { CLASSES = 5 };
    struct failure failure = {0};
    struct growth g = {.random = random_seed(seed, 2)};
    const int h = between(&g, 5, 12), w = between(&g, 5, 12), c = coin(&g) ? 3 : 1, count = between(&g, 1, 8);
    g.graph = graph_new(&failure);
    g.last = coin(&g);
    const int first[4] = {1, c, h, w}, last[4] = {-1, h, w, c};
    g.x = graph_input(g.graph, 4, g.last ? last : first, channel_dim(&g));
    const struct map picture = g.map = map_random(c, h, w, &g.random);
    g.map = map_copy(&g.map);
    for (int i = 0; i < count; i++) {
        const int step = between(&g, 0, (int)(sizeof steps / sizeof *steps) - 1);
        g.steps[i] = letters[step];
        steps[step](&g);
    }
    const double *expected = end_dense(&g, CLASSES);
    test_context("seed %d, steps %s", (int)seed, g.steps);
    struct graph_result *result = test_bytes(sizeof *result);
    if (!graph_finish(result, g.graph, g.x)) {
        test_fail(__FILE__, __LINE__, "refused: %s", failure.reason);
    } else {
        CHECK_ALL_CLOSE(made_scores(result, &picture), expected, CLASSES, 1e-4);
        free(result->parameters);
    }
    graph_free(g.graph);
}

TEST(random_graphs)
{
    for (uint64_t seed = 0; seed < 2000; seed++) {
        void *kept = test_bytes(1);
        grow(seed);
        test_release_newer(kept);
    }
}

static const struct test tests[] = {ENTRY(random_graphs)};
const struct suite graph_random_suite = SUITE("graph_random", tests);
