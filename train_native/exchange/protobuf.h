/* Writes protocol buffers (protobuf.dev), the wire format of ONNX.
 *
 *     struct protobuf out = {0};
 *     protobuf_int(&out, 1, 7);
 *     const size_t inner = protobuf_begin(&out, 8);      // a message as field 8
 *     protobuf_text(&out, 1, "name");
 *     protobuf_end(&out, inner);
 *     use(out.bytes, out.size); free(out.bytes);
 *
 * A message is a row of fields: a key, which is the field's number and how its value is written, then the value.
 * Integers are varints: seven bits a byte, lowest first, the top bit set in all but the last. Texts, bytes and
 * messages in messages begin with their length. A field that repeats is written again for each value, anywhere in
 * its message. */
#ifndef PROTOBUF_H
#define PROTOBUF_H

#include <stddef.h>
#include <stdint.h>

struct protobuf {
    uint8_t *bytes; /* grows; the caller frees it */
    size_t size, room;
};

void protobuf_int(struct protobuf *out, int field, int x);
void protobuf_float(struct protobuf *out, int field, float x);
void protobuf_text(struct protobuf *out, int field, const char *text);

/* Bytes as the last field of its message: leaves room for them, to be filled when its message has ended, before
 * anything else is written. They are then the last `count` of out. */
void protobuf_bytes(struct protobuf *out, int field, size_t count);

/* A message within the message. */
size_t protobuf_begin(struct protobuf *out, int field);
void protobuf_end(struct protobuf *out, size_t begun);

/* Four bytes, little-endian; returns the address behind them. */
uint8_t *protobuf_store_float(uint8_t *p, float x);

#endif
