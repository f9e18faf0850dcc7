/* The fields of a model file's header and nodes, one row a field, and the sizes of what follows them: what the reader
 * and the writer share. model.h describes the fields; offsets are running sums of the bytes here.
 *
 *     status = fields_read(&model, bytes, model_header, STATUS_HEADER);
 *     fields_write(bytes, &model, model_header); */
#ifndef MODEL_FIELDS_H
#define MODEL_FIELDS_H

#include "net/model.h"

#include <float.h>

enum field_type {
    FIELD_INT,   /* an int or enum */
    FIELD_COUNT, /* an int that, above its range, is STATUS_LIMIT */
    FIELD_BYTE,  /* a uint8_t or bool */
    FIELD_FLOAT,
    FIELD_ZERO /* nothing: bytes that are 0 */
};

/* FIELD(name, type, bytes of one value, how many values, member of the struct, min, max) */
#define MODEL_HEADER_FIELDS(FIELD) \
    FIELD("input height", INT, 2, 1, net.input.h, 1, LIMIT_SIDE) \
    FIELD("input width", INT, 2, 1, net.input.w, 1, LIMIT_SIDE) \
    FIELD("input channels", INT, 1, 1, net.input.c, 1, 3) \
    FIELD("weights", INT, 1, 1, type, 0, WEIGHTS_QUANTIZED) \
    FIELD("resize mode", INT, 1, 1, preprocess.resize_mode, 0, RESIZE_SHORTER_SIDE) \
    FIELD("resize filter", INT, 1, 1, preprocess.filter, 0, FILTER_BILINEAR_ALIASED) \
    FIELD("shorter side", INT, 2, 1, preprocess.shorter_side, 0, LIMIT_SHORTER_SIDE) \
    FIELD("channel order", INT, 1, 1, preprocess.order, 0, ORDER_BGR) \
    FIELD("background", BYTE, 1, 3, preprocess.background, 0, 255) \
    FIELD("zero", ZERO, 1, 2, net, 0, 0) \
    FIELD("mean", FLOAT, 4, 3, preprocess.mean, -FLT_MAX, FLT_MAX) \
    FIELD("std", FLOAT, 4, 3, preprocess.std, 1e-6f, FLT_MAX) \
    FIELD("temperature", FLOAT, 4, 1, temperature, 1e-6f, FLT_MAX) \
    FIELD("node count", COUNT, 2, 1, net.node_count, 1, LIMIT_NODES) \
    FIELD("embedding", INT, 2, 1, net.embedding, 0, LIMIT_NODES) \
    FIELD("notes length", COUNT, 4, 1, notes_length, 0, LIMIT_NOTES) \
    FIELD("example count", COUNT, 4, 1, examples.count, 0, LIMIT_EXAMPLES) \
    FIELD("thumbnail side", INT, 2, 1, examples.thumbnail_side, 0, LIMIT_THUMBNAIL_SIDE) \
    FIELD("example embeddings", BYTE, 1, 1, examples.has_embeddings, 0, 1) \
    FIELD("zero", ZERO, 1, 57, net, 0, 0)

#define MODEL_NODE_FIELDS(FIELD) \
    FIELD("kind", INT, 1, 1, kind, 1, NODE_KINDS - 1) \
    FIELD("same", BYTE, 1, 1, same, 0, 1) \
    FIELD("bias", BYTE, 1, 1, bias, 0, 1) \
    FIELD("kernel height", INT, 1, 1, kernel_h, 0, LIMIT_KERNEL) \
    FIELD("kernel width", INT, 1, 1, kernel_w, 0, LIMIT_KERNEL) \
    FIELD("stride", INT, 1, 1, stride, 0, LIMIT_KERNEL) \
    FIELD("dilation", INT, 1, 1, dilation, 0, LIMIT_DILATION) \
    FIELD("count padding", BYTE, 1, 1, count_padding, 0, 1) \
    FIELD("padding", INT, 1, 4, padding, 0, LIMIT_PADDING) \
    FIELD("groups", INT, 4, 1, groups, 0, LIMIT_CHANNELS) \
    FIELD("channels", INT, 4, 1, channels, 0, LIMIT_CHANNELS) \
    FIELD("inputs", INT, 2, 2, input, 0, LIMIT_NODES) \
    FIELD("number", FLOAT, 4, 1, rate, -FLT_MAX, FLT_MAX) \
    FIELD("first", INT, 4, 1, first, 0, LIMIT_ACTIVATIONS)

struct field {
    float min, max;
    uint16_t member; /* offset in the struct */
    uint8_t type, bytes, count;
};

/* Each ends with a field of no values. */
extern const struct field model_header[], model_node[];

/* Bytes of both, the header's from the file's first byte on. */
enum { MODEL_PREFIX_BYTES = 12, MODEL_HEADER_BYTES = 128, MODEL_NODE_BYTES = 32 };

/* The first bytes of every file: magic and version. */
extern const uint8_t model_prefix[MODEL_PREFIX_BYTES];

/* Of the record that stands at p. STATUS_LIMIT, or `wrong` for another number outside its range. */
enum status fields_read(void *record, const uint8_t *p, const struct field *fields, enum status wrong);
void fields_write(uint8_t *p, const void *record, const struct field *fields);

/* ---- What follows the nodes ---- */

static inline uint64_t model_aligned(uint64_t offset)
{
    return (offset + ARENA_ALIGNMENT - 1) / ARENA_ALIGNMENT * ARENA_ALIGNMENT;
}

/* How one block of parameters is stored. */
enum storage { STORED_FLOAT32, STORED_FLOAT16, STORED_INT8 };
enum storage model_storage(const struct model *model, const struct block *block);
uint64_t model_block_bytes(const struct model *model, int node, const struct block *block);

/* The bytes of the scale that stands before a node's blocks. */
uint64_t model_scale_bytes(const struct model *model, int node);

/* The bytes of one node's parameters and its padding. */
uint64_t model_parameter_bytes(const struct model *model, int node);

/* The offset behind the examples that begin at `offset` of bytes; in *examples their pointers. With bytes NULL it
 * only measures. */
uint64_t model_examples_end(struct examples *examples, const struct model *model, const uint8_t *bytes,
                            uint64_t offset);

/* Decodes the node's parameters, which are stored at p, and returns whether all are finite; with parameters NULL it
 * only checks. A variance below zero, which would make a NaN of every output, counts as one. */
bool model_decode(float *parameters, const struct model *model, int node, const uint8_t *p);

/* Stores one node's own parameters at p (model_parameter_bytes). scale: of the tensors, 0 where weights are not
 * quantized. */
void model_encode(uint8_t *p, const struct model *model, int node, const float *parameters, const float *scale);

#endif
