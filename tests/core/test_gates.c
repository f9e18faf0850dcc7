/* Sums and products of two tensors, the second one perhaps of one pixel for all of the first, and slopes for each
 * channel: the kernels, and nets of any order of them, in floats, in training, trimmed, folded and in int8. */
#include "classifier.h"
#include "kernels/activation.h"
#include "support/gradient_check.h"
#include "support/int8_oracle.h"
#include "support/net_gradients.h"
#include "support/nets.h"
#include "support/test.h"
#include "training/fold_batchnorm.h"
#include "training/quantize.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- Kernels ---- */

TEST(products)
{
    struct random random = random_seed(300, 0);
    for (size_t count = 1; count < 70; count++) {
        float *a = test_random_floats(count, &random), *b = test_random_floats(count, &random);
        float *out = test_floats(count), *back = test_floats(count);
        test_context("%zu numbers", count);
        activation_multiply_forward(out, a, b, count);
        activation_multiply_backward(back, a, b, count);
        for (size_t i = 0; i < count; i++)
            CHECK(out[i] == a[i] * b[i]);
        CHECK_SAME_BITS(back, out, count);
        activation_multiply_forward(b, a, b, count); /* over the second */
        CHECK_SAME_BITS(b, out, count);
        activation_multiply_forward(out, a, a, count); /* a square */
        activation_multiply_forward(a, a, a, count);
        CHECK_SAME_BITS(a, out, count);
    }
}

/* Slopes of both signs; numbers at 0 and far from it. */
TEST(slopes)
{
    struct random random = random_seed(301, 0);
    for (int c = 1; c < 40; c++) {
        const size_t pixels = (size_t)test_between(&random, 1, 9), count = pixels * (size_t)c;
        float *in = test_random_floats(count, &random), *slopes = test_random_floats((size_t)c, &random);
        float *out = test_floats(count), *leaky = test_floats(count);
        for (size_t i = 0; i < count; i++)
            in[i] = i % 7 ? in[i] * (i % 5 ? 4 : 1e30f) : 0;
        activation_prelu_forward(out, in, slopes, pixels, c);
        activation_leaky_relu_forward(leaky, in, 0.375f, count);
        test_context("%zu pixels of %d channels", pixels, c);
        for (size_t i = 0; i < count; i++) {
            CHECK(out[i] == (in[i] < 0 ? in[i] * slopes[i % (size_t)c] : in[i]));
            CHECK(leaky[i] == (in[i] < 0 ? in[i] * 0.375f : in[i]));
        }
        activation_prelu_forward(in, in, slopes, pixels, c);
        CHECK_SAME_BITS(in, out, count);
    }
}

/* What is known of x, and where: the ways back, and that they may write over dout. */
TEST(slopes_back)
{
    enum { C = 19, PIXELS = 7, COUNT = C * PIXELS };
    struct random random = random_seed(302, 0);
    float *in = test_random_floats(COUNT, &random), *slopes = test_random_floats(C, &random);
    float *dout = test_random_floats(COUNT, &random), *din = test_floats(COUNT), *out = test_floats(COUNT);
    float *dslopes = test_floats(C);
    for (int k = 0; k < C; k++)
        dslopes[k] = (float)k; /* is added to */
    activation_prelu_backward(din, dout, in, slopes, PIXELS, C);
    activation_prelu_backward_slopes(dslopes, dout, in, PIXELS, C);
    for (int k = 0; k < C; k++) {
        double sum = k;
        for (int i = k; i < COUNT; i += C) {
            CHECK(din[i] == (in[i] > 0 ? dout[i] : dout[i] * slopes[k]));
            sum += in[i] < 0 ? (double)dout[i] * (double)in[i] : 0;
        }
        CHECK_CLOSE(dslopes[k], sum, 3e-6);
    }
    activation_leaky_relu_forward(out, in, 0.25f, COUNT);
    activation_leaky_relu_backward(din, dout, out, 0.25f, COUNT);
    for (int i = 0; i < COUNT; i++)
        CHECK(din[i] == (in[i] > 0 ? dout[i] : dout[i] * 0.25f));
    activation_leaky_relu_backward(dout, dout, out, 0.25f, COUNT);
    CHECK_SAME_BITS(dout, din, COUNT);
}

TEST(sums_over_pixels)
{
    struct random random = random_seed(303, 0);
    for (int c = 1; c < 40; c += 3) {
        const size_t pixels = (size_t)test_between(&random, 1, 30), count = pixels * (size_t)c;
        const float *dout = test_random_floats(count, &random), *in = test_random_floats(count, &random);
        float *of_sum = test_floats((size_t)c), *of_product = test_floats((size_t)c);
        activation_add_backward_channels(of_sum, dout, pixels, c);
        activation_multiply_backward_channels(of_product, dout, in, pixels, c);
        test_context("%zu pixels of %d channels", pixels, c);
        for (int k = 0; k < c; k++) {
            double sum = 0, product = 0;
            for (size_t i = (size_t)k; i < count; i += (size_t)c) {
                sum += (double)dout[i];
                product += (double)dout[i] * (double)in[i];
            }
            CHECK_CLOSE(of_sum[k], sum, 1e-5);
            CHECK_CLOSE(of_product[k], product, 1e-5);
        }
    }
}

/* ---- Nets ---- */

TEST(gradients_of_random_gates)
{
    struct random random = random_seed(304, 0);
    for (int i = 0; i < 80; i++) {
        struct net net;
        nets_random_gates(&net, test_between(&random, 1, 5), &random);
        char name[40];
        snprintf(name, sizeof name, "gates %d", i);
        net_gradients_check(name, &net, test_between(&random, 1, 3), 60, &random);
        test_release();
    }
}

/* In inference, where tensors share memory, as in training and as the oracle; and without what nothing reads. */
TEST(plans_of_random_gates)
{
    struct random random = random_seed(305, 0);
    int smaller = 0;
    for (int i = 0; i < 150; i++) {
        enum { N = 2, WHOLE = 0, TRAINING, TRIMMED, PLANS };
        struct net whole, trimmed;
        nets_random_gates(&whole, test_between(&random, 1, 6), &random);
        trimmed = whole;
        net_trim(&trimmed);
        const float *parameters = nets_parameters(&whole, &random);
        const size_t pixels = N * shape_count(whole.input), count = (size_t)(N * net_classes(&whole));
        const float *images = test_random_floats(pixels, &random);
        test_context("gates %d", i);
        struct fixture plans[PLANS];
        for (int plan = 0; plan < PLANS; plan++) {
            fixture_open(&plans[plan], plan == TRIMMED ? &trimmed : &whole, parameters, N,
                         plan == TRAINING ? NET_TRAIN : NET_INFER);
            memcpy(plans[plan].run.tensor[0], images, pixels * sizeof(float));
            net_forward(&plans[plan].run, N);
        }
        double *tensor[LIMIT_NODES + 1];
        oracle_tensors(tensor, &whole, N);
        memcpy(tensor[0], test_widened(images, pixels), pixels * sizeof(double));
        oracle_net(tensor, &whole, test_widened(parameters, net_parameter_count(&whole)), N,
                   (struct oracle_mode){.temperature = 1});
        const double *logits = tensor[whole.nodes[whole.node_count - 1].input[0]];
        double largest = 1;
        for (size_t k = 0; k < count; k++)
            largest = fmax(largest, fabs(logits[k]));
        for (int plan = 0; plan < PLANS; plan++)
            CHECK_ALL_CLOSE(net_logits(&plans[plan].run), logits, count, 1e-4 * largest);
        CHECK(plans[TRIMMED].bytes <= plans[WHOLE].bytes);
        for (int t = 0; t < whole.node_count; t++)
            smaller += shape_count(trimmed.shapes[t]) < shape_count(whole.shapes[t]);
        test_release();
    }
    CHECK(smaller > 50);
}

/* A pool of 2 leaves out the last row and column of 5x5: the product's and the first input's, none of the gate's. */
TEST(trimmed_product)
{
    struct net net = {.input = {5, 5, 3}};
    const int x = nets_conv(&net, 0, 4, 1, 1, 1, true, true);
    const int gate = nets_conv(&net, nets_simple(&net, 0, NODE_GLOBAL_AVGPOOL), 4, 1, 1, 1, true, true);
    const int product = nets_multiply(&net, x, gate);
    nets_finish(&net, nets_simple(&net, nets_pool(&net, product, NODE_MAXPOOL, 2, 2, false), NODE_GLOBAL_AVGPOOL));
    net_trim(&net);
    CHECK(net.shapes[x].h == 4 && net.shapes[x].w == 4);
    CHECK(net.shapes[gate].h == 1 && net.shapes[gate].w == 1);
    CHECK(net.shapes[product].h == 4 && net.shapes[product].w == 4);
    CHECK(net_broadcasts(&net, product - 1));
}

/* A block of MobileNetV3 or EfficientNet, with batch normalisation wherever it can stand: behind layers with weights it
 * is folded into them, behind a product it stays, and neither changes what the net computes. */
TEST(batch_normalisation_around_a_gate)
{
    struct random random = random_seed(306, 0);
    struct net net = {.input = {6, 7, 3}}, folded;
    int x = nets_simple(&net, nets_conv(&net, 0, 8, 3, 3, 1, true, false), NODE_BATCHNORM);
    x = nets_simple(&net, nets_depthwise(&net, nets_simple(&net, x, NODE_SILU), 3, 3, 1, true, false), NODE_BATCHNORM);
    x = nets_leaky_relu(&net, x, 0.125f);
    int gate = nets_conv(&net, nets_simple(&net, x, NODE_GLOBAL_AVGPOOL), 3, 1, 1, 1, true, true);
    gate = nets_conv(&net, nets_simple(&net, gate, NODE_BATCHNORM), 8, 1, 1, 1, true, false);
    gate = nets_simple(&net, nets_simple(&net, gate, NODE_BATCHNORM), NODE_HARDSIGMOID);
    x = nets_simple(&net, nets_simple(&net, nets_multiply(&net, x, gate), NODE_BATCHNORM), NODE_PRELU);
    nets_finish(&net, nets_dense(&net, nets_simple(&net, x, NODE_GLOBAL_AVGPOOL), 5, true));

    const float *parameters = nets_parameters(&net, &random);
    float *others = test_floats(net_parameter_count(&net));
    CHECK_EQUAL(fold_batchnorm(&folded, others, &net, parameters), STATUS_OK);
    int left = 0;
    for (int i = 0; i < folded.node_count; i++)
        if (folded.nodes[i].kind == NODE_BATCHNORM)
            left += folded.nodes[folded.nodes[i].input[0] - 1].kind == NODE_MULTIPLY ? 1 : 100;
    CHECK_EQUAL(left, 1);
    struct fixture before, behind;
    fixture_open(&before, &net, parameters, 1, NET_INFER);
    fixture_open(&behind, &folded, others, 1, NET_INFER);
    test_fill(before.run.tensor[0], shape_count(net.input), &random);
    memcpy(behind.run.tensor[0], before.run.tensor[0], shape_count(net.input) * sizeof(float));
    net_forward(&before.run, 1);
    net_forward(&behind.run, 1);
    CHECK_ALL_CLOSE(net_logits(&behind.run), test_widened(net_logits(&before.run), 5), 5, 1e-5);
}

/* ---- int8 ---- */

static bool has_prelu(const struct net *net)
{
    for (int i = 0; i < net->node_count; i++)
        if (net->nodes[i].kind == NODE_PRELU)
            return true;
    return false;
}

TEST(random_gates_in_int8)
{
    struct random random = random_seed(307, 0);
    int computed = 0;
    for (int i = 0; i < 200; i++) {
        struct net net;
        nets_random_gates(&net, test_between(&random, 1, 4), &random);
        if (has_prelu(&net))
            continue;
        size_t size, workspace;
        const uint8_t *bytes = int8_model_of(&size, &net, &random);
        uint8_t *pixels = test_bytes(shape_count(net.input));
        for (size_t k = 0; k < shape_count(net.input); k++)
            pixels[k] = (uint8_t)random_below(&random, 256);
        test_context("gates %d", i);
        struct model model;
        CHECK_EQUAL(model_read(&model, bytes, size), STATUS_OK);
        struct eyelet_classifier *classifier;
        CHECK_EQUAL(eyelet_classifier_bytes(&workspace, bytes, size), STATUS_OK);
        CHECK_EQUAL(eyelet_classifier_open(&classifier, test_bytes(workspace), bytes, size), STATUS_OK);
        CHECK_EQUAL(eyelet_classifier_run_pixels(classifier, pixels), STATUS_OK);
        float expected[5];
        int8_oracle(expected, &model, pixels);
        CHECK_SAME_BITS(eyelet_classifier_logits(classifier), expected, 5);
        computed++;
        test_release();
    }
    CHECK(computed > 50);
}

/* A product's scale is such that its factor has at least 2^INT8_ADD_FRACTION steps, and one that is too large or too
 * small for its inputs is refused. */
TEST(scales_of_products)
{
    struct net net = {.input = {1, 1, 1}};
    const int x = nets_dense(&net, 0, 3, false), product = nets_multiply(&net, x, x);
    nets_finish(&net, product);
    float scale[LIMIT_NODES + 1] = {1, 0.5f, 0.5f};
    static const struct {
        float out;
        bool fits;
    } cases[] = {{0.125f, false}, {0.5f, false}, {0.501f, true}, {1e3f, true}, {0x1p30f, true}, {0x1.8p31f, false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        scale[product] = cases[i].out;
        test_context("scale %g", (double)cases[i].out);
        CHECK_EQUAL(int8_scales_fit(&net, product - 1, scale), cases[i].fits);
    }
    const float parameters[] = {1, 1, 1};
    const struct preprocess preprocess = {.std = {1, 1, 1}};
    float ranges[LIMIT_NODES + 1] = {1, 2, 0}, own[LIMIT_NODES], all[LIMIT_NODES + 1];
    for (int wide = 0; wide < 2; wide++) {
        ranges[product] = wide ? 4 : 1e-6f; /* of numbers up to 2, all of it or next to nothing */
        quantize_scales(own, ranges, &net, parameters, &preprocess);
        CHECK(int8_scales(all, &net, own, &preprocess));
        CHECK(int8_scales_fit(&net, product - 1, all));
        CHECK(own[product - 1] >= ranges[product] * 1.25f / (float)ACTIVATION_MAX);
    }
    CHECK_CLOSE(own[product - 1], 4 * 1.25 / (double)ACTIVATION_MAX, 1e-6);
}

/* Numbers below 0 count for a scale as far as the activation that reads them makes something of them. */
TEST(ranges_below_0)
{
    static const struct {
        enum node_kind kind;
        float rate, counts;
    } cases[] = {{NODE_GELU, 0, 5},       {NODE_HARDSWISH, 0, 5}, {NODE_SILU, 0, 8}, {NODE_LEAKY_RELU, 0.25f, 40},
                 {NODE_LEAKY_RELU, 0, 5}, {NODE_RELU, 0, 0},      {NODE_TANH, 0, 40}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct net net = {.input = {1, 1, 1}};
        const int x = nets_dense(&net, 0, 1, false);
        nets_finish(&net, nets_node(&net, (struct node){.kind = cases[i].kind, .input = {x}, .rate = cases[i].rate}));
        const float parameters[] = {-40};
        struct fixture fixture;
        fixture_open(&fixture, &net, parameters, 1, NET_TRAIN);
        fixture.run.tensor[0][0] = 1;
        float ranges[LIMIT_NODES + 1] = {0};
        quantize_observe(ranges, &fixture.run, 1);
        test_context("%s %g", kind_names[cases[i].kind], (double)cases[i].rate);
        CHECK_CLOSE(ranges[x], cases[i].counts, 0);
    }
}

static const struct test tests[] = {
    ENTRY(products),
    ENTRY(slopes),
    ENTRY(slopes_back),
    ENTRY(sums_over_pixels),
    ENTRY(gradients_of_random_gates),
    ENTRY(plans_of_random_gates),
    ENTRY(trimmed_product),
    ENTRY(batch_normalisation_around_a_gate),
    ENTRY(random_gates_in_int8),
    ENTRY(scales_of_products),
    ENTRY(ranges_below_0),
};
const struct suite gates_suite = SUITE("gates", tests);
