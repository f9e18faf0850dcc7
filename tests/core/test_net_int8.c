/* Whole quantized models, from the file to the logits: the formulas of core/net/net_int8.h node by node, and the
 * same bits in every build. */
#include "classifier.h"
#include "support/golden_model.h"
#include "support/int8_oracle.h"
#include "support/nets.h"
#include "support/test.h"

#include <math.h>
#include <string.h>

static const uint32_t GOLDEN_FILE = 2345756191, GOLDEN_LOGITS = 3563551855;

/* A classifier of this model, and its logits for random pixels. */
static const float *logits_of(const uint8_t *bytes, size_t size, const uint8_t *pixels)
{
    size_t workspace;
    struct eyelet_classifier *classifier;
    CHECK_EQUAL(eyelet_classifier_bytes(&workspace, bytes, size), STATUS_OK);
    CHECK_EQUAL(eyelet_classifier_open(&classifier, test_bytes(workspace), bytes, size), STATUS_OK);
    CHECK_EQUAL(eyelet_classifier_run_pixels(classifier, pixels), STATUS_OK);
    return eyelet_classifier_logits(classifier);
}

static uint8_t *random_pixels(struct shape shape, struct random *random)
{
    const size_t count = (size_t)shape.h * (size_t)shape.w * 3;
    uint8_t *pixels = test_bytes(count);
    for (size_t i = 0; i < count; i++)
        pixels[i] = (uint8_t)random_below(random, 256);
    return pixels;
}

static void check_model(const uint8_t *bytes, size_t size, struct random *random)
{
    struct model model;
    CHECK_EQUAL(model_read(&model, bytes, size), STATUS_OK);
    uint8_t *pixels = random_pixels(model.net.input, random);
    const float *logits = logits_of(bytes, size, pixels);
    float *expected = test_floats((size_t)net_classes(&model.net));
    int8_oracle(expected, &model, pixels);
    CHECK_SAME_BITS(logits, expected, (size_t)net_classes(&model.net));
}

TEST(padding_that_is_said)
{
    struct random random = random_seed(241, 0);
    for (int round = 0; round < 150; round++) {
        struct net net;
        nets_random_windows(&net, test_between(&random, 1, 5), true, &random);
        size_t size;
        const uint8_t *bytes = int8_model_of(&size, &net, &random);
        test_context("round %d", round);
        check_model(bytes, size, &random);
        test_release();
    }
}

TEST(random_nets)
{
    struct random random = random_seed(210, 0), other = random_seed(215, 0);
    for (int round = 0; round < 150; round++) {
        struct net net;
        nets_random(&net, test_between(&random, 1, 14), &random);
        if (round % 2)
            nets_redraw_activations(&net, &other);
        size_t size;
        const uint8_t *bytes = int8_model_of(&size, &net, &random);
        test_context("round %d", round);
        check_model(bytes, size, &random);
        test_release();
    }
}

TEST(graphs_that_join_and_cut)
{
    struct random random = random_seed(303, 0);
    for (int round = 0; round < 100; round++) {
        struct net net;
        nets_random_channels(&net, test_between(&random, 1, 14), &random);
        size_t size;
        const uint8_t *bytes = int8_model_of(&size, &net, &random);
        test_context("round %d", round);
        check_model(bytes, size, &random);
        test_release();
    }
}

TEST(every_kind)
{
    struct random random = random_seed(216, 0);
    for (enum node_kind kind = 1; kind < NODE_KINDS; kind++) {
        struct net net;
        test_context("%s", kind_names[kind]);
        nets_of_kind(&net, kind);
        if (kind_traits[kind].int8 == INT8_FORM_NONE) {
            float scale[LIMIT_NODES + 1], own[LIMIT_NODES];
            for (int i = 0; i < net.node_count; i++)
                own[i] = int8_has_scale(net.nodes[i].kind) ? 1 : 0;
            CHECK(!int8_scales(scale, &net, own, &(struct preprocess){.std = {1, 1, 1}}));
            continue;
        }
        size_t size;
        const uint8_t *bytes = int8_model_of(&size, &net, &random);
        check_model(bytes, size, &random);
        test_release();
    }
}

/* What runs in one pass, and what must not: relu6 and a pool behind a convolution, a pool over a pool's remainder, a
 * relu that is not alone in reading, a convolution wide enough for Winograd. */
static struct net passes(void)
{
    struct net net = {.input = {19, 14, 3}};
    int x = nets_simple(&net, nets_conv(&net, 0, 18, 3, 3, 1, true, true), NODE_RELU);
    x = nets_pool(&net, nets_simple(&net, nets_conv(&net, x, 17, 3, 3, 1, false, true), NODE_RELU6), NODE_MAXPOOL, 2, 2,
                  false);
    const int both = nets_conv(&net, x, 17, 3, 3, 1, true, false);
    x = nets_add(&net, nets_simple(&net, both, NODE_RELU), both);
    x = nets_simple(&net, nets_depthwise(&net, x, 3, 3, 1, true, true), NODE_RELU6);
    x = nets_simple(&net, nets_pool(&net, nets_conv(&net, x, 33, 3, 3, 1, true, true), NODE_MAXPOOL, 2, 2, false),
                    NODE_GELU);
    x = nets_pool(&net, nets_conv(&net, x, 20, 1, 1, 1, true, true), NODE_MAXPOOL, 2, 2, true);
    x = nets_scale(&net, nets_dropout(&net, nets_simple(&net, nets_simple(&net, x, NODE_RELU), NODE_FLATTEN), 0.5f),
                   0.25f);
    nets_finish(&net, nets_dense(&net, x, 7, true));
    return net;
}

TEST(layers_in_one_pass)
{
    struct random random = random_seed(211, 0);
    for (int round = 0; round < 5; round++) {
        const struct net net = passes();
        size_t size;
        const uint8_t *bytes = int8_model_of(&size, &net, &random);
        check_model(bytes, size, &random);
    }
}

/* Every build makes these bits: the sum over the logits of the net above. */
TEST(the_same_bits_in_every_build)
{
    struct random random = random_seed(212, 0);
    const struct net net = passes();
    size_t size;
    const uint8_t *bytes = int8_model_of(&size, &net, &random);
    CHECK_EQUAL(golden_crc32(bytes, size - 4), GOLDEN_FILE);
    const float *logits = logits_of(bytes, size, random_pixels(net.input, &random));
    CHECK_EQUAL(golden_crc32(logits, (size_t)net_classes(&net) * sizeof *logits), GOLDEN_LOGITS);
}

/* Near the network in floats that it was made from. */
TEST(near_the_floats)
{
    struct random random = random_seed(213, 0);
    const struct net net = passes();
    size_t size, float_size;
    const uint8_t *bytes = int8_model_of(&size, &net, &random);
    struct model model;
    CHECK_EQUAL(model_read(&model, bytes, size), STATUS_OK);
    float *parameters = test_floats(net_parameter_count(&net));
    for (int i = 0; i < net.node_count; i++)
        model_parameters(parameters + net.offset[i], &model, i);
    model.type = WEIGHTS_FLOAT32;
    float_size = model_size(&model);
    uint8_t *floats = test_bytes(float_size);
    model_write(floats, &model, parameters);
    const uint8_t *pixels = random_pixels(net.input, &random);
    const float *a = logits_of(bytes, size, pixels), *b = logits_of(floats, float_size, pixels);
    float largest = 0;
    for (int k = 0; k < net_classes(&net); k++)
        largest = fmaxf(largest, fabsf(b[k]));
    for (int k = 0; k < net_classes(&net); k++)
        CHECK_CLOSE(a[k], b[k], 0.01f * largest);
}

/* The notes change, the numbers stay. */
TEST(written_again)
{
    struct random random = random_seed(214, 0);
    const struct net net = passes();
    size_t size;
    const uint8_t *bytes = int8_model_of(&size, &net, &random);
    struct model model, again;
    CHECK_EQUAL(model_read(&model, bytes, size), STATUS_OK);
    model.notes = "name: another\n";
    model.notes_length = (int)strlen(model.notes);
    const size_t other_size = model_size(&model);
    uint8_t *other = test_bytes(other_size);
    model_write(other, &model, NULL);
    CHECK_EQUAL(model_read(&again, other, other_size), STATUS_OK);
    const size_t weights = size - (size_t)(model.weights - bytes) - 4;
    CHECK_EQUAL(weights, other_size - (size_t)(again.weights - other) - 4);
    CHECK(memcmp(model.weights, again.weights, weights) == 0);
}

static const struct test tests[] = {
    ENTRY(random_nets),        ENTRY(padding_that_is_said),         ENTRY(every_kind),
    ENTRY(layers_in_one_pass), ENTRY(the_same_bits_in_every_build), ENTRY(near_the_floats),
    ENTRY(written_again),      ENTRY(graphs_that_join_and_cut),
};
const struct suite net_int8_suite = SUITE("net_int8", tests);
