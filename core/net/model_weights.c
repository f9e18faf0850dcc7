/* The weights of a model file: every one is read when a model is opened, so this is compiled for speed. */
#include "net/model_fields.h"

#include "base/bytes.h"

/* `count` values of a block from its value `first` on; p: where the block is stored. */
static void decode_values(float *out, enum storage storage, const uint8_t *p, size_t first, size_t count,
                          size_t channels)
{
    switch (storage) {
    case STORED_FLOAT32:
        for (size_t k = 0; k < count; k++)
            out[k] = bytes_get_float(p + 4 * (first + k));
        return;
    case STORED_FLOAT16:
        for (size_t k = 0; k < count; k++)
            out[k] = bytes_float16_to((uint16_t)bytes_get2(p + 2 * (first + k)));
        return;
    case STORED_INT8:
        p += first + 4 * channels; /* the output channel, with its scale, is the fastest dimension of the weights */
        for (size_t k = 0, c = first % channels; k < count; k++, c = c + 1 == channels ? 0 : c + 1)
            out[k] = bytes_get_float(p - first - 4 * channels + 4 * c) * (float)(int8_t)p[k];
        return;
    }
}

static bool values_valid(const float *values, size_t count, bool is_variance)
{
    bool valid = true;
    for (size_t k = 0; k < count; k++)
        valid &= values[k] - values[k] == 0; /* finite */
    for (size_t k = 0; k < count && is_variance; k++)
        valid &= values[k] >= 0;
    return valid;
}

bool model_decode(float *parameters, const struct model *model, int node, const uint8_t *p)
{
    enum { AT_ONCE = 256 };
    float checked[AT_ONCE];
    struct block blocks[4];
    const int count = net_blocks(blocks, &model->net, node), channels = model->net.shapes[node + 1].c;
    bool valid = true;
    p += model_scale_bytes(model, node);
    for (int b = 0; b < count && valid; p += model_block_bytes(model, node, &blocks[b]), b++)
        for (size_t first = 0; first < blocks[b].count && valid; first += AT_ONCE) {
            const size_t left = blocks[b].count - first, some = left < AT_ONCE ? left : AT_ONCE;
            float *values = parameters ? parameters : checked;
            decode_values(values, model_storage(model, &blocks[b]), p, first, some, (size_t)channels);
            valid = values_valid(values, some, blocks[b].role == BLOCK_VARIANCE);
            parameters = parameters ? parameters + some : NULL;
        }
    return valid;
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
