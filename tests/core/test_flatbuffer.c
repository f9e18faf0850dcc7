/* exchange/flatbuffer.h: a buffer written by hand, field by field, and the same cut, damaged and lying. */
#include "exchange/flatbuffer.h"

#include "base/bytes.h"
#include "support/test.h"

#include <string.h>

/* Every kind of value: 0 int32, 1 int8, 2 a text, 3 float, 4 a table, 5 a list of int64, 6 a list of tables, 7 absent,
 * 8 uint32. Tables point back to vtables that stand before, between and behind them. */
enum {
    ROOT_VTABLE = 8,
    ROOT = 32,
    TEXT = 64,
    CHILD_VTABLE = 72,
    CHILD = 80,
    LONGS = 88,
    TABLES = 108,
    EMPTY = 120,
    EMPTY_VTABLE = 124,
    SIZE = 128
};

static void put_offset(uint8_t *bytes, int at, int target) { bytes_put4(bytes + at, (uint32_t)(target - at)); }

static void put_table(uint8_t *bytes, int at, int vtable) { bytes_put4(bytes + at, (uint32_t)(at - vtable)); }

static void put_vtable(uint8_t *bytes, int at, int table_bytes, int fields, const int positions[])
{
    bytes_put2(bytes + at, 4 + 2 * fields);
    bytes_put2(bytes + at + 2, table_bytes);
    for (int i = 0; i < fields; i++)
        bytes_put2(bytes + at + 4 + 2 * i, positions[i]);
}

static uint8_t *whole_buffer(void)
{
    uint8_t *bytes = test_bytes(SIZE);
    memset(bytes, 0, SIZE);
    put_offset(bytes, 0, ROOT);
    memcpy(bytes + 4, "TEST", 4);
    put_vtable(bytes, ROOT_VTABLE, 32, 9, (const int[]){4, 28, 8, 12, 16, 20, 24, 0, 29});
    bytes_put2(bytes + ROOT_VTABLE + 4 + 16, 0); /* 8 is absent in the root: it has no room for it */
    put_table(bytes, ROOT, ROOT_VTABLE);
    bytes_put4(bytes + ROOT + 4, (uint32_t)-77);
    put_offset(bytes, ROOT + 8, TEXT);
    bytes_put_float(bytes + ROOT + 12, 0.5f);
    put_offset(bytes, ROOT + 16, CHILD);
    put_offset(bytes, ROOT + 20, LONGS);
    put_offset(bytes, ROOT + 24, TABLES);
    bytes[ROOT + 28] = 0xfe;
    bytes_put4(bytes + TEXT, 3);
    memcpy(bytes + TEXT + 4, "abc", 4);
    put_vtable(bytes, CHILD_VTABLE, 8, 1, (const int[]){4});
    put_table(bytes, CHILD, CHILD_VTABLE);
    bytes_put4(bytes + CHILD + 4, 0x80000001u);
    bytes_put4(bytes + LONGS, 2);
    bytes_put4(bytes + LONGS + 4, 5);
    memset(bytes + LONGS + 12, 0xff, 8);
    bytes_put4(bytes + TABLES, 2);
    put_offset(bytes, TABLES + 4, EMPTY);
    put_offset(bytes, TABLES + 8, EMPTY);
    put_table(bytes, EMPTY, EMPTY_VTABLE);
    put_vtable(bytes, EMPTY_VTABLE, 4, 0, NULL);
    return bytes;
}

TEST(every_kind_of_value)
{
    struct flatbuffer buffer = flatbuffer_open(whole_buffer(), SIZE, "TEST");
    const flatbuffer_table root = flatbuffer_root(&buffer);
    CHECK_EQUAL(flatbuffer_int(&buffer, root, 0, FLATBUFFER_INT32, 1), -77);
    CHECK_EQUAL(flatbuffer_int(&buffer, root, 1, FLATBUFFER_INT8, 1), -2);
    CHECK_EQUAL(flatbuffer_int(&buffer, root, 1, FLATBUFFER_UINT8, 1), 254);
    const struct flatbuffer_vector text = flatbuffer_text(&buffer, root, 2);
    CHECK(text.count == 3 && !memcmp(text.items, "abc", 3));
    CHECK(flatbuffer_float(&buffer, root, 3, 1) == 0.5f);
    const flatbuffer_table child = flatbuffer_table_in(&buffer, root, 4);
    CHECK_EQUAL(flatbuffer_int(&buffer, child, 0, FLATBUFFER_UINT32, 1), 0x80000001u);
    CHECK_EQUAL(flatbuffer_int(&buffer, child, 0, FLATBUFFER_INT32, 1), -0x7fffffff);
    const struct flatbuffer_vector longs = flatbuffer_vector(&buffer, root, 5, FLATBUFFER_INT64);
    CHECK_EQUAL(longs.count, 2);
    CHECK_EQUAL(flatbuffer_item_int(&longs, FLATBUFFER_INT64, 0), 5);
    CHECK_EQUAL(flatbuffer_item_int(&longs, FLATBUFFER_INT64, 1), -1);
    const struct flatbuffer_vector tables = flatbuffer_vector(&buffer, root, 6, FLATBUFFER_OFFSET);
    CHECK_EQUAL(tables.count, 2);
    for (size_t i = 0; i < tables.count; i++) {
        const flatbuffer_table item = flatbuffer_item_table(&buffer, &tables, i);
        CHECK_EQUAL(item, EMPTY);
        CHECK_EQUAL(flatbuffer_int(&buffer, item, 0, FLATBUFFER_INT32, 9), 9);
    }
    CHECK(!buffer.broken);
}

TEST(what_is_absent)
{
    struct flatbuffer buffer = flatbuffer_open(whole_buffer(), SIZE, "TEST");
    const flatbuffer_table root = flatbuffer_root(&buffer);
    for (int field = 7; field < 12; field++) { /* 0 in the vtable, or behind its end */
        CHECK_EQUAL(flatbuffer_int(&buffer, root, field, FLATBUFFER_INT64, -3), -3);
        CHECK(flatbuffer_float(&buffer, root, field, 2) == 2);
        CHECK_EQUAL(flatbuffer_table_in(&buffer, root, field), 0);
        CHECK_EQUAL(flatbuffer_vector(&buffer, root, field, FLATBUFFER_OFFSET).count, 0);
        CHECK_EQUAL(flatbuffer_text(&buffer, 0, field).count, 0); /* of a table that is absent itself */
    }
    CHECK(!buffer.broken);
}

/* What is wrong is named, with where it is. */
TEST(lies_are_named)
{
    static const struct {
        const char *name, *broken;
        int at, bytes;
        uint32_t value;
        int broken_at;
    } cases[] = {
        {"identifier", "it is another format", 4, 4, 0, 4},
        {"root beyond the end", "an offset leads beyond the end of the file", 0, 4, SIZE - 3, 0},
        {"root far beyond the end", "an offset leads beyond the end of the file", 0, 4, 0xffffffff, 0},
        {"root is itself", "an offset leads to itself", 0, 4, 0, 0},
        {"vtable before the file", "a vtable lies outside of the file", ROOT, 4, ROOT + 1, ROOT},
        {"vtable behind the file", "a vtable lies outside of the file", ROOT, 4, (uint32_t)(ROOT - SIZE + 3), ROOT},
        {"vtable at the far end", "a vtable lies outside of the file", ROOT, 4, 0x80000000, ROOT},
        {"vtable too long", "a vtable has an impossible size", ROOT_VTABLE, 2, SIZE, ROOT_VTABLE},
        {"vtable too short", "a vtable has an impossible size", ROOT_VTABLE, 2, 2, ROOT_VTABLE},
        {"vtable of half a field", "a vtable has an impossible size", ROOT_VTABLE, 2, 7, ROOT_VTABLE},
        {"table too long", "a table has an impossible size", ROOT_VTABLE + 2, 2, SIZE - ROOT + 1, ROOT_VTABLE},
        {"table too short", "a table has an impossible size", ROOT_VTABLE + 2, 2, 3, ROOT_VTABLE},
        {"field beyond its table", "a field lies outside of its table", ROOT_VTABLE + 4, 2, 29, ROOT_VTABLE + 4},
        {"field on the vtable's offset", "a field lies outside of its table", ROOT_VTABLE + 4, 2, 2, ROOT_VTABLE + 4},
        {"text beyond the end", "an offset leads beyond the end of the file", ROOT + 8, 4, SIZE, ROOT + 8},
        {"text too long", "a list or text reaches beyond the end of the file", TEXT, 4, SIZE - TEXT - 3, TEXT},
        {"list too long", "a list or text reaches beyond the end of the file", LONGS, 4, 5, LONGS},
        {"list whose bytes overflow", "a list or text reaches beyond the end of the file", LONGS, 4, 0x20000001, LONGS},
        {"item beyond the end", "an offset leads beyond the end of the file", TABLES + 8, 4, 64, TABLES + 8},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t *bytes = whole_buffer();
        test_context("%s", cases[i].name);
        if (cases[i].bytes == 2)
            bytes_put2(bytes + cases[i].at, (int)cases[i].value);
        else
            bytes_put4(bytes + cases[i].at, cases[i].value);
        struct flatbuffer buffer = flatbuffer_open(bytes, SIZE, "TEST");
        const flatbuffer_table root = flatbuffer_root(&buffer);
        flatbuffer_int(&buffer, root, 0, FLATBUFFER_INT32, 0);
        flatbuffer_text(&buffer, root, 2);
        flatbuffer_vector(&buffer, root, 5, FLATBUFFER_INT64);
        const struct flatbuffer_vector tables = flatbuffer_vector(&buffer, root, 6, FLATBUFFER_OFFSET);
        if (tables.count == 2)
            flatbuffer_item_table(&buffer, &tables, 1);
        CHECK(buffer.broken && !strcmp(buffer.broken, cases[i].broken));
        CHECK_EQUAL(buffer.broken_at, cases[i].broken_at);
    }
}

/* Reads all that there is, and every item of it. Returns how much that was. */
static size_t read_all(struct flatbuffer *buffer)
{
    const flatbuffer_table root = flatbuffer_root(buffer);
    size_t seen = 0;
    for (int field = 0; field < 12; field++) {
        const struct flatbuffer_vector bytes = flatbuffer_text(buffer, root, field);
        for (size_t i = 0; i < bytes.count; i++)
            seen += bytes.items[i] > 0;
        const struct flatbuffer_vector longs = flatbuffer_vector(buffer, root, field, FLATBUFFER_INT64);
        for (size_t i = 0; i < longs.count; i++)
            seen += flatbuffer_item_int(&longs, FLATBUFFER_INT64, i) != 0;
        const struct flatbuffer_vector tables = flatbuffer_vector(buffer, root, field, FLATBUFFER_OFFSET);
        for (size_t i = 0; i < tables.count; i++)
            seen += (size_t)flatbuffer_int(buffer, flatbuffer_item_table(buffer, &tables, i), 0, FLATBUFFER_INT64, 1);
        seen += (size_t)flatbuffer_int(buffer, flatbuffer_table_in(buffer, root, field), 0, FLATBUFFER_INT32, 1);
        seen += flatbuffer_float(buffer, root, field, 1) > 0;
    }
    return seen;
}

/* The memory behind the bytes is guarded. */
TEST(cut_anywhere)
{
    const uint8_t *whole = whole_buffer();
    struct flatbuffer intact = flatbuffer_open(whole, SIZE, "TEST");
    CHECK(read_all(&intact) > 20);
    for (size_t size = 0; size < SIZE; size++) {
        uint8_t *bytes = test_bytes(size);
        memcpy(bytes, whole, size);
        struct flatbuffer buffer = flatbuffer_open(bytes, size, "TEST");
        read_all(&buffer);
        test_context("%zu bytes", size);
        CHECK(buffer.broken != NULL);
        test_release_newer(whole);
    }
}

TEST(damaged_anywhere)
{
    static const uint32_t values[] = {0, 1, 4, SIZE, 0x7fffffff, 0x80000000, 0xfffffffc, 0xffffffff};
    const uint8_t *whole = whole_buffer();
    uint8_t *bytes = test_bytes(SIZE);
    for (size_t bit = 0; bit < 8 * SIZE; bit++) {
        memcpy(bytes, whole, SIZE);
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        struct flatbuffer buffer = flatbuffer_open(bytes, SIZE, "TEST");
        read_all(&buffer);
    }
    for (size_t at = 0; at + 4 <= SIZE; at++)
        for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
            memcpy(bytes, whole, SIZE);
            bytes_put4(bytes + at, values[i]);
            struct flatbuffer buffer = flatbuffer_open(bytes, SIZE, "TEST");
            read_all(&buffer);
        }
}

static const struct test tests[] = {ENTRY(every_kind_of_value), ENTRY(what_is_absent), ENTRY(lies_are_named),
                                    ENTRY(cut_anywhere), ENTRY(damaged_anywhere)};
const struct suite flatbuffer_suite = SUITE("flatbuffer", tests);
