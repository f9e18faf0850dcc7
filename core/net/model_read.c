#include "net/model_fields.h"

#include "base/bytes.h"
#include "base/text.h"

#include <assert.h>
#include <string.h>

/* Magic, version and size. */
static enum status check_prefix(const uint8_t *p, size_t size)
{
    enum { MAGIC_BYTES = 8 };
    const size_t magic = size < MAGIC_BYTES ? size : MAGIC_BYTES;
    if (!size || memcmp(p, model_prefix, magic) != 0)
        return STATUS_NOT_A_MODEL;
    if (size < MODEL_PREFIX_BYTES)
        return STATUS_TRUNCATED;
    if (memcmp(p, model_prefix, MODEL_PREFIX_BYTES) != 0)
        return STATUS_VERSION;
    return size < MODEL_HEADER_BYTES ? STATUS_TRUNCATED : size > LIMIT_MODEL_BYTES ? STATUS_LIMIT : STATUS_OK;
}

/* Constraints between fields of the header. */
static bool header_consistent(const struct model *model)
{
    const struct shape input = model->net.input;
    const struct preprocess *preprocess = &model->preprocess;
    const struct examples *examples = &model->examples;
    const int side = preprocess->shorter_side;
    return (preprocess->resize_mode == RESIZE_SHORTER_SIDE ? side >= input.h && side >= input.w : side == 0) &&
           (preprocess->order == ORDER_RGB || input.c == 3) &&
           (examples->count > 0) == (examples->thumbnail_side || examples->has_embeddings) &&
           (model->net.embedding || !examples->has_embeddings);
}

/* The labels and the notes, from *offset on, which is set behind them. */
static enum status read_text(struct model *model, const uint8_t *p, size_t size, uint64_t *offset)
{
    uint64_t at = *offset;
    model->labels = p + at;
    for (int i = 0; i < net_classes(&model->net); i++) {
        if (at >= size || at + 1 + p[at] > size)
            return STATUS_TRUNCATED;
        if (!text_valid((const char *)p + at + 1, p[at], false))
            return STATUS_TEXT;
        at += 1 + (uint64_t)p[at];
    }
    *offset = at + (uint64_t)model->notes_length;
    if (*offset > size)
        return STATUS_TRUNCATED;
    model->notes = (const char *)p + at;
    return text_valid(model->notes, model->notes_length, true) ? STATUS_OK : STATUS_TEXT;
}

enum status model_check_examples(const struct model *model)
{
    const struct examples *examples = &model->examples;
    for (int i = 0; i < examples->count; i++)
        if (model_example_class(model, i) >= net_classes(&model->net))
            return STATUS_HEADER;
    const size_t values = examples->has_embeddings ? (size_t)examples->count * (size_t)model_embedding_count(model) : 0;
    for (size_t k = 0; k < values; k++) {
        const float x = bytes_get_float(examples->embeddings + 4 * k);
        if (!(x - x == 0))
            return STATUS_NOT_FINITE;
    }
    return STATUS_OK;
}

enum status model_parse(struct model *model, const void *bytes, size_t size)
{
    const uint8_t *const p = bytes;
    enum status status = check_prefix(p, size);
    if (!status)
        status = fields_read(model, p + MODEL_PREFIX_BYTES, model_header, STATUS_HEADER);
    if (!status && !header_consistent(model))
        status = STATUS_HEADER;
    if (status)
        return status;

    /* Offsets are 64 bits wide and their parts bounded by core/base/bounds.h, so the sums cannot wrap. */
    const int nodes = model->net.node_count;
    uint64_t offset = MODEL_HEADER_BYTES + (uint64_t)nodes * MODEL_NODE_BYTES;
    if (offset > size)
        return STATUS_TRUNCATED;
    model->net.kept = 0;
    memset(model->net.nodes, 0, (size_t)nodes * sizeof *model->net.nodes);
    for (int i = 0; i < nodes && !status; i++)
        status =
            fields_read(&model->net.nodes[i], p + MODEL_HEADER_BYTES + i * MODEL_NODE_BYTES, model_node, STATUS_NODE);
    if (!status)
        status = net_check(&model->net, NULL);
    if (!status)
        status = read_text(model, p, size, &offset);
    if (status)
        return status;

    const uint64_t weights = offset = model_aligned(offset);
    for (int i = 0; i < nodes; i++)
        offset += model_parameter_bytes(model, i);
    const uint64_t end = model_examples_end(&model->examples, model, NULL, offset);
    if (end + 4 > size)
        return STATUS_TRUNCATED;
    if (end + 4 < size)
        return STATUS_TOO_LONG;
    model->weights = p + weights;
    model_examples_end(&model->examples, model, p, offset);
    return STATUS_OK;
}

enum status model_check_sum(const void *bytes, size_t size)
{
    const uint8_t *const p = bytes;
    return bytes_crc32(p, size - 4) == bytes_get4(p + size - 4) ? STATUS_OK : STATUS_CHECKSUM;
}

enum status model_read(struct model *model, const void *bytes, size_t size)
{
    enum status status = model_parse(model, bytes, size);
    if (!status)
        status = model_check_sum(bytes, size);
    if (!status)
        status = model_check_weights(model);
    return status ? status : model_check_examples(model);
}

static const uint8_t *parameters_at(const struct model *model, int node)
{
    const uint8_t *p = model->weights;
    for (int i = 0; i < node; i++)
        p += model_parameter_bytes(model, i);
    return p;
}

bool model_parameters(float *parameters, const struct model *model, int node)
{
    return model_decode(parameters, model, node, parameters_at(model, node));
}

void model_quantized(struct int8_weights *weights, float *memory, const struct model *model, int node)
{
    struct block blocks[4];
    const int count = net_blocks(blocks, &model->net, node), channels = model->net.shapes[node + 1].c;
    const uint8_t *const scales = parameters_at(model, node) + model_scale_bytes(model, node), *const values =
                                                                                                   scales +
                                                                                                   4 * channels;
    assert(model->type == WEIGHTS_QUANTIZED && count);
    *weights = (struct int8_weights){(const int8_t *)values, memory, count > 1 ? memory + channels : NULL};
    for (int c = 0; c < channels; c++) {
        memory[c] = bytes_get_float(scales + 4 * c);
        if (count > 1)
            memory[channels + c] = bytes_get_float(values + blocks[0].count + 4 * c);
    }
}

const char *model_label(int *length, const struct model *model, int index)
{
    assert(index >= 0 && index < net_classes(&model->net));
    const uint8_t *p = model->labels;
    while (index--)
        p += 1 + *p;
    *length = *p;
    return (const char *)p + 1;
}

/* ---- Examples ---- */

int model_example_class(const struct model *model, int index)
{
    assert(index >= 0 && index < model->examples.count);
    return (int)bytes_get2(model->examples.classes + 2 * (size_t)index);
}

const uint8_t *model_example_thumbnail(const struct model *model, int index)
{
    assert(index >= 0 && index < model->examples.count);
    const size_t side = (size_t)model->examples.thumbnail_side;
    return side ? model->examples.thumbnails + (size_t)index * side * side * 3 : NULL;
}

void model_example_embedding(float *embedding, const struct model *model, int index)
{
    assert(index >= 0 && index < model->examples.count && model->examples.has_embeddings);
    const size_t count = (size_t)model_embedding_count(model);
    for (size_t k = 0; k < count; k++)
        embedding[k] = bytes_get_float(model->examples.embeddings + 4 * ((size_t)index * count + k));
}
