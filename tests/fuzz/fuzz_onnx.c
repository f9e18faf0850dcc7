/* libFuzzer target: the reader of ONNX models. The mutator changes one field of a message within the messages around
 * it, whose lengths it makes right again; which fields are messages, the decoder's own table says (onnx.proto). */
#include "base/random.h"
#include "fuzz/import_parts.h"

#include <protobuf-c/protobuf-c.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const ProtobufCMessageDescriptor onnx__model__descriptor;

enum { MAX_FIELDS = 200, MAX_TEXTS = 400, VARINT = 0, EIGHT_BYTES = 1, LENGTH = 2, FOUR_BYTES = 5, KEY_ROOM = 20 };

/* ---- Fields ---- */

struct field {
    size_t start, content, end; /* in the message */
    int number, wire;
};

static bool take_varint(uint64_t *x, const uint8_t *bytes, size_t size, size_t *at)
{
    *x = 0;
    for (int shift = 0; *at < size && shift < 64; shift += 7) {
        const uint8_t byte = bytes[(*at)++];
        *x |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            return true;
    }
    return false;
}

static size_t put_varint(uint8_t *out, uint64_t x)
{
    size_t count = 0;
    for (; x > 0x7f; x >>= 7)
        out[count++] = (uint8_t)(x | 0x80);
    out[count++] = (uint8_t)x;
    return count;
}

/* Their number; those behind the first that is damaged are left out. */
static int fields_of(struct field fields[MAX_FIELDS], const uint8_t *message, size_t size)
{
    int count = 0;
    for (size_t at = 0; at < size && count < MAX_FIELDS; count++) {
        struct field *field = &fields[count];
        uint64_t key, length = 0;
        field->start = at;
        if (!take_varint(&key, message, size, &at))
            return count;
        field->wire = (int)(key & 7);
        field->number = (int)(key >> 3 & 0xffff);
        field->content = at;
        if (field->wire == VARINT ? !take_varint(&length, message, size, &at)
                                  : field->wire == LENGTH && !take_varint(&length, message, size, &at))
            return count;
        if (field->wire != VARINT) {
            field->content = at;
            length = field->wire == EIGHT_BYTES ? 8 : field->wire == FOUR_BYTES ? 4 : length;
            if (length > size - at)
                return count;
            at += (size_t)length;
        }
        field->end = at;
    }
    return count;
}

/* ---- The texts of a model, by which nodes are joined ---- */

static struct {
    struct fuzz_part list[MAX_TEXTS];
    int count;
} texts;

static void collect(const uint8_t *message, size_t size, const ProtobufCMessageDescriptor *descriptor)
{
    struct field *fields = malloc(MAX_FIELDS * sizeof *fields);
    const int count = fields_of(fields, message, size);
    for (int i = 0; i < count; i++) {
        const ProtobufCFieldDescriptor *about =
            protobuf_c_message_descriptor_get_field(descriptor, (unsigned)fields[i].number);
        const struct fuzz_part content = {message + fields[i].content, fields[i].end - fields[i].content};
        if (!about || fields[i].wire != LENGTH)
            continue;
        if (about->type == PROTOBUF_C_TYPE_MESSAGE)
            collect(content.bytes, content.size, about->descriptor);
        else if (about->type == PROTOBUF_C_TYPE_STRING && texts.count < MAX_TEXTS)
            texts.list[texts.count++] = content;
    }
    free(fields);
}

/* ---- Damage ---- */

static uint64_t odd_number(struct random *random, uint64_t old)
{
    static const int64_t numbers[] = {-1, INT32_MAX, INT32_MIN, INT64_MAX, INT64_MIN, 1 << 16, 4096, 511, UINT32_MAX};
    switch (random_below(random, 5)) {
    case 0: return old + 1 + random_below(random, 4);
    case 1: return old - 1 - random_below(random, 4);
    case 2: return (uint64_t)numbers[random_below(random, sizeof numbers / sizeof *numbers)];
    case 3: return random_next(random) >> random_below(random, 64);
    default: return random_below(random, 16);
    }
}

/* Puts `content` in the place of a field's, with its length; the message's new size, or the old one without room. */
static size_t replace(uint8_t *message, size_t size, size_t max_size, const struct field *field,
                      const struct fuzz_part *content)
{
    uint8_t head[KEY_ROOM];
    size_t head_size = put_varint(head, (uint64_t)(unsigned)field->number << 3 | (unsigned)field->wire);
    if (field->wire == LENGTH)
        head_size += put_varint(head + head_size, content->size);
    const size_t made = head_size + content->size, behind = size - field->end;
    if (field->start + made + behind > max_size)
        return size;
    memmove(message + field->start + made, message + field->end, behind);
    memcpy(message + field->start, head, head_size);
    if (content->size)
        memcpy(message + field->start + head_size, content->bytes, content->size);
    return field->start + made + behind;
}

/* The places and lengths of numbers in another file are texts. */
static bool is_decimal(struct fuzz_part text)
{
    size_t digits = 0;
    while (digits < text.size && text.bytes[digits] >= '0' && text.bytes[digits] <= '9')
        digits++;
    return digits > 0 && digits == text.size;
}

static size_t put_decimal(struct random *random, uint8_t *content, size_t length)
{
    uint64_t old = 0;
    for (size_t i = 0; i < length; i++)
        old = old * 10 + content[i] - '0';
    char text[KEY_ROOM + 1];
    const int count = snprintf(text, sizeof text, "%llu", (unsigned long long)odd_number(random, old));
    memcpy(content, text, (size_t)count);
    return (size_t)count;
}

static size_t damage_content(struct random *random, uint8_t *message, size_t size, size_t max_size,
                             const struct field *field, bool is_text)
{
    const size_t length = field->end - field->content, room = max_size - size + length;
    uint8_t *content = malloc(room + KEY_ROOM);
    struct fuzz_part part = {content, length};
    memcpy(content, message + field->content, length);
    if (field->wire == VARINT) {
        uint64_t old;
        size_t at = 0;
        take_varint(&old, content, length, &at);
        part.size = put_varint(content, odd_number(random, old));
    } else if (field->wire == LENGTH && is_text && is_decimal(part) && random_below(random, 4)) {
        part.size = put_decimal(random, content, length);
    } else if (field->wire == LENGTH && is_text && random_below(random, 4)) {
        part = texts.list[random_below(random, (uint32_t)texts.count)];
    } else if (field->wire == LENGTH) {
        const size_t wanted = length < room && random_below(random, 3) == 0 ? length + 1 : length;
        part.size = wanted ? LLVMFuzzerMutate(content, length, wanted) : 0;
        if (random_below(random, 2) && part.size < length) /* numbers whose count still fits */
            part.size = length;
    } else {
        LLVMFuzzerMutate(content, length, length);
    }
    const size_t made = replace(message, size, max_size, field, &part);
    free(content);
    return made;
}

/* A field goes, comes twice, or takes the place of another. */
static size_t damage_order(struct random *random, uint8_t *message, size_t size, size_t max_size,
                           const struct field *field, const struct field *other)
{
    const size_t length = field->end - field->start;
    if (random_below(random, 3) == 0) {
        memmove(message + field->start, message + field->end, size - field->end);
        return size - length;
    }
    if (size + length > max_size)
        return size;
    uint8_t *copy = fuzz_copy(message + field->start, length);
    const bool instead = random_below(random, 2);
    const size_t at = other->start, behind = instead ? other->end : other->start;
    memmove(message + at + length, message + behind, size - behind);
    memcpy(message + at, copy, length);
    free(copy);
    return size + length - (behind - at);
}

static size_t damage(struct random *random, uint8_t *message, size_t size, size_t max_size,
                     const ProtobufCMessageDescriptor *descriptor)
{
    struct field *fields = malloc(MAX_FIELDS * sizeof *fields);
    const int count = fields_of(fields, message, size);
    if (!count) {
        free(fields);
        return LLVMFuzzerMutate(message, size, max_size);
    }
    const struct field field = fields[random_below(random, (uint32_t)count)];
    const struct field other = fields[random_below(random, (uint32_t)count)];
    free(fields);
    const ProtobufCFieldDescriptor *about = protobuf_c_message_descriptor_get_field(descriptor, (unsigned)field.number);
    const size_t length = field.end - field.content;
    const bool is_message = about && about->type == PROTOBUF_C_TYPE_MESSAGE && field.wire == LENGTH;
    if (random_below(random, is_message ? 16 : 5) == 0)
        return damage_order(random, message, size, max_size, &field, &other);
    if (!is_message)
        return damage_content(random, message, size, max_size, &field,
                              about && about->type == PROTOBUF_C_TYPE_STRING && texts.count);
    const size_t room = max_size - size + length;
    uint8_t *content = malloc(room ? room : 1);
    memcpy(content, message + field.content, length);
    const struct fuzz_part part = {content, room ? damage(random, content, length, room, about->descriptor) : 0};
    const size_t made = replace(message, size, max_size, &field, &part);
    free(content);
    return made;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
    struct random random = random_seed(seed, 0);
    if (size == 0 || random_below(&random, 24) == 0)
        return LLVMFuzzerMutate(data, size, max_size);
    uint8_t *before = fuzz_copy(data, size);
    texts.count = 0;
    collect(before, size, &onnx__model__descriptor);
    do
        size = damage(&random, data, size, max_size, &onnx__model__descriptor);
    while (size && random_below(&random, 2));
    free(before);
    return size;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool external; /* the numbers that a tensor may have elsewhere */
    external = external || fuzz_write("far.bin", (const uint8_t[16]){0, 0, 128, 63}, 16);
    import_file(&onnx_importer, "fuzzed.onnx", data, size);
    return 0;
}
