#include "exchange/safetensors.h"

#include "base/bytes.h"
#include "model/layer_name.h"
#include "kernels/batchnorm.h"
#include "cli/errors.h"
#include "cli/json.h"
#include "cli/memory.h"
#include "cli/text.h"

#include <stdlib.h>
#include <string.h>

struct writer {
    const struct model *model;
    struct json header;
    uint8_t *data;
    size_t size;                             /* of the data so far */
    struct shape flattened[LIMIT_NODES + 1]; /* of tensors whose channels are a flattened image; else 0 */
};

/* ---- The order of channels ---- */

/* The index here of a channel there: flattened images are (h, w, c) here and (c, h, w) there. */
static size_t channel_here(const struct writer *writer, int tensor, size_t channel)
{
    const struct shape image = writer->flattened[tensor];
    const size_t pixels = (size_t)image.h * (size_t)image.w;
    return pixels ? channel % pixels * (size_t)image.c + channel / pixels : channel;
}

static bool same_shape(struct shape a, struct shape b) { return a.h == b.h && a.w == b.w && a.c == b.c; }

/* Whether a layer may read a flattened image: in both orders it computes the same of the same values, or has weights,
 * which are put in order. */
static bool keeps_order(enum node_kind kind)
{
    const struct kind_traits *traits = &kind_traits[kind];
    return kind != NODE_SOFTMAX && traits->shape != SHAPE_JOINED && traits->shape != SHAPE_PART &&
           (node_has_weights(kind) || !traits->groups);
}

/* Follows flattened images through the network: layers without weights of their own leave the order as it is. */
static bool follow_flattened(struct writer *writer, const char *path, struct failure *failure)
{
    static const struct shape none = {0, 0, 0};
    const struct net *net = &writer->model->net;
    for (int i = 0; i < net->node_count; i++) {
        const struct node *node = &net->nodes[i];
        const struct shape in = net->shapes[node->input[0]], order = writer->flattened[node->input[0]];
        const bool mixes = kind_traits[node->kind].inputs > 1 && !same_shape(order, writer->flattened[node->input[1]]);
        if (mixes || (order.h && !keeps_order(node->kind)))
            return failure_set(failure, path, "Export it as ONNX.",
                               "layer %d (%s) takes a flattened image in an order that PyTorch has not", i + 1,
                               kind_names[node->kind]);
        if (node->kind == NODE_CONV2D && node->groups > 1 && order.h)
            return failure_set(failure, path, "Export it as ONNX.",
                               "layer %d, a convolution in groups of what was flattened, has no form in safetensors",
                               i + 1);
        if (node_has_weights(node->kind) && !kind_traits[node->kind].per_channel)
            writer->flattened[i + 1] = none;
        else if (kind_traits[node->kind].shape == SHAPE_FLAT && in.h * in.w > 1)
            writer->flattened[i + 1] = in;
        else
            writer->flattened[i + 1] = order;
    }
    return true;
}

/* ---- Tensors ---- */

static void put_float(struct writer *writer, float x)
{
    bytes_put_float(writer->data + writer->size, x);
    writer->size += sizeof x;
}

static void begin_tensor(struct writer *writer, int node, const char *part, int rank, const int dims[])
{
    struct json *json = &writer->header;
    size_t count = 1;
    for (int i = 0; i < rank; i++)
        count *= (size_t)dims[i];
    json_object(json, layer_name(&writer->model->net, node, part).text);
    json_text(json, "dtype", "F32");
    json_ints(json, "shape", dims, rank);
    json_array(json, "data_offsets");
    json_int(json, NULL, (int64_t)writer->size);
    json_int(json, NULL, (int64_t)(writer->size + 4 * count));
    json_close(json);
    json_close(json);
}

/* A value for each channel of this tensor. */
static void put_vector(struct writer *writer, int node, const char *part, int tensor, const float *values)
{
    const int c = writer->model->net.shapes[tensor].c;
    begin_tensor(writer, node, part, 1, &c);
    for (int k = 0; k < c; k++)
        put_float(writer, values[channel_here(writer, tensor, (size_t)k)]);
}

/* (kernel_h, kernel_w, in, out) here, (out, in, kernel_h, kernel_w) there; a depthwise layer's filters each have one
 * input. */
static void put_weights(struct writer *writer, int i, const float *parameters)
{
    const struct node *node = &writer->model->net.nodes[i];
    const struct window window = net_window(&writer->model->net, i);
    const bool depthwise = kind_traits[node->kind].per_channel;
    const int out = window.out.c, groups = depthwise ? out : window.groups, in = window.in.c / groups;
    const int taps = window.kernel_h * window.kernel_w;
    begin_tensor(writer, i, "weight", node_has_window(node->kind) ? 4 : 2,
                 (int[]){out, in, window.kernel_h, window.kernel_w});
    for (int o = 0; o < out; o++)
        for (int c = 0; c < in; c++)
            for (int tap = 0; tap < taps; tap++) {
                const size_t from = groups > 1 ? (size_t)c : channel_here(writer, node->input[0], (size_t)c);
                const size_t to = channel_here(writer, i + 1, (size_t)o);
                put_float(writer, parameters[((size_t)tap * (size_t)in + from) * (size_t)out + to]);
            }
    if (node->bias)
        put_vector(writer, i, "bias", i + 1, parameters + (size_t)taps * (size_t)in * (size_t)out);
}

static void put_tensors(struct writer *writer)
{
    static const char *const parts[4] = {"weight", "bias", "running_mean",
                                         "running_var"}; /* as PARAMETERS_NORM in net_blocks */
    const struct net *net = &writer->model->net;
    for (int i = 0; i < net->node_count; i++) {
        float *parameters = allocate(net->offset[i + 1] - net->offset[i], sizeof(float));
        model_parameters(parameters, writer->model, i);
        switch (kind_traits[net->nodes[i].kind].parameters) {
        case PARAMETERS_NONE: break;
        case PARAMETERS_WEIGHTS: put_weights(writer, i, parameters); break;
        case PARAMETERS_NORM:
            for (int part = 0; part < 4; part++)
                put_vector(writer, i, parts[part], i + 1, parameters + (size_t)part * (size_t)net->shapes[i + 1].c);
            break;
        case PARAMETERS_SLOPES: put_vector(writer, i, "weight", i + 1, parameters); break;
        }
        free(parameters);
    }
}

/* ---- The metadata ---- */

static void put_metadata(void *context, const char *key, const char *value) { json_text(context, key, value); }

static void put_layer(struct json *json, const struct net *net, int i)
{
    const struct node *node = &net->nodes[i];
    const struct shape shape = net->shapes[i + 1];
    const struct kind_traits *traits = &kind_traits[node->kind];
    json_object(json, NULL);
    json_text(json, "name", layer_name(net, i, "").text);
    json_text(json, "kind", kind_names[node->kind]);
    json_ints(json, "inputs", node->input, traits->inputs);
    json_ints(json, "output", (int[]){shape.c, shape.h, shape.w}, 3);
    if (node_has_window(node->kind)) {
        const struct window window = net_window(net, i);
        const struct layer_padding padding = layer_padding(&window);
        json_ints(json, "kernel", (int[]){node->kernel_h, node->kernel_w}, 2);
        json_int(json, "stride", node->stride);
        json_ints(json, "padding", (int[]){padding.top, padding.left, padding.bottom, padding.right}, 4);
    }
    if (node->count_padding)
        json_bool(json, "count_padding", true);
    if (traits->shape == SHAPE_PART) {
        json_int(json, "first", node->first);
        json_int(json, "channels", node->channels);
    }
    if (traits->per_channel || node->groups > 1)
        json_int(json, "groups", traits->per_channel ? shape.c : node->groups);
    if (node->dilation > 1)
        json_int(json, "dilation", node->dilation);
    if (traits->parameters == PARAMETERS_NORM)
        json_number(json, "epsilon", "%.9g", (double)BATCHNORM_EPSILON);
    if (traits->setting == SETTING_FACTOR)
        json_number(json, "factor", "%.9g", (double)node->rate);
    if (traits->setting == SETTING_SLOPE)
        json_number(json, "slope", "%.9g", (double)node->rate);
    json_close(json);
}

static void put_network(struct json *out, const struct net *net)
{
    char *text = NULL;
    size_t size;
    FILE *memory = text_open(&text, &size);
    struct json json = json_begin(memory);
    json_array(&json, NULL);
    for (int i = 0; i < net->node_count; i++)
        put_layer(&json, net, i);
    json_close(&json);
    text_close(memory);
    put_metadata(out, "network", text);
    free(text);
}

uint8_t *safetensors_bytes(size_t *size, const struct model *model, const char *path, struct failure *failure)
{
    enum { LENGTH_BYTES = 8, ALIGNMENT = 8 };
    struct writer *writer = allocate(1, sizeof *writer);
    char *header = NULL;
    size_t header_size;
    writer->model = model;
    if (!follow_flattened(writer, path, failure)) {
        free(writer);
        return NULL;
    }
    FILE *memory = text_open(&header, &header_size);
    writer->header = json_begin(memory);
    writer->data = allocate(net_parameter_count(&model->net), sizeof(float));
    json_object(&writer->header, NULL);
    json_object(&writer->header, "__metadata__");
    json_text(&writer->header, "format", "pt");
    layer_metadata(model, put_metadata, &writer->header);
    put_network(&writer->header, &model->net);
    json_close(&writer->header);
    put_tensors(writer);
    json_close(&writer->header);
    fflush(memory);
    const size_t over = header_size % ALIGNMENT; /* spaces follow, so that the data is aligned */
    fprintf(memory, "%*s", over ? (int)(ALIGNMENT - over) : 0, "");
    text_close(memory);

    *size = LENGTH_BYTES + header_size + writer->size;
    uint8_t *bytes = allocate(*size, 1);
    for (int i = 0; i < LENGTH_BYTES; i++)
        bytes[i] = (uint8_t)((uint64_t)header_size >> (8 * i));
    memcpy(bytes + LENGTH_BYTES, header, header_size);
    memcpy(bytes + LENGTH_BYTES + header_size, writer->data, writer->size);
    free(writer->data);
    free(writer);
    free(header);
    return bytes;
}
