#include "net/model_fields.h"

#include "base/bytes.h"

#include <stddef.h>
#include <string.h>

const uint8_t model_prefix[MODEL_PREFIX_BYTES] = {0x89, 'E', 'Y', 'L', '\r', '\n', 0x1a, '\n', 2, 0, 0, 0};

#define HEADER_ROW(name, type, bytes, count, member, min, max) \
    {min, max, offsetof(struct model, member), FIELD_##type, bytes, count},
#define NODE_ROW(name, type, bytes, count, member, min, max) \
    {min, max, offsetof(struct node, member), FIELD_##type, bytes, count},
const struct field model_header[] = {MODEL_HEADER_FIELDS(HEADER_ROW){.count = 0}};
const struct field model_node[] = {MODEL_NODE_FIELDS(NODE_ROW){.count = 0}};

#define BYTES_OF(name, type, bytes, count, member, min, max) +(bytes) * (count)
_Static_assert(MODEL_PREFIX_BYTES MODEL_HEADER_FIELDS(BYTES_OF) == MODEL_HEADER_BYTES, "the header has its size");
_Static_assert(0 MODEL_NODE_FIELDS(BYTES_OF) == MODEL_NODE_BYTES, "a node has its size");

_Static_assert(sizeof(struct model) < 65536, "offsets of members have 16 bits");

/* Every number but a byte is 4 bytes in its struct: an int, an enum or a float. */
_Static_assert(sizeof(int) == 4 && sizeof(enum node_kind) == 4 && sizeof(bool) == 1,
               "values are stored as they are read");

static uint32_t get(const uint8_t *p, int bytes)
{
    return bytes == 1 ? p[0] : bytes == 2 ? bytes_get2(p) : bytes_get4(p);
}

enum status fields_read(void *record, const uint8_t *p, const struct field *field, enum status wrong)
{
    for (; field->count; field++) {
        unsigned char *member = (unsigned char *)record + field->member;
        for (int k = 0; k < field->count; k++, p += field->bytes) {
            const uint32_t bits = get(p, field->bytes);
            const float x = field->type == FIELD_FLOAT ? bytes_get_float(p) : (float)bits;
            if (!(x >= field->min && x <= field->max)) /* refuses a NaN, too */
                return field->type == FIELD_COUNT && x > field->max ? STATUS_LIMIT : wrong;
            if (field->type == FIELD_BYTE)
                *member++ = (uint8_t)bits;
            else if (field->type != FIELD_ZERO)
                member = (unsigned char *)memcpy(member, &bits, sizeof bits) + sizeof bits;
        }
    }
    return STATUS_OK;
}

void fields_write(uint8_t *p, const void *record, const struct field *field)
{
    for (; field->count; field++) {
        const unsigned char *member = (const unsigned char *)record + field->member;
        for (int k = 0; k < field->count; k++, p += field->bytes) {
            uint32_t bits = 0;
            if (field->type == FIELD_BYTE) {
                bits = *member++;
            } else if (field->type != FIELD_ZERO) {
                memcpy(&bits, member, sizeof bits);
                member += sizeof bits;
            }
            for (int i = 0; i < field->bytes; i++)
                p[i] = (uint8_t)(bits >> 8 * i);
        }
    }
}

enum storage model_storage(const struct model *model, const struct block *block)
{
    if (model->type == WEIGHTS_FLOAT16)
        return STORED_FLOAT16;
    return model->type != WEIGHTS_FLOAT32 && block->role == BLOCK_WEIGHT ? STORED_INT8 : STORED_FLOAT32;
}

uint64_t model_block_bytes(const struct model *model, int node, const struct block *block)
{
    const uint64_t count = block->count;
    const enum storage storage = model_storage(model, block);
    return storage == STORED_FLOAT16 ? 2 * count
           : storage == STORED_INT8  ? 4 * (uint64_t)model->net.shapes[node + 1].c + count
                                     : 4 * count;
}

uint64_t model_scale_bytes(const struct model *model, int node)
{
    return model->type == WEIGHTS_QUANTIZED && int8_has_scale(model->net.nodes[node].kind) ? 4 : 0;
}

uint64_t model_parameter_bytes(const struct model *model, int node)
{
    struct block blocks[4];
    uint64_t bytes = model_scale_bytes(model, node);
    for (int b = 0, count = net_blocks(blocks, &model->net, node); b < count; b++)
        bytes += model_block_bytes(model, node, &blocks[b]);
    return model_aligned(bytes);
}

/* The next section of the examples: where it stands, NULL without bytes, and *offset behind it. */
static const uint8_t *section(uint64_t *offset, uint64_t count, const uint8_t *bytes)
{
    const uint8_t *p = count && bytes ? bytes + *offset : NULL;
    *offset = model_aligned(*offset + count);
    return p;
}

uint64_t model_examples_end(struct examples *examples, const struct model *model, const uint8_t *bytes, uint64_t offset)
{
    const struct examples *of = &model->examples;
    const uint64_t count = (uint64_t)of->count, side = (uint64_t)of->thumbnail_side;
    examples->classes = section(&offset, 2 * count, bytes);
    examples->thumbnails = section(&offset, 3 * count * side * side, bytes);
    examples->embeddings =
        section(&offset, of->has_embeddings ? 4 * count * (uint64_t)model_embedding_count(model) : 0, bytes);
    return offset;
}
