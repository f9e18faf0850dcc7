/* JPEGs made by an enemy: what they cost is bounded, and what they decode to is the same on every machine. */
#include "image/decode.h"
#include "image/jpeg.h"

#include "base/bounds.h"
#include "support/golden_model.h"
#include "support/jpeg_files.h"
#include "support/test.h"

#include <stdlib.h>
#include <string.h>

/* Grey and progressive: a scan of the first coefficients, a bit a block, and then `scans` of no others: a run of 32,767
 * blocks that have none. */
static struct jpeg_file with_scans(int side, int scans)
{
    static const uint8_t head[] = {0xff, 0xc4, 0, 20, 0,    1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
                                   0xff, 0xc4, 0, 20, 0x10, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xe0};
    static const uint8_t first[] = {0xff, 0xda, 0, 8, 1, 1, 0, 0, 0, 0},
                         next[] = {0xff, 0xda, 0, 8, 1, 1, 0, 1, 63, 1, 0x7f, 0xff, 0};
    const uint8_t high = (uint8_t)(side >> 8), low = (uint8_t)side;
    const uint8_t frame[] = {0xff, 0xc2, 0, 11, 8, high, low, high, low, 1, 1, 0x11, 0};
    const size_t blocks = (size_t)((side + 7) / 8) * (size_t)((side + 7) / 8);
    struct jpeg_file file = {test_bytes(1000 + blocks / 8 + (size_t)scans * sizeof next), 4 + 67};
    memset(file.bytes, 1, file.size);
    memcpy(file.bytes, "\xff\xd8\xff\xdb\0\x43\0", 7);
    jpeg_append(&file, frame, sizeof frame);
    jpeg_append(&file, head, sizeof head);
    jpeg_append(&file, first, sizeof first);
    memset(file.bytes + file.size, 0, blocks / 8 + 1);
    file.size += blocks / 8 + 1;
    for (int i = 1; i < scans; i++)
        jpeg_append(&file, next, sizeof next);
    memcpy(file.bytes + file.size - 4, "\0", 1); /* the last one brings the last bit */
    return file;
}

TEST(scans_are_counted_first)
{
    CHECK(jpeg_pixels(with_scans(64, LIMIT_IMAGE_SCANS), STATUS_OK) != 0);
    CHECK_REFUSED(with_scans(64, LIMIT_IMAGE_SCANS + 1), STATUS_IMAGE_SCANS);
    CHECK_REFUSED(with_scans(64, 2000), STATUS_IMAGE_SCANS);
    test_context("an end marker in a comment does not end the count");
    struct jpeg_file file = with_scans(64, 2000);
    const size_t second = jpeg_segment_of(file, SOS) + 10 + 9;
    CHECK_REFUSED(jpeg_spliced(file, second, 0, "\xff\xfe\0\4\xff\xd9", 6), STATUS_IMAGE_SCANS);
    test_context("the blocks of all scans");
    struct jpeg *jpeg = test_bytes(sizeof *jpeg);
    for (int more = 0; more < 2; more++) {
        struct arena measure = {0};
        file = with_scans(8000, LIMIT_IMAGE_SCAN_BLOCKS / (1000 * 1000) + more);
        CHECK_EQUAL(jpeg_open(jpeg, file.bytes, file.size), STATUS_OK);
        CHECK_EQUAL(jpeg_decode(NULL, jpeg, &measure), more ? STATUS_IMAGE_SCANS : STATUS_OK);
    }
}

/* Numbers that no encoder writes: 16-bit tables, and products that wrap in the transform. The same on every machine,
 * with vectors of any width and without. */
TEST(hostile_quantization)
{
    static const uint32_t expected[3] = {0x7984af6a, 0xd4edbbb3, 0xcd810bd9};
    for (int kind = 0; kind < 3; kind++) {
        struct random random = random_seed(53, (uint64_t)kind);
        struct jpeg_file file = jpeg_without(jpeg_file(0), DQT);
        for (int table = 0; table < 2; table++) {
            uint8_t segment[5 + 128] = {0xff, DQT, 0, 131, (uint8_t)(0x10 | table)};
            for (int k = 0; k < 64; k++) {
                const uint32_t value = kind == 0 ? 65535 : kind == 1 ? 32768 : random_below(&random, 65536);
                segment[5 + k * 2] = (uint8_t)(value >> 8);
                segment[6 + k * 2] = (uint8_t)value;
            }
            file = jpeg_spliced(file, 2, 0, segment, sizeof segment);
        }
        test_context("kind %d", kind);
        CHECK_EQUAL(jpeg_pixels(file, STATUS_OK), expected[kind]);
    }
}

/* Any bytes: what they decode to, or why not, in one number. */
TEST(damaged_files_are_the_same_everywhere)
{
    uint32_t sum = 0;
    int read = 0;
    for (int round = 0; round < 4000; round++) {
        struct random random = random_seed(54, (uint64_t)round);
        const struct jpeg_file file = jpeg_file(round % JPEGS);
        for (int k = test_between(&random, 1, 3); k > 0; k--)
            file.bytes[3 + random_below(&random, (uint32_t)file.size - 3)] = (uint8_t)random_below(&random, 256);
        struct picture picture = {0};
        int width, height;
        enum status status = decode_size(&width, &height, file.bytes, file.size);
        if (!status && width * height > 1 << 16) /* slow */
            status = STATUS_LIMIT;
        if (!status)
            status = decode_picture(&picture, file.bytes, file.size);
        sum = sum * 31 + (uint32_t)status;
        if (!status) {
            sum += golden_crc32(picture.rgba, (size_t)(picture.width * picture.height * 4));
            read++;
        }
        free(picture.rgba);
        test_release();
    }
    CHECK(read > 500 && read < 3500);
    CHECK_EQUAL(sum, 0x6d592afb);
}

static const struct test tests[] = {
    ENTRY(scans_are_counted_first),
    ENTRY(hostile_quantization),
    ENTRY(damaged_files_are_the_same_everywhere),
};
const struct suite hostile_jpeg_suite = SUITE("hostile_jpeg", tests);
