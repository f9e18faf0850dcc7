/* core/net/net_backward.c: the gradient of every parameter of whole nets against central differences of the oracle. */
#include "support/gradient_check.h"
#include "support/net_gradients.h"
#include "support/nets.h"
#include "kernels/batchnorm.h"
#include "support/oracle.h"
#include "support/test.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

TEST(every_kind)
{
    struct random random = random_seed(95, 0);
    for (enum node_kind kind = 1; kind < NODE_KINDS; kind++) {
        struct net net;
        nets_of_kind(&net, kind);
        net_gradients_check(kind_names[kind], &net, 3, 200, &random);
        test_release();
    }
}

TEST(padding_dilation_and_groups)
{
    struct random random = random_seed(240, 0);
    for (int i = 0; i < 60; i++) {
        struct net net;
        nets_random_windows(&net, test_between(&random, 1, 4), false, &random);
        char name[40];
        snprintf(name, sizeof name, "windows %d", i);
        net_gradients_check(name, &net, 2, 100, &random);
        test_release();
    }
}

TEST(graphs_that_join_and_cut)
{
    struct random random = random_seed(304, 0);
    for (int i = 0; i < 60; i++) {
        struct net net;
        nets_random_channels(&net, test_between(&random, 1, 14), &random);
        char name[40];
        snprintf(name, sizeof name, "channels %d", i);
        net_gradients_check(name, &net, 2, 50, &random);
        test_release();
    }
}

/* A residual block as in ResNet: the sum's two sides come from one tensor, activations work in start. */
TEST(residual_net)
{
    struct random random = random_seed(16, 0);
    struct net net = {.input = {6, 5, 3}};
    int x = nets_conv(&net, 0, 4, 3, 3, 1, true, false);
    x = nets_simple(&net, nets_simple(&net, x, NODE_BATCHNORM), NODE_TANH);
    int y = nets_conv(&net, x, 4, 3, 3, 1, true, true);
    y = nets_simple(&net, nets_simple(&net, y, NODE_BATCHNORM), NODE_SIGMOID);
    x = nets_simple(&net, nets_add(&net, y, x), NODE_RELU);
    x = nets_pool(&net, x, NODE_AVGPOOL, 2, 2, true);
    x = nets_dropout(&net, nets_simple(&net, x, NODE_FLATTEN), 0.25f);
    nets_finish(&net, nets_dense(&net, nets_simple(&net, nets_dense(&net, x, 8, true), NODE_RELU), 5, true));
    net_gradients_check("a residual net", &net, 3, 400, &random);
}

/* An inverted residual block as in MobileNetV2, activations large enough for ReLU6 to cut off, and ReLUs that depthwise
 * layers do. */
TEST(inverted_residual_net)
{
    struct random random = random_seed(93, 0);
    struct net net = {.input = {7, 6, 3}};
    const int x = nets_simple(&net, nets_conv(&net, 0, 4, 3, 3, 1, true, false), NODE_BATCHNORM);
    int y =
        nets_simple(&net, nets_simple(&net, nets_conv(&net, x, 19, 1, 1, 1, true, false), NODE_BATCHNORM), NODE_RELU6);
    y = nets_simple(&net, nets_depthwise(&net, nets_scale(&net, y, 6), 3, 3, 1, true, true), NODE_RELU6);
    y = nets_add(&net, nets_simple(&net, nets_conv(&net, y, 4, 1, 1, 1, true, false), NODE_BATCHNORM), x);
    y = nets_simple(&net, nets_depthwise(&net, y, 3, 2, 2, true, false), NODE_RELU);
    nets_finish(&net, nets_dense(&net, nets_simple(&net, y, NODE_FLATTEN), 5, true));
    net_gradients_check("an inverted residual net", &net, 3, 400, &random);
}

/* One tensor with four readers, one of which adds it to itself. */
TEST(tensors_with_many_consumers)
{
    struct random random = random_seed(17, 0);
    struct net net = {.input = {4, 4, 1}};
    const int x = nets_conv(&net, 0, 3, 2, 2, 1, true, true);
    const int twice = nets_add(&net, x, x);
    const int other = nets_conv(&net, x, 3, 3, 3, 1, true, true);
    const int sum = nets_add(&net, nets_add(&net, twice, other), nets_simple(&net, x, NODE_TANH));
    nets_finish(&net, nets_dense(&net, nets_simple(&net, nets_add(&net, sum, sum), NODE_FLATTEN), 4, true));
    net_gradients_check("a net with many consumers", &net, 2, 300, &random);
}

/* batchnorm right on the input: there is no gradient to hand on. */
TEST(batch_normalisation_of_the_input)
{
    struct random random = random_seed(18, 0);
    struct net net = {.input = {4, 3, 3}};
    const int x = nets_simple(&net, 0, NODE_BATCHNORM);
    nets_finish(&net, nets_dense(&net, nets_simple(&net, nets_add(&net, x, 0), NODE_FLATTEN), 4, true));
    net_gradients_check("a net with batchnorm first", &net, 4, 300, &random);
}

/* A frozen layer's weights get no gradient; its bias and the layers before it do. */
TEST(frozen_layers)
{
    struct random random = random_seed(73, 0);
    struct net net = {.input = {4, 4, 1}};
    int x = nets_simple(&net, nets_conv(&net, 0, 3, 3, 3, 1, true, true), NODE_GELU);
    x = nets_simple(&net, nets_conv(&net, x, 4, 3, 3, 1, true, true), NODE_TANH);
    net.nodes[2].frozen = true;
    nets_finish(&net, nets_dense(&net, nets_simple(&net, nets_scale(&net, x, 0.5f), NODE_FLATTEN), 3, true));
    struct net_gradients_oracle oracle;
    float *gradients = net_gradients_of(&oracle, &net, 2, &random);
    const size_t weights = 3 * 3 * 3 * 4, end = net.offset[2] + weights;
    for (size_t i = net.offset[2]; i < end; i++)
        CHECK(gradients[i] == 0);
    const struct function before = {net_gradients_value, &oracle, oracle.parameters, net.offset[2]};
    gradient_check("layers before a frozen one", gradients, &before, 100);
    const struct function behind = {net_gradients_value, &oracle, oracle.parameters + end,
                                    net_parameter_count(&net) - end};
    gradient_check("a frozen layer's bias and behind it", gradients + end, &behind, 100);
}

/* With frozen_biases, nothing in front of the first trained layer gets a gradient; all others
 * are the same. */
TEST(frozen_biases)
{
    enum { N = 2, CLASSES = 3 };
    struct random random = random_seed(90, 0);
    struct net net = {.input = {5, 4, 3}};
    const int frozen = 0, x = nets_simple(&net, nets_conv(&net, 0, 4, 2, 2, 1, false, true), NODE_GELU);
    const int y = nets_simple(&net, nets_conv(&net, x, 4, 3, 3, 1, true, true), NODE_TANH);
    net.nodes[frozen].frozen = true;
    nets_finish(&net, nets_dense(&net, nets_simple(&net, nets_add(&net, y, x), NODE_FLATTEN), CLASSES, true));
    const size_t count = net_parameter_count(&net), pixels = N * shape_count(net.input), end = net.offset[frozen + 1];
    const float *parameters = nets_parameters(&net, &random), *images = test_random_floats(pixels, &random);
    const float *dlogits = test_random_floats(N * CLASSES, &random);
    float *gradients[2];
    for (int biases = 0; biases < 2; biases++) {
        struct fixture fixture;
        fixture_open(&fixture, &net, parameters, N, NET_TRAIN);
        fixture.run.frozen_biases = biases;
        memcpy(fixture.run.tensor[0], images, pixels * sizeof(float));
        net_forward_training(&fixture.run, N);
        memcpy(net_logits_gradient(&fixture.run), dlogits, N * CLASSES * sizeof(float));
        gradients[biases] = test_floats(count);
        memset(gradients[biases], 0, count * sizeof(float));
        net_backward(&fixture.run, gradients[biases], N);
    }
    for (size_t i = 0; i < end; i++) /* weights, then four biases */
        CHECK(gradients[1][i] == 0 && (gradients[0][i] != 0) == (i >= end - 4));
    CHECK_SAME_BITS(gradients[1] + end, gradients[0] + end, count - end);
}

/* Frozen nodes get no gradient, batch normalisation among them uses its running statistics, and what is behind them is
 * trained like a net that starts there. */
TEST(frozen_nodes)
{
    enum { N = 3, CLASSES = 4 };
    struct random random = random_seed(94, 0);
    struct net net = {.input = {6, 5, 3}};
    int x = nets_simple(&net, nets_conv(&net, 0, 4, 3, 3, 1, true, true), NODE_BATCHNORM);
    const int frozen = x = nets_simple(&net, x, NODE_TANH); /* tensor, and so number of nodes */
    x = nets_simple(&net, nets_conv(&net, x, 4, 3, 3, 1, true, false), NODE_BATCHNORM);
    x = nets_add(&net, nets_simple(&net, x, NODE_TANH), frozen);
    nets_finish(&net, nets_dense(&net, nets_simple(&net, x, NODE_FLATTEN), CLASSES, true));
    const size_t count = net_parameter_count(&net), start = net.offset[frozen];
    const float *parameters = nets_parameters(&net, &random),
                *images = test_random_floats(N * shape_count(net.input), &random);
    float *gradients = test_floats(count);
    memset(gradients, 0, count * sizeof(float));
    struct fixture fixture, exact;
    fixture_open(&fixture, &net, parameters, N, NET_TRAIN);
    fixture_open(&exact, &net, parameters, N, NET_INFER);
    fixture.run.frozen_nodes = frozen;
    memcpy(fixture.run.tensor[0], images, N * shape_count(net.input) * sizeof(float));
    memcpy(exact.run.tensor[0], images, N * shape_count(net.input) * sizeof(float));
    net_forward_training(&fixture.run, N);
    for (int i = 0; i < frozen; i++)
        net_forward_node(&exact.run, i, N);
    CHECK_SAME_BITS(fixture.run.tensor[frozen], exact.run.tensor[frozen], N * shape_count(net.shapes[frozen]));
    const float *dlogits = test_random_floats(N * CLASSES, &random);
    memcpy(net_logits_gradient(&fixture.run), dlogits, N * CLASSES * sizeof(float));
    net_backward(&fixture.run, gradients, N);
    for (size_t i = 0; i < start; i++)
        CHECK(gradients[i] == 0);
    net_gradients_without_statistics(gradients, &net);

    /* The oracle has no frozen nodes: its first batch normalisation is given weights that do to these images what
     * the running statistics do, and differences are taken behind it only. */
    struct net_gradients_oracle oracle = {.net = &net,
                                          .parameters = test_widened(parameters, count),
                                          .n = N,
                                          .dlogits = test_widened(dlogits, N * CLASSES),
                                          .mode = {.training = true, .temperature = 1}};
    oracle_tensors(oracle.tensor, &net, N);
    for (size_t i = 0; i < N * shape_count(net.input); i++)
        oracle.tensor[0][i] = (double)images[i];
    net_gradients_value(&oracle);
    enum { C = 4, ROWS = N * 6 * 5 };
    for (int k = 0; k < C; k++) {
        double mean = 0, variance = 0;
        for (int i = 0; i < ROWS; i++)
            mean += oracle.tensor[1][i * C + k] / (double)ROWS;
        for (int i = 0; i < ROWS; i++)
            variance += (oracle.tensor[1][i * C + k] - mean) * (oracle.tensor[1][i * C + k] - mean) / (double)ROWS;
        double *norm = oracle.parameters + net.offset[1];
        const double factor = norm[k] / sqrt(norm[3 * C + k] + (double)BATCHNORM_EPSILON),
                     offset = norm[C + k] - norm[2 * C + k] * factor;
        norm[k] = factor * sqrt(variance + (double)BATCHNORM_EPSILON);
        norm[C + k] = offset + mean * factor;
    }
    const struct function behind = {net_gradients_value, &oracle, oracle.parameters + start, count - start};
    gradient_check("behind frozen nodes", gradients + start, &behind, 200);
}

TEST(random_graphs)
{
    struct random random = random_seed(19, 0), other = random_seed(94, 0);
    for (int i = 0; i < 60; i++) {
        struct net net;
        nets_random(&net, test_between(&random, 1, 12), &random);
        if (i % 2)
            nets_redraw_activations(&net, &other);
        test_context("graph %d of %d nodes", i, net.node_count);
        net_gradients_check("a random graph", &net, test_between(&random, 2, 4), 25, &random);
        test_release();
    }
}

/* The slope of the loss along one random direction through all parameters. */
static void check_direction(struct net_gradients_oracle *oracle, const float *gradients, struct random *random)
{
    const size_t count = net_parameter_count(oracle->net);
    double *kept = test_doubles(count), *direction = test_doubles(count), expected = 0, length = 0;
    for (size_t i = 0; i < count; i++) {
        kept[i] = oracle->parameters[i];
        direction[i] = 2 * (double)random_uniform(random) - 1;
        expected += direction[i] * (double)gradients[i];
        length += fabs(direction[i] * (double)gradients[i]);
    }
    double values[2];
    for (int side = 0; side < 2; side++) {
        for (size_t i = 0; i < count; i++)
            oracle->parameters[i] = kept[i] + (side ? 1e-5 : -1e-5) * direction[i];
        values[side] = net_gradients_value(oracle);
    }
    CHECK_CLOSE((values[1] - values[0]) / 2e-5, expected, 1e-5 * length);
}

TEST(one_random_direction)
{
    struct random random = random_seed(20, 0);
    struct net net = {.input = {8, 8, 3}};
    int x = nets_simple(&net, nets_conv(&net, 0, 8, 3, 3, 1, true, true), NODE_TANH);
    x = nets_simple(&net, nets_conv(&net, x, 16, 3, 3, 2, true, true), NODE_SIGMOID);
    x = nets_simple(&net, x, NODE_BATCHNORM);
    nets_finish(&net, nets_dense(&net, nets_simple(&net, x, NODE_FLATTEN), 10, true));
    struct net_gradients_oracle oracle;
    const float *gradients = net_gradients_of(&oracle, &net, 4, &random);
    check_direction(&oracle, gradients, &random);
}

/* All convolutions but the first are wide enough for Winograd: in a residual block, with a ReLU in the same pass, after
 * a second reader of their input, without padding, and frozen. */
TEST(wide_convolutions)
{
    struct net net = {.input = {7, 6, 3}};
    const int first = nets_simple(&net, nets_conv(&net, 0, 16, 3, 3, 1, true, false), NODE_GELU);
    int x = nets_simple(&net, nets_conv(&net, first, 17, 3, 3, 1, true, true), NODE_RELU);
    x = nets_add(&net, nets_conv(&net, x, 16, 3, 3, 1, true, true), first);
    const int frozen = net.node_count;
    x = nets_simple(&net, nets_conv(&net, x, 33, 3, 3, 1, false, true), NODE_TANH);
    nets_finish(&net, nets_dense(&net, nets_simple(&net, x, NODE_FLATTEN), 10, true));
    struct net_gradients_oracle oracle;
    struct random random = random_seed(87, 0);
    const float *gradients = net_gradients_of(&oracle, &net, 3, &random);
    check_direction(&oracle, gradients, &random);

    net.nodes[frozen].frozen = true;
    random = random_seed(87, 0); /* the same numbers again */
    const float *others = net_gradients_of(&oracle, &net, 3, &random);
    const size_t weights = net.offset[frozen], end = weights + 3 * 3 * 16 * 33, count = net_parameter_count(&net);
    CHECK_SAME_BITS(others, gradients, weights);
    for (size_t i = weights; i < end; i++)
        CHECK(others[i] == 0 && gradients[i] != 0);
    CHECK_SAME_BITS(others + end, gradients + end, count - end);
}

/* The checker itself: each of these gradients is wrong in one coordinate or in all. */
TEST(checker_rejects_wrong_gradients)
{
    struct random random = random_seed(21, 0);
    struct net net = {.input = {5, 5, 1}};
    const int x = nets_simple(&net, nets_conv(&net, 0, 3, 3, 3, 1, true, true), NODE_TANH);
    nets_finish(&net, nets_dense(&net, nets_simple(&net, x, NODE_FLATTEN), 3, true));
    struct net_gradients_oracle oracle;
    float *gradients = net_gradients_of(&oracle, &net, 2, &random);
    const size_t count = net_parameter_count(&net);
    const struct function f = {net_gradients_value, &oracle, oracle.parameters, count};
    int skipped = 0, seen = 0;
    CHECK_EQUAL(gradient_wrong_coordinates(gradients, &f, count, &skipped, &seen), 0);
    CHECK_EQUAL(skipped, 0);
    CHECK_EQUAL(seen, count);

    gradients[4] = -gradients[4];
    CHECK_EQUAL(gradient_wrong_coordinates(gradients, &f, count, &skipped, &seen), 1);
    gradients[4] = -gradients[4] * 1.001f;
    CHECK_EQUAL(gradient_wrong_coordinates(gradients, &f, count, &skipped, &seen), 1);
    gradients[4] = NAN;
    CHECK(gradient_wrong_coordinates(gradients, &f, count, &skipped, &seen) > 0);
    gradients[4] = 0;
    for (size_t i = 0; i < count; i++)
        gradients[i] *= 2;
    CHECK(gradient_wrong_coordinates(gradients, &f, count, &skipped, &seen) > (int)count / 2);
}

static const struct test tests[] = {
    ENTRY(every_kind),
    ENTRY(padding_dilation_and_groups),
    ENTRY(graphs_that_join_and_cut),
    ENTRY(residual_net),
    ENTRY(inverted_residual_net),
    ENTRY(tensors_with_many_consumers),
    ENTRY(batch_normalisation_of_the_input),
    ENTRY(frozen_layers),
    ENTRY(frozen_biases),
    ENTRY(frozen_nodes),
    ENTRY(random_graphs),
    ENTRY(one_random_direction),
    ENTRY(wide_convolutions),
    ENTRY(checker_rejects_wrong_gradients),
};
const struct suite net_gradients_suite = SUITE("net_gradients", tests);
