/* What the graph builder (train_native/exchange/graph.h) refuses, and numbers that only a hostile file has. */
#include "support/test.h"

#include "support/made_graphs.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static void check_refused(struct graph *graph, int x, const char *reason)
{
    struct graph_result result;
    const bool done = graph_finish(&result, graph, x);
    CHECK(!done);
    if (done)
        free(result.parameters);
    else if (!strstr(made_failure.reason, reason))
        test_fail(__FILE__, __LINE__, "refused with \"%s\", not \"%s\"", made_failure.reason, reason);
    graph_free(graph);
}

TEST(refusals)
{
    int x;
    struct graph *graph = made_graph(&x, 3, 8, 8);
    const struct graph_constant weights = made_constant(4, (const int[]){4, 3, 3, 3});
    struct graph_conv conv = {&weights, NULL, GRAPH_OIHW, 1, 1, made_window(3, 1, 1)};
    conv.window.stride[0] = 2;
    graph_at(graph, "Conv", "features.0");
    x = graph_conv(graph, x, &conv);
    x = graph_activation(graph, x, NODE_RELU, 0);
    check_refused(graph, x, "Conv \"features.0\": stride 2x1: strides must be equal");

    graph = made_graph(&x, 3, 8, 8);
    conv.window = made_window(3, 1, 3);
    check_refused(graph, graph_conv(graph, x, &conv), "padding 3 for a window of 3 pixels");

    graph = made_graph(&x, 3, 8, 8);
    check_refused(graph, graph_pad(graph, x, (const int[]){0, 1, 0, 0}, (const int[4]){0}, 0),
                  "padding of other dimensions");

    graph = made_graph(&x, 3, 8, 8);
    check_refused(graph, graph_pad(graph, x, (const int[]){0, 0, 1, 0}, (const int[4]){0}, 0), "no convolution");

    graph = made_graph(&x, 3, 8, 8);
    check_refused(graph, graph_reshape(graph, x, 2, (const int[]){1, 191}), "1x3x8x8 values do not fill 1x191");

    graph = made_graph(&x, 3, 8, 8);
    check_refused(graph, graph_reshape(graph, x, 2, (const int[]){1 << 30, 1 << 30}), "do not fill");

    graph = made_graph(&x, 3, 8, 8);
    check_refused(graph, graph_reduce_mean(graph, x, 1, (const int[]){2}, false), "only one over all");
    graph = made_graph(&x, 3, 8, 8);
    check_refused(graph, x + 5, "no operator before it");
}

/* ---- Numbers from outside ---- */

/* Conv over what a hostile file may say of a small picture: each is refused, none is computed. */
TEST(absurd_numbers)
{
    static const struct {
        int dims[4], stride, dilation, padding, groups;
    } windows[] = {{{1 << 20, 1 << 20, 1 << 20, 1 << 20}, 1, 1, 0, 1},
                   {{1, 3, INT_MAX, INT_MAX}, 1, 1, 0, 1},
                   {{0, 3, 1, 1}, 1, 1, 0, 1},
                   {{-1, 3, -1, 1}, 1, 1, 0, 1},
                   {{1, 1, 1, 1}, 1, 1, 0, 1},
                   {{1, 1, 1, 1}, 1, 1, 0, INT_MAX},
                   {{1, 1, 1, 1}, 1, 1, 0, 0},
                   {{1, 3, 1, 1}, INT_MAX, 1, 0, 1},
                   {{1, 3, 1, 1}, 0, 1, 0, 1},
                   {{1, 3, 1, 1}, 1, INT_MAX, 0, 1},
                   {{1, 3, 1, 1}, 1, INT_MIN, 0, 1},
                   {{1, 3, 1, 1}, 1, 1, INT_MAX, 1},
                   {{1, 3, 1, 1}, 1, 1, INT_MIN, 1},
                   {{5000, 3, 1, 1}, 1, 1, 0, 1}};
    float *zeros = test_floats(15000);
    memset(zeros, 0, 15000 * sizeof *zeros);
    for (size_t i = 0; i < sizeof windows / sizeof *windows; i++) {
        int x;
        struct graph *graph = made_graph(&x, 3, 8, 8);
        struct graph_constant weights = {4, {0}, zeros};
        memcpy(weights.dims, windows[i].dims, sizeof windows[i].dims);
        struct graph_conv conv = {&weights,          NULL, GRAPH_OIHW,
                                  windows[i].groups, 1,    made_window(1, windows[i].stride, 0)};
        conv.window.dilation[0] = conv.window.dilation[1] = windows[i].dilation;
        conv.window.padding[0] = windows[i].padding;
        test_context("case %d", (int)i);
        CHECK_EQUAL(graph_conv(graph, x, &conv), GRAPH_FAILED);
        CHECK(graph_failed(graph) && *made_failure.reason);
        graph_free(graph);
    }
}

/* Axes, counts and values that are not there. */
TEST(absurd_shapes)
{
    const int far = INT_MAX, near = INT_MIN, one[8] = {1, 1, 1, 1, 1, 1, 1, 1};
    const float infinite = INFINITY;
    for (int i = 0; i < 13; i++) {
        int x, result = 0;
        struct graph *graph = made_graph(&x, 3, 8, 8);
        switch (i) {
        case 0: result = graph_reduce_mean(graph, x, 1, &far, false); break;
        case 1: result = graph_reduce_mean(graph, x, 1, &near, false); break;
        case 2: result = graph_transpose(graph, x, one); break;
        case 3: result = graph_reshape(graph, x, 9, one); break;
        case 4: result = graph_reshape(graph, x, -1, one); break;
        case 5: result = graph_reshape(graph, x, 2, (const int[]){-1, -1}); break;
        case 6: result = graph_reshape(graph, x, 2, (const int[]){0, -1}); break;
        case 7: result = graph_slice(graph, x, 1, near, far, 0); break;
        case 8: result = graph_slice(graph, x, 1, far, near, 1); break;
        case 9: result = graph_concat(graph, 2, (const int[]){x, x}, far); break;
        case 10: result = graph_softmax(graph, x, 1); break;
        case 11:
            result = graph_arithmetic_constant(graph, GRAPH_ADD, x, &(struct graph_constant){0, {0}, &infinite}, false);
            break;
        default: result = graph_clip(graph, x, 1, -1);
        }
        test_context("case %d", i);
        CHECK_EQUAL(result, GRAPH_FAILED);
        CHECK(graph_failed(graph) && *made_failure.reason);
        graph_free(graph);
    }
    for (int i = 0; i < 6; i++) {
        static const int dims[6][4] = {{1, 3, INT_MAX, 8}, {1, 3, 8, -1}, {2, 3, 8, 8},
                                       {1, INT_MAX, 8, 8}, {1, -3, 8, 8}, {1, 4, 8, 8}};
        struct graph *graph = graph_new(&made_failure);
        test_context("input %d", i);
        CHECK_EQUAL(graph_input(graph, 4, dims[i], 1), GRAPH_FAILED);
        graph_free(graph);
    }
}

/* Sums that double themselves, without end. */
TEST(too_many_layers)
{
    int x;
    struct graph *graph = made_graph(&x, 1, 2, 2);
    for (int i = 0; i < 600; i++)
        x = graph_activation(graph, x, i % 2 ? NODE_TANH : NODE_SIGMOID, 0);
    check_refused(graph, x, "more than 512 layers");
    graph = made_graph(&x, 1, 2, 2);
    for (int i = 0; i < 100000; i++)
        x = graph_activation(graph, x, i % 2 ? NODE_TANH : NODE_SIGMOID, 0);
    check_refused(graph, x, "more than 8192 layers");
}

/* Each factor is a float, and their product is none. */
TEST(products_beyond_float)
{
    const float large[] = {1e30f, -1e30f};
    for (int i = 0; i < 2; i++) {
        int x;
        struct graph *graph = made_graph(&x, 3, 8, 8);
        x = graph_activation(graph, x, NODE_SIGMOID, 0);
        for (int k = 0; k < 2; k++)
            x = graph_arithmetic_constant(graph, GRAPH_MULTIPLY, x, &(struct graph_constant){0, {0}, &large[i]}, false);
        x = graph_activation(graph, x, NODE_TANH, 0);
        check_refused(graph, x, "make its weights infinite");
    }
}

static const struct test tests[] = {ENTRY(refusals), ENTRY(absurd_numbers), ENTRY(absurd_shapes),
                                    ENTRY(too_many_layers), ENTRY(products_beyond_float)};
const struct suite graph_hostile_suite = SUITE("graph_hostile", tests);
