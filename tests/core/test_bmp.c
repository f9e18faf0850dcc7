/* core/image/bmp.h: every layout of pixels against what was written, and files that are cut, damaged or lie. */
#include "image/bmp.h"

#include "support/test.h"

#include <string.h>

enum { WIDTH = 13, HEIGHT = 5, MOST_BYTES = 4096 };

struct layout {
    const char *name;
    int header, bits, compression;
    bool top_down, alpha;
    uint32_t mask[4];
};

static const struct layout layouts[] = {
    {"a bit a pixel", 40, 1, 0, false, false, {0}},
    {"4 bits a pixel", 40, 4, 0, false, false, {0}},
    {"8 bits a pixel", 40, 8, 0, false, false, {0}},
    {"8 bits, from the top", 40, 8, 0, true, false, {0}},
    {"OS/2, 8 bits", 12, 8, 0, false, false, {0}},
    {"OS/2, 24 bits", 12, 24, 0, false, false, {0xff0000, 0xff00, 0xff, 0}},
    {"16 bits", 40, 16, 0, false, false, {0x7c00, 0x3e0, 0x1f, 0}},
    {"16 bits with masks", 40, 16, 3, false, false, {0xf800, 0x7e0, 0x1f, 0}},
    {"24 bits", 40, 24, 0, false, false, {0xff0000, 0xff00, 0xff, 0}},
    {"24 bits, from the top", 108, 24, 0, true, false, {0xff0000, 0xff00, 0xff, 0}},
    {"32 bits", 40, 32, 0, false, false, {0xff0000, 0xff00, 0xff, 0}},
    {"32 bits with masks", 40, 32, 3, false, false, {0xff, 0xff00, 0xff0000, 0}},
    {"32 bits with alpha", 124, 32, 3, false, true, {0xff0000, 0xff00, 0xff, 0xff000000}},
    {"32 bits with alpha in another order", 56, 32, 3, true, true, {0xff000000, 0xff0000, 0xff00, 0xff}},
};
enum { LAYOUTS = sizeof layouts / sizeof *layouts };

static void put(uint8_t *p, uint32_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        p[i] = (uint8_t)(value >> (8 * i));
}

/* Pixel (x, y) as it is stored: an index into the palette, or its colours under the masks. */
static uint32_t stored_pixel(const struct layout *layout, int x, int y)
{
    const uint32_t number = ((uint32_t)x * 2654435761u + (uint32_t)y * 40503u) ^ (uint32_t)(x * y);
    return layout->bits < 32 ? number & ((1u << layout->bits) - 1) : number * 2246822519u;
}

static void palette_colour(uint8_t colour[3], uint32_t index)
{
    colour[0] = (uint8_t)(index * 7 + 3);
    colour[1] = (uint8_t)(255 - index);
    colour[2] = (uint8_t)(index * 13 + 100);
}

static void expected_pixel(uint8_t rgba[4], const struct layout *layout, uint32_t pixel)
{
    rgba[3] = 255;
    if (layout->bits <= 8) {
        palette_colour(rgba, pixel);
        return;
    }
    for (int c = 0; c < 3 + layout->alpha; c++) {
        uint32_t value = 0, max = 0; /* bit by bit */
        for (int bit = 31; bit >= 0; bit--)
            if (layout->mask[c] >> bit & 1) {
                value = value << 1 | (pixel >> bit & 1);
                max = max << 1 | 1;
            }
        rgba[c] = (uint8_t)((uint64_t)value * 255 / max);
    }
}

/* The file's bytes in memory of the test, exactly as long as it is. */
static uint8_t *written(size_t *size, const struct layout *layout)
{
    uint8_t file[MOST_BYTES] = "BM";
    const bool old = layout->header == 12;
    const int colours = layout->bits <= 8 ? 1 << layout->bits : 0,
              masks = layout->header == 40 && layout->compression ? 12 : 0;
    const size_t row = (size_t)(WIDTH * layout->bits + 31) / 32 * 4,
                 start = (size_t)(14 + layout->header + masks + colours * (old ? 3 : 4));
    *size = start + row * HEIGHT;
    put(file + 10, (uint32_t)start, 4);
    put(file + 14, (uint32_t)layout->header, 4);
    put(file + 18, WIDTH, old ? 2 : 4);
    put(file + (old ? 20 : 22), (uint32_t)(layout->top_down ? -HEIGHT : HEIGHT), old ? 2 : 4);
    put(file + (old ? 22 : 26), 1, 2);
    put(file + (old ? 24 : 28), (uint32_t)layout->bits, 2);
    if (!old)
        put(file + 30, (uint32_t)layout->compression, 4);
    for (int i = 0; layout->compression && i < 4; i++)
        if (i < 3 || layout->alpha)
            put(file + 54 + 4 * i, layout->mask[i], 4);
    for (int i = 0; i < colours; i++) {
        uint8_t colour[3], *p = file + 14 + layout->header + i * (old ? 3 : 4);
        palette_colour(colour, (uint32_t)i);
        for (int c = 0; c < 3; c++)
            p[c] = colour[2 - c];
    }
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++) {
            uint8_t *p = file + start + (size_t)(layout->top_down ? y : HEIGHT - 1 - y) * row;
            const uint32_t pixel = stored_pixel(layout, x, y);
            if (layout->bits >= 8)
                put(p + x * layout->bits / 8, pixel, layout->bits / 8);
            else
                p[x * layout->bits / 8] |= (uint8_t)(pixel << (8 - layout->bits - x * layout->bits % 8));
        }
    uint8_t *bytes = test_bytes(*size);
    memcpy(bytes, file, *size);
    return bytes;
}

static enum status decoded(uint8_t *rgba, const uint8_t *bytes, size_t size)
{
    struct bmp bmp;
    const enum status status = bmp_header(&bmp, bytes, size);
    if (status)
        return status;
    CHECK_EQUAL(bmp.width, WIDTH);
    CHECK_EQUAL(bmp.height, HEIGHT);
    return bmp_decode(rgba, &bmp);
}

TEST(every_layout)
{
    for (int i = 0; i < LAYOUTS; i++) {
        test_context("%s", layouts[i].name);
        size_t size;
        const uint8_t *bytes = written(&size, &layouts[i]);
        uint8_t *rgba = test_bytes(WIDTH * HEIGHT * 4), expected[4];
        CHECK_EQUAL(decoded(rgba, bytes, size), STATUS_OK);
        for (int k = 0; k < WIDTH * HEIGHT; k++) {
            expected_pixel(expected, &layouts[i], stored_pixel(&layouts[i], k % WIDTH, k / WIDTH));
            CHECK(memcmp(rgba + k * 4, expected, 4) == 0);
        }
        test_release();
    }
}

/* Many programs write 32 bits with an alpha that they leave at 0. */
TEST(alpha_that_is_nowhere_means_opaque)
{
    size_t size;
    uint8_t *bytes = written(&size, &layouts[12]);
    for (size_t at = size - WIDTH * HEIGHT * 4; at < size; at += 4)
        bytes[at + 3] = 0;
    uint8_t *rgba = test_bytes(WIDTH * HEIGHT * 4);
    CHECK_EQUAL(decoded(rgba, bytes, size), STATUS_OK);
    for (int k = 0; k < WIDTH * HEIGHT; k++)
        CHECK_EQUAL(rgba[k * 4 + 3], 255);
}

TEST(cut_anywhere)
{
    for (int i = 0; i < LAYOUTS; i++)
        for (size_t length = 0;; length++) {
            size_t size;
            const uint8_t *whole = written(&size, &layouts[i]);
            if (length == size)
                break;
            test_context("%s, %zu bytes", layouts[i].name, length);
            uint8_t *cut = test_bytes(length);
            memcpy(cut, whole, length);
            struct bmp bmp;
            CHECK(bmp_header(&bmp, cut, length) != STATUS_OK);
            test_release();
        }
}

TEST(lies)
{
    static const struct {
        const char *name;
        int at, bytes;
        uint32_t value;
        enum status expected;
    } lies[] = {
        {"no width", 18, 4, 0, STATUS_IMAGE_SIZE},
        {"a negative width", 18, 4, 0x80000000u, STATUS_IMAGE_SIZE},
        {"a width above the limit", 18, 4, 16385, STATUS_IMAGE_SIDE},
        {"no height", 22, 4, 0, STATUS_IMAGE_SIZE},
        {"the height that has no negative", 22, 4, 0x80000000u, STATUS_IMAGE_SIZE},
        {"more rows than there are", 22, 4, HEIGHT + 1, STATUS_IMAGE_CORRUPT},
        {"pixels that start behind the end", 10, 4, 0xffffffffu, STATUS_IMAGE_CORRUPT},
        {"3 bits", 28, 2, 3, STATUS_IMAGE_CORRUPT},
        {"no bits", 28, 2, 0, STATUS_IMAGE_CORRUPT},
        {"run lengths", 30, 4, 1, STATUS_IMAGE_CORRUPT},
        {"masks for a palette", 30, 4, 3, STATUS_IMAGE_CORRUPT},
        {"an unknown header", 14, 4, 13, STATUS_IMAGE_FORMAT},
        {"a header behind the end", 14, 4, 0xffffffffu, STATUS_IMAGE_FORMAT},
        {"a colour that the palette lacks", 46, 4, 2, STATUS_IMAGE_CORRUPT},
    };
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        test_context("%s", lies[i].name);
        size_t size;
        uint8_t *bytes = written(&size, &layouts[2]), *rgba = test_bytes(WIDTH * HEIGHT * 4);
        put(bytes + lies[i].at, lies[i].value, lies[i].bytes);
        struct bmp bmp;
        enum status status = bmp_header(&bmp, bytes, size);
        if (!status)
            status = bmp_decode(rgba, &bmp);
        CHECK_EQUAL(status, lies[i].expected);
    }
}

/* Whatever stands in the file, nothing outside of it is read and nothing outside of the picture is written. */
TEST(damaged_anywhere)
{
    struct random random = random_seed(60, 0);
    for (int round = 0; round < 20000; round++) {
        size_t size;
        uint8_t *bytes = written(&size, &layouts[round % LAYOUTS]);
        for (int k = test_between(&random, 1, 4); k > 0; k--)
            bytes[random_below(&random, 80)] =
                (uint8_t)(random_below(&random, 2) ? random_below(&random, 256) : 255 * random_below(&random, 2));
        struct bmp bmp;
        if (bmp_header(&bmp, bytes, size) == STATUS_OK) {
            CHECK((size_t)bmp.width * (size_t)bmp.height <= size * 8);
            bmp_decode(test_bytes((size_t)bmp.width * (size_t)bmp.height * 4), &bmp);
        }
        test_release();
    }
}

static const struct test tests[] = {
    ENTRY(every_layout),     ENTRY(alpha_that_is_nowhere_means_opaque), ENTRY(cut_anywhere), ENTRY(lies),
    ENTRY(damaged_anywhere),
};
const struct suite bmp_suite = SUITE("bmp", tests);
