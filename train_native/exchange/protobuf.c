#include "exchange/protobuf.h"

#include "cli/memory.h"

#include <stdlib.h>
#include <string.h>

enum wire { WIRE_VARINT = 0, WIRE_LENGTH = 2, WIRE_FOUR_BYTES = 5 };

static uint8_t *reserve(struct protobuf *out, size_t count)
{
    if (out->room - out->size < count) {
        out->room = 2 * (out->size + count);
        uint8_t *larger = allocate(out->room, 1);
        if (out->size)
            memcpy(larger, out->bytes, out->size);
        free(out->bytes);
        out->bytes = larger;
    }
    out->size += count;
    return out->bytes + out->size - count;
}

static void put_varint(struct protobuf *out, uint64_t x)
{
    for (; x >= 0x80; x >>= 7)
        *reserve(out, 1) = (uint8_t)(x | 0x80);
    *reserve(out, 1) = (uint8_t)x;
}

static void put_key(struct protobuf *out, int field, enum wire wire) { put_varint(out, (uint64_t)field << 3 | wire); }

void protobuf_int(struct protobuf *out, int field, int x)
{
    put_key(out, field, WIRE_VARINT);
    put_varint(out, (uint64_t)x);
}

uint8_t *protobuf_store_float(uint8_t *p, float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    for (int i = 0; i < 4; i++)
        *p++ = (uint8_t)(bits >> (8 * i));
    return p;
}

void protobuf_float(struct protobuf *out, int field, float x)
{
    put_key(out, field, WIRE_FOUR_BYTES);
    protobuf_store_float(reserve(out, 4), x);
}

void protobuf_bytes(struct protobuf *out, int field, size_t count)
{
    put_key(out, field, WIRE_LENGTH);
    put_varint(out, count);
    reserve(out, count);
}

void protobuf_text(struct protobuf *out, int field, const char *text)
{
    const size_t length = strlen(text);
    protobuf_bytes(out, field, length);
    memcpy(out->bytes + out->size - length, text, length);
}

size_t protobuf_begin(struct protobuf *out, int field)
{
    put_key(out, field, WIRE_LENGTH);
    return out->size;
}

/* The length is known only now, so what was written moves up to make room for it. */
void protobuf_end(struct protobuf *out, size_t begun)
{
    const size_t length = out->size - begun;
    put_varint(out, length); /* behind, to know how many bytes it takes */
    const size_t digits = out->size - begun - length;
    memmove(out->bytes + begun + digits, out->bytes + begun, length);
    out->size = begun;
    put_varint(out, length);
    out->size += length;
}
