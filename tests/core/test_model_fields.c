/* The fields of a model file: each value that no writer produces is refused, each that one may produce comes back. */
#include "net/model_fields.h"

#include "support/golden_model.h"
#include "support/model_offsets.h"
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

struct change {
    int node; /* or OFFSET_HEADER, or LABELS */
    const char *field;
    int index; /* of the field's numbers; of the labels' bytes */
    uint32_t value;
    enum status expected;
    const char *what;
};

enum { HEADER = OFFSET_HEADER, LABELS = -2 };
#define NAN_BITS 0x7fc00000
#define INFINITY_BITS 0x7f800000

/* In small_model: nodes 0 conv, 1 batchnorm, 2 relu, 3 add, 4 flatten, 5 dropout, 6 dense, 7 softmax. */
static const struct change changes[] = {
    {HEADER, "version", 0, 0, STATUS_VERSION, "version 0"},
    {HEADER, "version", 0, 1, STATUS_VERSION, "version 1"},
    {HEADER, "version", 0, 3, STATUS_VERSION, "version 3"},
    {HEADER, "version", 0, 0x01000000, STATUS_VERSION, "version in the other byte order"},
    {HEADER, "input height", 0, 0, STATUS_HEADER, "no rows"},
    {HEADER, "input width", 0, 0, STATUS_HEADER, "no columns"},
    {HEADER, "input height", 0, 1025, STATUS_HEADER, "too many rows"},
    {HEADER, "input width", 0, 65535, STATUS_HEADER, "too many columns"},
    {HEADER, "input channels", 0, 0, STATUS_HEADER, "no channels"},
    {HEADER, "input channels", 0, 2, STATUS_HEADER, "two channels"},
    {HEADER, "input channels", 0, 4, STATUS_HEADER, "four channels"},
    {HEADER, "resize mode", 0, 4, STATUS_HEADER, "an unknown resize mode"},
    {HEADER, "resize mode", 0, RESIZE_SHORTER_SIDE, STATUS_HEADER, "a shorter side of nothing"},
    {HEADER, "resize filter", 0, 3, STATUS_HEADER, "an unknown filter"},
    {HEADER, "shorter side", 0, 3, STATUS_HEADER, "a shorter side that is not used"},
    {HEADER, "shorter side", 0, LIMIT_SHORTER_SIDE + 1, STATUS_HEADER, "a shorter side too long"},
    {HEADER, "channel order", 0, ORDER_BGR, STATUS_HEADER, "an order of one channel"},
    {HEADER, "channel order", 0, 2, STATUS_HEADER, "an unknown order"},
    {HEADER, "embedding", 0, 1, STATUS_HEADER, "an embedding of many pixels"},
    {HEADER, "embedding", 0, 8, STATUS_HEADER, "an embedding of the probabilities"},
    {HEADER, "embedding", 0, 9, STATUS_HEADER, "an embedding that is not there"},
    {HEADER, "embedding", 0, LIMIT_NODES + 1, STATUS_HEADER, "an embedding far away"},
    {HEADER, "example count", 0, 1, STATUS_HEADER, "an example of nothing"},
    {HEADER, "example count", 0, LIMIT_EXAMPLES + 1, STATUS_LIMIT, "too many examples"},
    {HEADER, "example count", 0, 0xffffffff, STATUS_LIMIT, "far too many examples"},
    {HEADER, "thumbnail side", 0, 8, STATUS_HEADER, "thumbnails of no examples"},
    {HEADER, "thumbnail side", 0, LIMIT_THUMBNAIL_SIDE + 1, STATUS_HEADER, "thumbnails too large"},
    {HEADER, "example embeddings", 0, 1, STATUS_HEADER, "embeddings of no examples"},
    {HEADER, "example embeddings", 0, 2, STATUS_HEADER, "an unknown section"},
    {HEADER, "weights", 0, 4, STATUS_HEADER, "an unknown type of weights"},
    {HEADER, "zero", 0, 1, STATUS_HEADER, "a reserved byte"},
    {HEADER, "mean", 0, NAN_BITS, STATUS_HEADER, "a mean of NaN"},
    {HEADER, "mean", 2, INFINITY_BITS, STATUS_HEADER, "an infinite mean"},
    {HEADER, "std", 0, 0, STATUS_HEADER, "no std"},
    {HEADER, "std", 1, 0x80000000, STATUS_HEADER, "a std of -0"},
    {HEADER, "std", 1, 0xbf800000, STATUS_HEADER, "a negative std"},
    {HEADER, "std", 2, NAN_BITS, STATUS_HEADER, "a std of NaN"},
    {HEADER, "std", 2, INFINITY_BITS, STATUS_HEADER, "an infinite std"},
    {HEADER, "std", 2, 1, STATUS_HEADER, "a denormal std"},
    {HEADER, "temperature", 0, 0, STATUS_HEADER, "no temperature"},
    {HEADER, "temperature", 0, 0xbf800000, STATUS_HEADER, "a negative temperature"},
    {HEADER, "temperature", 0, NAN_BITS, STATUS_HEADER, "a temperature of NaN"},
    {HEADER, "temperature", 0, INFINITY_BITS, STATUS_HEADER, "an infinite temperature"},
    {HEADER, "node count", 0, 0, STATUS_HEADER, "no nodes"},
    {HEADER, "node count", 0, 7, STATUS_NODE, "a net without its end"},
    {HEADER, "node count", 0, 9, STATUS_NODE, "a node more than there is"},
    {HEADER, "node count", 0, LIMIT_NODES + 1, STATUS_LIMIT, "too many nodes"},
    {HEADER, "node count", 0, 65535, STATUS_LIMIT, "far too many nodes"},
    {HEADER, "notes length", 0, LIMIT_NOTES + 1, STATUS_LIMIT, "notes too long"},
    {HEADER, "notes length", 0, LIMIT_NOTES, STATUS_TRUNCATED, "notes longer than the file"},
    {HEADER, "zero", 1, 128, STATUS_HEADER, "another reserved byte"},
    {0, "kind", 0, 0, STATUS_NODE, "kind 0"},
    {0, "kind", 0, NODE_KINDS, STATUS_NODE, "an unknown kind"},
    {0, "kind", 0, 255, STATUS_NODE, "kind 255"},
    {0, "kind", 0, NODE_SOFTMAX, STATUS_NODE, "an early softmax"},
    {0, "kernel height", 0, 0, STATUS_NODE, "no kernel"},
    {0, "kernel height", 0, 12, STATUS_NODE, "a large kernel"},
    {0, "stride", 0, 0, STATUS_NODE, "no stride"},
    {0, "stride", 0, 255, STATUS_NODE, "a large stride"},
    {0, "same", 0, 2, STATUS_NODE, "a flag of 2"},
    {0, "bias", 0, 255, STATUS_NODE, "a flag of 255"},
    {0, "dilation", 0, 0, STATUS_NODE, "no dilation"},
    {0, "dilation", 0, LIMIT_DILATION + 1, STATUS_NODE, "a large dilation"},
    {0, "groups", 0, 0, STATUS_NODE, "no groups"},
    {0, "groups", 0, 2, STATUS_NODE, "more groups than channels"},
    {0, "groups", 0, 0x80000001, STATUS_NODE, "far too many groups"},
    {0, "padding", 0, 1, STATUS_NODE, "padding that follows from the sizes"},
    {0, "padding", 3, 255, STATUS_NODE, "padding without end"},
    {0, "count padding", 0, 1, STATUS_NODE, "a convolution that counts padding"},
    {0, "first", 0, 1, STATUS_NODE, "a convolution with a first channel"},
    {0, "channels", 0, 0x01000002, STATUS_NODE, "channels beyond 24 bits"},
    {0, "channels", 0, 0, STATUS_NODE, "no channels"},
    {0, "channels", 0, 4097, STATUS_NODE, "too many channels"},
    {0, "channels", 0, 4096, STATUS_TRUNCATED, "more weights than there are"},
    {0, "inputs", 0, 1, STATUS_NODE, "a node that reads itself"},
    {1, "inputs", 0, 2, STATUS_NODE, "another node that reads itself"},
    {1, "inputs", 0, 65535, STATUS_NODE, "a tensor far away"},
    {1, "inputs", 0, 0, STATUS_NODE, "a tensor that nothing reads"},
    {1, "inputs", 1, 1, STATUS_NODE, "a second input that is not used"},
    {1, "kernel height", 0, 1, STATUS_NODE, "a kernel that is not used"},
    {1, "same", 0, 1, STATUS_NODE, "a flag that is not used"},
    {1, "dilation", 0, 1, STATUS_NODE, "a dilation that is not used"},
    {1, "groups", 0, 1, STATUS_NODE, "groups that are not used"},
    {1, "padding", 2, 1, STATUS_NODE, "padding that is not used"},
    {1, "channels", 0, 2, STATUS_NODE, "channels that are not used"},
    {1, "number", 0, 0x3f000000, STATUS_NODE, "a rate that is not used"},
    {3, "inputs", 1, 0, STATUS_NODE, "a sum of different shapes"},
    {3, "inputs", 1, 4, STATUS_NODE, "a sum that reads itself"},
    {5, "number", 0, 0x3f800000, STATUS_NODE, "a dropout of everything"},
    {5, "number", 0, 0xbf000000, STATUS_NODE, "a negative dropout"},
    {5, "number", 0, NAN_BITS, STATUS_NODE, "a dropout of NaN"},
    {4, "kind", 0, NODE_RELU, STATUS_NODE, "a dense layer over a picture"},
    {7, "kind", 0, NODE_RELU, STATUS_NODE, "a net without a softmax"},
    {7, "inputs", 0, 6, STATUS_NODE, "a softmax that skips a layer"},
    {LABELS, "", 0, 255, STATUS_TEXT, "a label that swallows what follows"},
    {LABELS, "", 1, 0x1b, STATUS_TEXT, "a label with an escape"},
    {LABELS, "", 1, 0xc3, STATUS_TEXT, "a label that is not UTF-8"},
};

/* In mobile_model: nodes 0 depthwise, 1 relu6, 2 add, 3 global_avgpool, 4 softmax. */
static const struct change mobile_changes[] = {
    {0, "kind", 0, NODE_KINDS, STATUS_NODE, "an unknown kind"},
    {0, "kind", 0, NODE_CONV2D, STATUS_NODE, "a convolution without channels"},
    {0, "kernel height", 0, 0, STATUS_NODE, "no kernel"},
    {0, "kernel width", 0, 12, STATUS_NODE, "a wide kernel"},
    {0, "kernel height", 0, 11, STATUS_TRUNCATED, "more weights than there are"},
    {0, "stride", 0, 0, STATUS_NODE, "no stride"},
    {0, "stride", 0, 12, STATUS_NODE, "a large stride"},
    {0, "same", 0, 0, STATUS_NODE, "a sum of different shapes, without padding"},
    {0, "bias", 0, 0, STATUS_TOO_LONG, "a bias that nothing reads"},
    {0, "dilation", 0, 2, STATUS_NODE, "a depthwise layer with dilation"},
    {0, "groups", 0, 3, STATUS_NODE, "a depthwise layer with groups"},
    {0, "channels", 0, 3, STATUS_NODE, "channels that follow from the input"},
    {0, "inputs", 1, 1, STATUS_NODE, "a second input"},
    {0, "number", 0, 0x3f000000, STATUS_NODE, "a rate"},
    {0, "first", 0, 1, STATUS_NODE, "a first channel of what is no slice"},
    {1, "kernel height", 0, 3, STATUS_NODE, "a relu6 with a kernel"},
    {1, "bias", 0, 1, STATUS_NODE, "a relu6 with a bias"},
    {1, "channels", 0, 3, STATUS_NODE, "a relu6 with channels"},
    {3, "count padding", 0, 1, STATUS_NODE, "a mean of all pixels that counts padding"},
    {1, "number", 0, 0x40c00000, STATUS_NODE, "a relu6 with the number 6"},
    {4, "kind", 0, NODE_RELU6, STATUS_NODE, "a net without a softmax"},
};

/* In golden_full_model. */
static const struct change full_changes[] = {
    {HEADER, "shorter side", 0, 5, STATUS_HEADER, "a shorter side below the input's height"},
    {HEADER, "resize mode", 0, RESIZE_CROP, STATUS_HEADER, "a shorter side that is not used"},
    {HEADER, "example count", 0, 0, STATUS_HEADER, "thumbnails of no examples"},
    {HEADER, "example count", 0, 100, STATUS_TRUNCATED, "more examples than there are"},
    {HEADER, "thumbnail side", 0, 64, STATUS_TRUNCATED, "larger thumbnails than there are"},
    {HEADER, "embedding", 0, 0, STATUS_HEADER, "embeddings of a model that has none"},
    {HEADER, "embedding", 0, 3, STATUS_HEADER, "an embedding of several pixels"},
    {HEADER, "embedding", 0, 6, STATUS_HEADER, "an embedding of the probabilities"},
    {0, "same", 0, 1, STATUS_NODE, "explicit padding that follows from the sizes"},
    {0, "padding", 0, 5, STATUS_NODE, "as many rows of padding as the kernel covers"},
    {0, "padding", 1, 3, STATUS_NODE, "as many columns of padding as the kernel covers"},
    {0, "padding", 2, 255, STATUS_NODE, "padding beyond all limits"},
    {0, "dilation", 0, 16, STATUS_NODE, "a kernel that covers more than there is"},
    {0, "groups", 0, 2, STATUS_NODE, "groups that do not divide the inputs"},
    {1, "groups", 0, 3, STATUS_NODE, "groups that do not divide the outputs"},
    {1, "groups", 0, 8, STATUS_NODE, "more groups than channels"},
    {2, "padding", 3, 2, STATUS_NODE, "a window that lies outside of the input"},
    {2, "dilation", 0, 1, STATUS_NODE, "a pool with a dilation"},
    {2, "count padding", 0, 1, STATUS_NODE, "a maximum that counts padding"},
    {2, "count padding", 0, 2, STATUS_NODE, "a flag of 2"},
    {3, "padding", 0, 1, STATUS_NODE, "padding of a layer without a window"},
};

static void check_changes(const uint8_t *bytes, size_t size, const struct change *all, size_t count)
{
    CHECK_EQUAL(golden_status(bytes, size), STATUS_OK);
    for (size_t i = 0; i < count; i++) {
        const struct change *change = &all[i];
        uint8_t *changed = copy_of(bytes, size);
        int bytes_of_field;
        if (change->node == LABELS)
            changed[model_offset(8, "kind", 0, &bytes_of_field) + (size_t)change->index] = (uint8_t)change->value;
        else
            model_put(changed, change->node, change->field, change->index, change->value);
        golden_seal(changed, size);
        test_context("%s", change->what);
        CHECK_EQUAL(golden_status(changed, size), change->expected);
    }
}

TEST(every_impossible_field_is_refused_in_spite_of_a_good_checksum)
{
    size_t size;
    const uint8_t *bytes = golden_small_model(&size);
    check_changes(bytes, size, changes, sizeof changes / sizeof *changes);
    bytes = golden_mobile_model(&size);
    check_changes(bytes, size, mobile_changes, sizeof mobile_changes / sizeof *mobile_changes);
    bytes = golden_full_model(&size);
    check_changes(bytes, size, full_changes, sizeof full_changes / sizeof *full_changes);
}

TEST(every_field_comes_back)
{
    size_t size;
    const uint8_t *bytes = golden_full_model(&size);
    struct model model;
    CHECK_EQUAL(model_read(&model, bytes, size), STATUS_OK);
    const struct preprocess *preprocess = &model.preprocess;
    CHECK_EQUAL(model.type, WEIGHTS_FLOAT16);
    CHECK_EQUAL(preprocess->resize_mode, RESIZE_SHORTER_SIDE);
    CHECK_EQUAL(preprocess->filter, FILTER_BICUBIC);
    CHECK_EQUAL(preprocess->shorter_side, 7);
    CHECK_EQUAL(preprocess->order, ORDER_BGR);
    CHECK(memcmp(preprocess->background, (uint8_t[]){1, 2, 3}, 3) == 0);
    CHECK(preprocess->mean[1] == 0.4375f && preprocess->std[2] == 0.3f && model.temperature == 0.75f);
    CHECK_EQUAL(model.net.embedding, 4);
    CHECK_EQUAL(model_embedding_count(&model), 4);
    const struct node *node = &model.net.nodes[0];
    CHECK(memcmp(node->padding, (int[]){1, 0, 2, 1}, sizeof node->padding) == 0);
    CHECK_EQUAL(node->dilation, 2);
    CHECK_EQUAL(model.net.nodes[1].groups, 2);
    CHECK_EQUAL(model.examples.count, 3);
    static const int classes[] = {2, 0, 1};
    for (int i = 0; i < 3; i++) {
        float embedding[4];
        test_context("example %d", i);
        CHECK_EQUAL(model_example_class(&model, i), classes[i]);
        const uint8_t *thumbnail = model_example_thumbnail(&model, i);
        for (int k = 0; k < 12; k++)
            CHECK_EQUAL(thumbnail[k], (uint8_t)((12 * i + k) * 7));
        model_example_embedding(embedding, &model, i);
        for (int k = 0; k < 4; k++)
            CHECK_CLOSE(embedding[k], (4 * i + k) * 0.375 - 2, 0);
    }
    uint8_t *again = test_bytes(size);
    CHECK_EQUAL(model_size(&model), size);
    model_write(again, &model, NULL);
    CHECK(memcmp(again, bytes, size) == 0);
}

/* Either section of the examples may be missing; what is left comes back. */
TEST(sections_of_examples_are_optional)
{
    size_t size;
    const uint8_t *bytes = golden_full_model(&size);
    for (int left = 1; left <= 3; left++) {
        struct model model, read;
        CHECK_EQUAL(model_read(&model, bytes, size), STATUS_OK);
        model.examples.has_embeddings = left & 1;
        model.examples.thumbnail_side = left & 2 ? 2 : 0;
        const size_t smaller = model_size(&model);
        uint8_t *again = test_bytes(smaller);
        model_write(again, &model, NULL);
        test_context("sections %d", left);
        CHECK_EQUAL(size - smaller, (size_t)(left == 3 ? 0 : 64));
        CHECK_EQUAL(golden_status(again, smaller), STATUS_OK);
        CHECK_EQUAL(model_read(&read, again, smaller), STATUS_OK);
        CHECK_EQUAL(model_example_class(&read, 2), 1);
        CHECK((model_example_thumbnail(&read, 1) != NULL) == (left >= 2));
        if (left >= 2)
            CHECK_EQUAL(model_example_thumbnail(&read, 1)[0], 84);
        if (left & 1) {
            float embedding[4];
            model_example_embedding(embedding, &read, 2);
            CHECK_CLOSE(embedding[3], 11 * 0.375 - 2, 0);
        }
    }
}

TEST(examples_are_of_classes_there_are_and_finite)
{
    size_t size;
    const uint8_t *bytes = golden_full_model(&size);
    struct model model;
    CHECK_EQUAL(model_read(&model, bytes, size), STATUS_OK);
    for (int i = 0; i < 3; i++) {
        uint8_t *changed = copy_of(bytes, size);
        changed[model.examples.classes - bytes + 2 * i] = 3;
        golden_seal(changed, size);
        test_context("example %d", i);
        CHECK_EQUAL(golden_status(changed, size), STATUS_HEADER);
        changed = copy_of(bytes, size);
        changed[model.examples.classes - bytes + 2 * i + 1] = 1;
        golden_seal(changed, size);
        CHECK_EQUAL(golden_status(changed, size), STATUS_HEADER);
    }
    for (int k = 0; k < 12; k++) {
        uint8_t *changed = copy_of(bytes, size);
        memcpy(changed + (model.examples.embeddings - bytes) + 4 * k, &(float){k % 2 ? NAN : INFINITY}, sizeof(float));
        golden_seal(changed, size);
        test_context("number %d", k);
        CHECK_EQUAL(golden_status(changed, size), STATUS_NOT_FINITE);
    }
}

/* Every byte of the header and the nodes that the tables call zero. */
TEST(every_reserved_byte_is_zero)
{
    size_t size;
    const uint8_t *bytes = golden_full_model(&size);
    const size_t nodes = MODEL_HEADER_BYTES + 6 * MODEL_NODE_BYTES;
    int reserved = 0;
    for (size_t i = 0; i < nodes; i++) {
        const bool header = i < MODEL_HEADER_BYTES;
        size_t at = header ? MODEL_PREFIX_BYTES
                           : MODEL_HEADER_BYTES + (i - MODEL_HEADER_BYTES) / MODEL_NODE_BYTES * MODEL_NODE_BYTES;
        for (const struct field *field = header ? model_header : model_node; field->count; field++) {
            const size_t end = at + (size_t)field->bytes * field->count;
            if (i >= at && i < end && field->type == FIELD_ZERO) {
                uint8_t *changed = copy_of(bytes, size);
                changed[i] = 1;
                golden_seal(changed, size);
                test_context("byte %zu", i);
                CHECK_EQUAL(golden_status(changed, size), header ? STATUS_HEADER : STATUS_NODE);
                reserved++;
            }
            at = end;
        }
    }
    CHECK_EQUAL(reserved, 2 + 57);
}

static const struct test tests[] = {
    ENTRY(every_impossible_field_is_refused_in_spite_of_a_good_checksum),
    ENTRY(every_field_comes_back),
    ENTRY(sections_of_examples_are_optional),
    ENTRY(examples_are_of_classes_there_are_and_finite),
    ENTRY(every_reserved_byte_is_zero),
};
const struct suite model_fields_suite = SUITE("model_fields", tests);
