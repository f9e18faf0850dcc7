/* core/classifier.h: the whole way from pixels to scores, to the last bit. */
#include "classifier.h"

#include "kernels/activation.h"
#include "golden/expected.h"
#include "support/golden_model.h"
#include "base/bounds.h"
#include "support/nets.h"
#include "support/oracle.h"
#include "support/test.h"

#include <math.h>
#include <string.h>

#ifndef __wasm__
#include <stdio.h>
#endif

static struct eyelet_classifier *open_model(const uint8_t *model, size_t size)
{
    size_t workspace;
    struct eyelet_classifier *classifier = NULL;
    CHECK_EQUAL(eyelet_classifier_bytes(&workspace, model, size), STATUS_OK);
    CHECK_EQUAL(eyelet_classifier_open(&classifier, test_bytes(workspace), model, size), STATUS_OK);
    return classifier;
}

static struct eyelet_classifier *open_golden(void)
{
    size_t size;
    const uint8_t *model = golden_model(&size);
    return open_model(model, size);
}

static void run(struct eyelet_classifier *classifier, const uint8_t *rgba, int width, int height)
{
    const size_t bytes = eyelet_classifier_scratch_bytes(classifier, width, height);
    CHECK_EQUAL(eyelet_classifier_run(classifier, rgba, width, height, test_bytes(bytes)), STATUS_OK);
}

static void check_bits(const float *numbers, const uint32_t *expected, int count)
{
    for (int i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, numbers + i, sizeof bits);
        CHECK_EQUAL(bits, expected[i]);
    }
}

TEST(golden_results_to_the_bit)
{
    size_t size;
    const uint8_t *model = golden_model(&size);
    CHECK_EQUAL(golden_crc32(model, size - 4), golden_crc);
    struct eyelet_classifier *classifier = open_model(model, size);
    uint8_t rgba[GOLDEN_WIDTH * GOLDEN_HEIGHT * 4];
    golden_picture(rgba);
    run(classifier, rgba, GOLDEN_WIDTH, GOLDEN_HEIGHT);
    check_bits(eyelet_classifier_logits(classifier), golden_logits, GOLDEN_CLASSES);
    check_bits(eyelet_classifier_probabilities(classifier), golden_probabilities, GOLDEN_CLASSES);
}

TEST(golden_models_are_the_committed_files)
{
#ifdef __wasm__
    test_skip("WebAssembly without file access; the checksum of the file is compared by the test before");
#else
    for (int full = 0; full < 2; full++) {
        size_t size;
        const uint8_t *model = (full ? golden_full_model : golden_model)(&size);
        FILE *file = fopen(full ? "tests/golden/full.eyelet" : "tests/golden/model.eyelet", "rb");
        if (!file) {
            test_skip("tests/golden/ is not there: run from the root of the project");
            return;
        }
        uint8_t *committed = test_bytes(size + 1);
        CHECK_EQUAL(fread(committed, 1, size + 1, file), size);
        CHECK(memcmp(committed, model, size) == 0);
        fclose(file);
    }
#endif
}

/* The functions that other machines' libraries compute differently, over their range, as one checksum each. */
TEST(activations_to_the_bit)
{
    enum { COUNT = 1 << 14 };
    float *in = test_floats(COUNT), *out = test_floats(COUNT);
    for (int i = 0; i < COUNT; i++)
        in[i] = (float)(i - COUNT / 2) * (i % 2 ? 0.0107421875f : 0.0003662109375f);
    activation_sigmoid_forward(out, in, COUNT);
    CHECK_EQUAL(golden_crc32(out, COUNT * sizeof *out), 0xf52d4e48);
    activation_tanh_forward(out, in, COUNT);
    CHECK_EQUAL(golden_crc32(out, COUNT * sizeof *out), 0x28b12b41);
    activation_softmax_forward(out, in, 1.25f, COUNT / 64, 64);
    CHECK_EQUAL(golden_crc32(out, COUNT * sizeof *out), 0x63989bd8);
}

/* Many nets and sizes as one checksum: what the golden model's shapes do not reach. */
TEST(random_nets_to_the_bit)
{
    uint32_t crc = 0;
    struct random random = random_seed(60, 0);
    for (int i = 0; i < 100; i++) {
        struct net net;
        nets_random(&net, test_between(&random, 1, 25), &random);
        size_t size;
        const uint8_t *model = golden_model_of(&size, &net, &random);
        struct eyelet_classifier *classifier = open_model(model, size);
        const int width = test_between(&random, 1, 40), height = test_between(&random, 1, 40);
        uint8_t *rgba = test_bytes((size_t)(width * height * 4));
        for (int k = 0; k < width * height * 4; k++)
            rgba[k] = (uint8_t)random_below(&random, 256);
        run(classifier, rgba, width, height);
        const size_t bytes = (size_t)eyelet_classifier_classes(classifier) * sizeof(float);
        crc = crc * 31 + golden_crc32(eyelet_classifier_logits(classifier), bytes);
        crc = crc * 31 + golden_crc32(eyelet_classifier_probabilities(classifier), bytes);
        test_release();
    }
    CHECK_EQUAL(crc, 0x21cf70ef);
}

/* The same through the oracle: preprocessing by hand, the net in double. */
TEST(results_equal_the_oracle)
{
    size_t size;
    const uint8_t *bytes = golden_model(&size);
    struct eyelet_classifier *classifier = open_model(bytes, size);
    struct model model;
    CHECK_EQUAL(model_read(&model, bytes, size), STATUS_OK);
    const struct net *net = &model.net;
    uint8_t rgba[9 * 8 * 4], pixels[9 * 8 * 3];
    double *tensor[LIMIT_NODES + 1];
    oracle_tensors(tensor, net, 1);
    for (int i = 0; i < 9 * 8; i++)
        for (int c = 0; c < 3; c++) {
            pixels[i * 3 + c] = rgba[i * 4 + c] = (uint8_t)(i * 37 + c * 80);
            rgba[i * 4 + 3] = 255;
            tensor[0][i * 3 + c] =
                (pixels[i * 3 + c] / 255.0 - (double)model.preprocess.mean[c]) / (double)model.preprocess.std[c];
        }
    float *parameters = test_floats(net_parameter_count(net));
    for (int i = 0; i < net->node_count; i++)
        model_parameters(parameters + net->offset[i], &model, i);
    oracle_net(tensor, net, test_widened(parameters, net_parameter_count(net)), 1,
               (struct oracle_mode){.temperature = 1.5});
    run(classifier, rgba, 8, 9);
    CHECK_ALL_CLOSE(eyelet_classifier_logits(classifier), tensor[net->nodes[net->node_count - 1].input[0]],
                    GOLDEN_CLASSES, 1e-4);
    CHECK_ALL_CLOSE(eyelet_classifier_probabilities(classifier), tensor[net->node_count], GOLDEN_CLASSES, 1e-4);

    float fitted[GOLDEN_CLASSES];
    memcpy(fitted, eyelet_classifier_logits(classifier), sizeof fitted);
    CHECK_EQUAL(eyelet_classifier_run_pixels(classifier, pixels), STATUS_OK);
    CHECK_SAME_BITS(eyelet_classifier_logits(classifier), fitted, GOLDEN_CLASSES);
}

TEST(runs_do_not_depend_on_those_before)
{
    struct random random = random_seed(61, 0);
    struct eyelet_classifier *classifier = open_golden();
    uint8_t golden[GOLDEN_WIDTH * GOLDEN_HEIGHT * 4];
    golden_picture(golden);
    for (int i = 0; i < 30; i++) {
        const int width = test_between(&random, 1, 50), height = test_between(&random, 1, 50);
        uint8_t *rgba = test_bytes((size_t)(width * height * 4));
        for (int k = 0; k < width * height * 4; k++)
            rgba[k] = (uint8_t)random_below(&random, 256);
        test_context("a picture of %d x %d before", width, height);
        run(classifier, rgba, width, height);
        double sum = 0;
        for (int k = 0; k < GOLDEN_CLASSES; k++) {
            const float p = eyelet_classifier_probabilities(classifier)[k];
            CHECK(p >= 0 && p <= 1);
            sum += (double)p;
        }
        CHECK_CLOSE(sum, 1, 1e-6);
        run(classifier, golden, GOLDEN_WIDTH, GOLDEN_HEIGHT);
        check_bits(eyelet_classifier_logits(classifier), golden_logits, GOLDEN_CLASSES);
    }
}

TEST(two_classifiers_share_one_model)
{
    size_t size;
    uint8_t *model = golden_model(&size);
    uint8_t *unaligned = test_bytes(size + 1); /* the file may stand anywhere */
    memcpy(unaligned + 1, model, size);
    struct eyelet_classifier *first = open_model(unaligned + 1, size), *second = open_model(unaligned + 1, size);
    uint8_t rgba[GOLDEN_WIDTH * GOLDEN_HEIGHT * 4], other[4] = {1, 2, 3, 255};
    golden_picture(rgba);
    run(first, rgba, GOLDEN_WIDTH, GOLDEN_HEIGHT);
    run(second, other, 1, 1);
    check_bits(eyelet_classifier_logits(first), golden_logits, GOLDEN_CLASSES);
    run(second, rgba, GOLDEN_WIDTH, GOLDEN_HEIGHT);
    check_bits(eyelet_classifier_logits(second), golden_logits, GOLDEN_CLASSES);
}

TEST(facts_of_the_model)
{
    const struct eyelet_classifier *classifier = open_golden();
    int height, width, channels;
    eyelet_classifier_input(classifier, &height, &width, &channels);
    CHECK_EQUAL(height, 9);
    CHECK_EQUAL(width, 8);
    CHECK_EQUAL(channels, 3);
    CHECK_EQUAL(eyelet_classifier_classes(classifier), GOLDEN_CLASSES);
    CHECK(strcmp(eyelet_classifier_label(classifier, 0), "cat") == 0);
    CHECK(strcmp(eyelet_classifier_label(classifier, 1), "na\xc3\xafve") == 0);
    CHECK(strcmp(eyelet_classifier_label(classifier, 3), "") == 0);
    CHECK(strcmp(eyelet_classifier_label(classifier, 4), "\xf0\x9f\x90\xb1") == 0);
    CHECK(strcmp(eyelet_classifier_notes(classifier), "name: golden\ncommand: tests/make_golden\n") == 0);
}

/* Text of every length stays whole through a run: it has memory of its own. */
TEST(text_outlives_runs)
{
    size_t size;
    const uint8_t *bytes = golden_model(&size);
    struct model model;
    CHECK_EQUAL(model_read(&model, bytes, size), STATUS_OK);
    float *parameters = test_floats(net_parameter_count(&model.net));
    for (int i = 0; i < model.net.node_count; i++)
        model_parameters(parameters + model.net.offset[i], &model, i);
    char notes[131];
    memset(notes, 'n', sizeof notes);
    model.notes = notes;
    for (int length = 0; length < (int)sizeof notes; length++) {
        test_context("notes of %d bytes", length);
        model.notes_length = length;
        const size_t other_size = model_size(&model);
        uint8_t *other = test_bytes(other_size);
        model_write(other, &model, parameters);
        struct eyelet_classifier *classifier = open_model(other, other_size);
        uint8_t rgba[4 * 4] = {0};
        run(classifier, rgba, 2, 2);
        CHECK_EQUAL(strlen(eyelet_classifier_notes(classifier)), length);
        CHECK_EQUAL(strspn(eyelet_classifier_notes(classifier), "n"), length);
        CHECK(strcmp(eyelet_classifier_label(classifier, 4), "\xf0\x9f\x90\xb1") == 0);
    }
}

TEST(sizes_of_pictures)
{
    struct eyelet_classifier *classifier = open_golden();
    static const int refused[][2] = {{0, 1},
                                     {1, 0},
                                     {-1, 5},
                                     {LIMIT_IMAGE_SIDE + 1, 1},
                                     {1, LIMIT_IMAGE_SIDE + 1},
                                     {LIMIT_IMAGE_PIXELS / 16000 + 1, 16000}};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        test_context("%d x %d", refused[i][0], refused[i][1]);
        CHECK_EQUAL(eyelet_classifier_scratch_bytes(classifier, refused[i][0], refused[i][1]), 0);
        CHECK_EQUAL(eyelet_classifier_run(classifier, NULL, refused[i][0], refused[i][1], NULL), STATUS_IMAGE_SIZE);
    }
    uint8_t *line = test_bytes(LIMIT_IMAGE_SIDE * 4); /* exactly the memory: the guards see the rest */
    run(classifier, line, LIMIT_IMAGE_SIDE, 1);
    run(classifier, line, 1, LIMIT_IMAGE_SIDE);
    CHECK(eyelet_classifier_scratch_bytes(classifier, 8000, 8000) > 0);
    CHECK(eyelet_classifier_scratch_bytes(classifier, 8000, 8000) < 8000 * 8000);
}

/* Orientation 6: the file's rows are the picture's columns, from the right. */
TEST(rows_as_they_are_stored_give_what_the_picture_does)
{
    enum { WIDTH = 23, HEIGHT = 17 };
    struct eyelet_classifier *classifier = open_golden();
    uint8_t stored[HEIGHT * WIDTH * 4], upright[WIDTH * HEIGHT * 4];
    struct random random = random_seed(3, 0);
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH * 4; x++) {
            stored[y * WIDTH * 4 + x] = (uint8_t)random_below(&random, 256);
            upright[(x / 4 * HEIGHT + HEIGHT - 1 - y) * 4 + x % 4] = stored[y * WIDTH * 4 + x];
        }
    float expected[GOLDEN_CLASSES];
    run(classifier, upright, HEIGHT, WIDTH);
    memcpy(expected, eyelet_classifier_logits(classifier), sizeof expected);
    void *scratch = test_bytes(eyelet_classifier_stored_bytes(classifier, WIDTH, HEIGHT, 6));
    CHECK_EQUAL(eyelet_classifier_begin(classifier, WIDTH, HEIGHT, 6, scratch), STATUS_OK);
    eyelet_classifier_row(classifier, 0, stored);
    CHECK_EQUAL(eyelet_classifier_begin(classifier, WIDTH, HEIGHT, 6, scratch), STATUS_OK);
    for (int y = 0; y < HEIGHT; y++)
        eyelet_classifier_row(classifier, y, stored + y * WIDTH * 4);
    CHECK_EQUAL(eyelet_classifier_finish(classifier), STATUS_OK);
    CHECK(memcmp(eyelet_classifier_logits(classifier), expected, sizeof expected) == 0);
    double part[4];
    eyelet_classifier_part(part, classifier);
    CHECK_CLOSE(part[2] * (double)HEIGHT / (part[3] * (double)WIDTH), 1, 0.2); /* of the upright picture's sides */
    CHECK_EQUAL(eyelet_classifier_begin(classifier, 0, 1, 6, scratch), STATUS_IMAGE_SIZE);
    CHECK_EQUAL(eyelet_classifier_stored_bytes(classifier, WIDTH, HEIGHT, 9), 0);
}

static const struct test tests[] = {
    ENTRY(golden_results_to_the_bit),
    ENTRY(golden_models_are_the_committed_files),
    ENTRY(activations_to_the_bit),
    ENTRY(random_nets_to_the_bit),
    ENTRY(results_equal_the_oracle),
    ENTRY(runs_do_not_depend_on_those_before),
    ENTRY(two_classifiers_share_one_model),
    ENTRY(facts_of_the_model),
    ENTRY(text_outlives_runs),
    ENTRY(sizes_of_pictures),
    ENTRY(rows_as_they_are_stored_give_what_the_picture_does),
};
const struct suite classifier_suite = SUITE("classifier", tests);
