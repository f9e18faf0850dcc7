/* The model file: what is written is read, and every limit. test_hostile_model.c has the damage. */
#include "net/model.h"

#include "base/bytes.h"
#include "base/text.h"
#include "classifier.h"
#include "support/golden_model.h"
#include "support/model_offsets.h"
#include "support/nets.h"
#include "support/test.h"

#include <math.h>
#include <string.h>

/* The smallest net there is, and a model of it with one label to choose. */
static struct net tiny_net(int nodes)
{
    struct net net = {.input = {1, 1, 1}};
    for (int i = 0; i < nodes - 1; i++)
        nets_simple(&net, i, NODE_RELU);
    nets_finish(&net, nodes - 1);
    return net;
}

/* An own writer, for what model_write would not write: any text, any lengths. */
static uint8_t *assemble(size_t *size, const void *label, int label_length, const void *notes, int notes_length)
{
    static const float parameters[1] = {0};
    uint8_t *labels = test_bytes(256);
    labels[0] = (uint8_t)label_length;
    memcpy(labels + 1, label, (size_t)label_length);
    const struct model model = {.net = tiny_net(1),
                                .preprocess = {.std = {1, 1, 1}},
                                .temperature = 1,
                                .labels = labels,
                                .notes = notes,
                                .notes_length = notes_length};
    *size = model_size(&model);
    uint8_t *bytes = test_bytes(*size);
    model_write(bytes, &model, parameters);
    return bytes;
}

static void check_round_trip(const struct net *net, struct random *random)
{
    size_t size;
    struct random copy = *random;
    const uint8_t *bytes = golden_model_of(&size, net, random);
    const float *parameters = nets_parameters(net, &copy);
    struct model read;
    const enum status status = model_read(&read, bytes, size);
    CHECK_EQUAL(status, STATUS_OK);
    if (status)
        return;
    CHECK_EQUAL(read.net.node_count, net->node_count);
    CHECK(memcmp(read.net.shapes, net->shapes, (size_t)(net->node_count + 1) * sizeof *net->shapes) == 0);
    for (int i = 0; i < net->node_count; i++) {
        const struct node *a = &read.net.nodes[i], *b = &net->nodes[i];
        CHECK(a->kind == b->kind && a->input[0] == b->input[0] && a->input[1] == b->input[1] &&
              a->channels == b->channels && a->kernel_h == b->kernel_h && a->kernel_w == b->kernel_w &&
              a->stride == b->stride && a->same == b->same && a->bias == b->bias && a->rate == b->rate);
        const size_t count = net->offset[i + 1] - net->offset[i];
        float *own = test_floats(count);
        model_parameters(own, &read, i);
        CHECK_SAME_BITS(own, parameters + net->offset[i], count);
    }
    CHECK_EQUAL(read.preprocess.resize_mode, RESIZE_PAD);
    CHECK(read.preprocess.background[1] == 200 && read.preprocess.mean[1] == 0.4375f &&
          read.preprocess.std[2] == 0.3f && read.temperature == 1.5f);
    CHECK(read.notes_length > 13 && memcmp(read.notes, "name: golden\n", 13) == 0);
    int length;
    CHECK(memcmp(model_label(&length, &read, 0), "cat", 3) == 0 && length == 3);

    uint8_t *again = test_bytes(size);
    CHECK_EQUAL(model_size(&read), size);
    model_write(again, &read, parameters);
    CHECK(memcmp(again, bytes, size) == 0);
}

TEST(what_is_written_is_read)
{
    struct random random = random_seed(31, 0);
    for (int i = 0; i < 100; i++) {
        struct net net;
        nets_random(&net, test_between(&random, 1, 20), &random);
        test_context("graph %d", i);
        check_round_trip(&net, &random);
        test_release();
    }
}

TEST(weights_are_aligned_and_checksum_is_that_of_png)
{
    CHECK_EQUAL(golden_crc32("123456789", 9), 0xcbf43926);
    const uint32_t sums[] = {golden_crc32("123", 3), golden_crc32("456", 3), golden_crc32("789", 3)};
    CHECK_EQUAL(bytes_crc32_joined(sums, 3, 3), 0xcbf43926);
    CHECK_EQUAL(bytes_crc32_joined(sums, 1, 3), sums[0]);
    CHECK_EQUAL(bytes_crc32_joined(NULL, 0, 3), 0);
    size_t size;
    uint8_t *bytes = golden_model(&size);
    struct model model;
    CHECK_EQUAL(model_read(&model, bytes, size), STATUS_OK);
    CHECK_EQUAL((model.weights - bytes) % 64, 0);
    CHECK_EQUAL(size % 64, 4);
    uint8_t *sealed = test_bytes(size);
    memcpy(sealed, bytes, size);
    golden_seal(sealed, size);
    CHECK(memcmp(sealed, bytes, size) == 0);
}

static const struct {
    const char *text;
    bool label, notes; /* whether it may stand there */
} texts[] = {
    {"plain", true, true},
    {"caf\xc3\xa9", true, true},
    {"\xe2\x82\xac", true, true},
    {"\xf0\x9f\x90\xb1", true, true},
    {"\xf4\x8f\xbf\xbf", true, true}, /* U+10FFFF, the last there is */
    {"\xed\x9f\xbf", true, true},     /* U+D7FF, the last before the surrogates */
    {"\xee\x80\x80", true, true},     /* U+E000, the first after them */
    {"\xc2\xa0", true, true},         /* U+00A0, the first after the controls */
    {"two\nlines", false, true},
    {"tab\t", false, false},
    {"\x1b[31m", false, false}, /* a terminal's escape */
    {"\x7f", false, false},
    {"\xc2\x80", false, false}, /* U+0080, a control character of two bytes */
    {"\xc2\x9b", false, false}, /* U+009B, a terminal's escape in one */
    {"carriage\r", false, false},
    {"\x80", false, false}, /* a continuation without a beginning */
    {"\xc3", false, false}, /* a beginning without a continuation */
    {"\xe2\x82", false, false},
    {"\xf0\x9f\x90", false, false},
    {"\xc3(", false, false},
    {"\xc0\xaf", false, false}, /* overlong */
    {"\xc1\xbf", false, false},
    {"\xe0\x80\xaf", false, false},
    {"\xe0\x9f\xbf", false, false},
    {"\xf0\x80\x80\xaf", false, false},
    {"\xf0\x8f\xbf\xbf", false, false},
    {"\xed\xa0\x80", false, false}, /* surrogates */
    {"\xed\xbf\xbf", false, false},
    {"\xf4\x90\x80\x80", false, false}, /* past U+10FFFF */
    {"\xf8\x88\x80\x80\x80", false, false},
    {"\xff", false, false},
};

TEST(text_is_valid_utf8_without_control_characters)
{
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        const char *text = texts[i].text;
        const int length = (int)strlen(text);
        test_context("text %zu", i);
        CHECK_EQUAL(text_valid(text, length, false), texts[i].label);
        CHECK_EQUAL(text_valid(text, length, true), texts[i].notes);
        size_t size;
        const uint8_t *bytes = assemble(&size, text, length, "", 0);
        CHECK_EQUAL(golden_status(bytes, size), texts[i].label ? STATUS_OK : STATUS_TEXT);
        bytes = assemble(&size, "", 0, text, length);
        CHECK_EQUAL(golden_status(bytes, size), texts[i].notes ? STATUS_OK : STATUS_TEXT);
    }
    CHECK(!text_valid("zero\0inside", 11, true));
    CHECK(text_valid("", 0, false));
}

TEST(text_at_its_limits)
{
    char *text = test_bytes(LIMIT_NOTES + 1);
    memset(text, 'x', LIMIT_NOTES + 1);
    size_t size;
    const uint8_t *bytes = assemble(&size, text, LIMIT_LABEL, "", 0);
    CHECK_EQUAL(golden_status(bytes, size), STATUS_OK);
    bytes = assemble(&size, text, 1, text, LIMIT_NOTES);
    CHECK_EQUAL(golden_status(bytes, size), STATUS_OK);
    bytes = assemble(&size, text, 1, text, LIMIT_NOTES + 1);
    CHECK_EQUAL(golden_status(bytes, size), STATUS_LIMIT);
}

TEST(nodes_at_their_limit)
{
    struct random random = random_seed(32, 0);
    const struct net net = tiny_net(LIMIT_NODES);
    size_t size;
    uint8_t *bytes = golden_model_of(&size, &net, &random);
    CHECK_EQUAL(golden_status(bytes, size), STATUS_OK);
    model_put(bytes, OFFSET_HEADER, "node count", 0, LIMIT_NODES + 1);
    golden_seal(bytes, size);
    CHECK_EQUAL(golden_status(bytes, size), STATUS_LIMIT);
}

TEST(classes_at_their_limit)
{
    struct random random = random_seed(33, 0);
    struct net net = {.input = {64, 64, 1}};
    nets_finish(&net, nets_simple(&net, 0, NODE_FLATTEN));
    size_t size;
    uint8_t *bytes = golden_model_of(&size, &net, &random);
    CHECK_EQUAL(net_classes(&net), LIMIT_CHANNELS);
    CHECK_EQUAL(golden_status(bytes, size), STATUS_OK);
    model_put(bytes, OFFSET_HEADER, "input height", 0, 65);
    golden_seal(bytes, size);
    CHECK_EQUAL(golden_status(bytes, size), STATUS_LIMIT);
}

/* A valid file of 300 bytes can ask for much memory: that is refused before any is taken. */
TEST(workspace_has_a_limit)
{
    struct random random = random_seed(34, 0);
    struct net net = {.input = {1024, 1024, 1}};
    int last = 0, layers[12];
    for (int i = 0; i < 12; i++) /* each 64 MiB, all alive until the sums */
        layers[i] = last = nets_conv(&net, last, 16, 1, 1, 1, true, false);
    for (int i = 10; i >= 0; i--)
        last = nets_add(&net, last, layers[i]);
    nets_finish(&net, nets_simple(&net, last, NODE_GLOBAL_AVGPOOL));
    size_t size, workspace = 1;
    const uint8_t *bytes = golden_model_of(&size, &net, &random);
    struct model model;
    CHECK_EQUAL(model_read(&model, bytes, size), STATUS_OK);
    CHECK_EQUAL(eyelet_classifier_bytes(&workspace, bytes, size), STATUS_LIMIT);
    CHECK_EQUAL(workspace, 0);
    struct eyelet_classifier *classifier;
    CHECK_EQUAL(eyelet_classifier_open(&classifier, test_bytes(64), bytes, size), STATUS_LIMIT);
}

TEST(every_status_has_its_text)
{
    for (int status = STATUS_OK; status <= STATUS_IMAGE_CORRUPT; status++) {
        const char *text = eyelet_status_text((enum status)status);
        CHECK(strlen(text) > 5 && strcmp(text, "unknown error") != 0 && text[strlen(text) - 1] != '.');
        for (int other = 0; other < status; other++)
            CHECK(strcmp(text, eyelet_status_text((enum status)other)) != 0);
    }
    CHECK(strcmp(eyelet_status_text((enum status)99), "unknown error") == 0);
}

TEST(float16_rounds_to_the_nearest_even)
{
    for (uint32_t half = 0; half < 0x7c00; half++) { /* every finite one, and what lies between it and the next */
        const float x = bytes_float16_to((uint16_t)half), next = bytes_float16_to((uint16_t)(half + 1)),
                    middle = x + (next - x) / 2;
        CHECK_EQUAL(bytes_float16_from(x), half);
        CHECK_EQUAL(bytes_float16_from(-x), half | 0x8000);
        if (half == 0x7bff)
            continue;
        CHECK_EQUAL(bytes_float16_from(middle), half + (half & 1));
        CHECK_EQUAL(bytes_float16_from(nextafterf(middle, 0)), half);
        CHECK_EQUAL(bytes_float16_from(nextafterf(middle, next)), half + 1);
    }
    CHECK_CLOSE(bytes_float16_to(0x3c00), 1, 0);
    CHECK_CLOSE(bytes_float16_to(0x7bff), 65504, 0);
    CHECK_CLOSE(bytes_float16_to(0x0001), 0x1p-24, 0);
    CHECK_EQUAL(bytes_float16_from(65519.0f), 0x7bff);
    CHECK_EQUAL(bytes_float16_from(65520.0f), 0x7c00);
    CHECK_EQUAL(bytes_float16_from(1e30f), 0x7c00);
    CHECK_EQUAL(bytes_float16_from(-1e30f), 0xfc00);
}

TEST(float16_weights_take_half_the_bytes_and_are_the_nearest)
{
    struct net net = {.input = {1, 1, 1},
                      .node_count = 2,
                      .nodes = {{.kind = NODE_DENSE, .channels = 1}, {.kind = NODE_SOFTMAX, .input = {1}}}};
    CHECK_EQUAL(net_check(&net, NULL), STATUS_OK);
    static const float weights[] = {0.1f, 65504.0f, 1e5f}, expected[] = {0x1.998p-4f, 65504.0f, 0};
    for (int i = 0; i < 3; i++) {
        const uint8_t label[] = {1, 'a'};
        const struct model model = {.net = net,
                                    .type = WEIGHTS_FLOAT16,
                                    .preprocess = {.std = {1, 1, 1}},
                                    .temperature = 1,
                                    .labels = label,
                                    .notes = "",
                                    .notes_length = 0};
        float parameters[4] = {weights[i]};
        const size_t size = model_size(&model);
        uint8_t *bytes = test_bytes(size);
        model_write(bytes, &model, parameters);
        struct model read;
        CHECK_EQUAL(model_read(&read, bytes, size), weights[i] > 65504 ? STATUS_NOT_FINITE : STATUS_OK);
        if (weights[i] > 65504)
            continue;
        model_parameters(parameters, &read, 0);
        CHECK_CLOSE(parameters[0], expected[i], 0);
    }
}

enum { CHANNELS = 5 };

/* The node has CHANNELS output channels, here of very different size and one of them all zeros, and biases;
 * `bytes_before`: of the weights before it. */
static void check_int8(const struct net *net, int node, size_t bytes_before)
{
    static const float sizes[CHANNELS] = {1, 1e-6f, 0, 1e30f, 3};
    const uint8_t labels[] = {1, 'a', 1, 'b', 1, 'c', 1, 'd', 1, 'e'};
    struct model model = {.net = *net,
                          .type = WEIGHTS_INT8,
                          .preprocess = {.std = {1, 1, 1}},
                          .temperature = 1,
                          .labels = labels,
                          .notes = ""},
                 read;
    struct random random = random_seed(80, 0);
    const size_t count = net->offset[node + 1] - net->offset[node], weights = count - CHANNELS;
    float *parameters = nets_parameters(net, &random), *decoded = test_floats(count),
          *own = parameters + net->offset[node];
    for (size_t i = 0; i < count; i++)
        own[i] = (2 * random_uniform(&random) - 1) * sizes[i % CHANNELS];
    const size_t size = model_size(&model);
    uint8_t *bytes = test_bytes(size);
    model_write(bytes, &model, parameters);
    CHECK_EQUAL(model_read(&read, bytes, size), STATUS_OK);
    CHECK_EQUAL((uint64_t)(bytes + size - 4 - read.weights),
                bytes_before + (CHANNELS * 4 + weights + CHANNELS * 4 + 63) / 64 * 64);
    model_parameters(decoded, &read, node);
    CHECK_SAME_BITS(decoded + weights, own + weights, CHANNELS);
    for (size_t c = 0; c < CHANNELS; c++) {
        double largest = 0;
        for (size_t k = c; k < weights; k += CHANNELS)
            largest = fmax(largest, fabs((double)own[k]));
        test_context("node %d, channel %zu, largest weight %g", node, c, largest);
        for (size_t k = c; k < weights; k += CHANNELS)
            CHECK(fabs((double)decoded[k] - (double)own[k]) <= largest / 127 * 0.50001);
    }

    const size_t first = (size_t)(read.weights - bytes);
    bytes[first + 3] = 0x7f; /* the first scale becomes huge, and its products infinite */
    bytes[first + 2] |= 0x7f;
    const uint32_t sum = bytes_crc32(bytes, size - 4);
    for (int i = 0; i < 4; i++)
        bytes[size - 4 + (size_t)i] = (uint8_t)(sum >> 8 * i);
    CHECK_EQUAL(model_read(&read, bytes, size), STATUS_NOT_FINITE);
}

TEST(int8_weights_are_the_nearest_multiples_of_a_scale_for_each_channel)
{
    struct net net = {.input = {3, 3, 3}};
    nets_conv(&net, 0, CHANNELS, 3, 3, 1, false, true);
    nets_finish(&net, nets_simple(&net, 1, NODE_GLOBAL_AVGPOOL));
    check_int8(&net, 0, 0);
    net = (struct net){.input = {3, 3, 3}}; /* a depthwise layer stores no number of channels */
    nets_depthwise(&net, nets_conv(&net, 0, CHANNELS, 1, 1, 1, false, false), 2, 3, 1, true, true);
    nets_finish(&net, nets_simple(&net, 2, NODE_GLOBAL_AVGPOOL));
    check_int8(&net, 1, 64);
}

/* Numbers in files, so never to change. */
TEST(kinds_are_pinned)
{
    struct net net = {.input = {3, 3, 3}};
    nets_simple(&net, nets_depthwise(&net, 0, 3, 2, 2, true, true), NODE_RELU6);
    nets_finish(&net, nets_simple(&net, 2, NODE_GLOBAL_AVGPOOL));
    const uint8_t labels[] = {1, 'a', 1, 'b', 1, 'c'};
    const struct model model = {
        .net = net, .preprocess = {.std = {1, 1, 1}}, .temperature = 1, .labels = labels, .notes = ""};
    struct random random = random_seed(94, 0);
    uint8_t *bytes = test_bytes(model_size(&model));
    model_write(bytes, &model, nets_parameters(&net, &random));
    static const struct pinned {
        int node;
        const char *field;
        uint8_t value;
    } pinned[] = {{OFFSET_HEADER, "version", 2},
                  {0, "kind", 16},
                  {0, "kernel height", 3},
                  {0, "kernel width", 2},
                  {0, "stride", 2},
                  {0, "same", 1},
                  {0, "bias", 1},
                  {1, "kind", 17},
                  {1, "inputs", 1}};
    for (size_t i = 0; i < sizeof pinned / sizeof *pinned; i++) {
        int width;
        test_context("%s of node %d", pinned[i].field, pinned[i].node);
        CHECK_EQUAL(bytes[model_offset(pinned[i].node, pinned[i].field, 0, &width)], pinned[i].value);
    }
}

static const struct test tests[] = {
    ENTRY(int8_weights_are_the_nearest_multiples_of_a_scale_for_each_channel),
    ENTRY(kinds_are_pinned),
    ENTRY(float16_rounds_to_the_nearest_even),
    ENTRY(float16_weights_take_half_the_bytes_and_are_the_nearest),
    ENTRY(what_is_written_is_read),
    ENTRY(weights_are_aligned_and_checksum_is_that_of_png),
    ENTRY(text_is_valid_utf8_without_control_characters),
    ENTRY(text_at_its_limits),
    ENTRY(nodes_at_their_limit),
    ENTRY(classes_at_their_limit),
    ENTRY(workspace_has_a_limit),
    ENTRY(every_status_has_its_text),
};
const struct suite model_suite = SUITE("model", tests);
