/* Reads FlatBuffers (flatbuffers.dev), the format of TFLite, with every offset checked.
 *
 *     struct flatbuffer buffer = flatbuffer_open(bytes, size, "TFL3");
 *     const flatbuffer_table model = flatbuffer_root(&buffer);
 *     const struct flatbuffer_vector subgraphs = flatbuffer_vector(&buffer, model, 2, FLATBUFFER_OFFSET);
 *     for (size_t i = 0; i < subgraphs.count; i++) {
 *         const flatbuffer_table subgraph = flatbuffer_item_table(&buffer, &subgraphs, i);
 *         printf("%lld\n", (long long)flatbuffer_int(&buffer, subgraph, 5, FLATBUFFER_INT32, 1));
 *     }
 *     if (buffer.broken)
 *         warn("model.tflite", NULL, "byte %zu: %s", buffer.broken_at, buffer.broken);
 *
 * A table begins with the distance back to its vtable, which has the position in the table of each field by its number
 * in the schema, 0 for one that is absent. Texts, vectors and tables in fields stand elsewhere: the field has the
 * distance forward to them, so to follow fields always leads on and to an end. Vectors and texts begin with their
 * number of items.
 *
 * Nothing is read outside of the bytes, whatever they are. The first thing that is wrong sets `broken` and `broken_at`;
 * what is wrong reads as absent, so that a reader may ask once, where it has all that it wants. Values need not be
 * aligned. Whoever walks along vectors of tables within tables does so to the depth of the schema, no deeper. */
#ifndef FLATBUFFER_H
#define FLATBUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct flatbuffer {
    const uint8_t *bytes; /* the caller's, who keeps them */
    size_t size;
    const char *broken; /* what is wrong with them; NULL: nothing so far */
    size_t broken_at;
};

/* Where a table begins; 0: there is none, and all of its fields are absent. */
typedef size_t flatbuffer_table;

/* Items, `bytes` apart, which lie within the buffer; a count of 0: absent or empty. */
struct flatbuffer_vector {
    const uint8_t *items;
    size_t count, bytes;
};

/* How a value is stored. OFFSET: of texts, tables and vectors, in a vector of them. */
enum flatbuffer_type {
    FLATBUFFER_INT8,
    FLATBUFFER_UINT8,
    FLATBUFFER_INT32,
    FLATBUFFER_UINT32,
    FLATBUFFER_INT64,
    FLATBUFFER_FLOAT,
    FLATBUFFER_OFFSET
};

/* identifier: the four bytes behind the root's offset that say what the buffer holds. */
struct flatbuffer flatbuffer_open(const uint8_t *bytes, size_t size, const char identifier[4]);
flatbuffer_table flatbuffer_root(struct flatbuffer *buffer);

/* A table's field by its number in the schema; a union is two fields, first the type of what the second is. */
int64_t flatbuffer_int(struct flatbuffer *buffer, flatbuffer_table table, int field, enum flatbuffer_type type,
                       int64_t absent);
float flatbuffer_float(struct flatbuffer *buffer, flatbuffer_table table, int field, float absent);
flatbuffer_table flatbuffer_table_in(struct flatbuffer *buffer, flatbuffer_table table, int field);
struct flatbuffer_vector flatbuffer_vector(struct flatbuffer *buffer, flatbuffer_table table, int field,
                                           enum flatbuffer_type type);

/* As a vector of bytes: `items` is not zero-terminated, and may hold anything. */
struct flatbuffer_vector flatbuffer_text(struct flatbuffer *buffer, flatbuffer_table table, int field);

/* Of a vector, 0 <= i < count, by the type that it was asked for with. */
int64_t flatbuffer_item_int(const struct flatbuffer_vector *vector, enum flatbuffer_type type, size_t i);
float flatbuffer_item_float(const struct flatbuffer_vector *vector, size_t i);
flatbuffer_table flatbuffer_item_table(struct flatbuffer *buffer, const struct flatbuffer_vector *vector, size_t i);

#endif
