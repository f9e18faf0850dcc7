/* The weights of a model file: every one is read when a model is opened, so this is compiled for speed. */
#include "net/model_fields.h"

#include "base/bytes.h"

static bool finite(float x) { return x - x == 0; }

bool model_decode(float *parameters, const struct model *model, int node, const uint8_t *p)
{
    struct block blocks[4];
    const int count = net_blocks(blocks, &model->net, node), channels = model->net.shapes[node + 1].c;
    p += model_scale_bytes(model, node);
    for (int b = 0; b < count; p += model_block_bytes(model, node, &blocks[b]), b++) {
        const enum storage storage = model_storage(model, &blocks[b]);
        bool valid = true;
        int c = 0; /* the output channel, the fastest of a block of weights */
        for (size_t k = 0; k < blocks[b].count; k++, c = c + 1 == channels ? 0 : c + 1) {
            const float x = storage == STORED_FLOAT16 ? bytes_float16_to((uint16_t)bytes_get2(p + 2 * k))
                            : storage == STORED_INT8
                                ? bytes_get_float(p + 4 * c) * (float)(int8_t)p[4 * (size_t)channels + k]
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

static int magnitude(int x) { return x < 0 ? -x : x; }

/* Whether the output channels of one quantized node, whose parameters are stored at p, can be computed with. */
static bool channels_valid(const struct model *model, int node, const float *scale, const uint8_t *p)
{
    enum { AT_ONCE = 64 };
    struct block blocks[4];
    const int count = net_blocks(blocks, &model->net, node), channels = model->net.shapes[node + 1].c;
    if (!count)
        return true;
    const uint8_t *const scales = p + model_scale_bytes(model, node), *const weights = scales + 4 * channels;
    const uint8_t *const biases = weights + blocks[0].count;
    for (int first = 0; first < channels; first += AT_ONCE) {
        const int some = channels - first < AT_ONCE ? channels - first : AT_ONCE;
        uint32_t sums[AT_ONCE] = {0};
        for (size_t k = (size_t)first; k < blocks[0].count; k += (size_t)channels)
            for (int c = 0; c < some; c++)
                sums[c] += (uint32_t)magnitude((int8_t)weights[k + (size_t)c]);
        for (int c = 0; c < some; c++) {
            struct int8_channel channel;
            const float bias = count > 1 ? bytes_get_float(biases + 4 * (first + c)) : 0;
            if (!int8_channel_of(&channel, scale[model->net.nodes[node].input[0]],
                                 bytes_get_float(scales + 4 * (first + c)), scale[node + 1], bias, sums[c]))
                return false;
        }
    }
    return true;
}

static bool quantized_valid(struct model *model)
{
    const uint8_t *p = model->weights;
    for (int i = 0; i < model->net.node_count; p += model_parameter_bytes(model, i), i++)
        model->scale[i] = model_scale_bytes(model, i) ? bytes_get_float(p) : 0;
    float scale[LIMIT_NODES + 1];
    if (!int8_scales(scale, &model->net, model->scale, &model->preprocess))
        return false;
    p = model->weights;
    for (int i = 0; i < model->net.node_count; p += model_parameter_bytes(model, i), i++)
        if (!int8_scales_fit(&model->net, i, scale) || !channels_valid(model, i, scale, p))
            return false;
    return true;
}

enum status model_check_weights(struct model *model)
{
    const uint8_t *p = model->weights;
    for (int i = 0; i < model->net.node_count; p += model_parameter_bytes(model, i), i++)
        if (!model_decode(NULL, model, i, p))
            return STATUS_NOT_FINITE;
    return model->type != WEIGHTS_QUANTIZED || quantized_valid(model) ? STATUS_OK : STATUS_SCALE;
}
