/* core/image/png.h: files that are damaged, cut, out of order or that lie; test_hostile_picture.c has the damage at
 * random. */
#include "image/decode.h"

#include "base/bounds.h"
#include "base/bytes.h"
#include "support/made_png.h"
#include "support/test.h"

#include <stdlib.h>
#include <string.h>

enum { WIDTH = 13, HEIGHT = 11, GREY = 0, RGB = 2, PALETTE = 3, GREY_ALPHA = 4, RGBA = 6 };

static enum status status_of(struct made_png png)
{
    uint8_t *bytes = test_bytes(png.size); /* exactly as long as the file: AddressSanitizer sees a step behind it */
    memcpy(bytes, png.bytes, png.size);
    struct picture picture;
    const enum status status = decode_picture(&picture, bytes, png.size);
    free(picture.rgba);
    return status;
}

static const struct png_kind simple = {WIDTH, HEIGHT, 8, RGB, false};

TEST(kinds_that_there_are_not)
{
    for (int depth = 0; depth < 256; depth++)
        for (int colour_type = 0; colour_type < 256; colour_type++) {
            const bool small = depth == 1 || depth == 2 || depth == 4, deep = depth == 8 || depth == 16;
            const bool known = colour_type == GREY ? small || deep
                               : colour_type == PALETTE
                                   ? small || depth == 8
                                   : deep && (colour_type == RGB || colour_type == GREY_ALPHA || colour_type == RGBA);
            uint8_t bytes[64];
            struct made_png png = {.bytes = bytes};
            made_png_start(&png, (struct png_kind){1, 1, depth, colour_type, false});
            int width, height;
            CHECK_EQUAL(decode_size(&width, &height, bytes, png.size), known ? STATUS_OK : STATUS_IMAGE_CORRUPT);
        }
    for (size_t at = 26; at <= 28; at++) { /* compression, filters, interlacing */
        struct made_png png = made_png_file(simple);
        png.bytes[at] = 2;
        made_png_mend(png.bytes, png.size);
        CHECK_EQUAL(status_of(png), STATUS_IMAGE_CORRUPT);
    }
    uint8_t raw[MADE_PNG_RAW];
    for (int filter = 0; filter < 256; filter++) {
        struct made_png png = {.bytes = test_bytes(MADE_PNG_BYTES)};
        const size_t size = made_png_raw(raw, &simple);
        raw[size / HEIGHT * 3] = (uint8_t)filter;
        made_png_start(&png, simple);
        made_png_rows(&png, raw, size);
        CHECK_EQUAL(status_of(png), filter <= 4 ? STATUS_OK : STATUS_IMAGE_CORRUPT);
        test_release();
    }
}

/* Each bit up to the last row's is under a checksum. What can be passed over is the size of the last chunk: with a
 * larger one the file looks cut, and zlib's checksum says that all rows are there. */
TEST(a_damaged_bit_is_seen)
{
    const struct png_kind kind = {7, 3, 8, PALETTE, false};
    struct made_png png = {.bytes = test_bytes(MADE_PNG_BYTES)};
    uint8_t raw[MADE_PNG_RAW];
    made_png_start(&png, kind);
    made_png_chunk(&png, "eXIf", "MM\0*\0\0\0\x8\0\1\1\x12\0\3\0\0\0\1\0\6\0\0", 22);
    made_png_palette(&png, 256);
    made_png_chunk(&png, "tRNS", "\1\2\3", 3);
    made_png_chunk(&png, "tEXt", "a\0b", 3);
    const size_t last = png.size;
    made_png_rows(&png, raw, made_png_raw(raw, &kind));
    CHECK_EQUAL(status_of(png), STATUS_OK);
    for (size_t bit = 64; bit < png.size * 8; bit++) {
        test_context("bit %zu of byte %zu", bit % 8, bit / 8);
        png.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        CHECK((status_of(png) != STATUS_OK) !=
              (bit / 8 >= last && bit / 8 < last + 4 && png.bytes[bit / 8] >> bit % 8 & 1));
        png.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        test_release_newer(png.bytes);
    }
}

TEST(cut_anywhere)
{
    for (int k = 0; k < 4; k++) {
        const struct png_kind kind = {WIDTH, HEIGHT, k % 2 ? 16 : 8, k % 2 ? RGB : PALETTE, k > 1};
        const struct made_png png = made_png_file(kind);
        const size_t rows_end = png.size - 12 - 4; /* with zlib's checksum, without the chunk's */
        for (size_t size = 8; size < png.size; size++) {
            test_context("kind %d, %zu bytes", k, size);
            CHECK_EQUAL(status_of((struct made_png){png.bytes, size}),
                        size >= rows_end ? STATUS_OK : STATUS_IMAGE_TRUNCATED);
            test_release_newer(png.bytes);
        }
        test_release();
    }
}

/* The zlib stream of one grey pixel and what follows it, in as many chunks as the caller likes. */
struct stream {
    uint8_t bytes[64];
    size_t size;
};

static struct stream stream_of(const char *raw, size_t size)
{
    struct stream stream;
    stream.size = made_png_zlib(stream.bytes, (const uint8_t *)raw, size);
    return stream;
}

static enum status read_stream(const struct stream *stream, size_t piece, size_t pause)
{
    struct made_png png = {.bytes = test_bytes(4096)};
    made_png_start(&png, (struct png_kind){1, 1, 8, GREY, false});
    for (size_t at = 0; at < stream->size; at += piece) {
        const size_t left = stream->size - at;
        if (at && at == pause)
            made_png_chunk(&png, "tEXt", "a\0b", 3);
        made_png_chunk(&png, "IDAT", NULL, 0);
        made_png_chunk(&png, "IDAT", stream->bytes + at, left < piece ? left : piece);
    }
    made_png_chunk(&png, "IEND", NULL, 0);
    return status_of(png);
}

TEST(data_of_any_pieces)
{
    const struct stream good = stream_of("\0\5", 2);
    CHECK_EQUAL(good.size, 13); /* 2 of zlib's header, 5 of the block's, 2, 4 of the checksum */
    for (size_t piece = 1; piece <= good.size; piece++)
        CHECK_EQUAL(read_stream(&good, piece, 0), STATUS_OK);
    for (size_t pause = 1; pause < good.size; pause++) /* another chunk ends the data */
        CHECK_EQUAL(read_stream(&good, 1, pause), pause < 9 ? STATUS_IMAGE_TRUNCATED : STATUS_OK);
    const struct stream shorter = stream_of("\0", 1), longer = stream_of("\0\5\0\5\0\5", 6);
    CHECK_EQUAL(read_stream(&shorter, 64, 0), STATUS_IMAGE_TRUNCATED);
    CHECK_EQUAL(read_stream(&longer, 64, 0), STATUS_OK);
    for (size_t at = 0; at < good.size; at++) { /* the chunk's checksum is right: only zlib's can tell */
        struct stream damaged = good;
        damaged.bytes[at] ^= at == 2 ? 2 : 0x10; /* the upper bits of byte 2 are passed over */
        test_context("byte %zu", at);
        CHECK(read_stream(&damaged, 64, 0) != STATUS_OK);
    }
    struct stream dictionary = good;
    memcpy(dictionary.bytes, "\x78\x20", 2); /* 0x7820 is a multiple of 31 as well */
    CHECK_EQUAL(read_stream(&dictionary, 64, 0), STATUS_IMAGE_CORRUPT);
}

TEST(chunks_in_order)
{
    static const struct {
        const char *types[6]; /* behind IHDR; in capitals */
        enum status expected;
    } cases[] = {
        {{"PLTE", "IDAT", "IEND"}, STATUS_OK},
        {{"PLTE", "IDAT"}, STATUS_OK},
        {{"PLTE", "IDAT", "PLTE", "IHDR", "junk"}, STATUS_OK},
        {{"IDAT", "PLTE", "IEND"}, STATUS_IMAGE_CORRUPT},
        {{"PLTE", "PLTE", "IDAT", "IEND"}, STATUS_IMAGE_CORRUPT},
        {{"IHDR", "PLTE", "IDAT"}, STATUS_IMAGE_CORRUPT},
        {{"PLTE", "IEND", "IDAT"}, STATUS_IMAGE_CORRUPT},
        {{"PLTE", "ABCD", "IDAT"}, STATUS_IMAGE_CORRUPT}, /* that must be understood */
        {{"PLTE", "aBCD", "IDAT"}, STATUS_OK},
        {{"PLTE", "a CD", "IDAT"}, STATUS_IMAGE_CORRUPT},
        {{"PLTE"}, STATUS_IMAGE_TRUNCATED},
        {{NULL}, STATUS_IMAGE_TRUNCATED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct made_png png = {.bytes = test_bytes(MADE_PNG_BYTES)};
        const struct stream stream = stream_of("\0\5", 2);
        made_png_start(&png, (struct png_kind){1, 1, 8, PALETTE, false});
        for (int k = 0; cases[i].types[k]; k++) {
            const bool data = strcmp(cases[i].types[k], "IDAT") == 0, ends = strcmp(cases[i].types[k], "IEND") == 0;
            made_png_chunk(&png, cases[i].types[k], stream.bytes, data ? stream.size : ends ? 0 : 9);
        }
        test_context("case %zu", i);
        CHECK_EQUAL(status_of(png), cases[i].expected);
    }
}

TEST(sizes)
{
    static const struct {
        unsigned width, height;
        enum status expected;
    } cases[] = {{0, 17, STATUS_IMAGE_SIZE},
                 {23, 0, STATUS_IMAGE_SIZE},
                 {16385, 1, STATUS_IMAGE_SIDE},
                 {1, 16385, STATUS_IMAGE_SIDE},
                 {65535, 65535, STATUS_IMAGE_SIDE},
                 {16000, LIMIT_IMAGE_PIXELS / 16000 + 1, STATUS_IMAGE_PIXELS},
                 {0x80000001, 1, STATUS_IMAGE_SIDE},
                 {16384, 16384, STATUS_IMAGE_PIXELS},
                 {16384, 1, STATUS_IMAGE_TRUNCATED},
                 {8000, 8000, STATUS_IMAGE_TRUNCATED}}; /* so many rows cannot be packed in this file */
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct made_png png = made_png_file(simple);
        bytes_put4_big(png.bytes + 16, cases[i].width);
        bytes_put4_big(png.bytes + 20, cases[i].height);
        made_png_mend(png.bytes, png.size);
        test_context("%u x %u", cases[i].width, cases[i].height);
        CHECK_EQUAL(status_of(png), cases[i].expected);
    }
    uint8_t bytes[64];
    struct made_png cgbi = {.bytes = bytes};
    made_png_start(&cgbi, simple);
    memcpy(bytes + 12, "CgBI", 4);
    CHECK_EQUAL(status_of(cgbi), STATUS_IMAGE_CGBI);
}

static const struct test tests[] = {
    ENTRY(kinds_that_there_are_not), ENTRY(a_damaged_bit_is_seen), ENTRY(cut_anywhere),
    ENTRY(data_of_any_pieces),       ENTRY(chunks_in_order),       ENTRY(sizes),
};
const struct suite hostile_png_suite = SUITE("hostile_png", tests);
