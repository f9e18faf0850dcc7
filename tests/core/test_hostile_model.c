/* Model files that are cut, damaged or made by an enemy: a status each time, never a crash. */
#include "classifier.h"
#include "support/golden_model.h"
#include "support/int8_oracle.h"
#include "support/nets.h"
#include "support/test.h"

#include <math.h>
#include <string.h>

/* Every reader of the file must say the same. A model that opens is also run, so that no number in it can crash. */
static enum status status_of(const uint8_t *bytes, size_t size)
{
    struct model model;
    const enum status status = model_read(&model, bytes, size);
    size_t workspace;
    const enum status measured = classifier_bytes(&workspace, bytes, size);
    CHECK(measured == status || (status == STATUS_OK && measured == STATUS_LIMIT));
    struct classifier *classifier = NULL;
    if (measured) {
        CHECK_EQUAL(classifier_open(&classifier, test_bytes(0), bytes, size), measured);
        CHECK(classifier == NULL);
        return measured;
    }
    if (workspace > 64 << 20)
        return STATUS_OK; /* too slow to run by the thousand */
    CHECK_EQUAL(classifier_open(&classifier, test_bytes(workspace), bytes, size), STATUS_OK);
    uint8_t *rgba = test_bytes(5 * 4 * 4);
    const enum status run = classifier_run(classifier, rgba, 5, 4, test_bytes(classifier_scratch_bytes(classifier, 5, 4)));
    CHECK(run == STATUS_OK || run == STATUS_NOT_FINITE);
    return STATUS_OK;
}

/* A small model, so that all of its bytes can be tried. */
static uint8_t *small_model(size_t *size)
{
    struct random random = random_seed(35, 0);
    struct net net = {.input = {3, 3, 1}};
    int x = nets_conv(&net, 0, 2, 2, 2, 1, true, true);
    x = nets_simple(&net, nets_simple(&net, x, NODE_BATCHNORM), NODE_RELU);
    x = nets_dropout(&net, nets_simple(&net, nets_add(&net, x, x), NODE_FLATTEN), 0.5f);
    nets_finish(&net, nets_dense(&net, x, 3, true));
    return golden_model_of(size, &net, &random);
}

static uint8_t *copy_of(const uint8_t *bytes, size_t size)
{
    uint8_t *copy = test_bytes(size);
    memcpy(copy, bytes, size);
    return copy;
}

TEST(every_shorter_file_is_refused)
{
    size_t size;
    const uint8_t *bytes = small_model(&size);
    CHECK_EQUAL(status_of(bytes, size), STATUS_OK);
    for (size_t length = 0; length < size; length++) {
        test_context("%zu of %zu bytes", length, size);
        const uint8_t *cut = copy_of(bytes, length); /* of its own, so that reading past the end shows */
        CHECK_EQUAL(status_of(cut, length), length ? STATUS_TRUNCATED : STATUS_NOT_A_MODEL);
    }
}

TEST(every_longer_file_is_refused)
{
    size_t size;
    const uint8_t *bytes = small_model(&size);
    uint8_t *longer = test_bytes(size + 4096);
    for (size_t more = 1; more <= 4096; more = more * 2 + 1) {
        memset(longer, 0, size + more);
        memcpy(longer, bytes, size);
        test_context("%zu more", more);
        CHECK_EQUAL(status_of(longer, size + more), STATUS_TOO_LONG);
        golden_seal(longer, size + more);
        CHECK_EQUAL(status_of(longer, size + more), STATUS_TOO_LONG);
    }
}

TEST(every_flipped_bit_is_refused)
{
    size_t size;
    const uint8_t *bytes = small_model(&size);
    struct model model;
    CHECK_EQUAL(model_read(&model, bytes, size), STATUS_OK);
    const size_t weights = (size_t)(model.weights - bytes);
    uint8_t *damaged = copy_of(bytes, size);
    for (size_t bit = 0; bit < size * 8; bit++) {
        damaged[bit / 8] ^= (uint8_t)(1 << bit % 8);
        const enum status status = model_read(&model, damaged, size);
        test_context("byte %zu, bit %zu", bit / 8, bit % 8);
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

TEST(other_files_are_not_models)
{
    static const char html[] = "<!DOCTYPE html><title>404</title>                                               ";
    CHECK_EQUAL(status_of((const uint8_t *)html, sizeof html), STATUS_NOT_A_MODEL);
    uint8_t *zeros = test_bytes(1000);
    memset(zeros, 0, 1000);
    CHECK_EQUAL(status_of(zeros, 1000), STATUS_NOT_A_MODEL);
    CHECK_EQUAL(status_of(zeros, 1), STATUS_NOT_A_MODEL);
    size_t size;
    uint8_t *text_mode = small_model(&size);
    memmove(text_mode + 4, text_mode + 5, size - 5); /* a line end of two bytes made one */
    CHECK_EQUAL(status_of(text_mode, size - 1), STATUS_NOT_A_MODEL);
}

struct change {
    size_t place;
    int bytes; /* 1, 2 or 4, little-endian */
    uint32_t value;
    enum status expected;
    const char *what;
};

#define NODE(index, offset) (64 + 16 * (index) + (offset))
#define NAN_BITS 0x7fc00000
#define INFINITY_BITS 0x7f800000

/* In small_model: nodes 0 conv, 1 batchnorm, 2 relu, 3 add, 4 flatten, 5 dropout, 6 dense, 7 softmax. */
static const struct change changes[] = {
    {8, 4, 0, STATUS_VERSION, "version 0"},
    {8, 4, 2, STATUS_VERSION, "version 2"},
    {8, 4, 0x01000000, STATUS_VERSION, "version in the other byte order"},
    {12, 2, 0, STATUS_HEADER, "no rows"},
    {14, 2, 0, STATUS_HEADER, "no columns"},
    {12, 2, 1025, STATUS_HEADER, "too many rows"},
    {14, 2, 65535, STATUS_HEADER, "too many columns"},
    {16, 2, 0, STATUS_HEADER, "no channels"},
    {16, 2, 2, STATUS_HEADER, "two channels"},
    {16, 2, 4, STATUS_HEADER, "four channels"},
    {18, 1, 3, STATUS_HEADER, "an unknown fit"},
    {19, 1, 4, STATUS_HEADER, "an unknown type of weights"},
    {23, 1, 1, STATUS_HEADER, "a reserved byte"},
    {24, 4, NAN_BITS, STATUS_HEADER, "a mean of NaN"},
    {32, 4, INFINITY_BITS, STATUS_HEADER, "an infinite mean"},
    {36, 4, 0, STATUS_HEADER, "no std"},
    {40, 4, 0x80000000, STATUS_HEADER, "a std of -0"},
    {40, 4, 0xbf800000, STATUS_HEADER, "a negative std"},
    {44, 4, NAN_BITS, STATUS_HEADER, "a std of NaN"},
    {44, 4, INFINITY_BITS, STATUS_HEADER, "an infinite std"},
    {44, 4, 1, STATUS_HEADER, "a denormal std"},
    {48, 4, 0, STATUS_HEADER, "no temperature"},
    {48, 4, 0xbf800000, STATUS_HEADER, "a negative temperature"},
    {48, 4, NAN_BITS, STATUS_HEADER, "a temperature of NaN"},
    {48, 4, INFINITY_BITS, STATUS_HEADER, "an infinite temperature"},
    {52, 2, 0, STATUS_HEADER, "no nodes"},
    {52, 2, 7, STATUS_NODE, "a net without its end"},
    {52, 2, 9, STATUS_NODE, "a node more than there is"},
    {52, 2, 129, STATUS_LIMIT, "too many nodes"},
    {52, 2, 65535, STATUS_LIMIT, "far too many nodes"},
    {54, 2, 16385, STATUS_LIMIT, "notes too long"},
    {54, 2, 16384, STATUS_TRUNCATED, "notes longer than the file"},
    {56, 4, 1, STATUS_HEADER, "a reserved number"},
    {60, 4, 0x80000000, STATUS_HEADER, "another reserved number"},
    {NODE(0, 0), 1, 0, STATUS_NODE, "kind 0"},
    {NODE(0, 0), 1, NODE_KINDS, STATUS_NODE, "an unknown kind"},
    {NODE(0, 0), 1, 255, STATUS_NODE, "kind 255"},
    {NODE(0, 0), 1, NODE_SOFTMAX, STATUS_NODE, "an early softmax"},
    {NODE(0, 1), 1, 0, STATUS_NODE, "no kernel"},
    {NODE(0, 1), 1, 12, STATUS_NODE, "a large kernel"},
    {NODE(0, 3), 1, 0, STATUS_NODE, "no stride"},
    {NODE(0, 3), 1, 255, STATUS_NODE, "a large stride"},
    {NODE(0, 4), 1, 4, STATUS_NODE, "an unknown flag"},
    {NODE(0, 4), 1, 0x83, STATUS_NODE, "another unknown flag"},
    {NODE(0, 5), 1, 1, STATUS_NODE, "a reserved byte of a node"},
    {NODE(0, 6), 2, 0, STATUS_NODE, "no channels"},
    {NODE(0, 6), 2, 4097, STATUS_NODE, "too many channels"},
    {NODE(0, 6), 2, 4096, STATUS_TRUNCATED, "more weights than there are"},
    {NODE(0, 8), 2, 1, STATUS_NODE, "a node that reads itself"},
    {NODE(1, 8), 2, 2, STATUS_NODE, "another node that reads itself"},
    {NODE(1, 8), 2, 65535, STATUS_NODE, "a tensor far away"},
    {NODE(1, 8), 2, 0, STATUS_NODE, "a tensor that nothing reads"},
    {NODE(1, 10), 2, 1, STATUS_NODE, "a second input that is not used"},
    {NODE(1, 1), 1, 1, STATUS_NODE, "a kernel that is not used"},
    {NODE(1, 4), 1, 1, STATUS_NODE, "a flag that is not used"},
    {NODE(1, 6), 2, 2, STATUS_NODE, "channels that are not used"},
    {NODE(1, 12), 4, 0x3f000000, STATUS_NODE, "a rate that is not used"},
    {NODE(3, 10), 2, 0, STATUS_NODE, "a sum of different shapes"},
    {NODE(3, 10), 2, 4, STATUS_NODE, "a sum that reads itself"},
    {NODE(5, 12), 4, 0x3f800000, STATUS_NODE, "a dropout of everything"},
    {NODE(5, 12), 4, 0xbf000000, STATUS_NODE, "a negative dropout"},
    {NODE(5, 12), 4, NAN_BITS, STATUS_NODE, "a dropout of NaN"},
    {NODE(4, 0), 1, NODE_RELU, STATUS_NODE, "a dense layer over a picture"},
    {NODE(7, 0), 1, NODE_RELU, STATUS_NODE, "a net without a softmax"},
    {NODE(7, 8), 2, 6, STATUS_NODE, "a softmax that skips a layer"},
    {NODE(8, 0), 1, 255, STATUS_TEXT, "a label that swallows what follows"},
    {NODE(8, 1), 1, 0x1b, STATUS_TEXT, "a label with an escape"},
    {NODE(8, 1), 1, 0xc3, STATUS_TEXT, "a label that is not UTF-8"},
};

/* In mobile_model: nodes 0 depthwise, 1 relu6, 2 add, 3 global_avgpool, 4 softmax. */
static const struct change mobile_changes[] = {
    {NODE(0, 0), 1, NODE_KINDS, STATUS_NODE, "an unknown kind"},
    {NODE(0, 0), 1, NODE_CONV2D, STATUS_NODE, "a convolution without channels"},
    {NODE(0, 1), 1, 0, STATUS_NODE, "no kernel"},
    {NODE(0, 2), 1, 12, STATUS_NODE, "a wide kernel"},
    {NODE(0, 1), 1, 11, STATUS_TRUNCATED, "more weights than there are"},
    {NODE(0, 3), 1, 0, STATUS_NODE, "no stride"},
    {NODE(0, 3), 1, 12, STATUS_NODE, "a large stride"},
    {NODE(0, 4), 1, 2, STATUS_NODE, "a sum of different shapes, without padding"},
    {NODE(0, 4), 1, 1, STATUS_TOO_LONG, "a bias that nothing reads"},
    {NODE(0, 6), 2, 3, STATUS_NODE, "channels that follow from the input"},
    {NODE(0, 10), 2, 1, STATUS_NODE, "a second input"},
    {NODE(0, 12), 4, 0x3f000000, STATUS_NODE, "a rate"},
    {NODE(1, 1), 1, 3, STATUS_NODE, "a relu6 with a kernel"},
    {NODE(1, 4), 1, 2, STATUS_NODE, "a relu6 with a bias"},
    {NODE(1, 6), 2, 3, STATUS_NODE, "a relu6 with channels"},
    {NODE(1, 12), 4, 0x40c00000, STATUS_NODE, "a relu6 that says 6"},
    {NODE(4, 0), 1, NODE_RELU6, STATUS_NODE, "a net without a softmax"},
};

static uint8_t *mobile_model(size_t *size)
{
    struct random random = random_seed(95, 0);
    struct net net = {.input = {4, 4, 3}};
    const int x = nets_simple(&net, nets_depthwise(&net, 0, 4, 4, 1, true, true), NODE_RELU6);
    nets_finish(&net, nets_simple(&net, nets_add(&net, x, 0), NODE_GLOBAL_AVGPOOL));
    return golden_model_of(size, &net, &random);
}

static void check_changes(const uint8_t *bytes, size_t size, const struct change *all, size_t count)
{
    CHECK_EQUAL(status_of(bytes, size), STATUS_OK);
    for (size_t i = 0; i < count; i++) {
        const struct change *change = &all[i];
        uint8_t *changed = copy_of(bytes, size);
        for (int k = 0; k < change->bytes; k++)
            changed[change->place + (size_t)k] = (uint8_t)(change->value >> (8 * k));
        golden_seal(changed, size);
        test_context("%s", change->what);
        CHECK_EQUAL(status_of(changed, size), change->expected);
    }
}

TEST(every_impossible_field_is_refused_in_spite_of_a_good_checksum)
{
    size_t size;
    const uint8_t *bytes = small_model(&size);
    check_changes(bytes, size, changes, sizeof changes / sizeof *changes);
    bytes = mobile_model(&size);
    check_changes(bytes, size, mobile_changes, sizeof mobile_changes / sizeof *mobile_changes);
}

/* A quantized model, small too. */
static uint8_t *whole_model(size_t *size)
{
    struct random random = random_seed(39, 0);
    struct net net = {.input = {5, 4, 1}};
    int x = nets_simple(&net, nets_conv(&net, 0, 3, 3, 3, 1, true, true), NODE_RELU);
    x = nets_pool(&net, nets_simple(&net, nets_depthwise(&net, x, 2, 2, 1, true, false), NODE_GELU), NODE_AVGPOOL, 2, 1, false);
    x = nets_simple(&net, nets_add(&net, x, x), NODE_GLOBAL_AVGPOOL);
    nets_finish(&net, nets_dense(&net, x, 2, true));
    return int8_model_of(size, &net, &random);
}

static void put_float(uint8_t *place, float value)
{
    memcpy(place, &value, sizeof value); /* the machines that run these tests are little-endian */
}

/* Scales with which a factor is 0 or too large, or a sum could overflow. In whole_model: nodes 0 conv, 2 depthwise, 4 avgpool,
 * 5 add, 6 global_avgpool and 7 dense have a scale of their own. */
TEST(scales_must_fit_the_layers)
{
    size_t size;
    const uint8_t *bytes = whole_model(&size);
    struct model model;
    CHECK_EQUAL(status_of(bytes, size), STATUS_OK);
    CHECK_EQUAL(model_read(&model, bytes, size), STATUS_OK);
    static const size_t blocks[] = {4 + 3 * 4 + 27 + 3 * 4, 0, 4 + 3 * 4 + 12, 0, 4, 4, 4, 4 + 2 * 4 + 6 + 2 * 4, 0};
    static const float bad[] = {0, -1, NAN, INFINITY, -INFINITY, 1e-38f, 1e38f};
    size_t place = (size_t)(model.weights - bytes);
    for (int node = 0; node < model.net.node_count; place += (blocks[node] + 63) / 64 * 64, node++) {
        for (int b = 0; b < 7 && blocks[node]; b++) {
            uint8_t *changed = copy_of(bytes, size);
            put_float(changed + place, bad[b]);
            golden_seal(changed, size);
            test_context("node %d, a scale of %g", node, (double)bad[b]);
            CHECK_EQUAL(status_of(changed, size), STATUS_SCALE);
        }
        for (int b = 0; b < 7 && blocks[node] > 4; b++) {
            uint8_t *changed = copy_of(bytes, size);
            put_float(changed + place + 4, bad[b]); /* of the first channel's weights */
            golden_seal(changed, size);
            test_context("node %d, weights with a scale of %g", node, (double)bad[b]);
            CHECK_EQUAL(status_of(changed, size), b >= 2 && b != 5 ? STATUS_NOT_FINITE : STATUS_SCALE);
        }
    }
    uint8_t *changed = copy_of(bytes, size);
    put_float(changed + (model.weights - bytes) + 4 + 3 * 4 + 27, 1e6f);
    golden_seal(changed, size);
    test_context("a bias beyond 29 bits");
    CHECK_EQUAL(status_of(changed, size), STATUS_SCALE);
    CHECK_EQUAL(place + 4, size);
}

TEST(batchnorm_has_no_whole_numbers)
{
    size_t size;
    uint8_t *bytes = small_model(&size);
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
    CHECK_EQUAL(status_of(bytes, size), STATUS_SCALE);
}

TEST(weights_must_be_finite)
{
    size_t size;
    const uint8_t *bytes = small_model(&size);
    struct model model;
    CHECK_EQUAL(model_read(&model, bytes, size), STATUS_OK);
    static const float bad[] = {NAN, INFINITY, -INFINITY};
    const uint8_t *place = model.weights;
    for (int node = 0; node < model.net.node_count; node++) {
        const size_t count = model.net.offset[node + 1] - model.net.offset[node];
        for (size_t k = 0; k < count; k++)
            for (int b = 0; b < 3; b++) {
                uint8_t *changed = copy_of(bytes, size);
                put_float(changed + (place - bytes) + 4 * k, bad[b]);
                golden_seal(changed, size);
                test_context("node %d, weight %zu, %g", node, k, (double)bad[b]);
                CHECK_EQUAL(status_of(changed, size), STATUS_NOT_FINITE);
            }
        if (model.net.nodes[node].kind == NODE_BATCHNORM) { /* (scale, shift, mean, variance) of two channels */
            uint8_t *changed = copy_of(bytes, size);
            put_float(changed + (place - bytes) + 4 * 6, -0.01f);
            golden_seal(changed, size);
            test_context("a negative variance");
            CHECK_EQUAL(status_of(changed, size), STATUS_NOT_FINITE);
        }
        place += (count * 4 + 63) / 64 * 64;
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
    for (size_t place = (size_t)(model.weights - bytes); place + 4 < size; place += 4)
        put_float(bytes + place, place / 4 % 3 ? 3e38f : -3e38f);
    golden_seal(bytes, size);
    size_t workspace;
    struct classifier *classifier;
    CHECK_EQUAL(classifier_bytes(&workspace, bytes, size), STATUS_OK);
    CHECK_EQUAL(classifier_open(&classifier, test_bytes(workspace), bytes, size), STATUS_OK);
    static const uint8_t pixels[12] = {255, 0, 3, 200, 9, 77, 1, 2, 3, 250, 251, 252};
    CHECK_EQUAL(classifier_run_fitted(classifier, pixels), STATUS_NOT_FINITE);
}

/* Damage with a good checksum: any status, no crash. Damage near the start finds the deepest paths. */
static void check_damage(const uint8_t *bytes, size_t size, int rounds, uint64_t seed)
{
    struct random random = random_seed(seed, 0);
    int seen[STATUS_SCALE + 1] = {0};
    for (int round = 0; round < rounds; round++) {
        uint8_t *damaged = copy_of(bytes, size);
        for (int change = test_between(&random, 1, 6); change > 0; change--) {
            const size_t place = random_below(&random, 4) ? random_below(&random, 64 + 16 * 9) : random_below(&random, (uint32_t)size);
            damaged[place] = random_below(&random, 2) ? (uint8_t)random_below(&random, 256)
                                                      : (uint8_t)(damaged[place] + test_between(&random, -1, 1));
        }
        const size_t length = random_below(&random, 8) ? size : random_below(&random, (uint32_t)size + 1);
        if (length >= 4)
            golden_seal(damaged, length);
        test_context("seed %d, round %d", (int)seed, round);
        seen[status_of(damaged, length)]++;
        test_release_newer(bytes);
    }
    CHECK(seen[STATUS_OK] && seen[STATUS_NODE] && seen[STATUS_HEADER] && seen[STATUS_TRUNCATED]);
}

TEST(random_damage_with_a_good_checksum)
{
    size_t size;
    const uint8_t *bytes = small_model(&size);
    check_damage(bytes, size, 20000, 37);
}

TEST(random_damage_of_a_depthwise_model)
{
    size_t size;
    const uint8_t *bytes = mobile_model(&size);
    check_damage(bytes, size, 3000, 96);
}

TEST(random_damage_of_a_quantized_model)
{
    size_t size;
    const uint8_t *bytes = whole_model(&size);
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
    ENTRY(every_impossible_field_is_refused_in_spite_of_a_good_checksum),
    ENTRY(scales_must_fit_the_layers),
    ENTRY(batchnorm_has_no_whole_numbers),
    ENTRY(weights_must_be_finite),
    ENTRY(results_must_be_finite),
    ENTRY(random_damage_with_a_good_checksum),
    ENTRY(random_damage_of_a_depthwise_model),
    ENTRY(random_damage_of_a_quantized_model),
    ENTRY(random_damage_of_a_larger_model),
};
const struct suite hostile_model_suite = SUITE("hostile_model", tests);
