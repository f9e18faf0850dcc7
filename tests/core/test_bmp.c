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

struct canvas {
    uint8_t *rgba;
    int width;
};

static void put_row(void *context, int y, const uint8_t *rgba)
{
    const struct canvas *canvas = context;
    memcpy(canvas->rgba + y * canvas->width * 4, rgba, (size_t)canvas->width * 4);
}

/* bmp_decode into rgba (height, width, 4). */
static enum status decode_into(uint8_t *rgba, const struct bmp *bmp)
{
    struct canvas canvas = {rgba, bmp->width};
    return bmp_decode(&(struct picture_rows){.context = &canvas, .row = put_row}, bmp, test_bytes(bmp_workspace(bmp)));
}

static enum status decoded(uint8_t *rgba, const uint8_t *bytes, size_t size)
{
    struct bmp bmp;
    const enum status status = bmp_header(&bmp, bytes, size);
    if (status)
        return status;
    CHECK_EQUAL(bmp.width, WIDTH);
    CHECK_EQUAL(bmp.height, HEIGHT);
    return decode_into(rgba, &bmp);
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
            const size_t filling = (size_t)(4 - (WIDTH * layouts[i].bits + 7) / 8 % 4) % 4; /* of the last row */
            if (length == size - filling)
                break;
            test_context("%s, %zu bytes", layouts[i].name, length);
            uint8_t *cut = test_bytes(length);
            memcpy(cut, whole, length);
            struct bmp bmp;
            CHECK_EQUAL(bmp_header(&bmp, cut, length), length < 26 ? STATUS_IMAGE_FORMAT : STATUS_IMAGE_TRUNCATED);
            test_release();
        }
}

/* 8 colours as (index, index * 2, index * 3), and runs. */
static uint8_t *runs_file(size_t *size, int bits, int width, int height, const char *runs, size_t count)
{
    enum { COLOURS = 8, START = 54 + COLOURS * 4 };
    *size = START + count;
    uint8_t *bytes = test_bytes(*size);
    memset(bytes, 0, START);
    memcpy(bytes, "BM", 2);
    const int fields[][2] = {
        {10, START}, {14, 40}, {18, width}, {22, height}, {26, 1}, {28, bits}, {30, bits == 8 ? 1 : 2}, {46, COLOURS}};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        put(bytes + fields[i][0], (uint32_t)fields[i][1], fields[i][0] == 26 || fields[i][0] == 28 ? 2 : 4);
    for (int i = 0; i < COLOURS; i++)
        for (int c = 0; c < 3; c++)
            bytes[54 + i * 4 + 2 - c] = (uint8_t)(i * (c + 1));
    memcpy(bytes + START, runs, count);
    return bytes;
}

/* The indices of the rows, from the top. */
TEST(runs)
{
    enum { W = 5, H = 3 };
    static const struct {
        const char *name;
        int bits;
        const char *runs;
        size_t count;
        const char *expected; /* digits; NULL: rows are missing */
    } cases[] = {
        {"counts", 8, "\5\1\0\0\2\2\3\3\0\0\5\4\0\1", 14, "444442233311111"},
        {"bytes as they are", 8, "\0\5\1\2\3\4\5\0\0\0\0\3\6\7\6\0\2\1\0\0\5\4\0\1", 24, "444446761112345"},
        {"pairs of indices", 4, "\5\x12\0\0\2\x34\3\x56\0\0\5\x77\0\1", 14, "777773456512121"},
        {"nibbles as they are", 4, "\0\5\x12\x34\x50\0\0\0\0\3\x67\x60\2\x12\0\0\5\x77\0\1", 20, "777776761212345"},
        {"a move", 8, "\1\7\0\2\2\1\2\3\0\0\1\4\0\1", 14, "400000003370000"},
        {"no end of the last row", 8, "\5\1\0\0\5\2\0\0\5\3", 10, "333332222211111"},
        {"an end before the last row", 8, "\5\1\0\1", 4, "000000000011111"},
        {"no end of the picture", 8, "\5\1\0\0\5\2\0\0\5\3\0\0", 12, "333332222211111"},
        {"a run beyond its row", 8, "\377\1\0\0\0\7\1\2\3\4\5\6\7\0\0\0\5\2\0\1", 20, "222221234511111"},
        {"runs beyond the picture", 8, "\5\1\0\0\5\2\0\0\5\3\0\0\5\4", 14, "333332222211111"},
        {"a move beyond the picture", 8, "\5\1\0\2\377\377\5\4\0\1", 10, "000000000011111"},
        {"colours that the palette lacks", 8, "\5\1\0\0\5\x8\0\0\5\377\0\1", 12,
         "88888888881111"
         "1"},
        {"half of a count", 8, "\5\1\0\0\5", 5, NULL},
        {"half of a row", 8, "\5\1\0\0\5\2\0\0\4\3", 10, NULL},
        {"half of a move", 8, "\5\1\0\2\1", 5, NULL},
        {"half of the bytes", 8, "\0\5\1\2\3\4\5", 7, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t size;
        const uint8_t *bytes = runs_file(&size, cases[i].bits, W, H, cases[i].runs, cases[i].count);
        uint8_t *rgba = test_bytes(W * H * 4);
        struct bmp bmp;
        test_context("%s", cases[i].name);
        CHECK_EQUAL(bmp_header(&bmp, bytes, size), STATUS_OK);
        CHECK_EQUAL(decode_into(rgba, &bmp), cases[i].expected ? STATUS_OK : STATUS_IMAGE_TRUNCATED);
        for (int k = 0; cases[i].expected && k < W * H; k++)
            for (int c = 0; c < 4; c++) {
                const int index = cases[i].expected[k] - '0'; /* 8: none of the palette's */
                CHECK_EQUAL(rgba[k * 4 + c], c == 3 ? 255 : index < 8 ? index * (c + 1) : 0);
            }
        test_release();
    }
}

TEST(colours_that_the_palette_lacks_are_black)
{
    size_t size;
    uint8_t *bytes = written(&size, &layouts[2]), *rgba = test_bytes(WIDTH * HEIGHT * 4), expected[4];
    put(bytes + 46, 100, 4);
    CHECK_EQUAL(decoded(rgba, bytes, size), STATUS_OK);
    for (int k = 0; k < WIDTH * HEIGHT; k++) {
        const uint32_t index = stored_pixel(&layouts[2], k % WIDTH, k / WIDTH);
        expected_pixel(expected, &layouts[2], index);
        CHECK(memcmp(rgba + k * 4, index < 100 ? expected : (const uint8_t[]){0, 0, 0, 255}, 4) == 0);
    }
    put(bytes + 10, 54 + 3 * 4, 4); /* the rows start where the palette should go on */
    put(bytes + 46, 0, 4);
    CHECK_EQUAL(decoded(rgba, bytes, size), STATUS_OK);
    for (int k = 0; k < WIDTH * HEIGHT; k++) {
        const int index = bytes[66 + (HEIGHT - 1 - k / WIDTH) * 16 + k % WIDTH];
        expected_pixel(expected, &layouts[2], (uint32_t)index);
        CHECK(memcmp(rgba + k * 4, index < 3 ? expected : (const uint8_t[]){0, 0, 0, 255}, 4) == 0);
    }
}

/* The second header of OS/2, shortened to what must be there. */
TEST(a_short_header)
{
    size_t size;
    uint8_t *bytes = written(&size, &layouts[8]), *rgba = test_bytes(WIDTH * HEIGHT * 4), expected[4];
    memmove(bytes + 30, bytes + 54, size - 54);
    put(bytes + 14, 16, 4);
    put(bytes + 10, 30, 4);
    CHECK_EQUAL(decoded(rgba, bytes, size - 24), STATUS_OK);
    expected_pixel(expected, &layouts[8], stored_pixel(&layouts[8], 1, 2));
    CHECK(memcmp(rgba + (2 * WIDTH + 1) * 4, expected, 4) == 0);
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
        {"more rows than there are", 22, 4, HEIGHT + 1, STATUS_IMAGE_TRUNCATED},
        {"pixels that start behind the end", 10, 4, 0xffffffffu, STATUS_IMAGE_TRUNCATED},
        {"3 bits", 28, 2, 3, STATUS_IMAGE_CORRUPT},
        {"no bits", 28, 2, 0, STATUS_IMAGE_CORRUPT},
        {"runs of 4 bits", 30, 4, 2, STATUS_IMAGE_CORRUPT},
        {"a JPEG within", 30, 4, 4, STATUS_IMAGE_CORRUPT},
        {"masks for a palette", 30, 4, 3, STATUS_IMAGE_CORRUPT},
        {"an unknown header", 14, 4, 13, STATUS_IMAGE_FORMAT},
        {"a header behind the end", 14, 4, 0xffffffffu, STATUS_IMAGE_FORMAT},
    };
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        test_context("%s", lies[i].name);
        size_t size;
        uint8_t *bytes = written(&size, &layouts[2]), *rgba = test_bytes(WIDTH * HEIGHT * 4);
        put(bytes + lies[i].at, lies[i].value, lies[i].bytes);
        struct bmp bmp;
        enum status status = bmp_header(&bmp, bytes, size);
        if (!status)
            status = decode_into(rgba, &bmp);
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
        if (round % 5 == 0)
            bytes = runs_file(&size, 4 + round % 2 * 4, WIDTH, HEIGHT, "\5\1\0\0\377\1\0\2\1\1\0\3\1\2\3\0\0\1", 18);
        for (int k = test_between(&random, 1, 4); k > 0; k--)
            bytes[random_below(&random, 80)] =
                (uint8_t)(random_below(&random, 2) ? random_below(&random, 256) : 255 * random_below(&random, 2));
        struct bmp bmp;
        if (bmp_header(&bmp, bytes, size) == STATUS_OK) {
            CHECK(bmp.runs || (size_t)bmp.width * (size_t)bmp.height <= size * 8);
            if (bmp.width * bmp.height <= 1 << 16)
                decode_into(test_bytes((size_t)bmp.width * (size_t)bmp.height * 4), &bmp);
        }
        test_release();
    }
}

/* More than an int can count. */
TEST(moves_to_the_right_end_at_the_border)
{
    enum { MOVES = 8421506 /* of 255 pixels: 2^31 and more */ };
    char *moves = test_bytes(4 * MOVES + 4);
    for (size_t i = 0; i < MOVES; i++)
        memcpy(moves + 4 * i, "\0\2\377", 4);
    memcpy(moves + 4 * (size_t)MOVES, "\1\1\0\1", 4);
    size_t size;
    const uint8_t *bytes = runs_file(&size, 8, 2, 1, moves, 4 * (size_t)MOVES + 4);
    uint8_t *rgba = test_bytes(2 * 4);
    struct bmp bmp;
    CHECK_EQUAL(bmp_header(&bmp, bytes, size), STATUS_OK);
    CHECK_EQUAL(decode_into(rgba, &bmp), STATUS_OK);
    CHECK(rgba[0] == 0 && rgba[4] == 0);
}

static const struct test tests[] = {
    ENTRY(every_layout),
    ENTRY(alpha_that_is_nowhere_means_opaque),
    ENTRY(cut_anywhere),
    ENTRY(runs),
    ENTRY(moves_to_the_right_end_at_the_border),
    ENTRY(colours_that_the_palette_lacks_are_black),
    ENTRY(a_short_header),
    ENTRY(lies),
    ENTRY(damaged_anywhere),
};
const struct suite bmp_suite = SUITE("bmp", tests);
