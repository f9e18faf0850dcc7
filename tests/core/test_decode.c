/* core/image/decode.h: pictures of all formats, EXIF orientations and forged sizes. test_hostile_picture.c has the
 * damage. */
#include "image/decode.h"

#include "support/golden_pictures.h"
#include "support/golden_model.h"
#include "base/bounds.h"
#include "support/test.h"

#include <stdlib.h>
#include <string.h>

/* The picture's pixels in memory of the test, or NULL. */
static uint8_t *decoded(struct picture *picture, const uint8_t *bytes, size_t size)
{
    const enum status status = decode_picture(picture, bytes, size);
    CHECK_EQUAL(status, STATUS_OK);
    if (status)
        return NULL;
    const size_t count = (size_t)(picture->width * picture->height * 4);
    uint8_t *rgba = test_bytes(count);
    memcpy(rgba, picture->rgba, count);
    free(picture->rgba);
    return rgba;
}

/* The sum of the differences of the colours from the golden picture, per number. */
static double distance(const uint8_t *rgba, bool grey)
{
    enum { PIXELS = GOLDEN_WIDTH * GOLDEN_HEIGHT };
    uint8_t golden[PIXELS * 4];
    golden_picture(golden);
    double sum = 0;
    for (int i = 0; i < PIXELS; i++)
        for (int c = 0; c < 3; c++) {
            const uint8_t *p = golden + i * 4;
            const int luminance = (p[0] * 19595 + p[1] * 38470 + p[2] * 7471 + 0x8000) >> 16;
            sum += abs(rgba[i * 4 + c] - (grey ? luminance : p[c])) / ((double)PIXELS * 3.0);
        }
    return sum;
}

/* The checksums pin the decoders' results, so that a picture is the same on every machine. */
TEST(pictures_of_both_formats)
{
    static const struct {
        double distance;
        bool grey, alpha;
        uint32_t crc;
    } expected[PICTURES] = {
        {0, false, true, 0x04238d3b},   {0, false, false, 0x01c44b86},  {0.5, true, false, 0x804aa259},
        {42, false, false, 0xa0d229c8}, {30, false, false, 0xb9938363}, {12, false, false, 0xef584d8a},
        {12, true, false, 0x0c5cb540},
    };
    for (int i = 0; i < PICTURES; i++) {
        test_context("%s", pictures[i].name);
        struct picture picture;
        const uint8_t *rgba = decoded(&picture, pictures[i].bytes, pictures[i].size);
        if (!rgba)
            continue;
        CHECK_EQUAL(picture.width, GOLDEN_WIDTH);
        CHECK_EQUAL(picture.height, GOLDEN_HEIGHT);
        CHECK_CLOSE(distance(rgba, expected[i].grey), 0, expected[i].distance);
        for (int k = 0; k < GOLDEN_WIDTH * GOLDEN_HEIGHT; k++)
            CHECK_EQUAL(rgba[k * 4 + 3], expected[i].alpha && k % GOLDEN_WIDTH + k / GOLDEN_WIDTH > 30 ? 128 : 255);
        CHECK_EQUAL(golden_crc32(rgba, GOLDEN_WIDTH * GOLDEN_HEIGHT * 4), expected[i].crc);
        int width, height;
        CHECK_EQUAL(decode_size(&width, &height, pictures[i].bytes, pictures[i].size), STATUS_OK);
        CHECK(width == GOLDEN_WIDTH && height == GOLDEN_HEIGHT);
    }
}

/* jpeg_baseline with an EXIF block before everything else. `entries` fill the directory before the orientation. */
static uint8_t *with_orientation(size_t *size, int orientation, bool little, int entries)
{
    const int tiff = 8 + 2 + 12 * (entries + 1) + 4, length = 2 + 6 + tiff;
    *size = sizeof jpeg_baseline + 2 + (size_t)length;
    uint8_t *bytes = test_bytes(*size), *p = bytes;
#define PUT2(value) *p++ = (uint8_t)(little ? (value) : (value) >> 8), *p++ = (uint8_t)(little ? (value) >> 8 : (value))
#define PUT4(value) \
    PUT2(little ? (value) : 0); \
    PUT2(little ? 0 : (value))
    memcpy(p, "\xff\xd8\xff\xe1", 4);
    p += 4;
    *p++ = (uint8_t)(length >> 8);
    *p++ = (uint8_t)length;
    memcpy(p, "Exif\0\0", 6);
    p += 6;
    memcpy(p, little ? "II" : "MM", 2);
    p += 2;
    PUT2(42);
    PUT4(8);
    PUT2(entries + 1);
    for (int i = 0; i <= entries; i++) {
        PUT2(i < entries ? 0x0100 : 0x0112);
        PUT2(3);
        PUT4(1);
        PUT2(i < entries ? 9 : orientation);
        PUT2(0);
    }
    PUT4(0);
#undef PUT2
#undef PUT4
    memcpy(p, jpeg_baseline + 2, sizeof jpeg_baseline - 2);
    return bytes;
}

/* Where the stored picture's pixel (x, y) stands in the upright one, from the table of the EXIF standard: which
 * sides of the scene the stored row 0 and column 0 are. */
static void upright_place(int *x, int *y, int orientation, int w, int h)
{
    const int column = *x, row = *y;
    switch (orientation) {
    case 2: *x = w - 1 - column; break;                   /* top, right */
    case 3: *x = w - 1 - column, *y = h - 1 - row; break; /* bottom, right */
    case 4: *y = h - 1 - row; break;                      /* bottom, left */
    case 5: *x = row, *y = column; break;                 /* left, top */
    case 6: *x = h - 1 - row, *y = column; break;         /* right, top */
    case 7: *x = h - 1 - row, *y = w - 1 - column; break; /* right, bottom */
    case 8: *x = row, *y = w - 1 - column; break;         /* left, bottom */
    default: break;
    }
}

TEST(exif_orientations)
{
    struct picture stored, turned;
    const uint8_t *from = decoded(&stored, jpeg_baseline, sizeof jpeg_baseline);
    for (int orientation = 0; orientation <= 9; orientation++)
        for (int variant = 0; variant < 4; variant++) {
            size_t size;
            const uint8_t *bytes = with_orientation(&size, orientation, variant & 1, variant * 3);
            test_context("orientation %d, variant %d", orientation, variant);
            const uint8_t *rgba = decoded(&turned, bytes, size);
            if (!rgba || !from)
                return;
            const bool exchanged = orientation >= 5 && orientation <= 8;
            CHECK_EQUAL(turned.width, exchanged ? GOLDEN_HEIGHT : GOLDEN_WIDTH);
            CHECK_EQUAL(turned.height, exchanged ? GOLDEN_WIDTH : GOLDEN_HEIGHT);
            for (int row = 0; row < stored.height; row++)
                for (int column = 0; column < stored.width; column++) {
                    int x = column, y = row;
                    upright_place(&x, &y, orientation, stored.width, stored.height);
                    CHECK(memcmp(rgba + (y * turned.width + x) * 4, from + (row * stored.width + column) * 4, 4) == 0);
                }
        }
}

/* An EXIF block cut or lying about its indices is no reason to refuse the picture, and never read past its end. */
TEST(damaged_exif_is_passed_over)
{
    struct random random = random_seed(50, 0);
    size_t size;
    const uint8_t *bytes = with_orientation(&size, 6, true, 2);
    const size_t start = 12, end = size - (sizeof jpeg_baseline - 2);
    for (int round = 0; round < 2000; round++) {
        uint8_t *damaged = test_bytes(size);
        memcpy(damaged, bytes, size);
        for (int k = test_between(&random, 1, 4); k > 0; k--)
            damaged[start + random_below(&random, (uint32_t)(end - start))] =
                (uint8_t)(random_below(&random, 2) ? random_below(&random, 256) : 255 * random_below(&random, 2));
        int width, height;
        CHECK_EQUAL(decode_size(&width, &height, damaged, size), STATUS_OK);
        test_release_newer(bytes);
    }
    /* The block ends early, and the file with it: AddressSanitizer sees a step too far. */
    for (size_t length = 2; length < end - 4; length++) {
        uint8_t *cut = test_bytes(4 + length);
        memcpy(cut, bytes, 4 + length);
        cut[4] = (uint8_t)(length >> 8);
        cut[5] = (uint8_t)length;
        int width, height;
        CHECK_EQUAL(decode_size(&width, &height, cut, 4 + length), STATUS_IMAGE_TRUNCATED);
    }
}

static enum status size_status(const uint8_t *bytes, size_t size)
{
    int width, height;
    const enum status status = decode_size(&width, &height, bytes, size);
    struct picture picture = {0};
    if (status) /* what the header refuses is not decoded */
        CHECK_EQUAL(decode_picture(&picture, bytes, size), status);
    return status;
}

static uint8_t *copy_of(const uint8_t *bytes, size_t size)
{
    uint8_t *copy = test_bytes(size);
    memcpy(copy, bytes, size);
    return copy;
}

static size_t frame_of(const uint8_t *jpeg, size_t size)
{
    for (size_t i = 0; i + 9 < size; i++)
        if (jpeg[i] == 0xff && jpeg[i + 1] >= 0xc0 && jpeg[i + 1] <= 0xc2)
            return i;
    return 0;
}

TEST(forged_sizes)
{
    const enum status giants =
        sizeof(void *) > 4 ? STATUS_OK : STATUS_IMAGE_PIXELS; /* in WebAssembly they do not fit */
    const struct {
        unsigned width, height;
        enum status expected;
    } cases[] = {{0, 17, STATUS_IMAGE_SIZE},
                 {23, 0, STATUS_IMAGE_SIZE},
                 {16385, 1, STATUS_IMAGE_SIDE},
                 {1, 16385, STATUS_IMAGE_SIDE},
                 {65535, 65535, STATUS_IMAGE_SIDE},
                 {8000, 8001, giants},
                 {12000, 9000, giants},  /* telephones of 108 megapixels */
                 {12240, 16320, giants}, /* and of 200 */
                 {16384, 12240, STATUS_IMAGE_PIXELS},
                 {16384, 16384, STATUS_IMAGE_PIXELS},
                 {16384, 1, STATUS_OK},
                 {8000, 8000, STATUS_OK}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const unsigned w = cases[i].width, h = cases[i].height;
        test_context("%u x %u", w, h);
        uint8_t *jpeg = copy_of(jpeg_baseline, sizeof jpeg_baseline);
        memcpy(jpeg + frame_of(jpeg, sizeof jpeg_baseline) + 5,
               (uint8_t[]){(uint8_t)(h >> 8), (uint8_t)h, (uint8_t)(w >> 8), (uint8_t)w}, 4);
        CHECK_EQUAL(size_status(jpeg, sizeof jpeg_baseline), cases[i].expected);
    }
}

TEST(other_files_are_refused)
{
    static const char *const files[] = {"", "G", "BM                            ", "\x89PNG\r\n\x1a", "\xff\xd8"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        test_context("file %zu", i);
        const size_t size = strlen(files[i]);
        CHECK_EQUAL(size_status(copy_of((const uint8_t *)files[i], size), size), STATUS_IMAGE_FORMAT);
    }
    static const struct {
        uint8_t bytes[12];
        enum status expected;
    } jpegs[] = {
        {{0xff, 0xd8, 0xff}, STATUS_IMAGE_TRUNCATED},           /* nothing follows */
        {{0xff, 0xd8, 0xff, 0xe0, 0, 0}, STATUS_IMAGE_CORRUPT}, /* a length that does not count itself */
        {{0xff, 0xd8, 0xff, 0xe0, 0, 1}, STATUS_IMAGE_CORRUPT},
        {{0xff, 0xd8, 0xff, 0xe0, 0xff, 0xff}, STATUS_IMAGE_TRUNCATED}, /* a length past the end */
        {{0xff, 0xd8, 0xff, 0xda, 0, 2}, STATUS_IMAGE_CORRUPT},         /* the picture without a frame */
        {{0xff, 0xd8, 0xff, 0xd9, 0, 2}, STATUS_IMAGE_TRUNCATED},
        {{0xff, 0xd8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, STATUS_IMAGE_TRUNCATED},
        {{0xff, 0xd8, 0xff, 0xe0, 0, 2, 0, 0}, STATUS_IMAGE_TRUNCATED},     /* no marker where one must be */
        {{0xff, 0xd8, 0xff, 0xc0, 0, 6, 8, 0, 1, 0}, STATUS_IMAGE_CORRUPT}, /* a frame too short for a size */
        {{0xff, 0xd8, 0xff, 0xd8, 0xff, 0xd8}, STATUS_IMAGE_CORRUPT},       /* one file in another */
    };
    for (size_t i = 0; i < sizeof jpegs / sizeof *jpegs; i++) {
        test_context("JPEG %zu", i);
        CHECK_EQUAL(size_status(copy_of(jpegs[i].bytes, 12), 12), jpegs[i].expected);
    }
}

/* A frame of four components is CMYK or YCCK, whatever else the file says. */
TEST(cmyk_is_refused_by_name)
{
    uint8_t *jpeg = copy_of(jpeg_baseline, sizeof jpeg_baseline);
    jpeg[frame_of(jpeg, sizeof jpeg_baseline) + 9] = 4;
    CHECK_EQUAL(size_status(jpeg, sizeof jpeg_baseline), STATUS_IMAGE_CMYK);
}

/* A BMP of two pixels goes the same way as the other formats. */
TEST(bmp_is_a_format)
{
    static const uint8_t bmp[] = {'B', 'M', 62, 0, 0, 0, 0, 0,  0, 0, 54, 0, 0, 0, 40, 0, 0, 0, 2, 0, 0,
                                  0,   1,   0,  0, 0, 1, 0, 24, 0, 0, 0,  0, 0, 0, 0,  0, 0, 0, 0, 0, 0,
                                  0,   0,   0,  0, 0, 0, 0, 0,  0, 0, 0,  0, 1, 2, 3,  4, 5, 6, 0, 0};
    static const uint8_t expected[] = {3, 2, 1, 255, 6, 5, 4, 255};
    struct picture picture;
    const uint8_t *rgba = decoded(&picture, bmp, sizeof bmp);
    CHECK(rgba && memcmp(rgba, expected, sizeof expected) == 0);
    CHECK(picture.width == 2 && picture.height == 1 && picture.format == PICTURE_BMP && picture.orientation == 1);
    CHECK_EQUAL(size_status(copy_of(bmp, sizeof bmp - 3), sizeof bmp - 3), STATUS_IMAGE_TRUNCATED);
}

/* "aaaaaaaaaa" with the fixed code, as zlib writes it; and stored. */
TEST(deflated_data)
{
    static const uint8_t fixed[] = {0x4b, 0x4c, 0x84, 0x01, 0x00}, stored[] = {1, 3, 0, 0xfc, 0xff, 'a', 'b', 'c'};
    uint8_t *out = test_bytes(10);
    CHECK_EQUAL(decode_deflated(out, 10, copy_of(fixed, sizeof fixed), sizeof fixed), STATUS_OK);
    CHECK(memcmp(out, "aaaaaaaaaa", 10) == 0);
    CHECK_EQUAL(decode_deflated(out, 9, fixed, sizeof fixed), STATUS_IMAGE_CORRUPT);    /* more than was promised */
    CHECK_EQUAL(decode_deflated(out, 10, stored, sizeof stored), STATUS_IMAGE_CORRUPT); /* less */
    CHECK_EQUAL(decode_deflated(out, 3, stored, sizeof stored), STATUS_OK);
    CHECK(memcmp(out, "abc", 3) == 0);
    for (size_t length = 0; length < sizeof fixed - 1; length++)
        CHECK_EQUAL(decode_deflated(out, 10, copy_of(fixed, length), length), STATUS_IMAGE_CORRUPT);
}

TEST(formats_are_known_by_first_bytes_and_extensions)
{
    static const struct {
        const char *bytes;
        size_t size;
        enum picture_format format;
        const char *name, *extension;
    } files[] = {{"\xff\xd8\xff", 3, PICTURE_JPEG, "JPEG", "a/b.c.JPG"},
                 {"\x89PNG\r\n\x1a\n", 8, PICTURE_PNG, "PNG", ".png"},
                 {"BM", 2, PICTURE_BMP, "BMP", "x.Dib"}};
    CHECK_EQUAL(sizeof files / sizeof *files, PICTURE_FORMAT_COUNT);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        enum picture_format format;
        const uint8_t *bytes = copy_of((const uint8_t *)files[i].bytes, files[i].size);
        test_context("%s", files[i].name);
        CHECK(format_of(&format, bytes, files[i].size) && format == files[i].format);
        CHECK(!format_of(&format, bytes, files[i].size - 1));
        CHECK(strcmp(format_name(files[i].format), files[i].name) == 0);
        for (int k = 0; k < PICTURE_FORMAT_COUNT; k++)
            CHECK_EQUAL(format_has_extension((enum picture_format)k, files[i].extension), k == (int)files[i].format);
        CHECK(strstr(eyelet_status_text(STATUS_IMAGE_FORMAT), files[i].name) != NULL);
    }
    static const char *const others[] = {"", "jpg", "a.jp", "a.jpgs", "a.gif", "a.", "a.jpg jpeg", "a. "};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        test_context("%s", others[i]);
        CHECK(!format_has_any_extension(others[i]));
    }
}

static const struct test tests[] = {
    ENTRY(formats_are_known_by_first_bytes_and_extensions),
    ENTRY(pictures_of_both_formats),
    ENTRY(exif_orientations),
    ENTRY(damaged_exif_is_passed_over),
    ENTRY(forged_sizes),
    ENTRY(other_files_are_refused),
    ENTRY(cmyk_is_refused_by_name),
    ENTRY(bmp_is_a_format),
    ENTRY(deflated_data),
};
const struct suite decode_suite = SUITE("decode", tests);
