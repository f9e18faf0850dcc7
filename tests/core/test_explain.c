/* core/explain.h: maps against the formula in double, the same bits in every build. */
#include "explain.h"

#include "net/net_gradient.h"
#include "support/golden_model.h"
#include "support/int8_oracle.h"
#include "support/logit.h"
#include "support/nets.h"
#include "support/test.h"

#include <math.h>

/* An open explainer; NULL if the model has no map. */
static struct eyelet_explainer *explainer_of(const uint8_t *bytes, size_t size)
{
    size_t workspace;
    struct eyelet_explainer *explainer = NULL;
    const enum status status = eyelet_explainer_bytes(&workspace, bytes, size);
    if (status == STATUS_NO_FEATURE_MAP)
        return NULL;
    CHECK_EQUAL(status, STATUS_OK);
    CHECK_EQUAL(eyelet_explainer_open(&explainer, test_bytes(workspace), bytes, size), STATUS_OK);
    return explainer;
}

static uint8_t *random_pixels(const struct net *net, struct random *random)
{
    const size_t count = (size_t)net->input.h * (size_t)net->input.w * 3;
    uint8_t *pixels = test_bytes(count);
    for (size_t i = 0; i < count; i++)
        pixels[i] = (uint8_t)random_below(random, 256);
    return pixels;
}

static float *parameters_of(const struct model *model)
{
    float *parameters = test_floats(net_parameter_count(&model->net));
    for (int i = 0; i < model->net.node_count; i++)
        model_parameters(parameters + model->net.offset[i], model, i);
    return parameters;
}

/* The gradient of a logit by the tensor net.kept by differences, times its values and summed over the channels; `mean`:
 * each channel's mean gradient. Cut off at 0, from 0 to 1. */
static void oracle_sums(double *map, struct logit *logit, bool mean)
{
    const struct net *net = logit->net;
    const struct shape shape = net->shapes[net->kept];
    const size_t cells = (size_t)(shape.h * shape.w), channels = (size_t)shape.c;
    double *features = logit->tensor[net->kept], *gradient = test_doubles(cells * channels), max = 0;
    for (size_t i = 0; i < cells * channels; i++) {
        const double kept = features[i];
        double values[2];
        for (int side = 0; side < 2; side++) {
            features[i] = kept + (side ? 1e-6 : -1e-6);
            values[side] = logit_value(logit);
        }
        features[i] = kept;
        gradient[i] = (values[1] - values[0]) / 2e-6;
    }
    for (size_t i = 0; i < cells; i++) {
        map[i] = 0;
        for (size_t k = 0; k < channels; k++) {
            double weight = gradient[i * channels + k];
            if (mean) {
                weight = 0;
                for (size_t j = 0; j < cells; j++)
                    weight += gradient[j * channels + k] / (double)cells;
            }
            map[i] += weight * features[i * channels + k];
        }
        max = map[i] > max ? map[i] : max;
    }
    for (size_t i = 0; i < cells; i++)
        map[i] = map[i] > 0 ? map[i] / max : 0;
}

/* Between the centres of cells, along one side. */
static double oracle_between(const double *map, ptrdiff_t step, int cells, double at)
{
    at = at < 0 ? 0 : at > cells - 1 ? cells - 1 : at;
    const int first = (int)at < cells - 1 ? (int)at : cells - 1, second = first + 1 < cells ? first + 1 : first;
    return map[first * step] * (1 - at + first) + map[second * step] * (at - first);
}

/* The formula of explain.h in double, of the finer map at the tensor `fine`. */
static void oracle_map(double *map, const struct model *model, int fine, const uint8_t *pixels, int class)
{
    struct net net = model->net;
    const int last = net_last_map(&net);
    const struct shape shape = net.shapes[fine], coarse_shape = net.shapes[last];
    struct logit logit = {
        .net = &net, .parameters = test_widened(parameters_of(model), net_parameter_count(&net)), .class = class};
    float *image = test_floats(shape_count(net.input));
    image_normalise(image, pixels, net.input, &model->preprocess);
    double *coarse = test_doubles((size_t)(coarse_shape.h * coarse_shape.w)), max = 0;
    logit_start(&logit, image);
    net.kept = last;
    oracle_sums(coarse, &logit, true);
    net.kept = fine;
    oracle_sums(map, &logit, false);
    for (int y = 0; y < shape.h; y++)
        for (int x = 0; x < shape.w; x++, map++) {
            double *column = test_doubles((size_t)coarse_shape.h);
            for (int row = 0; row < coarse_shape.h; row++)
                column[row] = oracle_between(coarse + row * coarse_shape.w, 1, coarse_shape.w,
                                             (x + 0.5) * coarse_shape.w / shape.w - 0.5);
            *map = sqrt(*map * oracle_between(column, 1, coarse_shape.h, (y + 0.5) * coarse_shape.h / shape.h - 0.5));
            max = *map > max ? *map : max;
        }
    for (int i = 1; i <= shape.h * shape.w && max > 0; i++)
        map[-i] /= max;
}

/* A residual net of maps of height x width, whose head has a hidden layer. */
static uint8_t *residual_model(size_t *size, int height, int width, struct random *random)
{
    struct net net = {.input = {2 * height - 1, 2 * width - 1, 3}};
    int x = nets_simple(&net, nets_conv(&net, 0, 8, 3, 3, 2, true, true), NODE_TANH);
    x = nets_simple(&net, nets_add(&net, nets_conv(&net, x, 8, 3, 3, 1, true, true), x), NODE_SIGMOID);
    x = nets_simple(&net, nets_simple(&net, x, NODE_BATCHNORM), NODE_GLOBAL_AVGPOOL);
    x = nets_simple(&net, nets_dense(&net, x, 12, true), NODE_TANH);
    nets_finish(&net, nets_dense(&net, x, GOLDEN_CLASSES, true));
    return golden_model_of(size, &net, random);
}

TEST(maps_equal_the_formula)
{
    struct random random = random_seed(603, 0);
    for (int i = 0; i < 10; i++) {
        size_t size;
        const uint8_t *bytes = residual_model(&size, 5, 4, &random);
        struct model model;
        CHECK_EQUAL(model_read(&model, bytes, size), STATUS_OK);
        struct eyelet_explainer *explainer = explainer_of(bytes, size);
        const uint8_t *pixels = random_pixels(&model.net, &random);
        for (int class = 0; class < GOLDEN_CLASSES; class ++) {
            double expected[5 * 4];
            int height, width;
            oracle_map(expected, &model, net_last_map(&model.net), pixels, class);
            CHECK_EQUAL(eyelet_explainer_run(explainer, pixels, class), STATUS_OK);
            eyelet_explainer_grid(explainer, &height, &width);
            CHECK(height == 5 && width == 4);
            test_context("model %d, class %d", i, class);
            CHECK_ALL_CLOSE(eyelet_explainer_map(explainer), expected, 5 * 4, 1e-3);
        }
        test_release();
    }
}

/* Behind maps of 15 x 14 cells there are smaller ones, made of the last one or, if `around`, of one before it, too, which
 * is then the last that everything goes through. */
static uint8_t *tapering_model(size_t *size, int *fine, bool around, struct random *random)
{
    struct net net = {.input = {15, 14, 3}};
    int x = nets_simple(&net, nets_conv(&net, 0, 4, 3, 3, 1, true, true), NODE_TANH);
    x = nets_add(&net, nets_conv(&net, x, 4, 3, 3, 1, true, true), x);
    const int inside = nets_simple(&net, nets_conv(&net, x, 4, 3, 3, 1, true, true), NODE_SIGMOID);
    *fine = around ? x : inside;
    const int pooled = nets_pool(&net, inside, NODE_MAXPOOL, 2, 2, false);
    x = around ? nets_add(&net, nets_pool(&net, x, NODE_AVGPOOL, 2, 2, false), pooled) : pooled;
    x = nets_simple(&net, nets_conv(&net, x, 6, 3, 3, 2, false, true), NODE_GELU);
    nets_finish(&net, nets_dense(&net, nets_simple(&net, x, NODE_FLATTEN), GOLDEN_CLASSES, true));
    return golden_model_of(size, &net, random);
}

TEST(finer_maps_equal_the_formula)
{
    struct random random = random_seed(608, 0);
    for (int i = 0; i < 4; i++) {
        size_t size;
        int fine, height, width;
        const uint8_t *bytes = tapering_model(&size, &fine, i % 2, &random);
        struct model model;
        CHECK_EQUAL(model_read(&model, bytes, size), STATUS_OK);
        struct eyelet_explainer *explainer = explainer_of(bytes, size);
        const uint8_t *pixels = random_pixels(&model.net, &random);
        double expected[15 * 14];
        oracle_map(expected, &model, fine, pixels, i);
        CHECK_EQUAL(eyelet_explainer_run(explainer, pixels, i), STATUS_OK);
        eyelet_explainer_grid(explainer, &height, &width);
        CHECK(height == 15 && width == 14);
        test_context("model %d", i);
        CHECK_ALL_CLOSE(eyelet_explainer_map(explainer), expected, 15 * 14, 2e-3);
        test_release();
    }
}

/* One bright pixel, one channel, and two classes: one that it speaks for, one that it speaks against. */
TEST(what_speaks_for_a_class_and_what_does_not)
{
    struct net net = {.input = {3, 3, 1}};
    const int x = nets_simple(&net, nets_conv(&net, 0, 1, 1, 1, 1, true, false), NODE_RELU);
    nets_finish(&net, nets_dense(&net, nets_simple(&net, x, NODE_GLOBAL_AVGPOOL), 2, false));
    const float parameters[] = {1, 2, -2};
    static const uint8_t labels[] = {1, 'a', 1, 'b'};
    const struct model model = {
        .net = net, .preprocess = {.std = {1, 1, 1}}, .temperature = 1, .labels = labels, .notes = ""};
    uint8_t *bytes = test_bytes(model_size(&model)), pixels[27] = {[12] = 255, 255, 255, [24] = 51, 51, 51};
    model_write(bytes, &model, parameters);
    struct eyelet_explainer *explainer = explainer_of(bytes, model_size(&model));
    CHECK_EQUAL(eyelet_explainer_run(explainer, pixels, 0), STATUS_OK);
    const float *map = eyelet_explainer_map(explainer);
    for (int i = 0; i < 9; i++)
        CHECK_CLOSE(map[i], i == 4 ? 1 : i == 8 ? 0.2 : 0, 1e-6);
    CHECK_EQUAL(eyelet_explainer_run(explainer, pixels, 1), STATUS_OK);
    for (int i = 0; i < 9; i++)
        CHECK(map[i] == 0);
}

/* Bilinear between the centres of cells: cells themselves where sizes agree, and by hand for twice as many. */
TEST(heat_is_the_map_resized)
{
    size_t size;
    struct random random = random_seed(604, 0);
    const uint8_t *bytes = residual_model(&size, 5, 4, &random);
    struct model model;
    CHECK_EQUAL(model_read(&model, bytes, size), STATUS_OK);
    struct eyelet_explainer *explainer = explainer_of(bytes, size);
    CHECK_EQUAL(eyelet_explainer_run(explainer, random_pixels(&model.net, &random), 2), STATUS_OK);
    const float *map = eyelet_explainer_map(explainer);
    float *heat = test_floats(10 * 8);
    eyelet_explainer_heat(heat, explainer, 5, 4);
    CHECK_SAME_BITS(heat, map, 5 * 4);
    eyelet_explainer_heat(heat, explainer, 10, 8);
    for (int y = 0; y < 10; y++)
        for (int x = 0; x < 8; x++) {
            const int rows[] = {y / 2, y % 2 ? (y < 9 ? y / 2 + 1 : 4) : (y ? y / 2 - 1 : 0)};
            const int columns[] = {x / 2, x % 2 ? (x < 7 ? x / 2 + 1 : 3) : (x ? x / 2 - 1 : 0)};
            double sum = 0;
            for (int i = 0; i < 4; i++)
                sum += (i & 1 ? 0.25 : 0.75) * (i & 2 ? 0.25 : 0.75) * (double)map[rows[i & 1] * 4 + columns[i / 2]];
            CHECK_CLOSE(heat[y * 8 + x], sum, 1e-6);
        }
    eyelet_explainer_heat(heat, explainer, 1, 1);
    CHECK_CLOSE(heat[0], ((double)map[2 * 4 + 1] + (double)map[2 * 4 + 2]) / 2, 1e-6);
}

/* A quantized model's map is that of the float model with the weights that its integers stand for. */
TEST(quantized_models_through_their_weights)
{
    struct random random = random_seed(605, 0);
    int seen = 0;
    for (int round = 0; round < 60; round++) {
        struct net net;
        size_t size, float_size;
        nets_random(&net, test_between(&random, 1, 14), &random);
        const uint8_t *bytes = int8_model_of(&size, &net, &random);
        struct eyelet_explainer *explainer = explainer_of(bytes, size);
        if (explainer) {
            struct model model;
            CHECK_EQUAL(model_read(&model, bytes, size), STATUS_OK);
            struct model as_float = model;
            as_float.type = WEIGHTS_FLOAT32;
            uint8_t *float_bytes = test_bytes(float_size = model_size(&as_float));
            model_write(float_bytes, &as_float, parameters_of(&model));
            struct eyelet_explainer *other = explainer_of(float_bytes, float_size);
            const uint8_t *pixels = random_pixels(&model.net, &random);
            int height, width;
            eyelet_explainer_grid(explainer, &height, &width);
            CHECK_EQUAL(eyelet_explainer_run(explainer, pixels, 1), STATUS_OK);
            CHECK_EQUAL(eyelet_explainer_run(other, pixels, 1), STATUS_OK);
            CHECK_SAME_BITS(eyelet_explainer_map(explainer), eyelet_explainer_map(other), (size_t)(height * width));
            seen++;
        }
        test_release();
    }
    CHECK(seen > 30);
}

TEST(maps_to_the_bit)
{
    uint32_t crc = 0;
    struct random random = random_seed(606, 0);
    for (int i = 0; i < 100; i++) {
        struct net net;
        nets_random(&net, test_between(&random, 1, 25), &random);
        size_t size;
        const uint8_t *bytes = golden_model_of(&size, &net, &random);
        struct eyelet_explainer *explainer = explainer_of(bytes, size);
        float heat[13 * 17];
        if (explainer) {
            CHECK_EQUAL(eyelet_explainer_run(explainer, random_pixels(&net, &random), i % 5), STATUS_OK);
            eyelet_explainer_heat(heat, explainer, 13, 17);
            crc = crc * 31 + golden_crc32(heat, sizeof heat);
        }
        test_release();
    }
    CHECK_EQUAL(crc, 0xfc319909);
}

TEST(models_without_a_map_are_refused)
{
    struct random random = random_seed(607, 0);
    for (int pixel = 0; pixel < 2; pixel++) {
        struct net net = {.input = {pixel ? 1 : 4, pixel ? 1 : 4, 3}};
        const int x = pixel ? nets_conv(&net, 0, 3, 1, 1, 1, true, true) : nets_simple(&net, 0, NODE_FLATTEN);
        nets_finish(&net, nets_dense(&net, x, 3, true));
        size_t size, workspace = 1;
        const uint8_t *bytes = golden_model_of(&size, &net, &random);
        struct eyelet_explainer *explainer = NULL;
        CHECK_EQUAL(eyelet_explainer_bytes(&workspace, bytes, size), STATUS_NO_FEATURE_MAP);
        CHECK_EQUAL(workspace, 0);
        CHECK_EQUAL(eyelet_explainer_open(&explainer, test_bytes(0), bytes, size), STATUS_NO_FEATURE_MAP);
        CHECK(!explainer);
    }
}

/* Weights that are finite and whose products are not. */
TEST(overflow_is_said)
{
    struct net net = {.input = {2, 2, 1}};
    nets_finish(
        &net, nets_dense(&net, nets_simple(&net, nets_conv(&net, 0, 1, 1, 1, 1, true, false), NODE_FLATTEN), 2, false));
    const float parameters[] = {3e38f, 3e38f, 1, 1, 1, 1, 1, 1, 1};
    static const uint8_t labels[] = {1, 'a', 1, 'b'}, pixels[12] = {255, 255, 255, 255, 255, 255};
    const struct model model = {
        .net = net, .preprocess = {.std = {1, 1, 1}}, .temperature = 1, .labels = labels, .notes = ""};
    uint8_t *bytes = test_bytes(model_size(&model));
    model_write(bytes, &model, parameters);
    CHECK_EQUAL(eyelet_explainer_run(explainer_of(bytes, model_size(&model)), pixels, 0), STATUS_NOT_FINITE);
}

/* What a classifier saw of a picture, and which part of it that is: in every mode, of a wide and of a high picture. */
TEST(the_part_of_a_picture_that_a_map_is_of)
{
    static const struct {
        enum resize_mode mode;
        int width, height;
        double part[4];
    } cases[] = {{RESIZE_STRETCH, 40, 10, {0, 0, 1, 1}},
                 {RESIZE_CROP, 40, 10, {0.375, 0, 0.25, 1}},
                 {RESIZE_CROP, 10, 20, {0, 0.25, 1, 0.5}},
                 {RESIZE_PAD, 40, 10, {0, -1.5, 1, 4}},
                 {RESIZE_PAD, 10, 20, {-0.5, 0, 2, 1}},
                 {RESIZE_SHORTER_SIDE, 40, 20, {0.3, 0.1, 0.4, 0.8}},
                 {RESIZE_SHORTER_SIDE, 10, 10, {0.1, 0.1, 0.8, 0.8}}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct preprocess preprocess = {.resize_mode = cases[i].mode, .shorter_side = 10};
        const struct image_part part =
            image_part_shown(cases[i].width, cases[i].height, (struct shape){8, 8, 3}, &preprocess);
        test_context("case %zu", i);
        CHECK_CLOSE(part.x, cases[i].part[0], 1e-12);
        CHECK_CLOSE(part.y, cases[i].part[1], 1e-12);
        CHECK_CLOSE(part.width, cases[i].part[2], 1e-12);
        CHECK_CLOSE(part.height, cases[i].part[3], 1e-12);
    }
}

static const struct test tests[] = {
    ENTRY(maps_equal_the_formula),
    ENTRY(finer_maps_equal_the_formula),
    ENTRY(what_speaks_for_a_class_and_what_does_not),
    ENTRY(heat_is_the_map_resized),
    ENTRY(quantized_models_through_their_weights),
    ENTRY(maps_to_the_bit),
    ENTRY(models_without_a_map_are_refused),
    ENTRY(overflow_is_said),
    ENTRY(the_part_of_a_picture_that_a_map_is_of),
};
const struct suite explain_suite = SUITE("explain", tests);
