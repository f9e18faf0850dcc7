/* core/image/resizer.h and decode_rows: pictures resized row by row, as they are decoded, are the same as those that are
 * decoded, turned and then resized. */
#include "image/resizer.h"

#include "image/decode.h"
#include "support/golden_model.h"
#include "support/golden_pictures.h"
#include "support/made_png.h"
#include "support/resized.h"
#include "support/test.h"

#include <stdlib.h>
#include <string.h>

static const struct shape inputs[] = {{5, 7, 3}, {1, 1, 3}, {40, 23, 3}, {13, 13, 3}};
enum { INPUTS = sizeof inputs / sizeof *inputs };

static uint8_t *random_pixels(int width, int height, bool opaque, struct random *random)
{
    uint8_t *rgba = test_bytes((size_t)(width * height * 4));
    for (int i = 0; i < width * height * 4; i++)
        rgba[i] = opaque && i % 4 == 3 ? 255 : (uint8_t)random_below(random, 256);
    return rgba;
}

/* EXIF's table: of each orientation, which of the picture's sides row 0 and column 0 of the file are. */
static uint8_t *turned(const uint8_t *rgba, struct stored_picture stored)
{
    const int w = stored.width, h = stored.height;
    uint8_t *out = test_bytes((size_t)(w * h * 4));
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++) {
            const int upright[9][2] = {{0, 0},         {x, y}, {w - 1 - x, y}, {w - 1 - x, h - 1 - y},
                                       {x, h - 1 - y}, {y, x}, {h - 1 - y, x}, {h - 1 - y, w - 1 - x},
                                       {y, w - 1 - x}};
            const int *at = upright[stored.orientation], width = stored.orientation >= 5 ? h : w;
            memcpy(out + (at[1] * width + at[0]) * 4, rgba + (y * w + x) * 4, 4);
        }
    return out;
}

static uint8_t *by_rows(const uint8_t *rgba, struct stored_picture stored, struct shape input,
                        const struct preprocess *preprocess)
{
    struct resizer resizer;
    struct arena measure = {0};
    uint8_t *pixels = test_bytes((size_t)(input.w * input.h * 3));
    resizer_plan_stored(&resizer, stored, input, preprocess, &measure);
    struct arena arena = {.base = test_bytes((size_t)measure.used), .size = measure.used};
    resizer_plan_stored(&resizer, stored, input, preprocess, &arena);
    CHECK_EQUAL(arena.used, measure.used);
    resizer_start(&resizer, pixels);
    for (int y = 0; y < stored.height; y++)
        resizer_row(&resizer, y, rgba + y * stored.width * 4);
    resizer_finish(&resizer);
    return pixels;
}

static void check_same(const uint8_t *a, const uint8_t *b, size_t count)
{
    size_t different = 0;
    for (size_t i = 0; i < count; i++)
        different += a[i] != b[i];
    CHECK_EQUAL(different, 0);
}

TEST(rows_of_every_orientation_give_the_pixels_of_the_picture_turned_upright)
{
    static const int sizes[][2] = {{1, 1}, {31, 17}, {7, 5}, {5, 7}, {64, 3}, {13, 13}};
    struct random random = random_seed(1, 0);
    for (int i = 0; i < 6; i++)
        for (int orientation = 1; orientation <= 8; orientation++)
            for (int k = 0; k < INPUTS; k++)
                for (int mode = RESIZE_STRETCH; mode <= RESIZE_SHORTER_SIDE; mode++)
                    for (int filter = FILTER_BILINEAR; filter <= FILTER_BILINEAR_ALIASED; filter++) {
                        const struct stored_picture stored = {sizes[i][0], sizes[i][1], orientation};
                        const struct preprocess preprocess = {.resize_mode = (enum resize_mode)mode,
                                                              .filter = (enum resize_filter)filter,
                                                              .shorter_side = 41,
                                                              .background = {9, 99, 199}};
                        const bool exchanges = orientation >= 5;
                        test_context("%d x %d, orientation %d, mode %d, filter %d, input %d", stored.width,
                                     stored.height, orientation, mode, filter, k);
                        const uint8_t *rgba = random_pixels(stored.width, stored.height, (i + k) % 2 == 0, &random);
                        const uint8_t *expected =
                            resized(turned(rgba, stored), exchanges ? stored.height : stored.width,
                                    exchanges ? stored.width : stored.height, inputs[k], &preprocess);
                        check_same(by_rows(rgba, stored, inputs[k], &preprocess), expected, shape_count(inputs[k]));
                        test_release();
                    }
}

/* ---- decode_rows ---- */

struct taken {
    struct picture stored;
    uint8_t *rgba;
    int begun, rows;
};

static enum status begin(void *context, const struct picture *stored)
{
    struct taken *taken = context;
    taken->stored = *stored;
    taken->rgba = test_bytes((size_t)(stored->width * stored->height * 4));
    taken->begun++;
    return STATUS_OK;
}

static void take(void *context, int y, const uint8_t *rgba)
{
    struct taken *taken = context;
    CHECK_EQUAL(y, taken->rows++);
    memcpy(taken->rgba + y * taken->stored.width * 4, rgba, (size_t)taken->stored.width * 4);
}

static void check_rows(const uint8_t *bytes, size_t size)
{
    struct picture picture;
    struct taken taken = {.rows = 0};
    const struct picture_rows rows = {&taken, begin, take};
    CHECK_EQUAL(decode_picture(&picture, bytes, size), STATUS_OK);
    CHECK_EQUAL(decode_rows(&rows, bytes, size), STATUS_OK);
    CHECK_EQUAL(taken.begun, 1);
    CHECK_EQUAL(taken.rows, taken.stored.height);
    const struct stored_picture stored = {taken.stored.width, taken.stored.height, taken.stored.orientation};
    check_same(turned(taken.rgba, stored), picture.rgba, (size_t)(picture.width * picture.height * 4));
    free(picture.rgba);
}

TEST(files_of_every_format_come_row_by_row)
{
    for (int i = 0; i < PICTURES; i++) {
        test_context("%s", pictures[i].name);
        check_rows(pictures[i].bytes, pictures[i].size);
    }
    for (int interlaced = 0; interlaced < 2; interlaced++) {
        test_context("PNG, interlaced: %d", interlaced);
        const struct made_png png = made_png_file((struct png_kind){13, 9, 8, 6, interlaced});
        check_rows(png.bytes, png.size);
    }
    /* Two indices of a palette as a run, the last row first; a row of 24 bits. */
    static const uint8_t runs[] =
        {'B', 'M', [10] = 62, [14] = 40, [18] = 2, [22] = 2, [26] = 1, [28] = 8, [30] = 1, [46] = 2, [54] = 1, 2, 3,
         0,   4,   5,         6,         0,        2,        1,        0,        0,        2,        0,        0, 1},
                         colours[58] = {
                             'B', 'M', [10] = 54, [14] = 40, [18] = 1, [22] = 1, [26] = 1, [28] = 24, [54] = 1, 2, 3};
    test_context("BMP");
    check_rows(runs, sizeof runs);
    check_rows(colours, sizeof colours);
}

static enum status refuse(void *context, const struct picture *stored)
{
    (void)context;
    (void)stored;
    return STATUS_MEMORY;
}

static void never(void *context, int y, const uint8_t *rgba)
{
    (void)context;
    (void)rgba;
    test_fail(__FILE__, __LINE__, "row %d was given", y);
}

TEST(whoever_has_no_memory_for_the_rows_gets_none)
{
    const struct picture_rows rows = {NULL, refuse, never};
    for (int i = 0; i < PICTURES; i++)
        CHECK_EQUAL(decode_rows(&rows, pictures[i].bytes, pictures[i].size), STATUS_MEMORY);
}

/* The sizes in the header of a JPEG; what is behind it does not count here. */
static uint64_t bytes_for(int i, int width, int height)
{
    const size_t size = pictures[i].size, padded = 4 << 20; /* a bit a block must be there */
    uint8_t *bytes = test_bytes(padded);
    memcpy(bytes, pictures[i].bytes, size);
    size_t at = 2;
    while (bytes[at + 1] != 0xc0 && bytes[at + 1] != 0xc2)
        at += 2 + (size_t)(bytes[at + 2] << 8 | bytes[at + 3]);
    bytes[at + 5] = (uint8_t)(height >> 8);
    bytes[at + 6] = (uint8_t)height;
    bytes[at + 7] = (uint8_t)(width >> 8);
    bytes[at + 8] = (uint8_t)width;
    uint64_t needed = 0;
    struct picture stored;
    CHECK_EQUAL(decode_bytes(&needed, &stored, bytes, padded), STATUS_OK);
    CHECK(stored.width == width && stored.height == height);
    return needed;
}

/* 8,000 x 6,000 pixels would be 192 MB. */
TEST(a_phones_photo_takes_rows_not_pixels)
{
    int baseline = 0;
    for (int i = 0; i < PICTURES; i++)
        if (!strcmp(pictures[i].name, "jpeg_baseline"))
            baseline = i;
    CHECK(baseline > 0);
    CHECK(bytes_for(baseline, 8000, 6000) < 2 << 20);
    struct arena arena = {0};
    struct resizer resizer;
    const struct preprocess preprocess = {.resize_mode = RESIZE_CROP};
    for (int orientation = 1; orientation <= 8; orientation += 5) {
        arena.used = 0;
        resizer_plan_stored(&resizer, (struct stored_picture){8000, 6000, orientation}, (struct shape){64, 64, 3},
                            &preprocess, &arena);
        CHECK(arena.used < 2 << 20);
    }
}

static const struct test tests[] = {
    ENTRY(rows_of_every_orientation_give_the_pixels_of_the_picture_turned_upright),
    ENTRY(files_of_every_format_come_row_by_row),
    ENTRY(whoever_has_no_memory_for_the_rows_gets_none),
    ENTRY(a_phones_photo_takes_rows_not_pixels),
};
const struct suite resizer_suite = SUITE("resizer", tests);
