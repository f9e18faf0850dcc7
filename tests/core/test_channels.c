/* core/kernels/channels.h, and whole nets whose tensors are joined, cut and shuffled: in inference, in training and
 * trimmed, against the oracle; networks as large as the limits let them be. */
#include "kernels/channels.h"
#include "support/nets.h"
#include "support/oracle.h"
#include "support/test.h"

#include <string.h>

/* They only move values: the same bits, at any number of channels. */
TEST(every_value_finds_its_place)
{
    struct random random = random_seed(300, 0);
    for (int round = 0; round < 200; round++) {
        const int c = test_between(&random, 1, 70), other = test_between(&random, 1, 40);
        const int first = test_between(&random, 0, c - 1), part = test_between(&random, 1, c - first);
        const size_t pixels = (size_t)test_between(&random, 1, 9), joined = pixels * (size_t)(c + other);
        const float *in = test_random_floats(pixels * (size_t)c, &random),
                    *second = test_random_floats(pixels * (size_t)other, &random);
        const double *wide = test_widened(in, pixels * (size_t)c);
        float *out = test_floats(joined), *back = test_floats(joined);
        double *expected = test_doubles(joined);
        test_context("round %d: %d and %d channels, %d from %d on", round, c, other, part, first);

        channels_concat_forward(out, in, second, pixels, c, other);
        oracle_concat(expected, wide, test_widened(second, pixels * (size_t)other), pixels, c, c + other);
        CHECK_ALL_CLOSE(out, expected, joined, 0);
        channels_concat_backward(back, out, pixels, 0, c, c + other);
        CHECK_SAME_BITS(back, in, pixels * (size_t)c);
        channels_concat_backward(back, out, pixels, c, other, c + other);
        CHECK_SAME_BITS(back, second, pixels * (size_t)other);

        channels_slice_forward(out, in, pixels, first, part, c);
        oracle_slice(expected, wide, pixels, first, part, c);
        CHECK_ALL_CLOSE(out, expected, pixels * (size_t)part, 0);
        channels_slice_backward(back, out, pixels, first, part, c);
        for (size_t i = 0; i < pixels * (size_t)c; i++) {
            const int k = (int)(i % (size_t)c);
            CHECK(back[i] == (k >= first && k < first + part ? in[i] : 0));
        }

        for (int groups = 1; groups <= c; groups++)
            if (c % groups == 0) {
                channels_shuffle_forward(out, in, pixels, groups, c);
                oracle_shuffle(expected, wide, pixels, groups, c);
                CHECK_ALL_CLOSE(out, expected, pixels * (size_t)c, 0);
                channels_shuffle_backward(back, out, pixels, groups, c);
                CHECK_SAME_BITS(back, in, pixels * (size_t)c);
            }
        test_release();
    }
}

/* Runs a net in inference, in training's plan and trimmed; how many tensors were trimmed. */
static int check_forward(const struct net *net, int n, struct random *random)
{
    const float *parameters = nets_parameters(net, random);
    const size_t pixels = (size_t)n * shape_count(net->input), count = (size_t)(n * net_classes(net));
    const float *images = test_random_floats(pixels, random);
    struct net trimmed = *net;
    net_trim(&trimmed);
    struct fixture fixtures[3];
    fixture_open(&fixtures[0], net, parameters, n, NET_INFER);
    fixture_open(&fixtures[1], net, parameters, n, NET_TRAIN);
    fixture_open(&fixtures[2], &trimmed, parameters, n, NET_INFER);
    double *tensor[LIMIT_NODES + 1];
    oracle_tensors(tensor, net, n);
    for (size_t k = 0; k < pixels; k++)
        tensor[0][k] = (double)images[k];
    oracle_net(tensor, net, test_widened(parameters, net_parameter_count(net)), n,
               (struct oracle_mode){.temperature = 1});
    for (int k = 0; k < 3; k++) {
        memcpy(fixtures[k].run.tensor[0], images, pixels * sizeof *images);
        net_forward(&fixtures[k].run, n);
        CHECK_ALL_CLOSE(net_logits(&fixtures[k].run), tensor[net->nodes[net->node_count - 1].input[0]], count, 1e-3);
    }
    int smaller = 0;
    for (int t = 0; t < net->node_count; t++)
        smaller += shape_count(trimmed.shapes[t]) < shape_count(net->shapes[t]);
    return smaller;
}

TEST(graphs_that_join_and_cut)
{
    struct random random = random_seed(301, 0);
    int smaller = 0, joined = 0;
    for (int i = 0; i < 200; i++) {
        struct net net;
        nets_random_channels(&net, test_between(&random, 1, 20), &random);
        test_context("net %d of %d nodes", i, net.node_count);
        for (int k = 0; k < net.node_count; k++)
            joined += net.nodes[k].kind == NODE_CONCAT;
        smaller += check_forward(&net, test_between(&random, 1, 3), &random);
        test_release();
    }
    test_context("%d joined, %d smaller", joined, smaller);
    CHECK(joined > 200 && smaller > 20);
}

/* Two convolutions that are joined are trimmed alike: the second is read by a pool that needs one row less. */
TEST(what_is_joined_is_trimmed_together)
{
    struct net net = {.input = {5, 5, 3}};
    const int a = nets_conv(&net, 0, 4, 3, 3, 1, true, true), b = nets_conv(&net, 0, 6, 1, 1, 1, true, true);
    const int joined = nets_node(&net, (struct node){.kind = NODE_CONCAT, .input = {a, b}});
    const int part = nets_node(&net, (struct node){.kind = NODE_SLICE, .input = {joined}, .first = 2, .channels = 8});
    const int mixed = nets_node(&net, (struct node){.kind = NODE_SHUFFLE, .input = {part}, .groups = 4});
    const int pool = nets_pool(&net, mixed, NODE_MAXPOOL, 2, 2, false);
    nets_finish(&net, nets_dense(&net, nets_simple(&net, pool, NODE_FLATTEN), 3, true));
    net_trim(&net);
    for (int t = a; t <= mixed; t++) {
        test_context("tensor %d", t);
        CHECK_EQUAL(net.shapes[t].h, 4);
        CHECK_EQUAL(net.shapes[t].w, 4);
    }
    CHECK_EQUAL(net.shapes[joined].c, 10);
}

/* As many nodes as there may be, and kernels as large, in inference and on the way back. */
TEST(the_largest_networks)
{
    struct random random = random_seed(302, 0);
    struct net net = {.input = {3, 3, 3}};
    int x = nets_conv(&net, 0, 4, LIMIT_KERNEL, LIMIT_KERNEL, 1, true, true);
    x = nets_depthwise(&net, x, LIMIT_KERNEL, LIMIT_KERNEL, 1, true, true);
    x = nets_pool(&net, x, NODE_MAXPOOL, LIMIT_KERNEL, 1, true);
    x = nets_pool(&net, x, NODE_AVGPOOL, LIMIT_KERNEL, 1, true);
    while (net.node_count < LIMIT_NODES - 3) {
        const int before = x;
        x = nets_node(&net, (struct node){.kind = NODE_SHUFFLE, .input = {before}, .groups = 2});
        if (net.node_count % 7 == 0 && net.node_count < LIMIT_NODES - 3)
            x = nets_scale(&net, nets_add(&net, x, before), 0.5f);
    }
    while (net.node_count > LIMIT_NODES - 3)
        x = --net.node_count;
    nets_finish(&net, nets_dense(&net, nets_simple(&net, x, NODE_FLATTEN), 3, true));
    CHECK_EQUAL(net.node_count, LIMIT_NODES);
    check_forward(&net, 2, &random);
    net.node_count++;
    CHECK_EQUAL(net_check(&net, NULL), STATUS_HEADER);
}

#define REFUSED(of, expected) \
    do { \
        int failed_; \
        struct net changed_ = of; \
        CHECK_EQUAL(net_check(&changed_, &failed_), expected); \
    } while (0)

TEST(channels_that_are_not_there)
{
    struct net net = {.input = {4, 4, 3}};
    const int x = nets_conv(&net, 0, 6, 1, 1, 1, true, true);
    nets_node(&net, (struct node){.kind = NODE_SLICE, .input = {x}, .first = 2, .channels = 4});
    nets_node(&net, (struct node){.kind = NODE_SHUFFLE, .input = {2}, .groups = 2});
    nets_node(&net, (struct node){.kind = NODE_CONCAT, .input = {3, x}});
    nets_finish(&net, nets_simple(&net, 4, NODE_GLOBAL_AVGPOOL));
    CHECK_EQUAL(net_classes(&net), 10);
    static const struct {
        int node;
        struct node changed;
    } wrong[] = {
        {1, {.kind = NODE_SLICE, .input = {1}, .first = 3, .channels = 4}},
        {1, {.kind = NODE_SLICE, .input = {1}, .first = -1, .channels = 4}},
        {1, {.kind = NODE_SLICE, .input = {1}, .first = 2}},
        {1, {.kind = NODE_SLICE, .input = {1}, .first = LIMIT_ACTIVATIONS, .channels = 4}},
        {2, {.kind = NODE_SHUFFLE, .input = {2}}},
        {2, {.kind = NODE_SHUFFLE, .input = {2}, .groups = 3}},
        {2, {.kind = NODE_SHUFFLE, .input = {2}, .groups = 8}},
        {2, {.kind = NODE_SHUFFLE, .input = {2}, .groups = 2, .first = 1}},
        {3, {.kind = NODE_CONCAT, .input = {3, 4}}},
        {3, {.kind = NODE_CONCAT, .input = {3, 1}, .channels = 10}},
        {3, {.kind = NODE_CONCAT, .input = {3, 1}, .groups = 1}},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct net changed = net;
        changed.nodes[wrong[i].node] = wrong[i].changed;
        test_context("change %zu", i);
        REFUSED(changed, STATUS_NODE);
    }
    struct net sizes = {.input = {4, 4, 3}};
    const int small = nets_pool(&sizes, 0, NODE_MAXPOOL, 2, 2, false);
    nets_node(&sizes, (struct node){.kind = NODE_CONCAT, .input = {small, 0}});
    nets_simple(&sizes, nets_simple(&sizes, 2, NODE_GLOBAL_AVGPOOL), NODE_SOFTMAX);
    REFUSED(sizes, STATUS_NODE);
}

/* Joined to itself, a tensor doubles: the limit is on its values. */
TEST(joined_tensors_have_a_limit)
{
    struct net net = {.input = {1024, 1024, 1}};
    for (int i = 0; i < 5; i++)
        nets_node(&net, (struct node){.kind = NODE_CONCAT, .input = {i, i}});
    nets_simple(&net, nets_simple(&net, 5, NODE_GLOBAL_AVGPOOL), NODE_SOFTMAX);
    int failed;
    CHECK_EQUAL(net_check(&net, &failed), STATUS_LIMIT);
    CHECK_EQUAL(failed, 4);
}

static const struct test tests[] = {
    ENTRY(every_value_finds_its_place), ENTRY(graphs_that_join_and_cut),    ENTRY(what_is_joined_is_trimmed_together),
    ENTRY(the_largest_networks),        ENTRY(channels_that_are_not_there), ENTRY(joined_tensors_have_a_limit),
};
const struct suite channels_suite = SUITE("channels", tests);
