#include "exchange/flatbuffer.h"

#include "base/bytes.h"

#include <string.h>

enum { HEADER_BYTES = 8, OFFSET_BYTES = 4, VTABLE_HEADER = 4 };

static const size_t type_bytes[] = {
    [FLATBUFFER_INT8] = 1,  [FLATBUFFER_UINT8] = 1, [FLATBUFFER_INT32] = 4,  [FLATBUFFER_UINT32] = 4,
    [FLATBUFFER_INT64] = 8, [FLATBUFFER_FLOAT] = 4, [FLATBUFFER_OFFSET] = 4,
};

/* Returns 0, no table's position, for the caller to return. */
static size_t broken(struct flatbuffer *buffer, size_t at, const char *why)
{
    if (!buffer->broken) {
        buffer->broken = why;
        buffer->broken_at = at;
    }
    return 0;
}

/* Whether `count` bytes from there on lie within. */
static bool holds(const struct flatbuffer *buffer, size_t at, size_t count)
{
    return at <= buffer->size && count <= buffer->size - at;
}

static int64_t read_int(const uint8_t *p, enum flatbuffer_type type)
{
    switch (type) {
    case FLATBUFFER_INT8: return (int8_t)p[0];
    case FLATBUFFER_UINT8: return p[0];
    case FLATBUFFER_INT32: return (int32_t)bytes_get4(p);
    case FLATBUFFER_UINT32:
    case FLATBUFFER_OFFSET: return bytes_get4(p);
    case FLATBUFFER_INT64: return (int64_t)((uint64_t)bytes_get4(p) | (uint64_t)bytes_get4(p + 4) << 32);
    case FLATBUFFER_FLOAT: return 0;
    }
    return 0;
}

struct flatbuffer flatbuffer_open(const uint8_t *bytes, size_t size, const char identifier[4])
{
    struct flatbuffer buffer = {bytes, size, NULL, 0};
    if (size < HEADER_BYTES)
        broken(&buffer, size, "the file is cut short");
    else if (memcmp(bytes + OFFSET_BYTES, identifier, 4))
        broken(&buffer, OFFSET_BYTES, "it is another format");
    return buffer;
}

/* What the offset at that position leads to; `least`: bytes that must be there. */
static size_t follow(struct flatbuffer *buffer, size_t at, size_t least)
{
    const size_t distance = bytes_get4(buffer->bytes + at);
    if (distance < OFFSET_BYTES)
        return broken(buffer, at, "an offset leads to itself");
    if (distance > buffer->size - at || !holds(buffer, at + distance, least))
        return broken(buffer, at, "an offset leads beyond the end of the file");
    return at + distance;
}

/* The table that the offset at that position leads to, if it and its vtable lie within. */
static flatbuffer_table follow_table(struct flatbuffer *buffer, size_t at)
{
    const size_t table = follow(buffer, at, OFFSET_BYTES);
    if (!table)
        return 0;
    const int64_t vtable = (int64_t)table - read_int(buffer->bytes + table, FLATBUFFER_INT32);
    if (vtable < 0 || !holds(buffer, (size_t)vtable, VTABLE_HEADER))
        return broken(buffer, table, "a vtable lies outside of the file");
    const uint8_t *header = buffer->bytes + vtable;
    const size_t vtable_bytes = bytes_get2(header), table_bytes = bytes_get2(header + 2);
    if (vtable_bytes < VTABLE_HEADER || vtable_bytes % 2 || !holds(buffer, (size_t)vtable, vtable_bytes))
        return broken(buffer, (size_t)vtable, "a vtable has an impossible size");
    if (table_bytes < OFFSET_BYTES || !holds(buffer, table, table_bytes))
        return broken(buffer, (size_t)vtable, "a table has an impossible size");
    return table;
}

flatbuffer_table flatbuffer_root(struct flatbuffer *buffer) { return buffer->broken ? 0 : follow_table(buffer, 0); }

/* Where a field's value stands, of so many bytes, which lie within its table; 0: absent. The table has been checked
 * when it was followed. */
static size_t field_at(struct flatbuffer *buffer, flatbuffer_table table, int field, size_t count)
{
    if (!table)
        return 0;
    const size_t vtable = (size_t)((int64_t)table - read_int(buffer->bytes + table, FLATBUFFER_INT32));
    const size_t entry = VTABLE_HEADER + 2 * (size_t)field;
    if (entry + 2 > bytes_get2(buffer->bytes + vtable))
        return 0;
    const size_t position = bytes_get2(buffer->bytes + vtable + entry);
    if (!position)
        return 0;
    if (position < OFFSET_BYTES || position + count > bytes_get2(buffer->bytes + vtable + 2))
        return broken(buffer, vtable + entry, "a field lies outside of its table");
    return table + position;
}

int64_t flatbuffer_int(struct flatbuffer *buffer, flatbuffer_table table, int field, enum flatbuffer_type type,
                       int64_t absent)
{
    const size_t at = field_at(buffer, table, field, type_bytes[type]);
    return at ? read_int(buffer->bytes + at, type) : absent;
}

float flatbuffer_float(struct flatbuffer *buffer, flatbuffer_table table, int field, float absent)
{
    const size_t at = field_at(buffer, table, field, type_bytes[FLATBUFFER_FLOAT]);
    return at ? bytes_get_float(buffer->bytes + at) : absent;
}

flatbuffer_table flatbuffer_table_in(struct flatbuffer *buffer, flatbuffer_table table, int field)
{
    const size_t at = field_at(buffer, table, field, OFFSET_BYTES);
    return at ? follow_table(buffer, at) : 0;
}

struct flatbuffer_vector flatbuffer_vector(struct flatbuffer *buffer, flatbuffer_table table, int field,
                                           enum flatbuffer_type type)
{
    struct flatbuffer_vector vector = {NULL, 0, type_bytes[type]};
    const size_t at = field_at(buffer, table, field, OFFSET_BYTES);
    const size_t start = at ? follow(buffer, at, OFFSET_BYTES) : 0;
    if (!start)
        return vector;
    const size_t count = bytes_get4(buffer->bytes + start), behind = start + OFFSET_BYTES;
    if (count > (buffer->size - behind) / vector.bytes) {
        broken(buffer, start, "a list or text reaches beyond the end of the file");
        return vector;
    }
    vector.items = buffer->bytes + behind;
    vector.count = count;
    return vector;
}

struct flatbuffer_vector flatbuffer_text(struct flatbuffer *buffer, flatbuffer_table table, int field)
{
    return flatbuffer_vector(buffer, table, field, FLATBUFFER_UINT8);
}

int64_t flatbuffer_item_int(const struct flatbuffer_vector *vector, enum flatbuffer_type type, size_t i)
{
    return read_int(vector->items + i * vector->bytes, type);
}

float flatbuffer_item_float(const struct flatbuffer_vector *vector, size_t i)
{
    return bytes_get_float(vector->items + i * vector->bytes);
}

flatbuffer_table flatbuffer_item_table(struct flatbuffer *buffer, const struct flatbuffer_vector *vector, size_t i)
{
    return follow_table(buffer, (size_t)(vector->items - buffer->bytes) + i * vector->bytes);
}
