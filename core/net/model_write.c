/* Only programs that write models link this file. */
#include "net/model_fields.h"

#include "base/bytes.h"

#include <assert.h>
#include <string.h>

static size_t labels_bytes(const struct model *model)
{
    int length;
    const char *last = model_label(&length, model, net_classes(&model->net) - 1);
    return (size_t)((const uint8_t *)last + length - model->labels);
}

/* Where the weights start, and where they end. */
static uint64_t weights_offset(const struct model *model)
{
    return model_aligned(MODEL_HEADER_BYTES + (uint64_t)model->net.node_count * MODEL_NODE_BYTES + labels_bytes(model) +
                         (uint64_t)model->notes_length);
}

static uint64_t weights_end(const struct model *model)
{
    uint64_t offset = weights_offset(model);
    for (int i = 0; i < model->net.node_count; i++)
        offset += model_parameter_bytes(model, i);
    return offset;
}

/* Per output channel the scale that makes the largest weight 127, and the nearest multiples of it. Quantized, between
 * tensors of scales in and out, it is large enough to compute with; otherwise in is 0. */
static void put_int8(uint8_t *p, const float *weights, size_t count, int channels, float in, float out,
                     const float *bias)
{
    uint8_t *values = p + 4 * (ptrdiff_t)channels;
    for (int c = 0; c < channels; c++, p += 4) {
        float largest = 0;
        double sum = 0;
        for (size_t k = (size_t)c; k < count; k += (size_t)channels) {
            const float size = weights[k] < 0 ? -weights[k] : weights[k];
            largest = size > largest ? size : largest;
            sum += (double)size;
        }
        const float min = in > 0 ? int8_min_scale(in, out, sum, bias ? bias[c] : 0) : 0;
        const float scale = largest / 127 > min ? largest / 127 : min;
        bytes_put_float(p, scale);
        for (size_t k = (size_t)c; k < count; k += (size_t)channels) {
            const float multiple = scale > 0 ? weights[k] / scale : 0;
            const int nearest = (int)(multiple + (multiple < 0 ? -0.5f : 0.5f));
            values[k] = (uint8_t)(int8_t)(nearest > 127 ? 127 : nearest < -127 ? -127 : nearest);
        }
    }
}

void model_encode(uint8_t *p, const struct model *model, int node, const float *parameters, const float *scale)
{
    struct block blocks[4];
    const int count = net_blocks(blocks, &model->net, node);
    if (model_scale_bytes(model, node))
        bytes_put_float(p, model->scale[node]);
    p += model_scale_bytes(model, node);
    for (int b = 0; b < count; p += model_block_bytes(model, node, &blocks[b]), b++) {
        const float *from = parameters + (blocks[b].offset - blocks[0].offset);
        const enum storage storage = model_storage(model, &blocks[b]);
        if (storage == STORED_INT8)
            put_int8(p, from, blocks[b].count, model->net.shapes[node + 1].c, scale[model->net.nodes[node].input[0]],
                     scale[node + 1], count > 1 ? parameters + blocks[0].count : NULL);
        for (size_t k = 0; k < blocks[b].count && storage != STORED_INT8; k++)
            if (storage == STORED_FLOAT16)
                bytes_put2(p + 2 * k, bytes_float16_from(from[k]));
            else
                bytes_put_float(p + 4 * k, from[k]);
    }
}

size_t model_size(const struct model *model)
{
    struct examples ignored;
    return (size_t)(model_examples_end(&ignored, model, NULL, weights_end(model)) + 4);
}

/* The sections of the examples, from `offset` on. */
static void put_examples(uint8_t *bytes, const struct model *model, uint64_t offset)
{
    const struct examples *from = &model->examples;
    struct examples to;
    model_examples_end(&to, model, bytes, offset);
    const size_t count = (size_t)from->count, side = (size_t)from->thumbnail_side;
    if (to.classes && from->classes)
        memcpy(bytes + (to.classes - bytes), from->classes, 2 * count);
    if (to.thumbnails && from->thumbnails)
        memcpy(bytes + (to.thumbnails - bytes), from->thumbnails, 3 * count * side * side);
    if (to.embeddings && from->embeddings)
        memcpy(bytes + (to.embeddings - bytes), from->embeddings, 4 * count * (size_t)model_embedding_count(model));
}

void model_write(uint8_t *bytes, const struct model *model, const float *parameters)
{
    const struct net *net = &model->net;
    const size_t size = model_size(model), labels = labels_bytes(model);
    memset(bytes, 0, size);
    memcpy(bytes, model_prefix, MODEL_PREFIX_BYTES);
    fields_write(bytes + MODEL_PREFIX_BYTES, model, model_header);
    uint8_t *p = bytes + MODEL_HEADER_BYTES;
    for (int i = 0; i < net->node_count; i++, p += MODEL_NODE_BYTES)
        fields_write(p, &net->nodes[i], model_node);
    memcpy(p, model->labels, labels);
    memcpy(p + labels, model->notes, (size_t)model->notes_length);

    p = bytes + weights_offset(model);
    float scale[LIMIT_NODES + 1] = {0};
    if (model->type == WEIGHTS_QUANTIZED)
        int8_scales(scale, net, model->scale, &model->preprocess);
    if (!parameters && model->weights)
        memcpy(p, model->weights, (size_t)(weights_end(model) - weights_offset(model)));
    for (int i = 0; i < net->node_count && parameters; p += model_parameter_bytes(model, i), i++)
        model_encode(p, model, i, parameters + net->offset[i], scale);
    put_examples(bytes, model, weights_end(model));
    model_seal(bytes, size);
}

void model_seal(uint8_t *bytes, size_t size) { bytes_put4(bytes + size - 4, bytes_crc32(bytes, size - 4)); }
