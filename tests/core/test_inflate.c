/* core/image/inflate.h: streams of every kind of block against what they are of, and what zlib refuses. */
#include "image/inflate.h"

#include "support/test.h"

#include <string.h>

/* A bit stream as deflate wants it: numbers lowest bit first, codes highest bit first. */
struct bits {
    uint8_t bytes[1 << 17];
    size_t count;
};

static void put(struct bits *bits, unsigned value, int count)
{
    for (int i = 0; i < count; i++, bits->count++)
        bits->bytes[bits->count / 8] |= (uint8_t)((i < 32 ? value >> i & 1 : 0) << bits->count % 8);
}

static void put_code(struct bits *bits, unsigned code, int length)
{
    for (int i = length - 1; i >= 0; i--)
        put(bits, code >> i & 1, 1);
}

/* RFC 1951, 3.2.6. */
static void put_fixed(struct bits *bits, int symbol)
{
    if (symbol < 144)
        put_code(bits, 0x30u + (unsigned)symbol, 8);
    else if (symbol < 256)
        put_code(bits, 0x190u + (unsigned)symbol - 144, 9);
    else if (symbol < 280)
        put_code(bits, (unsigned)symbol - 256, 7);
    else
        put_code(bits, 0xc0u + (unsigned)symbol - 280, 8);
}

static struct bits *new_bits(void)
{
    struct bits *bits = test_bytes(sizeof *bits);
    memset(bits, 0, sizeof *bits);
    return bits;
}

/* Pieces of a few bytes each, some of them empty. */
struct pieces {
    const uint8_t *bytes;
    size_t size, at, step;
    bool pause;
};

static const uint8_t *next_piece(void *context, size_t *size)
{
    struct pieces *p = context;
    const size_t at = p->at, left = p->size - at;
    p->pause = !p->pause;
    *size = p->pause ? 0 : left < p->step ? left : p->step;
    p->at += *size;
    return !p->pause && !left ? NULL : p->bytes + at;
}

/* What a stream unpacks to; in one piece and in many it is the same. */
static enum inflate_state unpacked(uint8_t *out, size_t *size, const struct bits *bits)
{
    struct inflate *inflate = test_bytes(sizeof *inflate);
    enum inflate_state state = INFLATE_HEADER;
    const size_t steps[] = {1, 7, 1 << 17};
    for (int i = 0; i < 3; i++) {
        struct pieces pieces = {bits->bytes, (bits->count + 7) / 8, 0, steps[i], false};
        memset(inflate, 0xa5, sizeof *inflate); /* what stood there does not matter */
        inflate_start(inflate, next_piece, &pieces);
        size_t made = 0, count;
        for (const uint8_t *step; (step = inflate_next(inflate, &count)); made += count) {
            CHECK(!i || memcmp(out + made, step, count) == 0);
            memcpy(out + made, step, count);
        }
        CHECK(!i || (made == *size && state == inflate->state));
        *size = made;
        state = inflate->state;
    }
    return state;
}

/* Every length and distance, and the bytes that the copies must give. */
TEST(lengths_and_distances)
{
    static const struct {
        int first, bits;
    } lengths[] = {{3, 0},  {4, 0},  {5, 0},  {6, 0},   {7, 0},   {8, 0},   {9, 0},   {10, 0},  {11, 1}, {13, 1},
                   {15, 1}, {17, 1}, {19, 2}, {23, 2},  {27, 2},  {31, 2},  {35, 3},  {43, 3},  {51, 3}, {59, 3},
                   {67, 4}, {83, 4}, {99, 4}, {115, 4}, {131, 5}, {163, 5}, {195, 5}, {227, 5}, {258, 0}},
      distances[] = {{1, 0},     {2, 0},     {3, 0},     {4, 0},      {5, 1},      {7, 1},     {9, 2},     {13, 2},
                     {17, 3},    {25, 3},    {33, 4},    {49, 4},     {65, 5},     {97, 5},    {129, 6},   {193, 6},
                     {257, 7},   {385, 7},   {513, 8},   {769, 8},    {1025, 9},   {1537, 9},  {2049, 10}, {3073, 10},
                     {4097, 11}, {6145, 11}, {8193, 12}, {12289, 12}, {16385, 13}, {24577, 13}};
    struct bits *bits = new_bits();
    enum { MOST = 1 << 19 };
    uint8_t *expected = test_bytes(MOST), *out = test_bytes(MOST);
    size_t size = 0, made;
    struct random random = random_seed(71, 0);
    put(bits, 1, 1);
    put(bits, 1, 2);
    for (; size < 33000; size++) {
        expected[size] = (uint8_t)random_below(&random, 256);
        put_fixed(bits, expected[size]);
    }
    for (int round = 0; round < 1500; round++) {
        const int of_length = round % 29, of_distance = (int)random_below(&random, 30);
        const unsigned more = random_below(&random, 1u << lengths[of_length].bits),
                       further = random_below(&random, 1u << distances[of_distance].bits);
        const size_t length = (size_t)lengths[of_length].first + more,
                     distance = (size_t)distances[of_distance].first + further;
        put_fixed(bits, 257 + of_length);
        put(bits, more, lengths[of_length].bits);
        put_code(bits, (unsigned)of_distance, 5);
        put(bits, further, distances[of_distance].bits);
        for (size_t i = 0; i < length; i++, size++)
            expected[size] = expected[size - distance];
    }
    put_fixed(bits, 256);
    CHECK_EQUAL(unpacked(out, &made, bits), INFLATE_DONE);
    CHECK(made == size && memcmp(out, expected, size) == 0);
}

/* A block with codes of its own: the lengths of the first are the number of each symbol, as the second says them. */
static void put_own_codes(struct bits *bits, const uint8_t *lengths, int literals, int distances)
{
    static const uint8_t order[] = {16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15};
    put(bits, 1, 1);
    put(bits, 2, 2);
    put(bits, (unsigned)literals - 257, 5);
    put(bits, (unsigned)distances - 1, 5);
    put(bits, 15, 4);
    for (int i = 0; i < 19; i++) /* 0 to 15 in four bits each */
        put(bits, order[i] < 16 ? 4 : 0, 3);
    for (int i = 0; i < literals + distances; i++)
        put_code(bits, lengths[i], 4);
}

/* Codes of 1 to 15 bits: those beyond the quick table's ten, too. */
TEST(long_codes)
{
    uint8_t lengths[257 + 1] = {0}, *out = test_bytes(1024);
    for (int i = 0; i < 15; i++)
        lengths[i] = (uint8_t)(i + 1);
    lengths[256] = 15;
    struct bits *bits = new_bits();
    put_own_codes(bits, lengths, 257, 1);
    for (int i = 14; i >= 0; i--)
        put_code(bits, i < 14 ? (1u << (i + 1)) - 2 : 0x7ffe, i + 1);
    put_code(bits, 0x7fff, 15);
    size_t size;
    CHECK_EQUAL(unpacked(out, &size, bits), INFLATE_DONE);
    CHECK_EQUAL(size, 15);
    for (int i = 0; i < 15; i++)
        CHECK_EQUAL(out[i], 14 - i);
}

TEST(codes_that_zlib_refuses)
{
    static const struct {
        const char *name;
        uint8_t literal, other, end, distance; /* lengths of their codes */
        enum inflate_state expected;
    } cases[] = {
        {"a complete code", 1, 2, 2, 0, INFLATE_DONE},
        {"one code of one bit", 0, 0, 1, 0, INFLATE_DONE},
        {"one code of two bits", 0, 0, 2, 0, INFLATE_DAMAGED},
        {"too many codes", 1, 1, 1, 0, INFLATE_DAMAGED},
        {"too few", 2, 2, 2, 0, INFLATE_DAMAGED},
        {"no end", 1, 1, 0, 0, INFLATE_DAMAGED},
        {"one distance", 1, 2, 2, 1, INFLATE_DONE},
        {"half a distance", 1, 2, 2, 2, INFLATE_DAMAGED},
    };
    uint8_t out[64];
    size_t size;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t lengths[257 + 1] = {
            [0] = cases[i].literal, [1] = cases[i].other, [256] = cases[i].end, [257] = cases[i].distance};
        struct bits *bits = new_bits();
        put_own_codes(bits, lengths, 257, 1);
        put_code(bits, cases[i].end == 1 ? 0 : 3, cases[i].end);
        test_context("%s", cases[i].name);
        CHECK_EQUAL(unpacked(out, &size, bits), cases[i].expected);
        test_release();
    }
    for (int literals = 286; literals <= 288; literals++) {
        uint8_t lengths[288 + 1] = {[0] = 1, [256] = 1};
        struct bits *bits = new_bits();
        put_own_codes(bits, lengths, literals, 1);
        put_code(bits, 1, 1);
        CHECK_EQUAL(unpacked(out, &size, bits), literals == 286 ? INFLATE_DONE : INFLATE_DAMAGED);
        test_release();
    }
    static const struct {
        int symbol;
        unsigned distance;
    } wrong[] = {
        {257, 1}, {286, 0}, {287, 0}, {257, 30}, {257, 31}}; /* further back than the start, and reserved ones */
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct bits *bits = new_bits();
        put(bits, 1, 1);
        put(bits, 1, 2);
        put_fixed(bits, 'a');
        put_fixed(bits, wrong[i].symbol);
        put_code(bits, wrong[i].distance, 5);
        put(bits, 0, 32);
        CHECK_EQUAL(unpacked(out, &size, bits), INFLATE_DAMAGED);
        CHECK(size == 1 && out[0] == 'a'); /* what stood before it */
        test_release();
    }
    struct bits *third = new_bits();
    put(third, 7, 3); /* the fourth kind of block */
    put(third, 0, 64);
    CHECK_EQUAL(unpacked(out, &size, third), INFLATE_DAMAGED);
}

/* Blocks of bytes as they are, empty ones among them, and the bytes behind the stream. */
TEST(stored_blocks_and_what_follows)
{
    struct bits *bits = new_bits();
    uint8_t out[64], trailer[4];
    size_t size;
    for (int block = 0; block < 4; block++) {
        const unsigned count = block % 2 ? 3 : 0;
        put(bits, block == 3, 3);
        bits->count = (bits->count + 7) / 8 * 8;
        put(bits, count, 16);
        put(bits, ~count & 0xffff, 16);
        for (unsigned i = 0; i < count; i++)
            put(bits, 'a' + i + (unsigned)block, 8);
    }
    CHECK_EQUAL(unpacked(out, &size, bits), INFLATE_DONE);
    CHECK(size == 6 && memcmp(out, "bcddef", 6) == 0);
    put(bits, 0x04030201, 31);
    struct pieces pieces = {bits->bytes, (bits->count + 7) / 8, 0, 2, false};
    struct inflate *inflate = test_bytes(sizeof *inflate);
    inflate_start(inflate, next_piece, &pieces);
    while (inflate_next(inflate, &size))
        ;
    CHECK(inflate_bytes(inflate, trailer, 4) && memcmp(trailer, "\1\2\3\4", 4) == 0);
    CHECK(!inflate_bytes(inflate, trailer, 1));
    bits->bytes[4] ^= 1; /* the size's complement */
    CHECK_EQUAL(unpacked(out, &size, bits), INFLATE_DAMAGED);
}

/* "aaaaaaaaaa" with the fixed code, as zlib writes it, cut; nothing behind the end is needed. */
TEST(cut_anywhere)
{
    static const uint8_t fixed[] = {0x4b, 0x4c, 0x84, 0x01, 0x00};
    struct inflate *inflate = test_bytes(sizeof *inflate);
    for (size_t length = 0; length <= sizeof fixed; length++) {
        uint8_t *bytes = test_bytes(length), out[10];
        memcpy(bytes, fixed, length);
        CHECK_EQUAL(inflate_all(out, 10, bytes, length, inflate), length == sizeof fixed);
        CHECK(length < sizeof fixed || memcmp(out, "aaaaaaaaaa", 10) == 0);
        CHECK(!inflate_all(out, 9, bytes, length, inflate) && !inflate_all(out, 11, bytes, length, inflate));
        test_release_newer(inflate);
    }
}

static const struct test tests[] = {
    ENTRY(lengths_and_distances),          ENTRY(long_codes),   ENTRY(codes_that_zlib_refuses),
    ENTRY(stored_blocks_and_what_follows), ENTRY(cut_anywhere),
};
const struct suite inflate_suite = SUITE("inflate", tests);
