/* core/image/png.h and orientation.h: every kind of PNG against what was written. test_hostile_png.c has the rest. */
#include "image/decode.h"

#include "image/orientation.h"
#include "support/made_png.h"
#include "support/test.h"

#include <stdlib.h>
#include <string.h>

enum { WIDTH = 13, HEIGHT = 11, GREY = 0, RGB = 2, PALETTE = 3, GREY_ALPHA = 4, RGBA = 6 };

/* Exactly as long as the file, so that AddressSanitizer sees a step behind it. */
static enum status status_of(struct picture *picture, struct made_png png)
{
    uint8_t *bytes = test_bytes(png.size);
    memcpy(bytes, png.bytes, png.size);
    const enum status status = decode_picture(picture, bytes, png.size);
    int width, height;
    if (!status)
        CHECK_EQUAL(decode_size(&width, &height, bytes, png.size), STATUS_OK);
    return status;
}

static const struct png_kind simple = {WIDTH, HEIGHT, 8, RGB, false};

static void check_pixels(const struct picture *picture, const struct png_kind *kind)
{
    CHECK(picture->width == kind->width && picture->height == kind->height && picture->format == PICTURE_PNG);
    for (int i = 0; i < kind->width * kind->height; i++) {
        uint8_t expected[4];
        made_png_pixel(expected, kind, i % kind->width, i / kind->width);
        CHECK(memcmp(picture->rgba + i * 4, expected, 4) == 0);
    }
}

TEST(every_kind)
{
    static const int kinds[][2] = {{1, GREY},    {2, GREY},       {4, GREY},        {8, GREY},    {16, GREY},
                                   {8, RGB},     {16, RGB},       {1, PALETTE},     {2, PALETTE}, {4, PALETTE},
                                   {8, PALETTE}, {8, GREY_ALPHA}, {16, GREY_ALPHA}, {8, RGBA},    {16, RGBA}};
    static const int sizes[][2] = {{WIDTH, HEIGHT}, {1, 1}, {2, 3}, {3, 2}, {5, 5}, {8, 1}, {1, 8}, {9, 4}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        for (size_t k = 0; k < 2 * sizeof sizes / sizeof *sizes; k++) {
            const struct png_kind kind = {sizes[k / 2][0], sizes[k / 2][1], kinds[i][0], kinds[i][1], k % 2};
            test_context("%d bits, colour type %d, %d x %d, %s", kind.depth, kind.colour_type, kind.width, kind.height,
                         kind.interlaced ? "interlaced" : "in order");
            struct picture picture;
            const enum status status = status_of(&picture, made_png_file(kind));
            CHECK_EQUAL(status, STATUS_OK);
            if (!status)
                check_pixels(&picture, &kind);
            free(picture.rgba);
            test_release();
        }
}

/* A picture of one row, with a palette of that many colours (-1: none) and tRNS before or behind it. */
struct row_file {
    int width, depth, colour_type, colours;
    const char *row;
    size_t row_size;
    const char *transparency;
    size_t transparency_size;
    bool transparency_first;
};

static enum status read_row(struct picture *picture, const struct row_file *file)
{
    struct made_png png = {.bytes = test_bytes(2048)};
    uint8_t raw[64] = {0};
    memcpy(raw + 1, file->row, file->row_size);
    made_png_start(&png, (struct png_kind){file->width, 1, file->depth, file->colour_type, false});
    for (int i = 0; i < 2; i++) {
        if (i == !file->transparency_first && file->transparency)
            made_png_chunk(&png, "tRNS", file->transparency, file->transparency_size);
        if (i == file->transparency_first && file->colours >= 0)
            made_png_palette(&png, (unsigned)file->colours);
    }
    made_png_rows(&png, raw, 1 + file->row_size);
    return status_of(picture, png);
}

static void check_alphas(struct row_file file, const char *expected)
{
    struct picture picture;
    const enum status status = read_row(&picture, &file);
    CHECK_EQUAL(status, STATUS_OK);
    for (int i = 0; !status && i < picture.width; i++)
        CHECK_EQUAL(picture.rgba[i * 4 + 3], (uint8_t)expected[i]);
    free(picture.rgba);
}

/* The bits above the depth do not matter (11.3.2.1); the transparency of a colour that the palette lacks neither. */
TEST(transparency)
{
    check_alphas((struct row_file){3, 8, GREY, -1, "\1\2\3", 3, "\0\2", 2, false}, "\377\0\377");
    check_alphas((struct row_file){3, 8, GREY, -1, "\1\2\3", 3, "\7\2", 2, false}, "\377\0\377");
    check_alphas((struct row_file){4, 2, GREY, -1, "\x1b", 1, "\0\2", 2, false}, "\377\377\0\377");
    check_alphas((struct row_file){2, 16, GREY, -1, "\1\2\1\3", 4, "\1\2", 2, false}, "\0\377");
    check_alphas((struct row_file){2, 8, RGB, -1, "\1\2\3\1\2\4", 6, "\0\1\0\2\0\3", 6, false}, "\0\377");
    check_alphas((struct row_file){1, 16, RGB, -1, "\1\2\3\4\5\6", 6, "\1\2\3\4\5\6", 6, false}, "\0");
    check_alphas((struct row_file){1, 16, RGB, -1, "\1\2\3\4\5\6", 6, "\1\2\3\4\5\7", 6, false}, "\377");
    check_alphas((struct row_file){2, 8, GREY_ALPHA, -1, "\1\2\3\4", 4, "\0\1", 2, false}, "\2\4"); /* has its own */
    for (int first = 0; first < 2; first++) {
        check_alphas((struct row_file){3, 8, PALETTE, 3, "\0\1\2", 3, "\7\0", 2, first}, "\7\0\377");
        check_alphas((struct row_file){3, 8, PALETTE, 2, "\1\2\3", 3, "\7\7\7\7", 4, first}, "\7\377\377");
    }
    struct picture picture;
    CHECK_EQUAL(read_row(&picture, &(struct row_file){1, 8, GREY, -1, "\1", 1, "\1", 1, false}), STATUS_IMAGE_CORRUPT);
    CHECK_EQUAL(read_row(&picture, &(struct row_file){1, 8, RGB, -1, "\1\1\1", 3, "\0\1\0\1\0", 5, false}),
                STATUS_IMAGE_CORRUPT);
}

TEST(colours_that_the_palette_lacks_are_black)
{
    static const uint8_t black[4] = {0, 0, 0, 255};
    for (int colours = 1; colours < 256; colours += 51) {
        const char row[4] = {0, (char)(colours - 1), (char)colours, (char)255};
        struct picture picture;
        const struct row_file file = {4, 8, PALETTE, colours, row, 4, NULL, 0, false};
        if (read_row(&picture, &file)) {
            CHECK(false);
            continue;
        }
        uint8_t last[4] = {0, 0, 0, 255};
        made_png_colour(last, (unsigned)colours - 1);
        CHECK(memcmp(picture.rgba + 4, last, 4) == 0 && memcmp(picture.rgba + 12, black, 4) == 0);
        CHECK(memcmp(picture.rgba + 8, black, 4) == 0);
        free(picture.rgba);
    }
    for (int colours = -1; colours <= 258; colours++) {
        struct picture picture = {0};
        const enum status status =
            read_row(&picture, &(struct row_file){1, 1, PALETTE, colours, "\0", 1, NULL, 0, false});
        CHECK_EQUAL(status, colours >= 1 && colours <= 256 ? STATUS_OK : STATUS_IMAGE_CORRUPT);
        free(picture.rgba);
        test_release();
    }
}

/* A TIFF header and a directory with the orientation as its last entry. */
static size_t exif_of(uint8_t *out, bool little, int type, uint32_t value, int entries_before)
{
    uint8_t *p = out;
#define PUT(number, bytes) \
    for (int k_ = 0; k_ < (bytes); k_++) \
    *p++ = (uint8_t)((number) >> 8 * (little ? k_ : (bytes)-1 - k_))
    memcpy(p, little ? "II" : "MM", 2);
    p += 2;
    PUT(42u, 2);
    PUT(8u, 4);
    PUT((unsigned)entries_before + 1, 2);
    for (int i = 0; i <= entries_before; i++) {
        const bool is_orientation = i == entries_before;
        PUT(is_orientation ? 0x0112u : 0x010fu, 2);
        PUT(is_orientation ? (unsigned)type : 3u, 2);
        PUT(1u, 4);
        PUT(value, type == 3 ? 2 : 4);
        if (type == 3)
            PUT(0u, 2);
    }
#undef PUT
    return (size_t)(p - out);
}

TEST(orientation_of_both_byte_orders_and_types)
{
    uint8_t block[256];
    for (int little = 0; little < 2; little++)
        for (int type = 1; type <= 5; type++)
            for (uint32_t value = 0; value <= 9; value++) {
                const size_t size = exif_of(block, little, type, value, 3 * little);
                const bool read = (type == 3 || type == 4) && value >= 1 && value <= 8;
                test_context("%s endian, type %d, value %u", little ? "little" : "big", type, value);
                CHECK_EQUAL(orientation_of(block, size), read ? (int)value : 1);
                for (size_t length = 0; length < size; length++) {
                    uint8_t *cut = test_bytes(length);
                    memcpy(cut, block, length);
                    CHECK_EQUAL(orientation_of(cut, length), 1);
                    test_release();
                }
            }
    CHECK_EQUAL(exif_of(block, false, 4, 0x00060000, 0), 22); /* a LONG is not the SHORT in its first half */
    CHECK_EQUAL(orientation_of(block, 22), 1);
}

/* Before or behind the data, with JPEG's prefix or without; the first counts, and a damaged one is not passed over. */
TEST(orientation_of_png)
{
    uint8_t raw[MADE_PNG_RAW], block[256] = "Exif\0\0";
    for (int value = 1; value <= 8; value++)
        for (int kind = 0; kind < 4; kind++) {
            const bool behind = kind % 2, prefix = kind > 1;
            const size_t size = exif_of(block + 6, kind % 2, 3 + kind / 2, (uint32_t)value, 1);
            struct made_png png = {.bytes = test_bytes(MADE_PNG_BYTES)};
            made_png_start(&png, simple);
            if (!behind)
                made_png_chunk(&png, "eXIf", prefix ? block : block + 6, prefix ? 6 + size : size);
            made_png_rows(&png, raw, made_png_raw(raw, &simple));
            made_png_chunk(&png, "eXIf", prefix ? block : block + 6, behind ? prefix ? 6 + size : size : 0);
            const size_t damage = png.size - 1;
            made_png_chunk(&png, "IEND", NULL, 0);
            struct picture picture;
            test_context("orientation %d, kind %d", value, kind);
            if (status_of(&picture, png)) {
                CHECK(false);
                continue;
            }
            CHECK_EQUAL(picture.orientation, value);
            CHECK(picture.width == (value < 5 ? WIDTH : HEIGHT) && picture.height == (value < 5 ? HEIGHT : WIDTH));
            uint8_t corner[4]; /* of the stored picture: where it is in the upright one */
            made_png_pixel(corner, &simple, 0, 0);
            const bool right = value == 2 || value == 3 || value == 6 || value == 7,
                       bottom = value == 3 || value == 4 || value == 7 || value == 8;
            CHECK(memcmp(picture.rgba +
                             ((bottom ? picture.height - 1 : 0) * picture.width + (right ? picture.width - 1 : 0)) * 4,
                         corner, 4) == 0);
            free(picture.rgba);
            png.bytes[damage] ^= 1;
            picture = (struct picture){0};
            CHECK_EQUAL(status_of(&picture, png), behind ? STATUS_IMAGE_CORRUPT : STATUS_OK);
            free(picture.rgba);
            test_release();
        }
}

static const struct test tests[] = {
    ENTRY(every_kind),
    ENTRY(transparency),
    ENTRY(colours_that_the_palette_lacks_are_black),
    ENTRY(orientation_of_both_byte_orders_and_types),
    ENTRY(orientation_of_png),
};
const struct suite png_suite = SUITE("png", tests);
