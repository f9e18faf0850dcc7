#include "net/model.h"

#include "base/bytes.h"
#include "base/text.h"

#include <string.h>

enum { HEADER_BYTES = 64, NODE_BYTES = 16, VERSION = 1, FLAG_SAME = 1, FLAG_BIAS = 2 };

static const uint8_t magic[8] = {0x89, 'E', 'Y', 'L', '\r', '\n', 0x1a, '\n'};

static bool finite(float x)
{
    return x - x == 0;
}

static uint64_t aligned(uint64_t place)
{
    return (place + ARENA_ALIGNMENT - 1) / ARENA_ALIGNMENT * ARENA_ALIGNMENT;
}

/* ---- Text ---- */

/* ---- Reading ---- */

static enum status read_header(struct model *model, const uint8_t *p)
{
    struct preprocess *preprocess = &model->preprocess;
    if (memcmp(p, magic, sizeof magic) != 0)
        return STATUS_NOT_A_MODEL;
    if (bytes_get4(p + 8) != VERSION)
        return STATUS_VERSION;
    if (p[18] > RESIZE_PAD || p[19] > WEIGHTS_QUANTIZED || p[23] != 0 || bytes_get4(p + 56) != 0 || bytes_get4(p + 60) != 0)
        return STATUS_HEADER;
    model->net.input = (struct shape){(int)bytes_get2(p + 12), (int)bytes_get2(p + 14), (int)bytes_get2(p + 16)};
    model->type = (enum weights)p[19];
    preprocess->resize_mode = (enum resize_mode)p[18];
    memcpy(preprocess->background, p + 20, 3);
    for (int c = 0; c < 3; c++) {
        preprocess->mean[c] = bytes_get_float(p + 24 + 4 * c);
        preprocess->std[c] = bytes_get_float(p + 36 + 4 * c);
        if (!finite(preprocess->mean[c]) || !finite(preprocess->std[c]) || !(preprocess->std[c] > 1e-6f))
            return STATUS_HEADER;
    }
    model->temperature = bytes_get_float(p + 48);
    if (!finite(model->temperature) || !(model->temperature > 1e-6f))
        return STATUS_HEADER;
    model->net.node_count = (int)bytes_get2(p + 52);
    model->notes_length = (int)bytes_get2(p + 54);
    return model->notes_length > LIMIT_NOTES || model->net.node_count > LIMIT_NODES ? STATUS_LIMIT : STATUS_OK;
}

static enum status read_node(struct node *node, const uint8_t *p)
{
    if ((p[4] & ~(FLAG_SAME | FLAG_BIAS)) || p[5])
        return STATUS_NODE;
    *node = (struct node){.kind = (enum node_kind)p[0],
                          .kernel_h = p[1],
                          .kernel_w = p[2],
                          .stride = p[3],
                          .same = p[4] & FLAG_SAME,
                          .bias = p[4] & FLAG_BIAS,
                          .channels = (int)bytes_get2(p + 6),
                          .input = {(int)bytes_get2(p + 8), (int)bytes_get2(p + 10)},
                          .rate = bytes_get_float(p + 12)};
    return STATUS_OK;
}

/* How one block is stored. */
enum storage { FLOAT32, FLOAT16, SCALED_INT8 };
static enum storage storage_of(const struct model *model, const struct block *block)
{
    const bool scaled = (model->type == WEIGHTS_INT8 || model->type == WEIGHTS_QUANTIZED) && block->role == BLOCK_WEIGHT;
    return model->type == WEIGHTS_FLOAT16 ? FLOAT16 : scaled ? SCALED_INT8 : FLOAT32;
}

static uint64_t block_bytes(const struct model *model, int node, const struct block *block)
{
    const uint64_t count = block->count;
    switch (storage_of(model, block)) {
    case FLOAT16: return 2 * count;
    case SCALED_INT8: return 4 * (uint64_t)model->net.shapes[node + 1].c + count;
    case FLOAT32: break;
    }
    return 4 * count;
}

/* The bytes of the scale that stands before a node's blocks. */
static uint64_t scale_bytes(const struct model *model, int node)
{
    return model->type == WEIGHTS_QUANTIZED && int8_has_scale(model->net.nodes[node].kind) ? 4 : 0;
}

/* The bytes of one node's parameters and its padding. */
static uint64_t parameter_bytes(const struct model *model, int node)
{
    struct block blocks[4];
    uint64_t bytes = scale_bytes(model, node);
    for (int b = 0, count = net_blocks(blocks, &model->net, node); b < count; b++)
        bytes += block_bytes(model, node, &blocks[b]);
    return aligned(bytes);
}

/* Decodes the node's parameters, which are stored at p, and says whether all are finite; with parameters NULL only the latter. A
 * variance below zero, which would make a NaN of every output, counts as one. */
static bool decode(float *parameters, const struct model *model, int node, const uint8_t *p)
{
    struct block blocks[4];
    const int count = net_blocks(blocks, &model->net, node), channels = model->net.shapes[node + 1].c;
    p += scale_bytes(model, node);
    for (int b = 0; b < count; p += block_bytes(model, node, &blocks[b]), b++) {
        const enum storage storage = storage_of(model, &blocks[b]);
        bool valid = true;
        int c = 0; /* the output channel, the fastest of a block of weights */
        for (size_t k = 0; k < blocks[b].count; k++, c = c + 1 == channels ? 0 : c + 1) {
            const float x = storage == FLOAT16       ? float16_to((uint16_t)bytes_get2(p + 2 * k))
                            : storage == SCALED_INT8 ? bytes_get_float(p + 4 * c) * (float)(int8_t)p[4 * (size_t)channels + k]
                                                     : bytes_get_float(p + 4 * k);
            valid &= finite(x) && !(blocks[b].role == BLOCK_VARIANCE && x < 0);
            if (parameters)
                *parameters++ = x;
        }
        if (!valid)
            return false;
    }
    return true;
}

static bool parameters_valid(const struct model *model)
{
    const uint8_t *p = model->weights;
    for (int i = 0; i < model->net.node_count; p += parameter_bytes(model, i), i++)
        if (!decode(NULL, model, i, p))
            return false;
    return true;
}

static int size_of(int x)
{
    return x < 0 ? -x : x;
}

/* Whether whole numbers can be computed with: the output channels of one node, whose parameters are stored at p. */
static bool channels_valid(const struct model *model, int node, const float *scale, const uint8_t *p)
{
    enum { AT_ONCE = 64 };
    struct block blocks[4];
    const int count = net_blocks(blocks, &model->net, node), channels = model->net.shapes[node + 1].c;
    if (!count)
        return true;
    const uint8_t *const scales = p + scale_bytes(model, node), *const whole = scales + 4 * channels, *const biases = whole + blocks[0].count;
    for (int first = 0; first < channels; first += AT_ONCE) {
        const int some = channels - first < AT_ONCE ? channels - first : AT_ONCE;
        uint32_t sizes[AT_ONCE] = {0};
        for (size_t k = (size_t)first; k < blocks[0].count; k += (size_t)channels)
            for (int c = 0; c < some; c++)
                sizes[c] += (uint32_t)size_of((int8_t)whole[k + (size_t)c]);
        for (int c = 0; c < some; c++) {
            struct int8_channel channel;
            const float bias = count > 1 ? bytes_get_float(biases + 4 * (first + c)) : 0;
            if (!int8_channel_of(&channel, scale[model->net.nodes[node].input[0]], bytes_get_float(scales + 4 * (first + c)),
                                    scale[node + 1], bias, sizes[c]))
                return false;
        }
    }
    return true;
}

static bool whole_valid(struct model *model)
{
    const uint8_t *p = model->weights;
    for (int i = 0; i < model->net.node_count; p += parameter_bytes(model, i), i++)
        model->scale[i] = scale_bytes(model, i) ? bytes_get_float(p) : 0;
    float scale[LIMIT_NODES + 1];
    if (!int8_scales(scale, &model->net, model->scale, &model->preprocess))
        return false;
    p = model->weights;
    for (int i = 0; i < model->net.node_count; p += parameter_bytes(model, i), i++)
        if (!int8_scales_fit(&model->net, i, scale) || !channels_valid(model, i, scale, p))
            return false;
    return true;
}

enum status model_read(struct model *model, const void *bytes, size_t size)
{
    const uint8_t *const p = bytes;
    if (size < sizeof magic || memcmp(p, magic, sizeof magic) != 0)
        return size && memcmp(p, magic, size < sizeof magic ? size : sizeof magic) == 0 ? STATUS_TRUNCATED
                                                                                        : STATUS_NOT_A_MODEL;
    if (size < HEADER_BYTES)
        return STATUS_TRUNCATED;
    if (size > LIMIT_MODEL_BYTES)
        return STATUS_LIMIT;
    enum status status = read_header(model, p);
    if (status)
        return status;

    /* Places are 64 bits wide and their parts bounded by core/base/bounds.h, so the sums cannot wrap. */
    uint64_t place = HEADER_BYTES + (uint64_t)model->net.node_count * NODE_BYTES;
    if (place > size)
        return STATUS_TRUNCATED;
    for (int i = 0; i < model->net.node_count; i++)
        if ((status = read_node(&model->net.nodes[i], p + HEADER_BYTES + i * NODE_BYTES)))
            return status;
    if ((status = net_check(&model->net, NULL)))
        return status;

    model->labels = p + place;
    for (int i = 0; i < net_classes(&model->net); i++) {
        if (place >= size || place + 1 + p[place] > size)
            return STATUS_TRUNCATED;
        if (!text_valid((const char *)p + place + 1, p[place], false))
            return STATUS_TEXT;
        place += 1 + (uint64_t)p[place];
    }
    if (place + (uint64_t)model->notes_length > size)
        return STATUS_TRUNCATED;
    model->notes = (const char *)p + place;
    if (!text_valid(model->notes, model->notes_length, true))
        return STATUS_TEXT;

    place = aligned(place + (uint64_t)model->notes_length);
    const uint64_t weights = place;
    for (int i = 0; i < model->net.node_count; i++)
        place += parameter_bytes(model, i);
    if (place + 4 > size)
        return STATUS_TRUNCATED;
    if (place + 4 < size)
        return STATUS_TOO_LONG;
    if (bytes_crc32(p, (size_t)place) != bytes_get4(p + place))
        return STATUS_CHECKSUM;
    model->weights = p + weights;
    if (!parameters_valid(model))
        return STATUS_NOT_FINITE;
    return model->type != WEIGHTS_QUANTIZED || whole_valid(model) ? STATUS_OK : STATUS_SCALE;
}

static const uint8_t *place_of(const struct model *model, int node)
{
    const uint8_t *p = model->weights;
    for (int i = 0; i < node; i++)
        p += parameter_bytes(model, i);
    return p;
}

void model_parameters(float *parameters, const struct model *model, int node)
{
    decode(parameters, model, node, place_of(model, node));
}

void model_quantized(struct int8_weights *weights, float *numbers, const struct model *model, int node)
{
    struct block blocks[4];
    const int count = net_blocks(blocks, &model->net, node), channels = model->net.shapes[node + 1].c;
    const uint8_t *const scales = place_of(model, node) + scale_bytes(model, node), *const whole = scales + 4 * channels;
    *weights = (struct int8_weights){(const int8_t *)whole, numbers, count > 1 ? numbers + channels : NULL};
    for (int c = 0; c < channels; c++) {
        numbers[c] = bytes_get_float(scales + 4 * c);
        if (count > 1)
            numbers[channels + c] = bytes_get_float(whole + blocks[0].count + 4 * c);
    }
}

const char *model_label(int *length, const struct model *model, int index)
{
    const uint8_t *p = model->labels;
    while (index--)
        p += 1 + *p;
    *length = *p;
    return (const char *)p + 1;
}

/* ---- Writing ---- */

static size_t labels_bytes(const struct model *model)
{
    int length;
    const char *last = model_label(&length, model, net_classes(&model->net) - 1);
    return (size_t)((const uint8_t *)last + length - model->labels);
}

/* Where the weights start. */
static uint64_t weights_place(const struct model *model)
{
    return aligned(HEADER_BYTES + (uint64_t)model->net.node_count * NODE_BYTES + labels_bytes(model) +
                   (uint64_t)model->notes_length);
}

/* Per output channel the scale that makes the largest weight 127, and the nearest multiples of it. For whole numbers, between tensors
 * of scales in and out, it is large enough to compute with; otherwise in is 0. */
static void put_int8(uint8_t *p, const float *weights, size_t count, int channels, float in, float out, const float *bias)
{
    uint8_t *whole = p + 4 * (ptrdiff_t)channels;
    for (int c = 0; c < channels; c++, p += 4) {
        float largest = 0;
        double sum = 0;
        for (size_t k = (size_t)c; k < count; k += (size_t)channels) {
            const float size = weights[k] < 0 ? -weights[k] : weights[k];
            largest = size > largest ? size : largest;
            sum += (double)size;
        }
        const float least = in > 0 ? int8_least_scale(in, out, sum, bias ? bias[c] : 0) : 0;
        const float scale = largest / 127 > least ? largest / 127 : least;
        bytes_put_float(p, scale);
        for (size_t k = (size_t)c; k < count; k += (size_t)channels) {
            const float multiple = scale > 0 ? weights[k] / scale : 0;
            const int nearest = (int)(multiple + (multiple < 0 ? -0.5f : 0.5f));
            whole[k] = (uint8_t)(int8_t)(nearest > 127 ? 127 : nearest < -127 ? -127 : nearest);
        }
    }
}

static void encode(uint8_t *p, const struct model *model, int node, const float *parameters, const float *scale)
{
    struct block blocks[4];
    const int count = net_blocks(blocks, &model->net, node);
    if (scale_bytes(model, node))
        bytes_put_float(p, model->scale[node]);
    p += scale_bytes(model, node);
    for (int b = 0; b < count; p += block_bytes(model, node, &blocks[b]), b++) {
        const float *from = parameters + blocks[b].offset;
        const enum storage storage = storage_of(model, &blocks[b]);
        if (storage == SCALED_INT8)
            put_int8(p, from, blocks[b].count, model->net.shapes[node + 1].c, scale[model->net.nodes[node].input[0]], scale[node + 1],
                     count > 1 ? parameters + blocks[1].offset : NULL);
        for (size_t k = 0; k < blocks[b].count && storage != SCALED_INT8; k++)
            if (storage == FLOAT16)
                bytes_put2(p + 2 * k, float16_from(from[k]));
            else
                bytes_put_float(p + 4 * k, from[k]);
    }
}

size_t model_size(const struct model *model)
{
    uint64_t place = weights_place(model);
    for (int i = 0; i < model->net.node_count; i++)
        place += parameter_bytes(model, i);
    return (size_t)(place + 4);
}

void model_write(uint8_t *bytes, const struct model *model, const float *parameters)
{
    const struct net *net = &model->net;
    const size_t size = model_size(model);
    memset(bytes, 0, size);
    memcpy(bytes, magic, sizeof magic);
    bytes_put4(bytes + 8, VERSION);
    bytes_put2(bytes + 12, net->input.h);
    bytes_put2(bytes + 14, net->input.w);
    bytes_put2(bytes + 16, net->input.c);
    bytes[18] = (uint8_t)model->preprocess.resize_mode;
    bytes[19] = (uint8_t)model->type;
    memcpy(bytes + 20, model->preprocess.background, 3);
    for (int c = 0; c < 3; c++) {
        bytes_put_float(bytes + 24 + 4 * c, model->preprocess.mean[c]);
        bytes_put_float(bytes + 36 + 4 * c, model->preprocess.std[c]);
    }
    bytes_put_float(bytes + 48, model->temperature);
    bytes_put2(bytes + 52, net->node_count);
    bytes_put2(bytes + 54, model->notes_length);

    uint8_t *p = bytes + HEADER_BYTES;
    for (int i = 0; i < net->node_count; i++, p += NODE_BYTES) {
        const struct node *node = &net->nodes[i];
        p[0] = (uint8_t)node->kind;
        p[1] = (uint8_t)node->kernel_h;
        p[2] = (uint8_t)node->kernel_w;
        p[3] = (uint8_t)node->stride;
        p[4] = (uint8_t)((node->same ? FLAG_SAME : 0) | (node->bias ? FLAG_BIAS : 0));
        bytes_put2(p + 6, node->channels);
        bytes_put2(p + 8, node->input[0]);
        bytes_put2(p + 10, node->input[1]);
        bytes_put_float(p + 12, node->rate);
    }
    memcpy(p, model->labels, labels_bytes(model));
    p += labels_bytes(model);
    memcpy(p, model->notes, (size_t)model->notes_length);

    p = bytes + weights_place(model);
    float scale[LIMIT_NODES + 1] = {0};
    if (model->type == WEIGHTS_QUANTIZED)
        int8_scales(scale, net, model->scale, &model->preprocess);
    if (!parameters)
        memcpy(p, model->weights, size - (size_t)weights_place(model) - 4);
    for (int i = 0; i < net->node_count && parameters; p += parameter_bytes(model, i), i++)
        encode(p, model, i, parameters, scale);
    bytes_put4(bytes + size - 4, bytes_crc32(bytes, size - 4));
}
