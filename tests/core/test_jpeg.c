/* core/image/jpeg.h, through decode.h: pixels to the bit, and what is read, and refused, of files that are not as the
 * standard wants them. */
#include "image/decode.h"

#include "base/bounds.h"
#include "support/jpeg_files.h"
#include "support/test.h"

#include <stdlib.h>
#include <string.h>

/* Of every subsampling and order that Pillow writes: 8 pixels of a block, of an MCU, of neither, and fewer than are
 * interpolated. */
TEST(pixels_are_those_of_pillow)
{
    for (int i = 0; i < JPEGS; i++) {
        test_context("%s", golden_jpegs[i].name);
        const struct jpeg_file file = jpeg_file(i);
        int width, height;
        CHECK_EQUAL(decode_size(&width, &height, file.bytes, file.size), STATUS_OK);
        CHECK(width == golden_jpegs[i].width && height == golden_jpegs[i].height);
        CHECK_READ(file, i);
    }
}

TEST(bytes_between_segments_are_passed_over)
{
    static const uint8_t junk[] = {0, 1, 0xff, 0, 0x42, 0xff, 0xff, 0xff};
    for (int i = 0; i < JPEGS; i++) {
        const struct jpeg_file file = jpeg_file(i);
        for (size_t at = 2;; at += jpeg_segment_size(file, at)) {
            test_context("%s at %zu", golden_jpegs[i].name, at);
            if (at > 2) /* the first three bytes say that it is a JPEG */
                CHECK_READ(jpeg_spliced(file, at, 0, junk, sizeof junk), i);
            if (file.bytes[at + 1] == SOS)
                break;
        }
    }
}

/* Frames of Motion JPEG, as webcams send them, leave out the typical tables, which Pillow writes too. */
TEST(tables_of_motion_jpeg)
{
    for (int i = 0; i < JPEGS; i++) {
        test_context("%s", golden_jpegs[i].name);
        const struct jpeg_file file = jpeg_without(jpeg_file(i), DHT);
        if (strstr(golden_jpegs[i].name, "progressive"))
            CHECK_REFUSED(file, STATUS_IMAGE_CORRUPT);
        else if (strcmp(golden_jpegs[i].name, "optimized") != 0)
            CHECK_READ(file, i);
    }
}

TEST(the_end_may_be_anything)
{
    static const struct {
        const char *what;
        size_t removed, count;
        uint8_t bytes[6];
    } ends[] = {
        {"an escaped 0xff before it", 2, 4, {0xff, 0, 0xff, EOI}},
        {"zeros before it", 2, 5, {0, 0, 0, 0xff, EOI}},
        {"filling bytes before it", 2, 5, {0xff, 0xff, 0xff, 0xff, EOI}},
        {"a restart marker before it", 2, 4, {0xff, 0xd0, 0xff, EOI}},
        {"no marker", 2, 0, {0}},
        {"half a marker", 1, 0, {0}},
        {"zeros for it", 2, 6, {0}},
        {"another file behind it", 0, 6, {0xff, 0xd8, 0xff, 0xe1, 0xff, 0xff}},
        {"another file for it", 2, 6, {0xff, 0xd8, 0xff, 0xe1, 0xff, 0xff}},
    };
    for (int i = 0; i < JPEGS; i++)
        for (size_t k = 0; k < sizeof ends / sizeof *ends; k++) {
            test_context("%s: %s", golden_jpegs[i].name, ends[k].what);
            const struct jpeg_file file = jpeg_file(i);
            CHECK_READ(jpeg_spliced(file, file.size - ends[k].removed, ends[k].removed, ends[k].bytes, ends[k].count),
                       i);
        }
}

/* Cut anywhere behind the first scan's header, with an end marker or without: no row is made up. */
TEST(missing_rows_are_not_made_up)
{
    for (int i = 0; i < JPEGS; i++) {
        const struct jpeg_file file = jpeg_file(i);
        const size_t scan = jpeg_segment_of(file, SOS), data = scan + jpeg_segment_size(file, scan);
        for (size_t at = data; at < file.size - 2; at++) {
            test_context("%s, %zu bytes", golden_jpegs[i].name, at);
            const struct jpeg_file cut = {file.bytes, at};
            CHECK_REFUSED(cut, STATUS_IMAGE_TRUNCATED);
            const struct jpeg_file ended = jpeg_spliced(cut, at, 0, "\xff\xd9", 2);
            struct picture picture;
            const enum status status = decode_picture(&picture, ended.bytes, ended.size);
            if (strstr(golden_jpegs[i].name, "progressive")) /* the marker may have become part of a segment */
                CHECK(status == STATUS_IMAGE_TRUNCATED || status == STATUS_IMAGE_CORRUPT);
            else
                CHECK_EQUAL(status, STATUS_IMAGE_TRUNCATED);
            test_release_newer(file.bytes);
        }
    }
}

TEST(an_end_without_a_scan)
{
    const struct jpeg_file file = jpeg_file(COLOUR);
    const size_t scan = jpeg_segment_of(file, SOS);
    const struct jpeg_file hollow = {file.bytes, scan};
    CHECK_REFUSED(hollow, STATUS_IMAGE_TRUNCATED);
    CHECK_REFUSED(jpeg_spliced(hollow, scan, 0, "\xff\xd9", 2), STATUS_IMAGE_TRUNCATED);
}

/* EXIF of orientation 6, in a segment. */
static const uint8_t exif[] = {0xff, 0xe1, 0,    34, 'E', 'x', 'i', 'f', 0, 0, 'I', 'I', 42, 0, 8, 0, 0, 0,
                               1,    0,    0x12, 1,  3,   0,   1,   0,   0, 0, 6,   0,   0,  0, 0, 0, 0, 0};

TEST(exif_before_the_scan_counts)
{
    const struct jpeg_file file = jpeg_file(COLOUR);
    const uint32_t turned = jpeg_pixels(jpeg_spliced(file, 2, 0, exif, sizeof exif), STATUS_OK);
    CHECK(turned != golden_jpegs[COLOUR].crc);
    for (size_t at = 2;; at += jpeg_segment_size(file, at)) {
        test_context("at %zu", at);
        CHECK_EQUAL(jpeg_pixels(jpeg_spliced(file, at, 0, exif, sizeof exif), STATUS_OK), turned);
        if (file.bytes[at + 1] == SOS)
            break;
    }
    const struct jpeg_file behind = jpeg_spliced(file, file.size - 2, 0, exif, sizeof exif);
    CHECK_READ(behind, COLOUR);
}

TEST(kinds_are_named)
{
    static const struct {
        const char *what;
        int offset; /* from the frame header's marker */
        uint8_t value;
        enum status expected;
    } kinds[] = {
        {"extended sequential, which is read", 1, 0xc1, STATUS_OK},
        {"12 bits", 4, 12, STATUS_IMAGE_12_BIT},
        {"lossless", 1, 0xc3, STATUS_IMAGE_LOSSLESS},
        {"hierarchical", 1, 0xc5, STATUS_IMAGE_LOSSLESS},
        {"a hierarchy's header", 1, 0xde, STATUS_IMAGE_LOSSLESS},
        {"JPEG-LS", 1, 0xf7, STATUS_IMAGE_LOSSLESS},
        {"arithmetic, sequential", 1, 0xc9, STATUS_IMAGE_ARITHMETIC},
        {"arithmetic, progressive", 1, 0xca, STATUS_IMAGE_ARITHMETIC},
        {"arithmetic, lossless", 1, 0xcb, STATUS_IMAGE_LOSSLESS},
        {"CMYK", 9, 4, STATUS_IMAGE_CMYK},
        {"two components", 9, 2, STATUS_IMAGE_CORRUPT},
        {"no components", 9, 0, STATUS_IMAGE_CORRUPT},
        {"no rows across", 11, 0x02, STATUS_IMAGE_CORRUPT},
        {"more than four rows", 11, 0x15, STATUS_IMAGE_CORRUPT},
        {"two rows to three", 14, 0x13, STATUS_IMAGE_CORRUPT},
        {"a quantization table that is none", 12, 4, STATUS_IMAGE_CORRUPT},
        {"one that is not defined", 12, 3, STATUS_IMAGE_CORRUPT},
    };
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        test_context("%s", kinds[k].what);
        const struct jpeg_file file = jpeg_file(COLOUR);
        file.bytes[jpeg_segment_of(file, SOF0) + (size_t)kinds[k].offset] = kinds[k].value;
        CHECK_EQUAL(jpeg_pixels(file, kinds[k].expected), kinds[k].expected ? 0 : golden_jpegs[COLOUR].crc);
    }
}

TEST(tables_are_judged)
{
    const struct jpeg_file file = jpeg_file(COLOUR);
    const size_t dht = jpeg_segment_of(file, DHT), sos = jpeg_segment_of(file, SOS);
    test_context("without quantization");
    CHECK_REFUSED(jpeg_without(file, DQT), STATUS_IMAGE_CORRUPT);
    static const struct {
        const char *what;
        uint8_t counts[4];
    } codes[] = {
        {"three codes of one bit", {3}}, {"codes beside all of one bit", {2, 1}}, {"five of two bits", {0, 5}}};
    for (size_t k = 0; k < sizeof codes / sizeof *codes; k++) {
        test_context("%s", codes[k].what);
        uint8_t table[4 + 17 + 5] = {0xff, DHT, 0, sizeof table - 2, 0x13}; /* one that no scan uses */
        memcpy(table + 5, codes[k].counts, 4);
        table[3] = (uint8_t)(19 + codes[k].counts[0] + codes[k].counts[1]);
        CHECK_REFUSED(jpeg_spliced(file, dht, 0, table, 2 + (size_t)table[3]), STATUS_IMAGE_CORRUPT);
    }
    test_context("257 symbols");
    uint8_t many[4 + 17 + 257] = {0xff, DHT, 1, 20, 0x13, [4 + 9] = 129, [4 + 10] = 128};
    CHECK_REFUSED(jpeg_spliced(file, dht, 0, many, sizeof many), STATUS_IMAGE_CORRUPT);
    test_context("a DC table with a symbol above 15");
    struct jpeg_file changed = jpeg_spliced(file, dht, 0, "", 0);
    changed.bytes[dht + 5 + 16 + 11] = 16;
    CHECK_REFUSED(changed, STATUS_IMAGE_CORRUPT);
    test_context("a table that is not defined");
    changed = jpeg_spliced(file, sos + 6, 1, "\x20", 1);
    CHECK_REFUSED(changed, STATUS_IMAGE_CORRUPT);
    test_context("a component twice");
    changed = jpeg_spliced(file, sos + 7, 1, "\x01", 1);
    CHECK_REFUSED(changed, STATUS_IMAGE_CORRUPT);
    test_context("a second frame header");
    const size_t sof = jpeg_segment_of(file, SOF0);
    CHECK_REFUSED(jpeg_spliced(file, sof, 0, file.bytes + sof, jpeg_segment_size(file, sof)), STATUS_IMAGE_CORRUPT);
}

/* The bands and bits of a progressive frame (T.81, G.1.1.1), of the first scan: 0 to 0, from bit 1 on. */
TEST(progressions_are_judged)
{
    static const uint8_t wrong[][3] = {{0, 5, 1}, {1, 0, 1}, {1, 64, 1}, {1, 5, 1}, {0, 0, 14}, {0, 0, 0x31}};
    for (size_t k = 0; k < sizeof wrong / sizeof *wrong; k++) {
        test_context("%d to %d, %02x", wrong[k][0], wrong[k][1], wrong[k][2]);
        const struct jpeg_file file = jpeg_file(PROGRESSIVE);
        const size_t at = jpeg_segment_of(file, SOS);
        CHECK_REFUSED(jpeg_spliced(file, at + jpeg_segment_size(file, at) - 3, 3, wrong[k], 3), STATUS_IMAGE_CORRUPT);
    }
    /* The last scan refines the luminance: a picture without it is of less detail than its maker gave it. */
    const struct jpeg_file file = jpeg_file(PROGRESSIVE);
    size_t last = file.size - 2;
    while (file.bytes[last] != 0xff || file.bytes[last + 1] != SOS)
        last--;
    CHECK_REFUSED(jpeg_spliced(file, last, file.size - 2 - last, "", 0), STATUS_IMAGE_TRUNCATED);
}

/* Grey, 64x16: 16 blocks, a restart marker after each 4. A block is one difference of 5, that is code 100 and bits 101,
 * and the end, 1010, in the typical tables; times 16 / 8 it is 10. */
static struct jpeg_file with_restarts(const char *before, size_t before_size, int first_marker)
{
    static const uint8_t frame[] = {0xff, 0xc0, 0, 11, 8,    0,    16, 0, 64, 1, 1, 0x11, 0,  0xff, 0xdd,
                                    0,    4,    0, 4,  0xff, 0xda, 0,  8, 1,  1, 0, 0,    63, 0};
    struct jpeg_file file = {test_bytes(500), 4 + 67};
    memset(file.bytes, 16, file.size);
    memcpy(file.bytes, "\xff\xd8\xff\xdb\0\x43\0", 7);
    jpeg_append(&file, frame, sizeof frame);
    for (int i = 0; i < 4; i++) {
        jpeg_append(&file, "\x96\xa5\xa9\x6a\x5a", 5);
        jpeg_append(&file, before, before_size);
        const uint8_t marker[] = {0xff, (uint8_t)(i < 3 ? 0xd0 + (first_marker + i) % 8 : EOI)};
        jpeg_append(&file, marker, 2);
    }
    return file;
}

TEST(restart_markers)
{
    struct picture picture = {0};
    const struct jpeg_file file = with_restarts("", 0, 0);
    CHECK_EQUAL(decode_picture(&picture, file.bytes, file.size), STATUS_OK);
    for (int i = 0; i < 64 * 16 && picture.rgba; i++)
        CHECK_EQUAL(picture.rgba[i * 4], 128 + 10 * (i % 64 / 8 % 4 + 1));
    free(picture.rgba);
    const uint32_t crc = jpeg_pixels(file, STATUS_OK);
    test_context("zeros before each marker, as scanners write them");
    CHECK_EQUAL(jpeg_pixels(with_restarts("\0\0\0", 3, 0), STATUS_OK), crc);
    test_context("an escaped 0xff and filling bytes");
    CHECK_EQUAL(jpeg_pixels(with_restarts("\xff\0\xff\xff", 4, 0), STATUS_OK), crc);
    test_context("other numbers: intervals are missing");
    CHECK_REFUSED(with_restarts("", 0, 1), STATUS_IMAGE_CORRUPT);
    const size_t data = file.size - 4 * 7;
    test_context("an interval is cut: a hole in the middle");
    CHECK_REFUSED(jpeg_spliced(file, data + 3, 2, "", 0), STATUS_IMAGE_CORRUPT);
    test_context("a marker is missing");
    CHECK_REFUSED(jpeg_spliced(file, data + 5, 2, "", 0), STATUS_IMAGE_CORRUPT);
    test_context("the last interval is missing");
    CHECK_REFUSED(jpeg_spliced(file, data + 3 * 7, 5, "", 0), STATUS_IMAGE_TRUNCATED);
}

static const struct test tests[] = {
    ENTRY(pixels_are_those_of_pillow),
    ENTRY(bytes_between_segments_are_passed_over),
    ENTRY(tables_of_motion_jpeg),
    ENTRY(the_end_may_be_anything),
    ENTRY(missing_rows_are_not_made_up),
    ENTRY(an_end_without_a_scan),
    ENTRY(exif_before_the_scan_counts),
    ENTRY(kinds_are_named),
    ENTRY(tables_are_judged),
    ENTRY(progressions_are_judged),
    ENTRY(restart_markers),
};
const struct suite jpeg_suite = SUITE("jpeg", tests);
