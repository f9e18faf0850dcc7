/* Model files that are cut, damaged or made by an enemy: a status each time, never a crash. */
#include "classifier.h"
#include "support/golden_model.h"
#include "support/int8_oracle.h"
#include "support/nets.h"
#include "support/test.h"

#include <math.h>
#include <string.h>

static uint8_t *copy_of(const uint8_t *bytes, size_t size)
{
    uint8_t *copy = test_bytes(size);
    memcpy(copy, bytes, size);
    return copy;
}

/* Small ones, so that all of their bytes can be tried. */
static uint8_t *(*const small_models[])(size_t *) = {golden_small_model, golden_full_model};
enum { SMALL_MODELS = sizeof small_models / sizeof *small_models };

TEST(every_shorter_file_is_refused)
{
    for (int m = 0; m < SMALL_MODELS; m++) {
        size_t size;
        const uint8_t *bytes = small_models[m](&size);
        CHECK_EQUAL(golden_status(bytes, size), STATUS_OK);
        for (size_t length = 0; length < size; length++) {
            test_context("%zu of %zu bytes", length, size);
            const uint8_t *cut = copy_of(bytes, length); /* of its own, so that reading past the end shows */
            CHECK_EQUAL(golden_status(cut, length), length ? STATUS_TRUNCATED : STATUS_NOT_A_MODEL);
        }
    }
}

TEST(every_longer_file_is_refused)
{
    for (int m = 0; m < SMALL_MODELS; m++) {
        size_t size;
        const uint8_t *bytes = small_models[m](&size);
        uint8_t *longer = test_bytes(size + 4096);
        for (size_t more = 1; more <= 4096; more = more * 2 + 1) {
            memset(longer, 0, size + more);
            memcpy(longer, bytes, size);
            test_context("%zu more", more);
            CHECK_EQUAL(golden_status(longer, size + more), STATUS_TOO_LONG);
            golden_seal(longer, size + more);
            CHECK_EQUAL(golden_status(longer, size + more), STATUS_TOO_LONG);
        }
    }
}

TEST(every_flipped_bit_is_refused)
{
    for (int m = 0; m < SMALL_MODELS; m++) {
        size_t size;
        const uint8_t *bytes = small_models[m](&size);
        struct model model;
        CHECK_EQUAL(model_read(&model, bytes, size), STATUS_OK);
        const size_t weights = (size_t)(model.weights - bytes);
        uint8_t *damaged = copy_of(bytes, size);
        for (size_t bit = 0; bit < size * 8; bit++) {
            damaged[bit / 8] ^= (uint8_t)(1 << bit % 8);
            const enum status status = model_read(&model, damaged, size);
            test_context("model %d, byte %zu, bit %zu", m, bit / 8, bit % 8);
            CHECK(status != STATUS_OK);
            if (bit / 8 < 8)
                CHECK_EQUAL(status, STATUS_NOT_A_MODEL);
            else if (bit / 8 < 12)
                CHECK_EQUAL(status, STATUS_VERSION);
            else if (bit / 8 >= weights)
                CHECK_EQUAL(status, STATUS_CHECKSUM);
            damaged[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
    }
}

TEST(other_files_are_not_models)
{
    static const char html[] = "<!DOCTYPE html><title>404</title>                                               ";
    CHECK_EQUAL(golden_status((const uint8_t *)html, sizeof html), STATUS_NOT_A_MODEL);
    uint8_t *zeros = test_bytes(1000);
    memset(zeros, 0, 1000);
    CHECK_EQUAL(golden_status(zeros, 1000), STATUS_NOT_A_MODEL);
    CHECK_EQUAL(golden_status(zeros, 1), STATUS_NOT_A_MODEL);
    size_t size;
    uint8_t *text_mode = golden_small_model(&size);
    memmove(text_mode + 4, text_mode + 5, size - 5); /* a line end of two bytes made one */
    CHECK_EQUAL(golden_status(text_mode, size - 1), STATUS_NOT_A_MODEL);
}

/* A quantized model, small too. */
static uint8_t *quantized_model(size_t *size)
{
    struct random random = random_seed(39, 0);
    struct net net = {.input = {5, 4, 1}};
    int x = nets_simple(&net, nets_conv(&net, 0, 3, 3, 3, 1, true, true), NODE_RELU);
    x = nets_pool(&net, nets_simple(&net, nets_depthwise(&net, x, 2, 2, 1, true, false), NODE_GELU), NODE_AVGPOOL, 2, 1,
                  false);
    x = nets_simple(&net, nets_add(&net, x, x), NODE_GLOBAL_AVGPOOL);
    nets_finish(&net, nets_dense(&net, x, 2, true));
    return int8_model_of(size, &net, &random);
}

static void put_float(uint8_t *p, float value)
{
    memcpy(p, &value, sizeof value); /* the machines that run these tests are little-endian */
}

/* Scales with which a factor is 0 or too large, or a sum could overflow. In quantized_model: nodes 0 conv, 2
 * depthwise, 4 avgpool, 5 add, 6 global_avgpool and 7 dense have a scale of their own. */
TEST(scales_must_fit_the_layers)
{
    size_t size;
    const uint8_t *bytes = quantized_model(&size);
    struct model model;
    CHECK_EQUAL(golden_status(bytes, size), STATUS_OK);
    CHECK_EQUAL(model_read(&model, bytes, size), STATUS_OK);
    static const size_t blocks[] = {4 + 3 * 4 + 27 + 3 * 4, 0, 4 + 3 * 4 + 12, 0, 4, 4, 4, 4 + 2 * 4 + 6 + 2 * 4, 0};
    static const float bad[] = {0, -1, NAN, INFINITY, -INFINITY, 1e-38f, 1e38f};
    size_t offset = (size_t)(model.weights - bytes);
    for (int node = 0; node < model.net.node_count; offset += (blocks[node] + 63) / 64 * 64, node++) {
        for (int b = 0; b < 7 && blocks[node]; b++) {
            uint8_t *changed = copy_of(bytes, size);
            put_float(changed + offset, bad[b]);
            golden_seal(changed, size);
            test_context("node %d, a scale of %g", node, (double)bad[b]);
            CHECK_EQUAL(golden_status(changed, size), STATUS_SCALE);
        }
        for (int b = 0; b < 7 && blocks[node] > 4; b++) {
            uint8_t *changed = copy_of(bytes, size);
            put_float(changed + offset + 4, bad[b]); /* of the first channel's weights */
            golden_seal(changed, size);
            test_context("node %d, weights with a scale of %g", node, (double)bad[b]);
            CHECK_EQUAL(golden_status(changed, size), b >= 2 && b != 5 ? STATUS_NOT_FINITE : STATUS_SCALE);
        }
    }
    uint8_t *changed = copy_of(bytes, size);
    put_float(changed + (model.weights - bytes) + 4 + 3 * 4 + 27, 1e6f);
    golden_seal(changed, size);
    test_context("a bias beyond 29 bits");
    CHECK_EQUAL(golden_status(changed, size), STATUS_SCALE);
    CHECK_EQUAL(offset + 4, size);
}

TEST(batchnorm_has_no_int8_form)
{
    size_t size;
    uint8_t *bytes = golden_small_model(&size);
    struct model model;
    CHECK_EQUAL(model_read(&model, bytes, size), STATUS_OK);
    model.type = WEIGHTS_QUANTIZED;
    for (int i = 0; i < model.net.node_count; i++)
        model.scale[i] = int8_has_scale(model.net.nodes[i].kind) ? 1 : 0;
    float *parameters = test_floats(net_parameter_count(&model.net));
    for (size_t k = 0; k < net_parameter_count(&model.net); k++)
        parameters[k] = 0.5f;
    size = model_size(&model);
    bytes = test_bytes(size);
    model_write(bytes, &model, parameters);
    CHECK_EQUAL(golden_status(bytes, size), STATUS_SCALE);
}

TEST(weights_must_be_finite)
{
    size_t size;
    const uint8_t *bytes = golden_small_model(&size);
    struct model model;
    CHECK_EQUAL(model_read(&model, bytes, size), STATUS_OK);
    static const float bad[] = {NAN, INFINITY, -INFINITY};
    const uint8_t *address = model.weights;
    for (int node = 0; node < model.net.node_count; node++) {
        const size_t count = model.net.offset[node + 1] - model.net.offset[node];
        for (size_t k = 0; k < count; k++)
            for (int b = 0; b < 3; b++) {
                uint8_t *changed = copy_of(bytes, size);
                put_float(changed + (address - bytes) + 4 * k, bad[b]);
                golden_seal(changed, size);
                test_context("node %d, weight %zu, %g", node, k, (double)bad[b]);
                CHECK_EQUAL(golden_status(changed, size), STATUS_NOT_FINITE);
            }
        if (model.net.nodes[node].kind == NODE_BATCHNORM) { /* (scale, shift, mean, variance) of two channels */
            uint8_t *changed = copy_of(bytes, size);
            put_float(changed + (address - bytes) + 4 * 6, -0.01f);
            golden_seal(changed, size);
            test_context("a negative variance");
            CHECK_EQUAL(golden_status(changed, size), STATUS_NOT_FINITE);
        }
        address += (count * 4 + 63) / 64 * 64;
    }
}

/* Finite weights whose products are not: found when the classifier runs. */
TEST(results_must_be_finite)
{
    struct random random = random_seed(36, 0);
    struct net net = {.input = {2, 2, 1}};
    int x = nets_simple(&net, 0, NODE_FLATTEN);
    x = nets_simple(&net, nets_dense(&net, x, 4, true), NODE_TANH);
    x = nets_simple(&net, nets_dense(&net, x, 4, true), NODE_SIGMOID);
    nets_finish(&net, nets_dense(&net, nets_dense(&net, x, 4, false), 2, true));
    size_t size;
    uint8_t *bytes = golden_model_of(&size, &net, &random);
    struct model model;
    CHECK_EQUAL(model_read(&model, bytes, size), STATUS_OK);
    for (size_t offset = (size_t)(model.weights - bytes); offset + 4 < size; offset += 4)
        put_float(bytes + offset, offset / 4 % 3 ? 3e38f : -3e38f);
    golden_seal(bytes, size);
    size_t workspace;
    struct eyelet_classifier *classifier;
    CHECK_EQUAL(eyelet_classifier_bytes(&workspace, bytes, size), STATUS_OK);
    CHECK_EQUAL(eyelet_classifier_open(&classifier, test_bytes(workspace), bytes, size), STATUS_OK);
    static const uint8_t pixels[12] = {255, 0, 3, 200, 9, 77, 1, 2, 3, 250, 251, 252};
    CHECK_EQUAL(eyelet_classifier_run_pixels(classifier, pixels), STATUS_NOT_FINITE);
}

/* Damage with a good checksum: any status, no crash. Damage near the start finds the deepest paths. */
static void check_damage(const uint8_t *bytes, size_t size, int rounds, uint64_t seed)
{
    struct random random = random_seed(seed, 0);
    int seen[STATUS_SCALE + 1] = {0};
    for (int round = 0; round < rounds; round++) {
        uint8_t *damaged = copy_of(bytes, size);
        for (int change = test_between(&random, 1, 6); change > 0; change--) {
            const size_t offset =
                random_below(&random, 4) ? random_below(&random, 128 + 32 * 9) : random_below(&random, (uint32_t)size);
            damaged[offset] = random_below(&random, 2) ? (uint8_t)random_below(&random, 256)
                                                       : (uint8_t)(damaged[offset] + test_between(&random, -1, 1));
        }
        const size_t length = random_below(&random, 8) ? size : random_below(&random, (uint32_t)size + 1);
        if (length >= 4)
            golden_seal(damaged, length);
        test_context("seed %d, round %d", (int)seed, round);
        seen[golden_status(damaged, length)]++;
        test_release_newer(bytes);
    }
    CHECK(seen[STATUS_OK] && seen[STATUS_NODE] && seen[STATUS_HEADER] && seen[STATUS_TRUNCATED]);
}

TEST(random_damage_with_a_good_checksum)
{
    size_t size;
    const uint8_t *bytes = golden_small_model(&size);
    check_damage(bytes, size, 20000, 37);
}

TEST(random_damage_of_a_depthwise_model)
{
    size_t size;
    const uint8_t *bytes = golden_mobile_model(&size);
    check_damage(bytes, size, 3000, 96);
}

TEST(random_damage_of_a_model_with_everything)
{
    size_t size;
    const uint8_t *bytes = golden_full_model(&size);
    check_damage(bytes, size, 10000, 99);
}

TEST(random_damage_of_a_quantized_model)
{
    size_t size;
    const uint8_t *bytes = quantized_model(&size);
    check_damage(bytes, size, 5000, 97);
}

TEST(random_damage_of_a_larger_model)
{
    size_t size;
    const uint8_t *bytes = golden_model(&size);
    check_damage(bytes, size, 3000, 38);
}

static const struct test tests[] = {
    ENTRY(every_shorter_file_is_refused),
    ENTRY(every_longer_file_is_refused),
    ENTRY(every_flipped_bit_is_refused),
    ENTRY(other_files_are_not_models),
    ENTRY(scales_must_fit_the_layers),
    ENTRY(batchnorm_has_no_int8_form),
    ENTRY(weights_must_be_finite),
    ENTRY(results_must_be_finite),
    ENTRY(random_damage_with_a_good_checksum),
    ENTRY(random_damage_of_a_depthwise_model),
    ENTRY(random_damage_of_a_model_with_everything),
    ENTRY(random_damage_of_a_quantized_model),
    ENTRY(random_damage_of_a_larger_model),
};
const struct suite hostile_model_suite = SUITE("hostile_model", tests);
