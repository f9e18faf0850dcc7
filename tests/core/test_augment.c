/* core/training/augment.c: what every change promises of an image, and that it is a function of seed, epoch and
 * index. */
#include "training/augment.h"
#include "support/test.h"

#include <math.h>
#include <string.h>

static const struct shape shape = {11, 13, 3};
#define GREY \
    { \
        0.5f, 0.5f, 0.5f \
    }
enum { PIXELS = 11 * 13, BYTES = 3 * PIXELS };

static uint8_t *random_image(struct random *random, size_t bytes)
{
    uint8_t *image = test_bytes(bytes);
    for (size_t i = 0; i < bytes; i++)
        image[i] = (uint8_t)random_below(random, 256);
    return image;
}

/* A ramp: red rises to the right, green downwards, so that a pixel shows where it comes from. */
static uint8_t *ramp(void)
{
    uint8_t *image = test_bytes(BYTES);
    for (int y = 0; y < shape.h; y++)
        for (int x = 0; x < shape.w; x++)
            memcpy(image + (y * shape.w + x) * 3, (uint8_t[]){(uint8_t)(10 * x + 60), (uint8_t)(10 * y + 60), 77}, 3);
    return image;
}

TEST(a_part_that_is_all_of_it_changes_nothing)
{
    struct random random = random_seed(100, 0);
    const uint8_t *in = random_image(&random, BYTES);
    uint8_t *out = test_bytes(BYTES), *expected = test_bytes(BYTES);
    for (int mirrored = 0; mirrored < 2; mirrored++)
        for (int move = -3; move <= 3; move += 3) {
            const struct part part = {-move, move, shape.h, shape.w, mirrored, 0};
            augment_part(out, shape, in, shape, &part);
            augment_view(expected, in, shape, mirrored, -move, move);
            test_context("mirrored %d, moved by %d", mirrored, move);
            CHECK(memcmp(out, expected, BYTES) == 0);
        }
}

/* Bilinear interpolation gives a ramp back exactly, wherever the part lies inside. */
TEST(a_part_is_enlarged)
{
    const uint8_t *in = ramp();
    uint8_t *out = test_bytes(BYTES);
    for (int mirrored = 0; mirrored < 2; mirrored++) {
        const struct part part = {2.25, 3.5, 6, 7, mirrored, 0};
        augment_part(out, shape, in, shape, &part);
        for (int y = 0; y < shape.h; y++)
            for (int x = 0; x < shape.w; x++) {
                const double seen = mirrored ? shape.w - 1 - x : x;
                const double column = 3.5 + (seen + 0.5) * 7 / shape.w - 0.5,
                             row = 2.25 + (y + 0.5) * 6 / shape.h - 0.5;
                CHECK_CLOSE(out[(y * shape.w + x) * 3], 10 * column + 60, 0.51);
                CHECK_CLOSE(out[(y * shape.w + x) * 3 + 1], 10 * row + 60, 0.51);
                CHECK_EQUAL(out[(y * shape.w + x) * 3 + 2], 77);
            }
    }
}

/* A ramp half as high and a third as wide: each pixel is the mean of the two, or the middle one, that it stands for. */
TEST(what_is_seen_may_be_smaller)
{
    const struct shape in_shape = {6, 9, 3}, seen = {3, 3, 3};
    uint8_t in[6 * 9 * 3], out[3 * 3 * 3];
    for (int y = 0; y < 6; y++)
        for (int x = 0; x < 9; x++)
            for (int c = 0; c < 3; c++)
                in[(y * 9 + x) * 3 + c] = (uint8_t)(20 * y + 10 * x + c);
    for (int mirrored = 0; mirrored < 2; mirrored++) {
        const struct augment augment = {.flip = FLIP_ALTERNATE};
        const struct augmentation how = {.augment = &augment, .shape = in_shape, .seen = seen, .epoch = mirrored};
        augment_image(out, in, &how, 5);
        const bool flipped = augment_mirrored(&how, 5);
        for (int y = 0; y < 3; y++)
            for (int x = 0; x < 3; x++)
                for (int c = 0; c < 3; c++)
                    CHECK_EQUAL(out[(y * 3 + x) * 3 + c], 20 * 2 * y + 10 + 10 * (3 * (flipped ? 2 - x : x) + 1) + c);
    }
}

/* A quarter turn takes the top row to the right column; turning forth and back gives the middle of a ramp back. */
TEST(an_image_is_turned_clockwise)
{
    enum { SIDE = 9 };
    const struct shape square = {SIDE, SIDE, 3};
    struct random random = random_seed(101, 0);
    const uint8_t *in = random_image(&random, SIDE * SIDE * 3);
    uint8_t *out = test_bytes(SIDE * SIDE * 3);
    augment_part(out, square, in, square, &(struct part){0, 0, SIDE, SIDE, false, 90});
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++)
            CHECK(memcmp(out + (x * SIDE + SIDE - 1 - y) * 3, in + (y * SIDE + x) * 3, 3) == 0);

    const uint8_t *level = ramp();
    uint8_t *turned = test_bytes(BYTES), *back = test_bytes(BYTES);
    augment_part(turned, shape, level, shape, &(struct part){0, 0, shape.h, shape.w, false, 20});
    augment_part(back, shape, turned, shape, &(struct part){0, 0, shape.h, shape.w, false, -20});
    for (int y = 4; y < 7; y++)
        for (int x = 4; x < 9; x++)
            for (int c = 0; c < 3; c++)
                CHECK_CLOSE(back[(y * shape.w + x) * 3 + c], level[(y * shape.w + x) * 3 + c], 1.01);
    CHECK(memcmp(turned, level, BYTES) != 0);
}

static double grey_of(const uint8_t *pixel) { return 0.2989 * pixel[0] + 0.587 * pixel[1] + 0.114 * pixel[2]; }

/* Torchvision's formulas in double: factor * image + (1 - factor) * what it is blended with, cut off at 0 and 255. */
TEST(colours_as_torchvision_defines_them)
{
    struct random random = random_seed(102, 0);
    const uint8_t *in = random_image(&random, BYTES);
    uint8_t *out = test_bytes(BYTES);
    double mean = 0;
    for (int i = 0; i < PIXELS; i++)
        mean += grey_of(in + 3 * i) / (double)PIXELS;
    for (int colour = 0; colour < COLOURS; colour++)
        for (int tenth = 0; tenth <= 18; tenth += 2) {
            const float factor = (float)tenth / 10;
            memcpy(out, in, BYTES);
            augment_colour(out, shape, (enum colour)colour, factor);
            test_context("colour %d, factor %g", colour, (double)factor);
            for (int i = 0; i < BYTES; i++) {
                const double with = colour == COLOUR_BRIGHTNESS ? 0
                                    : colour == COLOUR_CONTRAST ? mean
                                                                : grey_of(in + i / 3 * 3);
                const double value = (double)factor * in[i] + (1 - (double)factor) * with;
                CHECK_CLOSE(out[i], fmin(255, fmax(0, value)), 0.501);
            }
        }
}

/* Where an option is on, images change, differently in every epoch and at every index and never between two calls;
 * the bytes past the image are guarded. */
TEST(every_change_is_drawn_from_seed_epoch_and_index)
{
    static const struct augment all[] = {
        {.flip = FLIP_RANDOM, .crop = 4},
        {.cutout = 5},
        {.resized_crop = 0.3f},
        {.rotate = 30},
        {.jitter = 0.5f},
        {.erase = 1},
        {.rotate = 5, .resized_crop = 0.5f, .crop = 2, .jitter = 0.2f, .erase = 0.5f, .flip = FLIP_ALTERNATE}};
    struct random random = random_seed(103, 0);
    const uint8_t *in = random_image(&random, BYTES);
    uint8_t *out = test_bytes(BYTES), *again = test_bytes(BYTES);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        int changed = 0, differ = 0;
        for (int turn = 0; turn < 40; turn++) {
            augment_image(out, in, &(struct augmentation){&all[i], shape, shape, GREY, 1, turn}, 3);
            changed += memcmp(out, in, BYTES) != 0;
            augment_image(again, in, &(struct augmentation){&all[i], shape, shape, GREY, 1, turn}, 3);
            CHECK(memcmp(out, again, BYTES) == 0);
            augment_image(again, in, &(struct augmentation){&all[i], shape, shape, GREY, 1, turn + 1}, 3);
            differ += memcmp(out, again, BYTES) != 0;
            augment_image(again, in, &(struct augmentation){&all[i], shape, shape, GREY, 1, turn}, 4);
            differ += memcmp(out, again, BYTES) != 0;
            augment_image(again, in, &(struct augmentation){&all[i], shape, shape, GREY, 2, turn}, 3);
            differ += memcmp(out, again, BYTES) != 0;
        }
        test_context("augmentation %zu: %d changed, %d differ", i, changed, differ);
        CHECK(changed >= 35 && differ >= 3 * 35);
    }
    augment_image(out, in, &(struct augmentation){&(struct augment){0}, shape, shape, GREY, 1, 2}, 3);
    CHECK(memcmp(out, in, BYTES) == 0);
}

/* A model may have a mean that is no colour. */
TEST(a_cutout_is_of_the_nearest_colour)
{
    uint8_t *out = test_bytes(BYTES);
    memset(out, 93, BYTES);
    const struct augment all = {.cutout = 1000};
    augment_image(out, out, &(struct augmentation){&all, shape, shape, {0.5f, 3e38f, -1}, 1, 0}, 0);
    CHECK(out[0] == 128 && out[1] == 255 && out[2] == 0);
}

/* Colours of one value stay one value: an enlarged or turned part invents nothing. */
TEST(places_outside_are_reflected)
{
    uint8_t *in = test_bytes(BYTES), *out = test_bytes(BYTES);
    memset(in, 93, BYTES);
    for (int turn = 0; turn < 50; turn++) {
        augment_image(out, in,
                      &(struct augmentation){&(struct augment){.resized_crop = 0.1f, .rotate = 180, .crop = 100}, shape,
                                             shape, GREY, 7, turn},
                      turn);
        CHECK(memcmp(out, in, BYTES) == 0);
    }
    /* The smallest image of all. */
    const struct shape one = {1, 1, 3};
    augment_image(out, in,
                  &(struct augmentation){&(struct augment){.resized_crop = 0.1f, .rotate = 180, .crop = 9, .erase = 1},
                                         one, one, GREY, 7, 0},
                  0);
    CHECK(memcmp(out, in, 3) == 0);
}

/* A rectangle of noise, over a fraction of the image that is as drawn: 2 to 40 %, 21 % in the mean. */
TEST(erasing_leaves_a_rectangle_of_noise)
{
    enum { SIDE = 40, TURNS = 400 };
    const struct shape square = {SIDE, SIDE, 3};
    uint8_t *in = test_bytes(SIDE * SIDE * 3), *out = test_bytes(SIDE * SIDE * 3);
    memset(in, 0, SIDE * SIDE * 3);
    double fraction = 0;
    int erased = 0;
    for (int turn = 0; turn < TURNS; turn++) {
        augment_image(out, in, &(struct augmentation){&(struct augment){.erase = 0.5f}, square, square, GREY, 7, turn},
                      0);
        int top = SIDE, left = SIDE, bottom = -1, right = -1, changed = 0;
        for (int y = 0; y < SIDE; y++)
            for (int x = 0; x < SIDE; x++)
                if (memcmp(out + (y * SIDE + x) * 3, in, 3) != 0) {
                    top = y < top ? y : top;
                    left = x < left ? x : left;
                    bottom = y > bottom ? y : bottom;
                    right = x > right ? x : right;
                    changed++;
                }
        if (!changed)
            continue;
        erased++;
        const int area = (bottom - top + 1) * (right - left + 1);
        CHECK(changed >= area - 2); /* noise may be black by chance */
        fraction += (double)area / (SIDE * SIDE);
        CHECK(area >= 0.015 * (double)(SIDE * SIDE) && area <= 0.42 * (double)(SIDE * SIDE));
    }
    CHECK_CLOSE((double)erased / (double)TURNS, 0.5, 0.08);
    CHECK_CLOSE(fraction / erased, 0.21, 0.03);
}

/* Each pixel its own grey, for the fraction of images that is asked for; the others stay as they are. */
TEST(grey_images_have_lost_their_colours)
{
    enum { TURNS = 400 };
    const uint8_t *in = ramp();
    uint8_t *out = test_bytes(BYTES), *expected = test_bytes(BYTES);
    memcpy(expected, in, BYTES);
    augment_colour(expected, shape, COLOUR_SATURATION, 0);
    CHECK(expected[0] == expected[1] && expected[1] == expected[2]);
    const struct augment augment = {.grey = 0.3f};
    int grey = 0;
    for (int turn = 0; turn < TURNS; turn++) {
        augment_image(out, in, &(struct augmentation){&augment, shape, shape, GREY, 1, turn}, 3);
        const bool is_grey = memcmp(out, expected, BYTES) == 0;
        CHECK(is_grey || memcmp(out, in, BYTES) == 0);
        grey += is_grey;
    }
    CHECK_CLOSE((double)grey / (double)TURNS, 0.3, 0.07);
}

/* Mean 1/2 and variance 1 / (4 (2 alpha + 1)). */
TEST(beta_distribution)
{
    static const float alphas[] = {AUGMENT_MIN_ALPHA, 0.2f, 1, AUGMENT_MAX_ALPHA};
    enum { DRAWS = 20000 };
    for (size_t a = 0; a < sizeof alphas / sizeof *alphas; a++) {
        struct random random = random_seed(104, a);
        double sum = 0, squares = 0;
        for (int i = 0; i < DRAWS; i++) {
            const double x = augment_beta(&random, (double)alphas[a]);
            CHECK(x >= 0 && x <= 1);
            sum += x / (double)DRAWS;
            squares += (x - 0.5) * (x - 0.5) / (double)DRAWS;
        }
        test_context("alpha %g", (double)alphas[a]);
        CHECK_CLOSE(sum, 0.5, 0.015);
        CHECK_CLOSE(squares, 1 / (4 * (2 * (double)alphas[a] + 1)), 0.006);
    }
}

/* Images of one colour each: the bytes of a mixed one show which two it is of and in what fractions. */
TEST(mixed_images_have_the_fractions_of_their_targets)
{
    enum { N = 6, TURNS = 60 };
    uint8_t *pixels = test_bytes(N * BYTES), *out = test_bytes(BYTES), *scratch = test_bytes(BYTES);
    for (int i = 0; i < N; i++)
        memset(pixels + i * BYTES, 40 * i + 20, BYTES);
    static const int indices[] = {5, 2, 4, 0, 1}; /* the batch; image 3 is not in it */
    enum { BATCH = sizeof indices / sizeof *indices };
    const struct images images = {.pixels = pixels, .shape = shape, .count = N};
    const struct subset batch = {&images, indices, BATCH};
    static const struct augment all[] = {{.mixup = 1}, {.cutmix = 1}, {.mixup = 0.4f, .cutmix = 1}};
    for (int a = 0; a < 3; a++) {
        int averaged = 0, pasted = 0, partners[N] = {0};
        double fractions = 0;
        for (int turn = 0; turn < TURNS; turn++)
            for (int i = 0; i < BATCH; i++) {
                const struct augmentation how = {&all[a], shape, shape, GREY, 1, turn};
                const struct mix mix = augment_mixed(out, scratch, &how, &batch, i);
                const int own = pixels[indices[i] * BYTES], other = pixels[mix.index * BYTES];
                partners[mix.index]++;
                fractions += (double)mix.fraction / (TURNS * BATCH);
                int of_other = 0, between = 0;
                for (int k = 0; k < BYTES; k++) {
                    of_other += out[k] == other;
                    between += out[k] != other && out[k] != own;
                }
                test_context("augmentation %d, turn %d, image %d with %d", a, turn, indices[i], mix.index);
                if (own == other) {
                    CHECK_EQUAL(between, 0);
                } else if (between == BYTES) {
                    averaged++;
                    CHECK_CLOSE(out[0], own + (other - own) * (double)mix.fraction, 0.51);
                } else if (of_other > 0 && of_other < BYTES) {
                    pasted++;
                    CHECK_EQUAL(between, 0);
                    CHECK_CLOSE(of_other, (double)BYTES * (double)mix.fraction, 1e-3);
                }
            }
        test_context("augmentation %d: %d averaged, %d pasted, mean fraction %g", a, averaged, pasted, fractions);
        CHECK(a == 1 ? averaged == 0 : averaged > 60);
        CHECK(a == 0 ? pasted == 0 : pasted > 60);
        CHECK(a ? fractions > 0.2 && fractions < 0.5 : fabs(fractions - 0.5) < 0.06); /* pasted over the border: lost */
        CHECK_EQUAL(partners[3], 0);
        for (int i = 0; i < BATCH; i++)
            CHECK(partners[indices[i]] > TURNS / 2);
    }
    const struct mix none =
        augment_mixed(out, scratch, &(struct augmentation){&(struct augment){0}, shape, shape, GREY, 1, 0}, &batch, 1);
    CHECK(none.index == 2 && none.fraction == 0 && memcmp(out, pixels + 2 * BYTES, BYTES) == 0);
}

static const struct test tests[] = {
    ENTRY(a_part_that_is_all_of_it_changes_nothing),
    ENTRY(a_part_is_enlarged),
    ENTRY(what_is_seen_may_be_smaller),
    ENTRY(an_image_is_turned_clockwise),
    ENTRY(colours_as_torchvision_defines_them),
    ENTRY(every_change_is_drawn_from_seed_epoch_and_index),
    ENTRY(a_cutout_is_of_the_nearest_colour),
    ENTRY(places_outside_are_reflected),
    ENTRY(erasing_leaves_a_rectangle_of_noise),
    ENTRY(grey_images_have_lost_their_colours),
    ENTRY(beta_distribution),
    ENTRY(mixed_images_have_the_fractions_of_their_targets),
};
const struct suite augment_suite = SUITE("augment", tests);
