/* Explicit padding, dilation and groups: whole nets against the oracle, trimmed and not, what is
 * refused, and which kernel computes a convolution. */
#include "support/nets.h"
#include "support/oracle.h"
#include "support/test.h"

#include <string.h>

static void fill(struct fixture *fixture, const float *images, int n)
{
    memcpy(fixture->run.tensor[0], images, (size_t)n * shape_count(fixture->run.net->input) * sizeof *images);
}

TEST(forward_of_any_window)
{
    struct random random = random_seed(242, 0);
    int dilated = 0, grouped = 0, padded = 0, smaller = 0, winograd = 0;
    for (int i = 0; i < 300; i++) {
        struct net net;
        nets_random_windows(&net, test_between(&random, 1, 6), false, &random);
        test_context("net %d", i);
        const int n = test_between(&random, 1, 3);
        const float *parameters = nets_parameters(&net, &random);
        const float *images = test_random_floats((size_t)n * shape_count(net.input), &random);
        const size_t count = (size_t)(n * net_classes(&net));
        struct net trimmed = net;
        net_trim(&trimmed);
        struct fixture infer, train, less;
        fixture_open(&infer, &net, parameters, n, NET_INFER);
        fixture_open(&train, &net, parameters, n, NET_TRAIN);
        fixture_open(&less, &trimmed, parameters, n, NET_INFER);
        struct fixture *const fixtures[] = {&infer, &train, &less};
        double *tensor[LIMIT_NODES + 1];
        oracle_tensors(tensor, &net, n);
        for (size_t k = 0; k < (size_t)n * shape_count(net.input); k++)
            tensor[0][k] = (double)images[k];
        oracle_net(tensor, &net, test_widened(parameters, net_parameter_count(&net)), n,
                   (struct oracle_mode){.temperature = 1});
        for (int k = 0; k < 3; k++) {
            fill(fixtures[k], images, n);
            net_forward(&fixtures[k]->run, n);
            CHECK_ALL_CLOSE(net_logits(&fixtures[k]->run), tensor[net.nodes[net.node_count - 1].input[0]], count, 1e-3);
        }
        for (int t = 0; t < net.node_count; t++) {
            const struct node *node = &net.nodes[t];
            dilated += node->dilation > 1 && node->kernel_h + node->kernel_w > 2;
            grouped += node->groups > 1;
            padded += node_has_padding(node);
            smaller += shape_count(trimmed.shapes[t]) < shape_count(net.shapes[t]);
            winograd += infer.packed.kernel[t] == &net_kernel_winograd && node_has_padding(node);
        }
        test_release();
    }
    test_context("%d dilated, %d grouped, %d padded, %d smaller, %d by Winograd", dilated, grouped, padded, smaller,
                 winograd);
    CHECK(dilated > 50 && grouped > 50 && padded > 300 && smaller > 20 && winograd > 5);
}

/* ResNet's first layers at 8 x 8: PyTorch pads by 3 and 1 on all sides, where `same` would pad by 2 and 3 or by 0
 * and 1. */
TEST(symmetric_padding_is_not_that_of_same)
{
    struct net net = {.input = {8, 8, 3}};
    int x = nets_node(&net, (struct node){.kind = NODE_CONV2D,
                                          .channels = 4,
                                          .kernel_h = 7,
                                          .kernel_w = 7,
                                          .stride = 2,
                                          .dilation = 1,
                                          .groups = 1,
                                          .padding = {3, 3, 3, 3}});
    x = nets_node(
        &net,
        (struct node){
            .kind = NODE_MAXPOOL, .input = {x}, .kernel_h = 3, .kernel_w = 3, .stride = 2, .padding = {1, 1, 1, 1}});
    nets_finish(&net, nets_simple(&net, x, NODE_GLOBAL_AVGPOOL));
    CHECK_EQUAL(net_window(&net, 0).pad_top, 3);
    CHECK_EQUAL(net_window(&net, 1).pad_left, 1);
    CHECK_EQUAL(net.shapes[1].h, 4);
    CHECK_EQUAL(net.shapes[2].w, 2);
    for (int i = 0; i < 2; i++) {
        memset(net.nodes[i].padding, 0, sizeof net.nodes[i].padding);
        net.nodes[i].same = true;
    }
    CHECK_EQUAL(net_check(&net, NULL), STATUS_OK);
    CHECK_EQUAL(net_window(&net, 0).pad_top, 2);
    CHECK_EQUAL(net_window(&net, 1).pad_left, 0);
    CHECK_EQUAL(net.shapes[1].h, 4);
    CHECK_EQUAL(net.shapes[2].w, 2);
}

TEST(groups_have_a_part_of_the_weights)
{
    struct net net = {.input = {5, 5, 3}};
    int x = nets_conv(&net, 0, 6, 1, 1, 1, true, false);
    x = nets_node(&net, (struct node){.kind = NODE_CONV2D,
                                      .input = {x},
                                      .channels = 4,
                                      .kernel_h = 3,
                                      .kernel_w = 3,
                                      .stride = 1,
                                      .same = true,
                                      .dilation = 2,
                                      .groups = 2,
                                      .bias = true});
    nets_finish(&net, nets_simple(&net, x, NODE_GLOBAL_AVGPOOL));
    CHECK_EQUAL(net.offset[2] - net.offset[1], 3 * 3 * (6 / 2) * 4 + 4);
    CHECK_EQUAL(net_multiply_adds(&net, 1), 3 * 3 * 3 * 4 * 25);
    CHECK_EQUAL(net_window(&net, 1).pad_top, 2); /* of a kernel that covers 5 */
    CHECK_EQUAL(net.shapes[2].h, 5);
}

/* A valid node of few weights can ask for a padded input beyond 32 bits. */
TEST(padded_inputs_have_a_limit)
{
    struct net net = {.input = {1024, 1024, 1}};
    const int flat = nets_simple(&net, 0, NODE_FLATTEN);
    nets_node(&net, (struct node){.kind = NODE_CONV2D,
                                  .input = {flat},
                                  .channels = 1,
                                  .kernel_h = 2,
                                  .kernel_w = 2,
                                  .stride = 11,
                                  .dilation = LIMIT_DILATION,
                                  .groups = 1,
                                  .padding = {16, 16, 16, 16}});
    nets_simple(&net, nets_simple(&net, 2, NODE_GLOBAL_AVGPOOL), NODE_SOFTMAX);
    int failed;
    CHECK_EQUAL(net_check(&net, &failed), STATUS_LIMIT);
    CHECK_EQUAL(failed, 1);
}

/* The embedding stays, whatever memory the tensors share. */
TEST(the_embedding_outlives_the_run)
{
    struct random random = random_seed(243, 0);
    for (int i = 0; i < 100; i++) {
        struct net net;
        nets_random_windows(&net, test_between(&random, 1, 5), false, &random);
        const int vector = net.nodes[net_head(&net)].input[0];
        net.embedding = vector;
        CHECK_EQUAL(net_check(&net, NULL), STATUS_OK);
        const float *parameters = nets_parameters(&net, &random),
                    *image = test_random_floats(shape_count(net.input), &random);
        struct fixture infer, train;
        fixture_open(&infer, &net, parameters, 1, NET_INFER);
        fixture_open(&train, &net, parameters, 1, NET_TRAIN); /* every tensor stays */
        fill(&infer, image, 1);
        fill(&train, image, 1);
        net_forward(&infer.run, 1);
        net_forward(&train.run, 1);
        test_context("net %d", i);
        const size_t count = (size_t)net.shapes[vector].c; /* the kernels may differ, so the last bits, too */
        CHECK_ALL_CLOSE(infer.run.tensor[vector], test_widened(train.run.tensor[vector], count), count, 1e-4);
        test_release();
    }
}

/* An embedding that no layer reads is computed all the same. */
TEST(trimming_keeps_an_embedding_that_nothing_reads)
{
    struct net net = {.input = {4, 3, 3}};
    const int x = nets_conv(&net, 0, 4, 3, 3, 2, true, false), unread = nets_conv(&net, x, 5, 2, 2, 1, false, false);
    net.embedding = unread;
    nets_finish(&net, nets_simple(&net, x, NODE_GLOBAL_AVGPOOL));
    net_trim(&net);
    CHECK_EQUAL(net.shapes[unread].h * net.shapes[unread].w, 1);
    CHECK_EQUAL(net.shapes[x].h * net.shapes[x].w, 4);
}

/* 3x3 with stride 1 from 16 channels to 16: Winograd's, but in inference along rows to 4 rows or columns, and to less
 * not. */
TEST(kernel_of_every_convolution)
{
    static const struct {
        int channels, kernel_h, kernel_w, stride;
        bool same;
        const struct conv_kernel *train, *infer;
    } convolutions[] = {
        {16, 3, 3, 1, true, &net_kernel_conv, &net_kernel_conv}, /* reads three channels */
        {16, 3, 3, 1, true, &net_kernel_winograd, &net_kernel_winograd},
        {40, 3, 3, 1, false, &net_kernel_winograd, &net_kernel_winograd},
        {15, 3, 3, 1, true, &net_kernel_conv, &net_kernel_conv},
        {16, 3, 3, 1, true, &net_kernel_conv, &net_kernel_conv}, /* reads 15 */
        {16, 3, 3, 2, true, &net_kernel_conv, &net_kernel_conv},
        {16, 1, 1, 1, true, &net_kernel_conv, &net_kernel_conv},
        {16, 3, 1, 1, true, &net_kernel_conv, &net_kernel_conv},
        {16, 1, 3, 1, true, &net_kernel_conv, &net_kernel_conv},
        {16, 5, 5, 1, true, &net_kernel_conv, &net_kernel_conv},
        {16, 3, 3, 1, true, &net_kernel_winograd, &net_kernel_winograd_rows}, /* to 5x4 */
        {16, 2, 2, 1, false, &net_kernel_conv, &net_kernel_conv},
        {16, 3, 3, 1, true, &net_kernel_winograd, &net_kernel_conv}, /* to 4x3 */
    };
    enum { CONVOLUTIONS = sizeof convolutions / sizeof *convolutions };
    struct net net = {.input = {11, 10, 3}};
    for (int i = 0; i < CONVOLUTIONS; i++)
        nets_conv(&net, i, convolutions[i].channels, convolutions[i].kernel_h, convolutions[i].kernel_w,
                  convolutions[i].stride, convolutions[i].same, true);
    int x = nets_pool(&net, CONVOLUTIONS, NODE_MAXPOOL, 3, 1, true);
    x = nets_simple(&net, nets_simple(&net, x, NODE_BATCHNORM), NODE_GLOBAL_AVGPOOL);
    nets_finish(&net, nets_dense(&net, x, 16, true));
    struct random random = random_seed(88, 0);
    const float *parameters = nets_parameters(&net, &random);
    struct fixture infer, train;
    fixture_open(&infer, &net, parameters, 1, NET_INFER);
    fixture_open(&train, &net, parameters, 1, NET_TRAIN);
    for (int i = 0; i < net.node_count; i++) {
        test_context("node %d", i);
        const bool dense = net.nodes[i].kind == NODE_DENSE;
        CHECK(train.packed.kernel[i] == (i < CONVOLUTIONS ? convolutions[i].train : dense ? &net_kernel_conv : NULL));
        CHECK(infer.packed.kernel[i] == (i < CONVOLUTIONS ? convolutions[i].infer : dense ? &net_kernel_conv : NULL));
    }
}

static const struct test tests[] = {
    ENTRY(forward_of_any_window),
    ENTRY(symmetric_padding_is_not_that_of_same),
    ENTRY(groups_have_a_part_of_the_weights),
    ENTRY(padded_inputs_have_a_limit),
    ENTRY(the_embedding_outlives_the_run),
    ENTRY(trimming_keeps_an_embedding_that_nothing_reads),
    ENTRY(kernel_of_every_convolution),
};
const struct suite windows_suite = SUITE("windows", tests);
