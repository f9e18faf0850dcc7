/* core/image/image.h: the way from any picture's pixels to a network's numbers. */
#include "image/image.h"

#include "support/golden_model.h"
#include "base/bounds.h"
#include "support/oracle.h"
#include "support/resized.h"
#include "support/test.h"

#include <string.h>

static const struct preprocess plain = {
    .resize_mode = RESIZE_STRETCH, .background = {0, 0, 0}, .mean = {0, 0, 0}, .std = {1, 1, 1}};

static uint8_t *fit(const uint8_t *rgba, int width, int height, int w, int h, const struct preprocess *preprocess)
{
    return resized(rgba, width, height, (struct shape){h, w, 3}, preprocess);
}

static uint8_t *random_picture(int width, int height, struct random *random)
{
    uint8_t *rgba = test_bytes((size_t)(width * height * 4));
    for (int i = 0; i < width * height * 4; i++)
        rgba[i] = i % 4 == 3
                      ? 255
                      : (uint8_t)(random_below(random, 3) ? random_below(random, 256) : random_below(random, 2) * 255);
    return rgba;
}

static uint8_t *without_alpha(const uint8_t *rgba, int count)
{
    uint8_t *rgb = test_bytes((size_t)(count * 3));
    for (int i = 0; i < count; i++)
        memcpy(rgb + i * 3, rgba + i * 4, 3);
    return rgb;
}

static void check_same_bytes(const uint8_t *a, const uint8_t *b, int count)
{
    for (int i = 0; i < count; i++)
        if (a[i] != b[i]) {
            test_fail(__FILE__, __LINE__, "byte %d is %d, not %d", i, a[i], b[i]);
            return;
        }
}

static void check_resize(int width, int height, int w, int h, struct random *random)
{
    test_context("%d x %d to %d x %d", width, height, w, h);
    const uint8_t *rgba = random_picture(width, height, random);
    const uint8_t *pixels = fit(rgba, width, height, w, h, &plain);
    uint8_t *expected = test_bytes((size_t)(w * h * 3));
    oracle_resize(expected, w, h, without_alpha(rgba, width * height), width, height);
    check_same_bytes(pixels, expected, w * h * 3);
    test_release();
}

TEST(resize_equals_pillow)
{
    struct random random = random_seed(40, 0);
    for (int i = 0; i < 300; i++)
        check_resize(test_between(&random, 1, 60), test_between(&random, 1, 60), test_between(&random, 1, 40),
                     test_between(&random, 1, 40), &random);
    check_resize(1, 1, 32, 32, &random);
    check_resize(1, 1, 1, 1, &random);
    check_resize(500, 333, 32, 32, &random);
    check_resize(32, 32, 224, 224, &random);
}

TEST(extreme_aspects)
{
    struct random random = random_seed(41, 0);
    check_resize(LIMIT_IMAGE_SIDE, 1, 32, 32, &random);
    check_resize(1, LIMIT_IMAGE_SIDE, 32, 32, &random);
    for (int fit_kind = RESIZE_STRETCH; fit_kind <= RESIZE_PAD; fit_kind++) {
        struct preprocess preprocess = plain;
        preprocess.resize_mode = (enum resize_mode)fit_kind;
        const uint8_t *rgba = random_picture(LIMIT_IMAGE_SIDE, 1, &random);
        test_context("fit %d", fit_kind);
        fit(rgba, LIMIT_IMAGE_SIDE, 1, 7, 5, &preprocess);
        fit(rgba, 1, LIMIT_IMAGE_SIDE, 7, 5, &preprocess);
        fit(rgba, LIMIT_IMAGE_SIDE, 1, 1, 1, &preprocess);
        fit(rgba, 1, LIMIT_IMAGE_SIDE, 1, 64, &preprocess);
    }
}

/* What Pillow 9.4.0 itself gives; golden/pillow.py prints both tables. */
TEST(resize_of_known_rows)
{
    static const uint8_t ramp[4] = {0, 60, 120, 240};
    static const struct {
        int to;
        uint8_t expected[8];
    } cases[] = {{4, {0, 60, 120, 240}},
                 {2, {43, 163}},
                 {1, {102}},
                 {8, {0, 15, 45, 75, 105, 150, 210, 240}},
                 {3, {18, 90, 204}},
                 {5, {0, 42, 90, 156, 240}}};
    uint8_t rgba[16];
    for (int i = 0; i < 16; i++)
        rgba[i] = i % 4 == 3 ? 255 : ramp[i / 4];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const uint8_t *pixels = fit(rgba, 4, 1, cases[i].to, 1, &plain);
        for (int x = 0; x < cases[i].to; x++) {
            test_context("4 to %d, pixel %d", cases[i].to, x);
            CHECK_EQUAL(pixels[x * 3], cases[i].expected[x]);
        }
    }
}

TEST(resize_of_known_pictures)
{
    static const struct {
        int width, height, w, h;
        uint32_t crc;
    } cases[] = {{37, 23, 32, 32, 0x4425adff}, {100, 64, 32, 32, 0x9a1ac900},  {5, 9, 32, 32, 0x7463a8d5},
                 {333, 1, 7, 5, 0x5d1c878a},   {64, 64, 224, 224, 0x02b331ea}, {500, 333, 96, 96, 0xe37358b0},
                 {32, 32, 31, 33, 0xab60f58f}, {1, 16384, 9, 9, 0xc36e5fb7}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const int width = cases[i].width, height = cases[i].height, w = cases[i].w, h = cases[i].h;
        uint8_t *rgba = test_bytes((size_t)(width * height * 4));
        uint32_t state = 1;
        for (int k = 0; k < width * height * 4; k++) {
            if (k % 4 < 3)
                state = state * 1103515245 + 12345;
            rgba[k] = k % 4 < 3 ? (uint8_t)(state >> 24) : 255;
        }
        test_context("%d x %d to %d x %d", width, height, w, h);
        CHECK_EQUAL(golden_crc32(fit(rgba, width, height, w, h, &plain), (size_t)(w * h * 3)), cases[i].crc);
    }
}

TEST(same_size_is_the_identity)
{
    struct random random = random_seed(42, 0);
    for (int size = 1; size <= 64; size += 7)
        for (int kind = RESIZE_STRETCH; kind <= RESIZE_PAD; kind++) {
            struct preprocess preprocess = plain;
            preprocess.resize_mode = (enum resize_mode)kind;
            test_context("size %d, fit %d", size, kind);
            const uint8_t *rgba = random_picture(size, size + 1, &random);
            check_same_bytes(fit(rgba, size, size + 1, size, size + 1, &preprocess),
                             without_alpha(rgba, size * (size + 1)), size * (size + 1) * 3);
        }
}

/* A part of a picture, for comparing with the whole of one. */
static uint8_t *part_of(const uint8_t *rgba, int width, int x, int y, int w, int h)
{
    uint8_t *part = test_bytes((size_t)(w * h * 4));
    for (int row = 0; row < h; row++)
        memcpy(part + row * w * 4, rgba + ((y + row) * width + x) * 4, (size_t)(w * 4));
    return part;
}

TEST(crop_takes_the_middle)
{
    struct random random = random_seed(43, 0);
    static const int cases[][8] = {/* picture, input, part: x, y, width, height */
                                   {40, 20, 10, 10, 10, 0, 20, 20}, {20, 40, 10, 10, 0, 10, 20, 20},
                                   {41, 20, 10, 10, 10, 0, 20, 20}, {30, 30, 20, 10, 0, 7, 30, 15},
                                   {30, 30, 10, 20, 7, 0, 15, 30},  {7, 3, 32, 32, 2, 0, 3, 3},
                                   {100, 1, 3, 3, 49, 0, 1, 1}};
    struct preprocess preprocess = plain;
    preprocess.resize_mode = RESIZE_CROP;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const int *k = cases[i];
        test_context("%d x %d for %d x %d", k[0], k[1], k[2], k[3]);
        const uint8_t *rgba = random_picture(k[0], k[1], &random);
        const uint8_t *part = part_of(rgba, k[0], k[4], k[5], k[6], k[7]);
        check_same_bytes(fit(rgba, k[0], k[1], k[2], k[3], &preprocess), fit(part, k[6], k[7], k[2], k[3], &plain),
                         k[2] * k[3] * 3);
    }
}

TEST(pad_shows_all_of_it_on_the_background)
{
    struct random random = random_seed(44, 0);
    static const int cases[][8] = {/* picture, input, rectangle: x, y, width, height */
                                   {40, 20, 10, 10, 0, 2, 10, 5},
                                   {20, 40, 10, 10, 2, 0, 5, 10},
                                   {40, 20, 20, 30, 0, 10, 20, 10},
                                   {1000, 1, 8, 8, 0, 3, 8, 1},
                                   {30, 20, 32, 32, 0, 5, 32, 21}};
    struct preprocess preprocess = plain;
    preprocess.resize_mode = RESIZE_PAD;
    memcpy(preprocess.background, (uint8_t[]){11, 22, 33}, 3);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const int *k = cases[i];
        test_context("%d x %d for %d x %d", k[0], k[1], k[2], k[3]);
        const uint8_t *rgba = random_picture(k[0], k[1], &random);
        const uint8_t *pixels = fit(rgba, k[0], k[1], k[2], k[3], &preprocess);
        const uint8_t *inner = fit(rgba, k[0], k[1], k[6], k[7], &plain);
        for (int y = 0; y < k[3]; y++)
            for (int x = 0; x < k[2]; x++) {
                const bool inside = x >= k[4] && x < k[4] + k[6] && y >= k[5] && y < k[5] + k[7];
                const uint8_t *expected = inside ? inner + ((y - k[5]) * k[6] + x - k[4]) * 3 : preprocess.background;
                CHECK(memcmp(pixels + (y * k[2] + x) * 3, expected, 3) == 0);
            }
    }
}

TEST(alpha_is_laid_over_the_background)
{
    struct preprocess preprocess = plain;
    memcpy(preprocess.background, (uint8_t[]){200, 0, 255}, 3);
    for (int alpha = 0; alpha < 256; alpha++)
        for (int value = 0; value < 256; value += 5) {
            const uint8_t rgba[4] = {(uint8_t)value, (uint8_t)value, (uint8_t)value, (uint8_t)alpha};
            const uint8_t *pixels = fit(rgba, 1, 1, 1, 1, &preprocess);
            test_context("value %d, alpha %d", value, alpha);
            for (int c = 0; c < 3; c++) {
                const double exact = (value * alpha + preprocess.background[c] * (255 - alpha)) / 255.0;
                CHECK_EQUAL(pixels[c], (int)(exact + 0.5));
            }
            test_release();
        }
}

TEST(normalisation)
{
    const struct preprocess preprocess = {.mean = {0.5f, 0.4f, 0.3f}, .std = {0.25f, 0.2f, 1.5f}};
    uint8_t pixels[256 * 3];
    float out[256 * 3];
    for (int i = 0; i < 256 * 3; i++)
        pixels[i] = (uint8_t)(i * 7 + i / 256);
    image_normalise(out, pixels, (struct shape){16, 16, 3}, &preprocess);
    for (int i = 0; i < 256 * 3; i++)
        CHECK_CLOSE(out[i], (pixels[i] / 255.0 - (double)preprocess.mean[i % 3]) / (double)preprocess.std[i % 3], 1e-6);
    image_normalise(out, pixels, (struct shape){1, 256, 1}, &preprocess);
    for (int i = 0; i < 256; i++) {
        const int luminance =
            (int)((pixels[i * 3] * 19595u + pixels[i * 3 + 1] * 38470u + pixels[i * 3 + 2] * 7471u + 32768u) / 65536u);
        CHECK_CLOSE(out[i], (luminance / 255.0 - 0.5) / 0.25, 1e-6);
    }
    for (int i = 0; i < 64 * 64 * 64; i++) { /* every fourth value of each colour, as integers */
        const uint8_t rgb[3] = {(uint8_t)(i % 64 * 4 + 3), (uint8_t)(i / 64 % 64 * 4 + 1), (uint8_t)(i / 4096 * 4)};
        image_normalise(out, rgb, (struct shape){1, 1, 1}, &plain);
        CHECK_CLOSE(out[0] * 255, (rgb[0] * 19595 + rgb[1] * 38470 + rgb[2] * 7471 + 0x8000) >> 16, 1e-3);
    }
    /* Pillow's convert("L"): grey stays, and the primaries. */
    static const uint8_t colours[5][4] = {
        {255, 255, 255, 255}, {7, 7, 7, 7}, {255, 0, 0, 76}, {0, 255, 0, 150}, {0, 0, 255, 29}};
    for (int i = 0; i < 5; i++) {
        image_normalise(out, colours[i], (struct shape){1, 1, 1}, &plain);
        CHECK_CLOSE(out[0] * 255, colours[i][3], 1e-3);
    }
}

TEST(sizes)
{
    CHECK_EQUAL(image_check(1, 1), STATUS_OK);
    CHECK_EQUAL(image_check(LIMIT_IMAGE_SIDE, 1), STATUS_OK);
    CHECK_EQUAL(image_check(1, LIMIT_IMAGE_SIDE), STATUS_OK);
    CHECK_EQUAL(image_check(LIMIT_IMAGE_PIXELS / 16000, 16000), STATUS_OK);
    CHECK_EQUAL(image_check(LIMIT_IMAGE_PIXELS / 16000 + 1, 16000), STATUS_IMAGE_PIXELS);
    CHECK_EQUAL(image_check(0, 5), STATUS_IMAGE_SIZE);
    CHECK_EQUAL(image_check(5, 0), STATUS_IMAGE_SIZE);
    CHECK_EQUAL(image_check(-1, -1), STATUS_IMAGE_SIZE);
    CHECK_EQUAL(image_check(LIMIT_IMAGE_SIDE + 1, 1), STATUS_IMAGE_SIDE);
    CHECK_EQUAL(image_check(1, LIMIT_IMAGE_SIDE + 1), STATUS_IMAGE_SIDE);
    CHECK_EQUAL(image_check(INT32_MAX, INT32_MAX), STATUS_IMAGE_SIDE);
    CHECK_EQUAL(image_check(INT32_MIN, 1), STATUS_IMAGE_SIZE);
}

static const struct test tests[] = {
    ENTRY(resize_equals_pillow),
    ENTRY(extreme_aspects),
    ENTRY(resize_of_known_rows),
    ENTRY(resize_of_known_pictures),
    ENTRY(same_size_is_the_identity),
    ENTRY(crop_takes_the_middle),
    ENTRY(pad_shows_all_of_it_on_the_background),
    ENTRY(alpha_is_laid_over_the_background),
    ENTRY(normalisation),
    ENTRY(sizes),
};
const struct suite image_suite = SUITE("image", tests);
