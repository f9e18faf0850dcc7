/* The graph builder (train_native/exchange/graph.h): networks built operator by operator, as programs that keep channels
 * first write them, against naive loops over such arrays; and what it refuses. */
#include "support/test.h"

#include "exchange/graph.h"
#include "support/nets.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- Naive: a map (c, h, w) in double ---- */

struct map {
    int c, h, w;
    double *values;
};

static struct map new_map(int c, int h, int w) { return (struct map){c, h, w, test_doubles((size_t)(c * h * w))}; }

static double at(const struct map *map, int c, int y, int x)
{
    const bool inside = y >= 0 && x >= 0 && y < map->h && x < map->w;
    return inside ? map->values[(c * map->h + y) * map->w + x] : 0;
}

static struct map random_map(int c, int h, int w, struct random *random)
{
    struct map map = new_map(c, h, w);
    for (int i = 0; i < c * h * w; i++)
        map.values[i] = (double)(2 * random_uniform(random) - 1);
    return map;
}

/* weights (o, i, h, w) */
static struct map naive_conv(const struct map *in, const float *weights, const float *bias, int out, int groups,
                             const struct graph_window *window)
{
    const int *pad = window->padding, *k = window->kernel, s = window->stride[0], d = window->dilation[0];
    const int h = (in->h + pad[0] + pad[2] - (k[0] - 1) * d - 1) / s + 1;
    const int w = (in->w + pad[1] + pad[3] - (k[1] - 1) * d - 1) / s + 1;
    const int inputs = in->c / groups;
    struct map map = new_map(out, h, w);
    for (int o = 0; o < out; o++)
        for (int y = 0; y < h; y++)
            for (int x = 0; x < w; x++) {
                double sum = bias ? (double)bias[o] : 0;
                for (int i = 0; i < inputs; i++)
                    for (int ky = 0; ky < k[0]; ky++)
                        for (int kx = 0; kx < k[1]; kx++)
                            sum += (double)weights[((o * inputs + i) * k[0] + ky) * k[1] + kx] *
                                   at(in, o / (out / groups) * inputs + i, y * s - pad[0] + ky * d,
                                      x * s - pad[1] + kx * d);
                map.values[(o * h + y) * w + x] = sum;
            }
    return map;
}

static double plain_relu(double x) { return x > 0 ? x : 0; }

static double plain_hardswish(double x) { return x * fmin(fmax(x + 3, 0), 6) / 6; }

static void bend(struct map *map, double (*activation)(double))
{
    for (int i = 0; i < map->c * map->h * map->w; i++)
        map->values[i] = activation(map->values[i]);
}

static void scale_channels(struct map *map, const double *factors, const double *offsets)
{
    for (int i = 0; i < map->c * map->h * map->w; i++)
        map->values[i] = map->values[i] * factors[i / (map->h * map->w)] + offsets[i / (map->h * map->w)];
}

/* weights (out, in) of the values in the order of the map */
static double *naive_dense(const struct map *in, const float *weights, const float *bias, int out)
{
    double *scores = test_doubles((size_t)out);
    const int count = in->c * in->h * in->w;
    for (int o = 0; o < out; o++) {
        scores[o] = (double)bias[o];
        for (int i = 0; i < count; i++)
            scores[o] += (double)weights[o * count + i] * in->values[i];
    }
    return scores;
}

/* ---- The graph at work ---- */

static struct random source;
static struct failure failure;

static struct graph *begin(int *x, int c, int h, int w)
{
    source = random_seed(17, 1);
    failure = (struct failure){0};
    struct graph *graph = graph_new(&failure);
    *x = graph_input(graph, 4, (const int[]){1, c, h, w}, 1);
    return graph;
}

static struct graph_constant constant(int rank, const int *dims)
{
    struct graph_constant made = {.rank = rank};
    size_t count = 1;
    for (int i = 0; i < rank; i++)
        count *= (size_t)(made.dims[i] = dims[i]);
    made.values = test_random_floats(count, &source);
    return made;
}

static struct graph_constant vector(int c) { return constant(1, &c); }

static struct graph_window window_of(int kernel, int stride, int padding)
{
    return (struct graph_window){
        {kernel, kernel}, {stride, stride}, {1, 1}, .padding = {padding, padding, padding, padding}};
}

/* What the result's network makes of a picture, its scores before the softmax. */
static const float *scores_of(const struct graph_result *result, const struct map *picture)
{
    struct fixture *fixture = test_bytes(sizeof *fixture);
    memset(fixture, 0, sizeof *fixture);
    fixture_open(fixture, &result->net, result->parameters, 1, NET_INFER);
    for (int y = 0; y < picture->h; y++)
        for (int x = 0; x < picture->w; x++)
            for (int c = 0; c < picture->c; c++)
                fixture->run.tensor[0][(y * picture->w + x) * picture->c + c] =
                    (float)(at(picture, c, y, x) * (double)result->front_scale[c] + (double)result->front_shift[c]);
    net_forward(&fixture->run, 1);
    return net_logits(&fixture->run);
}

static struct graph_result *finish(struct graph *graph, int x)
{
    struct graph_result *result = test_bytes(sizeof *result);
    if (!graph_finish(result, graph, x)) {
        test_fail(__FILE__, __LINE__, "refused: %s", failure.reason);
        memset(result, 0, sizeof *result);
    }
    graph_free(graph);
    return result;
}

static void check_scores(struct graph_result *result, const struct map *picture, const double *expected, int count)
{
    if (result->net.node_count) {
        CHECK_EQUAL(net_classes(&result->net), count);
        CHECK_ALL_CLOSE(scores_of(result, picture), expected, (size_t)count, 2e-5);
    }
    free(result->parameters);
}

static void check_refused(struct graph *graph, int x, const char *reason)
{
    struct graph_result result;
    const bool done = graph_finish(&result, graph, x);
    CHECK(!done);
    if (done)
        free(result.parameters);
    else if (!strstr(failure.reason, reason))
        test_fail(__FILE__, __LINE__, "refused with \"%s\", not \"%s\"", failure.reason, reason);
    graph_free(graph);
}

static int count_kind(const struct net *net, enum node_kind kind)
{
    int count = 0;
    for (int i = 0; i < net->node_count; i++)
        count += net->nodes[i].kind == kind;
    return count;
}

/* ---- Convolution, batch norm, ReLU, pool, flatten, dense ---- */

TEST(a_flattened_map)
{
    int x;
    struct graph *graph = begin(&x, 3, 9, 8);
    const struct map picture = random_map(3, 9, 8, &source);
    const struct graph_constant weights = constant(4, (const int[]){5, 3, 3, 3}), bias = vector(5);
    const struct graph_conv conv = {&weights, &bias, GRAPH_OIHW, 1, 1, window_of(3, 2, 1)};
    struct graph_constant variance = vector(5);
    for (int i = 0; i < 5; i++)
        ((float *)variance.values)[i] += 1.5f;
    const struct graph_constant scale = vector(5), shift = vector(5), mean = vector(5);
    const struct graph_constant rows = constant(2, (const int[]){7, 5 * 5 * 4}), scores_bias = vector(7);

    x = graph_conv(graph, x, &conv);
    x = graph_batchnorm(graph, x, &(struct graph_batchnorm){&scale, &shift, &mean, &variance, 1e-5f, 1});
    x = graph_activation(graph, x, NODE_RELU, 0);
    x = graph_reshape(graph, x, 2, (const int[]){1, -1});
    x = graph_dense(graph, x, &(struct graph_dense){&rows, &scores_bias, true});
    x = graph_softmax(graph, x, -1);

    struct map map = naive_conv(&picture, weights.values, bias.values, 5, 1,
                                &(struct graph_window){{3, 3}, {2, 2}, {1, 1}, .padding = {1, 1, 1, 1}});
    double factors[5], offsets[5];
    for (int i = 0; i < 5; i++) {
        factors[i] = (double)scale.values[i] / sqrt((double)variance.values[i] + 1e-5);
        offsets[i] = (double)shift.values[i] - (double)mean.values[i] * factors[i];
    }
    scale_channels(&map, factors, offsets);
    bend(&map, plain_relu);
    struct graph_result *result = finish(graph, x);
    CHECK(result->logits_were_probabilities && !result->features_only && !result->has_front);
    CHECK_EQUAL(result->net.node_count, 5); /* conv2d, relu, flatten, dense, softmax */
    CHECK(!result->net.nodes[0].same);      /* TensorFlow pads 8 columns by 0 and 1 */
    check_scores(result, &picture, naive_dense(&map, rows.values, scores_bias.values, 7), 7);
}

/* ---- What a network has other words for ---- */

static int scalar(struct graph *graph, enum graph_arithmetic operation, int x, float number)
{
    return graph_arithmetic_constant(graph, operation, x, &(struct graph_constant){0, {0}, &number}, false);
}

/* (x / 127.5 - 1) in front, x * relu6(x + 3) / 6 in the middle, a mean over h and w, a 1x1 convolution for each class. */
TEST(spelled_out)
{
    int x;
    struct graph *graph = begin(&x, 3, 8, 8);
    const struct map picture = random_map(3, 8, 8, &source);
    const struct graph_constant filters = constant(4, (const int[]){6, 1, 3, 3});
    const struct graph_constant classes = constant(4, (const int[]){4, 6, 1, 1}), bias = vector(4);
    struct graph_window window = window_of(3, 1, 0);
    const struct graph_conv depthwise = {&filters, NULL, GRAPH_OIHW, 3, 1, window};
    const struct graph_conv last = {&classes, &bias, GRAPH_OIHW, 1, 1, window_of(1, 1, 0)};

    x = scalar(graph, GRAPH_DIVIDE, x, 2.5f);
    x = scalar(graph, GRAPH_SUBTRACT, x, 0.5f);
    x = graph_pad(graph, x, (const int[]){0, 0, 1, 1}, (const int[]){0, 0, 1, 1}, 0);
    const int before = x = graph_conv(graph, x, &depthwise);
    x = graph_clip(graph, scalar(graph, GRAPH_ADD, x, 3), 0, 6);
    x = graph_arithmetic(graph, GRAPH_MULTIPLY, before, x);
    x = scalar(graph, GRAPH_MULTIPLY, x, 1 / 6.0f);
    x = graph_reduce_mean(graph, x, 2, (const int[]){-1, -2}, true);
    x = graph_conv(graph, x, &last);
    x = graph_reshape(graph, x, 1, (const int[]){4});

    struct map in = new_map(3, 8, 8);
    memcpy(in.values, picture.values, 3 * 64 * sizeof(double));
    scale_channels(&in, (const double[]){0.4, 0.4, 0.4}, (const double[]){-0.5, -0.5, -0.5});
    window.padding[0] = window.padding[1] = window.padding[2] = window.padding[3] = 1;
    struct map map = naive_conv(&in, filters.values, NULL, 6, 3, &window);
    bend(&map, plain_hardswish);
    struct map mean = new_map(6, 1, 1);
    for (int c = 0; c < 6; c++) {
        mean.values[c] = 0;
        for (int i = 0; i < 64; i++)
            mean.values[c] += map.values[c * 64 + i] / 64;
    }
    struct graph_result *result = finish(graph, x);
    CHECK(result->has_front && !result->logits_were_probabilities && !result->features_only);
    CHECK_EQUAL(count_kind(&result->net, NODE_HARDSWISH), 1);
    CHECK_EQUAL(result->net.node_count, 5); /* conv2d, hardswish, global_avgpool, dense, softmax */
    CHECK_EQUAL(result->net.embedding, 3);
    check_scores(result, &picture, naive_dense(&mean, classes.values, bias.values, 4), 4);
}

/* ---- What is refused ---- */

TEST(refusals)
{
    int x;
    struct graph *graph = begin(&x, 3, 8, 8);
    const struct graph_constant weights = constant(4, (const int[]){4, 3, 3, 3});
    struct graph_conv conv = {&weights, NULL, GRAPH_OIHW, 1, 1, window_of(3, 1, 1)};
    conv.window.stride[0] = 2;
    graph_at(graph, "Conv", "features.0");
    x = graph_conv(graph, x, &conv);
    x = graph_activation(graph, x, NODE_RELU, 0);
    check_refused(graph, x, "Conv \"features.0\": stride 2x1: strides must be equal");

    graph = begin(&x, 3, 8, 8);
    conv.window = window_of(3, 1, 3);
    check_refused(graph, graph_conv(graph, x, &conv), "padding 3 for a window of 3 pixels");

    graph = begin(&x, 3, 8, 8);
    check_refused(graph, graph_pad(graph, x, (const int[]){0, 1, 0, 0}, (const int[4]){0}, 0),
                  "padding of dimension 1");

    graph = begin(&x, 3, 8, 8);
    check_refused(graph, graph_pad(graph, x, (const int[]){0, 0, 1, 0}, (const int[4]){0}, 0), "no convolution");

    graph = begin(&x, 3, 8, 8);
    check_refused(graph, graph_reshape(graph, x, 2, (const int[]){1, 191}), "1x3x8x8 values do not fill 1x191");

    graph = begin(&x, 3, 8, 8);
    check_refused(graph, graph_reshape(graph, x, 2, (const int[]){1 << 30, 1 << 30}), "do not fill");

    graph = begin(&x, 3, 8, 8);
    check_refused(graph, graph_reduce_mean(graph, x, 1, (const int[]){2}, false), "only one over all");
    graph = begin(&x, 3, 8, 8);
    check_refused(graph, x + 5, "no operator before it");
}

static const struct test tests[] = {ENTRY(a_flattened_map), ENTRY(spelled_out), ENTRY(refusals)};
const struct suite graph_suite = SUITE("graph", tests);
