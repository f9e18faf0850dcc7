/* The preprocessing of published models: a shorter side and its centre, the filters, the order of channels.
 * test_image.c has the rest of core/image/image.h. */
#include "image/image.h"

#include "classifier.h"
#include "support/golden_model.h"
#include "support/int8_oracle.h"
#include "support/nets.h"
#include "support/resized.h"
#include "support/test.h"

#include <math.h>
#include <string.h>

/* The noise of golden/pillow.py. */
static uint8_t *noise(int width, int height)
{
    uint8_t *rgba = test_bytes((size_t)(width * height * 4));
    uint32_t state = 1;
    for (int k = 0; k < width * height * 4; k++) {
        if (k % 4 < 3)
            state = state * 1103515245 + 12345;
        rgba[k] = k % 4 < 3 ? (uint8_t)(state >> 24) : 255;
    }
    return rgba;
}

/* What Pillow 9.4.0 gives, and of a shorter side what torchvision's Resize and CenterCrop do with it;
 * golden/pillow.py prints them. */
TEST(filters_and_centres_of_known_pictures)
{
    static const struct {
        enum resize_mode mode;
        enum resize_filter filter;
        int side, width, height, w, h;
        uint32_t crc;
    } cases[] = {
        {RESIZE_SHORTER_SIDE, FILTER_BILINEAR, 256, 500, 333, 224, 224, 0x816b463b},
        {RESIZE_SHORTER_SIDE, FILTER_BILINEAR, 73, 333, 500, 64, 60, 0x52be652b},
        {RESIZE_SHORTER_SIDE, FILTER_BILINEAR, 40, 40, 300, 33, 37, 0x30158519},
        {RESIZE_SHORTER_SIDE, FILTER_BILINEAR, 41, 90, 41, 40, 41, 0x7beebf4c},
        {RESIZE_SHORTER_SIDE, FILTER_BILINEAR, 80, 64, 64, 71, 67, 0x31b2a132},
        {RESIZE_SHORTER_SIDE, FILTER_BILINEAR, 9, 3000, 7, 9, 6, 0xd464a2ff},
        {RESIZE_STRETCH, FILTER_BICUBIC, 0, 37, 23, 32, 32, 0x985d0fac},
        {RESIZE_STRETCH, FILTER_BICUBIC, 0, 5, 9, 32, 32, 0xa43e436e},
        {RESIZE_STRETCH, FILTER_BICUBIC, 0, 333, 1, 7, 5, 0x68b2f6f1},
        {RESIZE_STRETCH, FILTER_BICUBIC, 0, 500, 333, 96, 96, 0x9c59e69f},
        {RESIZE_STRETCH, FILTER_BICUBIC, 0, 1, 16384, 9, 9, 0x2ff33130},
        {RESIZE_SHORTER_SIDE, FILTER_BICUBIC, 256, 500, 333, 224, 224, 0x48b808b1},
        {RESIZE_SHORTER_SIDE, FILTER_BICUBIC, 73, 333, 500, 64, 60, 0x62b76f57},
        {RESIZE_SHORTER_SIDE, FILTER_BICUBIC, 40, 40, 300, 33, 37, 0x30158519},
        {RESIZE_SHORTER_SIDE, FILTER_BICUBIC, 41, 90, 41, 40, 41, 0x7beebf4c},
        {RESIZE_SHORTER_SIDE, FILTER_BICUBIC, 80, 64, 64, 71, 67, 0x9c30b8c5},
        {RESIZE_SHORTER_SIDE, FILTER_BICUBIC, 9, 3000, 7, 9, 6, 0x91bc896b},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct preprocess preprocess = {
            .resize_mode = cases[i].mode, .filter = cases[i].filter, .shorter_side = cases[i].side};
        const int w = cases[i].w, h = cases[i].h;
        const uint8_t *pixels = resized(noise(cases[i].width, cases[i].height), cases[i].width, cases[i].height,
                                        (struct shape){h, w, 3}, &preprocess);
        test_context("%d x %d to %d x %d, side %d, filter %d", cases[i].width, cases[i].height, w, h, cases[i].side,
                     cases[i].filter);
        CHECK_EQUAL(golden_crc32(pixels, (size_t)(w * h * 3)), cases[i].crc);
        test_release();
    }
}

/* A picture that has the shorter side already is cut, not filtered. */
TEST(a_shorter_side_that_fits_is_cut)
{
    const struct preprocess preprocess = {.resize_mode = RESIZE_SHORTER_SIDE, .shorter_side = 9};
    const uint8_t *rgba = noise(20, 9), *pixels = resized(rgba, 20, 9, (struct shape){6, 5, 3}, &preprocess);
    for (int y = 0; y < 6; y++)
        for (int x = 0; x < 5; x++)
            CHECK(memcmp(pixels + (y * 5 + x) * 3, rgba + ((y + 2) * 20 + x + 8) * 4, 3) == 0); /* halves to even */
}

/* Between the two nearest pixels, in double. */
static double between(const uint8_t *rgba, int width, int height, double x, double y, int c)
{
    x = x < 0 ? 0 : x;
    y = y < 0 ? 0 : y;
    const int left = (int)x, top = (int)y, right = left + 1 < width ? left + 1 : left,
              bottom = top + 1 < height ? top + 1 : top;
    const double a = x - left, b = y - top;
#define AT(py, px) (double)rgba[((py)*width + (px)) * 4 + c]
    return (AT(top, left) * (1 - a) + AT(top, right) * a) * (1 - b) +
           (AT(bottom, left) * (1 - a) + AT(bottom, right) * a) * b;
}

TEST(without_antialiasing_as_torch_interpolates)
{
    static const int sizes[][4] = {{40, 30, 16, 12}, {7, 9, 20, 15}, {300, 17, 8, 8}, {8, 8, 8, 5}, {1, 1, 3, 3}};
    const struct preprocess preprocess = {.filter = FILTER_BILINEAR_ALIASED};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        const int width = sizes[i][0], height = sizes[i][1], w = sizes[i][2], h = sizes[i][3];
        const uint8_t *rgba = noise(width, height),
                      *pixels = resized(rgba, width, height, (struct shape){h, w, 3}, &preprocess);
        test_context("%d x %d to %d x %d", width, height, w, h);
        for (int y = 0; y < h; y++)
            for (int x = 0; x < w; x++)
                for (int c = 0; c < 3; c++) {
                    const double exact =
                        between(rgba, width, height, (x + 0.5) * width / w - 0.5, (y + 0.5) * height / h - 0.5, c);
                    CHECK(fabs(pixels[(y * w + x) * 3 + c] - exact) <= 1.01); /* rounded after each of both passes */
                }
    }
}

TEST(the_order_of_channels)
{
    const struct preprocess rgb = {.mean = {0.1f, 0.2f, 0.3f}, .std = {0.5f, 0.25f, 0.125f}};
    struct preprocess bgr = rgb;
    bgr.order = ORDER_BGR;
    const uint8_t pixels[6] = {10, 20, 30, 250, 240, 230};
    float a[6], b[6];
    image_normalise(a, pixels, (struct shape){1, 2, 3}, &rgb);
    image_normalise(b, pixels, (struct shape){1, 2, 3}, &bgr);
    for (int i = 0; i < 6; i++)
        CHECK_CLOSE(b[i], a[i / 3 * 3 + 2 - i % 3], 0);
}

/* Published ranges: 0..255 less the mean of each colour, and -1..1. */
TEST(ranges_of_published_models)
{
    const struct preprocess caffe = {.mean = {123.68f / 255, 116.779f / 255, 103.939f / 255},
                                     .std = {1 / 255.0f, 1 / 255.0f, 1 / 255.0f}};
    const struct preprocess symmetric = {.mean = {0.5f, 0.5f, 0.5f}, .std = {0.5f, 0.5f, 0.5f}};
    const uint8_t pixels[6] = {0, 255, 128, 255, 0, 1};
    static const double means[3] = {123.68, 116.779, 103.939};
    float out[6];
    image_normalise(out, pixels, (struct shape){1, 2, 3}, &caffe);
    for (int i = 0; i < 6; i++)
        CHECK_CLOSE(out[i], pixels[i] - means[i % 3], 1e-4);
    image_normalise(out, pixels, (struct shape){1, 2, 3}, &symmetric);
    for (int i = 0; i < 6; i++)
        CHECK_CLOSE(out[i], pixels[i] / 127.5 - 1, 1e-6);
}

static struct eyelet_classifier *opened(const uint8_t *bytes, size_t size)
{
    size_t workspace;
    struct eyelet_classifier *classifier = NULL;
    CHECK_EQUAL(eyelet_classifier_bytes(&workspace, bytes, size), STATUS_OK);
    CHECK_EQUAL(eyelet_classifier_open(&classifier, test_bytes(workspace), bytes, size), STATUS_OK);
    return classifier;
}

/* A model that reads blue first gives for swapped pixels, mean and std what the other gives, in float and quantized;
 * and its embedding is what its last layer reads. */
TEST(order_and_embedding_of_whole_models)
{
    struct random random = random_seed(250, 0);
    struct net net = {.input = {6, 5, 3}};
    const int vector = nets_simple(&net, nets_conv(&net, 0, 7, 3, 3, 1, true, true), NODE_GLOBAL_AVGPOOL);
    net.embedding = vector;
    nets_finish(&net, nets_dense(&net, vector, 4, true));
    uint8_t pixels[6 * 5 * 3], swapped[6 * 5 * 3];
    for (int i = 0; i < 6 * 5 * 3; i++)
        swapped[i / 3 * 3 + 2 - i % 3] = pixels[i] = (uint8_t)random_below(&random, 256);
    for (int quantized = 0; quantized < 2; quantized++) {
        size_t size;
        const uint8_t *bytes = quantized ? int8_model_of(&size, &net, &random) : golden_model_of(&size, &net, &random);
        struct model model;
        CHECK_EQUAL(model_read(&model, bytes, size), STATUS_OK);
        struct preprocess *preprocess = &model.preprocess;
        preprocess->order = ORDER_BGR;
        for (int i = 0; i < 3; i += 2) {
            float *const numbers = i ? preprocess->std : preprocess->mean, first = numbers[0];
            numbers[0] = numbers[2];
            numbers[2] = first;
        }
        uint8_t *other = test_bytes(model_size(&model));
        model_write(other, &model, NULL);
        struct eyelet_classifier *a = opened(bytes, size), *b = opened(other, model_size(&model));
        CHECK_EQUAL(eyelet_classifier_run_pixels(a, pixels), STATUS_OK);
        CHECK_EQUAL(eyelet_classifier_run_pixels(b, swapped), STATUS_OK);
        test_context("quantized %d", quantized);
        CHECK_SAME_BITS(eyelet_classifier_logits(b), eyelet_classifier_logits(a), 4);

        float embedding[7], parameters[7 * 4 + 4];
        CHECK_EQUAL(eyelet_classifier_embedding_count(a), 7);
        eyelet_classifier_embedding(embedding, a);
        model_parameters(parameters, &model, 2);
        double exact[4];
        for (int o = 0; o < 4; o++) {
            exact[o] = (double)parameters[28 + o];
            for (int c = 0; c < 7; c++)
                exact[o] += (double)embedding[c] * (double)parameters[c * 4 + o];
        }
        CHECK_ALL_CLOSE(eyelet_classifier_logits(a), exact, 4, quantized ? 5e-3 : 1e-5);
    }
    size_t size;
    const uint8_t *without = golden_model(&size);
    CHECK_EQUAL(eyelet_classifier_embedding_count(opened(without, size)), 0);
}

static const struct test tests[] = {
    ENTRY(filters_and_centres_of_known_pictures),
    ENTRY(a_shorter_side_that_fits_is_cut),
    ENTRY(without_antialiasing_as_torch_interpolates),
    ENTRY(the_order_of_channels),
    ENTRY(ranges_of_published_models),
    ENTRY(order_and_embedding_of_whole_models),
};
const struct suite preprocess_suite = SUITE("preprocess", tests);
