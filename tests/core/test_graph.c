/* The graph builder (train_native/exchange/graph.h): networks built operator by operator, as programs that keep channels
 * first write them, against naive loops over such arrays. */
#include "support/test.h"

#include "support/made_graphs.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static struct graph_result *finish(struct graph *graph, int x)
{
    struct graph_result *result = test_bytes(sizeof *result);
    if (!graph_finish(result, graph, x)) {
        test_fail(__FILE__, __LINE__, "refused: %s", made_failure.reason);
        memset(result, 0, sizeof *result);
    }
    graph_free(graph);
    return result;
}

static void check_scores(struct graph_result *result, const struct map *picture, const double *expected, int count)
{
    if (result->net.node_count) {
        CHECK_EQUAL(net_classes(&result->net), count);
        CHECK_ALL_CLOSE(made_scores(result, picture), expected, (size_t)count, 2e-5);
    }
    free(result->parameters);
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
    struct graph *graph = made_graph(&x, 3, 9, 8);
    const struct map picture = map_random(3, 9, 8, &made_random);
    const struct graph_constant weights = made_constant(4, (const int[]){5, 3, 3, 3}), bias = made_vector(5);
    const struct graph_conv conv = {&weights, &bias, GRAPH_OIHW, 1, 1, made_window(3, 2, 1)};
    struct graph_constant variance = made_vector(5);
    for (int i = 0; i < 5; i++)
        ((float *)variance.values)[i] += 1.5f;
    const struct graph_constant scale = made_vector(5), shift = made_vector(5), mean = made_vector(5);
    const struct graph_constant rows = made_constant(2, (const int[]){7, 5 * 5 * 4}), scores_bias = made_vector(7);

    x = graph_conv(graph, x, &conv);
    x = graph_batchnorm(graph, x, &(struct graph_batchnorm){&scale, &shift, &mean, &variance, 1e-5f, 1});
    x = graph_activation(graph, x, NODE_RELU, 0);
    x = graph_reshape(graph, x, 2, (const int[]){1, -1});
    x = graph_dense(graph, x, &(struct graph_dense){&rows, &scores_bias, true});
    x = graph_softmax(graph, x, -1);

    struct map map = map_conv(&picture, weights.values, bias.values, 5, 1,
                              &(struct graph_window){{3, 3}, {2, 2}, {1, 1}, .padding = {1, 1, 1, 1}});
    double factors[5], offsets[5];
    for (int i = 0; i < 5; i++) {
        factors[i] = (double)scale.values[i] / sqrt((double)variance.values[i] + 1e-5);
        offsets[i] = (double)shift.values[i] - (double)mean.values[i] * factors[i];
    }
    map_affine(&map, factors, offsets);
    map_bend(&map, naive_relu);
    struct graph_result *result = finish(graph, x);
    CHECK(result->logits_were_probabilities && !result->features_only && !result->has_front);
    CHECK_EQUAL(result->net.node_count, 5); /* conv2d, relu, flatten, dense, softmax */
    CHECK(!result->net.nodes[0].same);      /* TensorFlow pads 8 columns by 0 and 1 */
    check_scores(result, &picture, map_dense(&map, rows.values, scores_bias.values, 7), 7);
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
    struct graph *graph = made_graph(&x, 3, 8, 8);
    const struct map picture = map_random(3, 8, 8, &made_random);
    const struct graph_constant filters = made_constant(4, (const int[]){6, 1, 3, 3});
    const struct graph_constant classes = made_constant(4, (const int[]){4, 6, 1, 1}), bias = made_vector(4);
    struct graph_window window = made_window(3, 1, 0);
    const struct graph_conv depthwise = {&filters, NULL, GRAPH_OIHW, 3, 1, window};
    const struct graph_conv last = {&classes, &bias, GRAPH_OIHW, 1, 1, made_window(1, 1, 0)};

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

    struct map in = map_copy(&picture);
    map_affine(&in, (const double[]){0.4, 0.4, 0.4}, (const double[]){-0.5, -0.5, -0.5});
    window.padding[0] = window.padding[1] = window.padding[2] = window.padding[3] = 1;
    struct map map = map_conv(&in, filters.values, NULL, 6, 3, &window);
    map_bend(&map, naive_hardswish);
    const struct map mean = map_mean(&map);
    struct graph_result *result = finish(graph, x);
    CHECK(result->has_front && !result->logits_were_probabilities && !result->features_only);
    CHECK_EQUAL(count_kind(&result->net, NODE_HARDSWISH), 1);
    CHECK_EQUAL(result->net.node_count, 5); /* conv2d, hardswish, global_avgpool, dense, softmax */
    CHECK_EQUAL(result->net.embedding, 3);
    check_scores(result, &picture, map_dense(&mean, classes.values, bias.values, 4), 4);
}

/* ---- The end ---- */

static int end_in_means(struct graph *graph, int x, int channels)
{
    const struct graph_constant weights = made_constant(4, (const int[]){channels, 3, 1, 1});
    const struct graph_conv conv = {&weights, NULL, GRAPH_OIHW, 1, 1, made_window(1, 1, 0)};
    x = graph_activation(graph, graph_conv(graph, x, &conv), NODE_RELU, 0);
    return graph_reduce_mean(graph, x, 2, (const int[]){2, 3}, false);
}

TEST(classes_or_features)
{
    static const struct {
        int channels, expected;
        bool features;
    } ends[] = {{10, 0, false}, {64, 0, true}, {64, 64, false}};
    for (int i = 0; i < 3; i++) {
        int x;
        struct graph *graph = made_graph(&x, 3, 4, 4);
        graph_expect_classes(graph, ends[i].expected);
        struct graph_result *result = finish(graph, end_in_means(graph, x, ends[i].channels));
        test_context("%d channels, %d classes expected", ends[i].channels, ends[i].expected);
        CHECK_EQUAL(result->features_only, ends[i].features);
        CHECK_EQUAL(net_classes(&result->net), ends[i].features ? 1 : ends[i].channels);
        CHECK_EQUAL(result->net.embedding, ends[i].features ? 3 : 0);
        free(result->parameters);
    }
}

/* One sigmoid is a softmax of two classes; a division before the softmax is its temperature. */
TEST(other_ends)
{
    for (int two = 0; two < 2; two++) {
        int x;
        struct graph *graph = made_graph(&x, 3, 2, 2);
        const struct map picture = map_random(3, 2, 2, &made_random);
        const struct graph_constant rows = made_constant(2, (const int[]){12, 1 + 2 * two}),
                                    bias = made_vector(1 + 2 * two);
        x = graph_reshape(graph, x, 2, (const int[]){1, 12});
        x = graph_dense(graph, x, &(struct graph_dense){&rows, &bias, false});
        if (two)
            x = graph_softmax(graph, scalar(graph, GRAPH_DIVIDE, x, 2.5f), 1);
        else
            x = graph_activation(graph, x, NODE_SIGMOID, 0);
        float *turned = test_floats(12 * 3);
        for (int i = 0; i < 12; i++)
            for (int o = 0; o < 1 + 2 * two; o++)
                turned[o * 12 + i] = rows.values[i * (1 + 2 * two) + o];
        double expected[3] = {0};
        memcpy(expected + 1 - two, map_dense(&picture, turned, bias.values, 1 + 2 * two),
               (size_t)(1 + 2 * two) * sizeof(double));
        struct graph_result *result = finish(graph, x);
        CHECK(result->logits_were_probabilities);
        CHECK_CLOSE(result->temperature, two ? 2.5 : 1, 1e-6);
        CHECK_EQUAL(result->net.node_count, 3); /* flatten, dense, softmax */
        check_scores(result, &picture, expected, 2 + two);
    }
}

/* As `eyelet export --onnx` writes GELU, which is then the same layer again. */
TEST(gelu)
{
    int x;
    struct graph *graph = made_graph(&x, 3, 4, 4);
    const int in = x;
    const int square = graph_arithmetic(graph, GRAPH_MULTIPLY, in, in);
    const int bent = scalar(graph, GRAPH_MULTIPLY, square, 1.5957691216f * 0.044715f);
    const int factor = scalar(graph, GRAPH_ADD, bent, 1.5957691216f);
    const int gate = graph_activation(graph, graph_arithmetic(graph, GRAPH_MULTIPLY, in, factor), NODE_SIGMOID, 0);
    struct graph_result *result =
        finish(graph, end_in_means(graph, graph_arithmetic(graph, GRAPH_MULTIPLY, in, gate), 5));
    CHECK_EQUAL(result->net.node_count, 5); /* gelu, conv2d, relu, global_avgpool, softmax */
    CHECK_EQUAL(count_kind(&result->net, NODE_GELU), 1);
    free(result->parameters);
}

/* A batch norm between two layers that do not take it in stays, with its numbers; behind a maxpool it goes before. */
TEST(batch_norms)
{
    static const float ones[3] = {1, 2, 3}, variances[3] = {0.5f, 1, 2};
    const struct graph_constant positive = {1, {3}, ones}, variance = {1, {3}, variances};
    const struct graph_batchnorm norm = {&positive, &positive, &positive, &variance, 1e-3f, 1};
    int x;
    struct graph *graph = made_graph(&x, 3, 4, 4);
    x = graph_batchnorm(graph, graph_activation(graph, x, NODE_RELU, 0), &norm);
    struct graph_result *result = finish(graph, end_in_means(graph, graph_activation(graph, x, NODE_RELU, 0), 5));
    CHECK_EQUAL(count_kind(&result->net, NODE_BATCHNORM), 1);
    CHECK_SAME_BITS(result->parameters + 9, variances, 3);
    free(result->parameters);

    graph = made_graph(&x, 3, 4, 4);
    const struct graph_constant weights = made_constant(4, (const int[]){3, 3, 1, 1});
    const struct graph_conv conv = {&weights, NULL, GRAPH_OIHW, 1, 1, made_window(1, 1, 0)};
    const struct graph_window window = made_window(2, 2, 0);
    x = graph_batchnorm(graph, graph_maxpool(graph, graph_conv(graph, x, &conv), &window, 1), &norm);
    result = finish(graph, end_in_means(graph, x, 5));
    CHECK_EQUAL(count_kind(&result->net, NODE_BATCHNORM), 0);
    free(result->parameters);
}

static const struct test tests[] = {ENTRY(a_flattened_map), ENTRY(spelled_out),        ENTRY(other_ends), ENTRY(gelu),
                                    ENTRY(batch_norms),     ENTRY(classes_or_features)};
const struct suite graph_suite = SUITE("graph", tests);
