/* core/net/net.h: what net_check accepts, the geometry, dropout. */
#include "support/nets.h"

#include "kernels/activation.h"
#include "support/test.h"

#include <math.h>
#include <string.h>

/* One node of every kind, all valid; tests below break it one field at a time. */
static struct net every_kind(void)
{
    struct net net = {.input = {8, 8, 3}};
    int x = nets_conv(&net, 0, 4, 3, 3, 1, true, true); /* node 0 */
    x = nets_simple(&net, x, NODE_BATCHNORM);           /* 1 */
    x = nets_simple(&net, x, NODE_RELU);                /* 2 */
    x = nets_pool(&net, x, NODE_MAXPOOL, 2, 2, false);  /* 3 */
    x = nets_pool(&net, x, NODE_AVGPOOL, 2, 2, false);  /* 4 */
    x = nets_add(&net, x, x);                           /* 5 */
    x = nets_simple(&net, x, NODE_SIGMOID);             /* 6 */
    x = nets_dropout(&net, x, 0.5f);                    /* 7 */
    x = nets_simple(&net, x, NODE_FLATTEN);             /* 8 */
    x = nets_dense(&net, x, 6, true);                   /* 9 */
    x = nets_simple(&net, x, NODE_TANH);                /* 10 */
    x = nets_simple(&net, x, NODE_GLOBAL_AVGPOOL);      /* 11 */
    x = nets_simple(&net, x, NODE_GELU);                /* 12 */
    x = nets_scale(&net, x, 0.125f);                    /* 13 */
    x = nets_depthwise(&net, x, 3, 3, 1, true, true);   /* 14 */
    x = nets_simple(&net, x, NODE_RELU6);               /* 15 */
    x = nets_simple(&net, x, NODE_SILU);                /* 16 */
    x = nets_leaky_relu(&net, x, 0.125f);               /* 17 */
    x = nets_simple(&net, x, NODE_PRELU);               /* 18 */
    x = nets_multiply(&net, x, x);                      /* 19 */
    x = nets_simple(&net, x, NODE_HARDSIGMOID);         /* 20 */
    x = nets_simple(&net, x, NODE_HARDSWISH);           /* 21 */
    nets_finish(&net, x);                               /* 22 */
    return net;
}

static void check_refused(struct net *net, const char *what, int node, enum status expected)
{
    int failed = -1;
    test_context("%s of node %d", what, node);
    CHECK_EQUAL(net_check(net, &failed), expected);
    if (expected == STATUS_NODE)
        CHECK_EQUAL(failed, node);
    CHECK_EQUAL(net_check(net, NULL), expected);
}

#define REFUSED(node, field, value) \
    do { \
        static struct net broken; /* one on the stack for each use of this would overflow it */ \
        broken = net; \
        broken.nodes[node].field = value; \
        check_refused(&broken, #field " = " #value, node, STATUS_NODE); \
    } while (0)

TEST(every_bad_field_is_refused)
{
    const struct net net = every_kind();
    for (int i = 0; i < net.node_count; i++) {
        const enum node_kind kind = net.nodes[i].kind;
        const bool window = node_has_window(kind);
        const bool channels = kind_traits[kind].channels;
        REFUSED(i, kind, (enum node_kind)0);
        REFUSED(i, kind, NODE_KINDS);
        REFUSED(i, kind, (enum node_kind)255);
        REFUSED(i, input[0], -1);
        REFUSED(i, input[0], i + 1); /* its own output */
        REFUSED(i, input[0], i + 2);
        REFUSED(i, input[0], 65535);
        REFUSED(i, input[1], i + 1);
        REFUSED(i, input[1], -1);
        if (kind_traits[kind].inputs == 1 && i > 0)
            REFUSED(i, input[1], 1);
        REFUSED(i, channels, -1);
        REFUSED(i, channels, LIMIT_CHANNELS + 1);
        REFUSED(i, channels, channels ? 0 : 1);
        REFUSED(i, kernel_h, window ? 0 : 1);
        REFUSED(i, kernel_w, window ? 0 : 1);
        REFUSED(i, stride, window ? 0 : 1);
        REFUSED(i, kernel_h, LIMIT_KERNEL + 1);
        REFUSED(i, kernel_w, LIMIT_KERNEL + 1);
        REFUSED(i, stride, LIMIT_KERNEL + 1);
        REFUSED(i, kernel_h, -1);
        if (!window)
            REFUSED(i, same, true);
        if (!node_has_weights(kind))
            REFUSED(i, bias, true);
        if (kind_traits[kind].setting != SETTING_FACTOR)
            REFUSED(i, rate, kind_traits[kind].setting == SETTING_SLOPE ? 1.001f : 1);
        REFUSED(i, rate, -0.5f);
        REFUSED(i, rate, NAN);
        REFUSED(i, rate, INFINITY);
        if (kind_traits[kind].setting == SETTING_FACTOR) {
            REFUSED(i, rate, 0);
            REFUSED(i, rate, 1.1e6f);
        } else if (kind_traits[kind].setting == SETTING_NONE)
            REFUSED(i, rate, 0.5f);
        if (kind != NODE_SOFTMAX)
            REFUSED(i, kind, NODE_SOFTMAX); /* only at the end */
        else
            REFUSED(i, kind, NODE_RELU); /* the end */
    }
}

#define INPUT_REFUSED(field, value) \
    do { \
        static struct net broken; \
        broken = every_kind(); \
        broken.field = value; \
        check_refused(&broken, #field " = " #value, 0, STATUS_HEADER); \
    } while (0)

TEST(bad_inputs_are_refused)
{
    INPUT_REFUSED(input.h, 0);
    INPUT_REFUSED(input.w, 0);
    INPUT_REFUSED(input.h, -1);
    INPUT_REFUSED(input.h, LIMIT_SIDE + 1);
    INPUT_REFUSED(input.w, LIMIT_SIDE + 1);
    INPUT_REFUSED(input.c, 0);
    INPUT_REFUSED(input.c, 2);
    INPUT_REFUSED(input.c, 4);
    INPUT_REFUSED(node_count, 0);
    INPUT_REFUSED(node_count, -1);
    INPUT_REFUSED(node_count, LIMIT_NODES + 1);
}

TEST(nodes_that_do_not_fit_their_input)
{
    struct net net = {.input = {4, 6, 3}};
    nets_conv(&net, 0, 1, 5, 1, 1, false, false);
    nets_simple(&net, 1, NODE_SOFTMAX);
    check_refused(&net, "a kernel higher than the input", 0, STATUS_NODE);
    net.nodes[0].kernel_h = 1;
    net.nodes[0].kernel_w = 7;
    check_refused(&net, "a kernel wider than the input", 0, STATUS_NODE);
    net.nodes[0].kind = NODE_DEPTHWISE;
    net.nodes[0].channels = net.nodes[0].dilation = net.nodes[0].groups = 0;
    check_refused(&net, "a depthwise kernel wider than the input", 0, STATUS_NODE);
    net.nodes[0].kind = NODE_CONV2D;
    net.nodes[0].channels = net.nodes[0].dilation = net.nodes[0].groups = 1;
    net.nodes[0].kernel_w = 6;
    check_refused(&net, "a softmax over a picture", 1, STATUS_NODE);
    net.nodes[0].kernel_h = 4;
    CHECK_EQUAL(net_check(&net, NULL), STATUS_OK);

    net = (struct net){.input = {4, 6, 3}};
    nets_dense(&net, 0, 5, false);
    nets_simple(&net, 1, NODE_SOFTMAX);
    check_refused(&net, "a dense layer over a picture", 0, STATUS_NODE);

    net = (struct net){.input = {4, 4, 3}};
    nets_conv(&net, 0, 4, 3, 3, 1, true, false);
    nets_add(&net, 1, 0);
    nets_simple(&net, 2, NODE_GLOBAL_AVGPOOL);
    nets_simple(&net, 3, NODE_SOFTMAX);
    check_refused(&net, "a sum of different channels", 1, STATUS_NODE);
    net.nodes[0].channels = 3;
    CHECK_EQUAL(net_check(&net, NULL), STATUS_OK);
    net.nodes[0].stride = 2;
    check_refused(&net, "a sum of different sizes", 1, STATUS_NODE);
}

/* The second input of a sum or product may be one pixel for all of the first, not the other way round. */
TEST(one_pixel_for_all)
{
    static const enum node_kind kinds[] = {NODE_ADD, NODE_MULTIPLY};
    for (int k = 0; k < 2; k++)
        for (int swapped = 0; swapped < 2; swapped++)
            for (int channels = 3; channels < 5; channels++) {
                struct net net = {.input = {4, 5, 3}};
                const int pixel =
                    nets_simple(&net, nets_conv(&net, 0, channels, 1, 1, 1, true, true), NODE_GLOBAL_AVGPOOL);
                nets_node(&net, (struct node){.kind = kinds[k], .input = {swapped ? pixel : 0, swapped ? 0 : pixel}});
                nets_simple(&net, nets_simple(&net, 3, NODE_GLOBAL_AVGPOOL), NODE_SOFTMAX);
                test_context("%s, %d channels%s", kind_names[kinds[k]], channels, swapped ? ", swapped" : "");
                if (swapped || channels != 3) {
                    check_refused(&net, "one pixel", 2, STATUS_NODE);
                    continue;
                }
                CHECK_EQUAL(net_check(&net, NULL), STATUS_OK);
                CHECK(net_broadcasts(&net, 2));
                CHECK_EQUAL(net.shapes[3].h * net.shapes[3].w, 20);
            }
}

TEST(tensors_that_nothing_reads_are_refused)
{
    struct net net = {.input = {4, 4, 3}};
    nets_simple(&net, 0, NODE_FLATTEN);
    nets_simple(&net, 0, NODE_FLATTEN);
    nets_simple(&net, 2, NODE_SOFTMAX);
    CHECK_EQUAL(net_check(&net, NULL), STATUS_NODE);
    net.nodes[2].input[0] = 1;
    CHECK_EQUAL(net_check(&net, NULL), STATUS_NODE);
}

static enum status check_single(struct shape input, struct node node)
{
    struct net net = {.input = input, .node_count = 3};
    net.nodes[0] = node;
    net.nodes[1] = (struct node){.kind = NODE_GLOBAL_AVGPOOL, .input = {1, 0}};
    net.nodes[2] = (struct node){.kind = NODE_SOFTMAX, .input = {2, 0}};
    return net_check(&net, NULL);
}

static struct node conv_node(int channels, int kernel)
{
    return (struct node){.kind = NODE_CONV2D,
                         .channels = channels,
                         .kernel_h = kernel,
                         .kernel_w = kernel,
                         .stride = 1,
                         .same = true,
                         .dilation = 1,
                         .groups = 1};
}

/* The products here pass 32 bits on their way: 1024 * 1024 * 4096 is 0 in a 32-bit size_t. */
TEST(sizes_at_their_limits)
{
    const struct shape largest = {LIMIT_SIDE, LIMIT_SIDE, 3};
    CHECK_EQUAL(check_single(largest, conv_node(16, 11)), STATUS_OK);
    CHECK_EQUAL(check_single(largest, conv_node(17, 1)), STATUS_LIMIT);
    for (int channels = 32; channels <= LIMIT_CHANNELS; channels *= 2) {
        test_context("%d channels", channels);
        CHECK_EQUAL(check_single(largest, conv_node(channels, 1)), STATUS_LIMIT);
        CHECK_EQUAL(check_single((struct shape){64, 64, 3}, conv_node(channels, 1)), STATUS_OK);
    }

    struct net net = {.input = {512, 512, 1}}; /* 262,144 inputs x 128 = LIMIT_PARAMETERS */
    nets_simple(&net, 0, NODE_FLATTEN);
    nets_dense(&net, 1, 128, false);
    nets_simple(&net, 2, NODE_SOFTMAX);
    CHECK_EQUAL(net_check(&net, NULL), STATUS_OK);
    CHECK_EQUAL(net_parameter_count(&net), LIMIT_PARAMETERS);
    net.nodes[1].bias = true;
    CHECK_EQUAL(net_check(&net, NULL), STATUS_LIMIT);
    net.input = (struct shape){1024, 1024, 1}; /* times 4096: 2^32 weights */
    net.nodes[1].channels = LIMIT_CHANNELS;
    CHECK_EQUAL(net_check(&net, NULL), STATUS_LIMIT);
    net.nodes[1].kind = NODE_CONV2D; /* 16 * 2^20 * 4096: 2^36 */
    net.nodes[1].kernel_h = net.nodes[1].kernel_w = 4;
    net.nodes[1].stride = net.nodes[1].dilation = net.nodes[1].groups = 1;
    net.nodes[1].same = true;
    CHECK_EQUAL(net_check(&net, NULL), STATUS_LIMIT);

    net = (struct net){
        .input = {1024, 1024, 1}}; /* 2^20 channels, 30 taps for each and 2 dense weights: LIMIT_PARAMETERS */
    nets_depthwise(&net, nets_simple(&net, 0, NODE_FLATTEN), 5, 6, 1, true, false);
    nets_finish(&net, nets_dense(&net, 2, 2, false));
    CHECK_EQUAL(net_parameter_count(&net), LIMIT_PARAMETERS);
    net.nodes[1].bias = true;
    CHECK_EQUAL(net_check(&net, NULL), STATUS_LIMIT);
    net.nodes[1].bias = false;
    net.nodes[1].kernel_h = net.nodes[1].kernel_w = LIMIT_KERNEL;
    CHECK_EQUAL(net_check(&net, NULL), STATUS_LIMIT);

    net = (struct net){.input = {64, 64, 1}}; /* classes */
    nets_simple(&net, 0, NODE_FLATTEN);
    nets_simple(&net, 1, NODE_SOFTMAX);
    CHECK_EQUAL(net_check(&net, NULL), STATUS_OK);
    net.input.w = 65;
    CHECK_EQUAL(net_check(&net, NULL), STATUS_LIMIT);

    net = (struct net){.input = {1, 1, 3}};
    for (int i = 0; i < LIMIT_NODES - 1; i++)
        nets_simple(&net, i, NODE_RELU);
    nets_finish(&net, LIMIT_NODES - 1);
}

/* (input, kernel, stride) -> outputs and padding before, from Keras. */
TEST(geometry)
{
    static const struct {
        int in, kernel, stride, valid, same, pad;
    } cases[] = {{5, 3, 1, 3, 5, 1}, {5, 3, 2, 2, 3, 1}, {6, 3, 2, 2, 3, 0}, {5, 2, 1, 4, 5, 0}, {5, 2, 2, 2, 3, 0},
                 {7, 5, 3, 1, 3, 2}, {4, 1, 3, 2, 2, 0}, {1, 1, 1, 1, 1, 0}, {8, 4, 4, 2, 2, 0}, {9, 4, 2, 3, 5, 1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int same = 0; same < 2; same++) {
            struct net net = {.input = {cases[i].in, cases[i].in, 1}};
            nets_conv(&net, 0, 2, cases[i].kernel, cases[i].kernel, cases[i].stride, same, true);
            nets_simple(&net, 1, NODE_GLOBAL_AVGPOOL);
            nets_finish(&net, 2);
            const struct window window = net_window(&net, 0);
            test_context("input %d, kernel %d, stride %d, %s", cases[i].in, cases[i].kernel, cases[i].stride,
                         same ? "same" : "valid");
            CHECK_EQUAL(window.out.h, same ? cases[i].same : cases[i].valid);
            CHECK_EQUAL(window.out.w, window.out.h);
            CHECK_EQUAL(window.pad_top, same ? cases[i].pad : 0);
            CHECK_EQUAL(window.pad_left, window.pad_top);
            CHECK_EQUAL(net_parameter_count(&net), cases[i].kernel * cases[i].kernel * 2 + 2);
            CHECK_EQUAL(net_multiply_adds(&net, 0),
                        cases[i].kernel * cases[i].kernel * 2 * window.out.h * window.out.w);
            CHECK_EQUAL(net_multiply_adds(&net, 1), 0);

            net.nodes[0].kind = NODE_DEPTHWISE;
            net.nodes[0].channels = net.nodes[0].dilation = net.nodes[0].groups = 0;
            net.input.c = 3;
            CHECK_EQUAL(net_check(&net, NULL), STATUS_OK);
            CHECK_EQUAL(net.shapes[1].c, 3);
            CHECK_EQUAL(net_window(&net, 0).pad_top, window.pad_top);
            CHECK_EQUAL(net_parameter_count(&net), cases[i].kernel * cases[i].kernel * 3 + 3);
            CHECK_EQUAL(net_multiply_adds(&net, 0),
                        cases[i].kernel * cases[i].kernel * 3 * window.out.h * window.out.w);
        }
}

TEST(places_of_the_parameters)
{
    const struct net net = every_kind();
    CHECK_EQUAL(net.offset[0], 0);
    CHECK_EQUAL(net.offset[1], 3 * 3 * 3 * 4 + 4);
    CHECK_EQUAL(net.offset[2], net.offset[1] + 16);
    CHECK_EQUAL(net.offset[9], net.offset[2]);
    CHECK_EQUAL(net.offset[10], net.offset[9] + 16 * 6 + 6);
    CHECK_EQUAL(net.offset[14], net.offset[10]);
    CHECK_EQUAL(net.offset[15], net.offset[14] + 3 * 3 * 6 + 6);
    CHECK_EQUAL(net.offset[18], net.offset[15]);
    CHECK_EQUAL(net.offset[19], net.offset[18] + 6);
    CHECK_EQUAL(net_parameter_count(&net), net.offset[19]);
    struct block blocks[4];
    CHECK_EQUAL(net_blocks(blocks, &net, 1), 4);
    CHECK_EQUAL(blocks[3].role, BLOCK_VARIANCE);
    CHECK_EQUAL(blocks[3].offset, net.offset[1] + 12);
    CHECK_EQUAL(net_blocks(blocks, &net, 2), 0);
    CHECK_EQUAL(net_blocks(blocks, &net, 18), 1);
    CHECK_EQUAL(blocks[0].role, BLOCK_SLOPE);
    CHECK_EQUAL(blocks[0].count, 6);
    CHECK_EQUAL(net_classes(&net), 6);
    CHECK_EQUAL(net.consumers[5], 2);
}

TEST(dropout_statistics)
{
    enum { COUNT = 200000 };
    float *in = test_floats(COUNT), *out = test_floats(COUNT), *din = test_floats(COUNT);
    for (int i = 0; i < COUNT; i++)
        in[i] = 1;
    for (int tenth = 0; tenth < 10; tenth++) {
        const double rate = tenth / 10.0, scale = 1 / (1 - rate);
        test_context("rate %g", rate);
        activation_dropout_forward(out, in, (float)rate, 5, 6, 7, COUNT);
        int dropped = 0, pairs = 0;
        for (int i = 0; i < COUNT; i++) {
            dropped += out[i] == 0;
            pairs += i > 0 && out[i] == 0 && out[i - 1] == 0;
            CHECK(out[i] == 0 || fabs((double)out[i] - scale) < 1e-5);
        }
        CHECK_CLOSE(dropped, rate * (double)COUNT, 5 * sqrt((double)COUNT * rate * (1 - rate)));
        CHECK_CLOSE(pairs, rate * rate * (double)COUNT,
                    10 * sqrt((double)COUNT * rate)); /* neighbours are independent */
        activation_dropout_backward(din, in, (float)rate, 5, 6, 7, COUNT);
        CHECK_SAME_BITS(din, out, COUNT);
        /* A part of the numbers, named by its first, is dropped as the whole is. */
        activation_dropout_forward(din, in, (float)rate, 5, 6, 7 + 1000, COUNT - 1000);
        CHECK_SAME_BITS(din, out + 1000, COUNT - 1000);
        if (tenth) {
            activation_dropout_forward(din, in, (float)rate, 5, 7, 7, COUNT);
            CHECK(memcmp(din, out, COUNT * sizeof *out) != 0);
        }
    }
}

static const struct test tests[] = {
    ENTRY(every_bad_field_is_refused),
    ENTRY(bad_inputs_are_refused),
    ENTRY(nodes_that_do_not_fit_their_input),
    ENTRY(one_pixel_for_all),
    ENTRY(tensors_that_nothing_reads_are_refused),
    ENTRY(sizes_at_their_limits),
    ENTRY(geometry),
    ENTRY(places_of_the_parameters),
    ENTRY(dropout_statistics),
};
const struct suite net_suite = SUITE("net", tests);
