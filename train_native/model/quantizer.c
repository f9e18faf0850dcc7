#include "model/quantizer.h"

#include "model/model_file.h"
#include "model/net_memory.h"
#include "kernels/batchnorm.h"
#include "cli/errors.h"
#include "cli/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH = 16 };
static const float headroom = 1.25f, weight_max = 127;

/* Of an input's scale over its output's, half of what int8_scales_fit and int8_channel_of allow, so that no rounding
 * crosses it: a mean's 2^10; an add's INT16_MAX / 2^INT8_ADD_FRACTION, nearly 8; and of a layer with weights, in * w /
 * out, 2^29 / 2^INT8_FRACTION. */
static const float mean_ratio = 512, add_ratio = 4, layer_ratio = 0.25f;

/* ---- The network ---- */

/* Ends the program, naming the first layer that cannot be computed in int8. */
static void check_forms(const struct net *net)
{
    for (int i = 0; i < net->node_count; i++) {
        const struct node *node = &net->nodes[i];
        const enum int8_form form = int8_form_of(node);
        if (form == INT8_FORM_NONE || form == INT8_FORM_FOLDED)
            die(NULL, NULL, "layer %d (%s%s) cannot be computed in int8", i + 1, kind_names[node->kind],
                node->groups > 1     ? " in groups"
                : node->dilation > 1 ? ", dilated"
                                     : "");
    }
}

/* Batch normalisation as a depthwise layer of 1x1: out = in * factor + offset. Returns the parameters, which the caller
 * frees. */
static float *without_batchnorm(struct net *net, const float *parameters)
{
    const struct net old = *net;
    for (int i = 0; i < net->node_count; i++)
        if (net->nodes[i].kind == NODE_BATCHNORM)
            net->nodes[i] = (struct node){.kind = NODE_DEPTHWISE,
                                          .input = {net->nodes[i].input[0], 0},
                                          .kernel_h = 1,
                                          .kernel_w = 1,
                                          .stride = 1,
                                          .bias = true};
    const enum status status = net_check(net, NULL);
    if (status)
        die(NULL, NULL, "the network cannot be quantized: %s", eyelet_status_text(status));
    float *out = allocate(net_parameter_count(net) + 1, sizeof(float));
    for (int i = 0; i < net->node_count; i++) {
        const float *from = parameters + old.offset[i];
        float *to = out + net->offset[i];
        const size_t c = (size_t)net->shapes[i + 1].c;
        if (old.nodes[i].kind == NODE_BATCHNORM)
            batchnorm_fold(to, to + c, from, from + c, from + 2 * c, from + 3 * c, (int)c);
        else
            memcpy(to, from, (net->offset[i + 1] - net->offset[i]) * sizeof *to);
    }
    return out;
}

/* ---- Ranges ---- */

/* Whether a layer's output has the scale of its input, times node->rate if that is a factor. What it does not let
 * through need not fit. */
static bool keeps_scale(const struct node *node)
{
    switch (int8_form_of(node)) {
    case INT8_FORM_MAX:
    case INT8_FORM_CLAMP:
    case INT8_FORM_TABLE:
    case INT8_FORM_ALIAS: return true;
    case INT8_FORM_LAYER:
    case INT8_FORM_ADD:
    case INT8_FORM_MEAN:
    case INT8_FORM_UNIT:
    case INT8_FORM_OUTPUT:
    case INT8_FORM_FOLDED:
    case INT8_FORM_NONE: return false;
    }
    return false;
}

/* How large numbers of tensor t are to the layers that read it. Those that keep the scale pass their outputs on to
 * their own readers; of them only gelu and hardswish compute with their input, of which they make next to nothing below
 * -TABLE_REACH. */
static float reach(const struct net *net, int t, const float *numbers, size_t count)
{
    const float TABLE_REACH = 5;
    bool all = false, table = false;
    for (int i = 0; i < net->node_count; i++) {
        const struct node *node = &net->nodes[i];
        if (!node_reads(node, t))
            continue;
        table |= int8_form_of(node) == INT8_FORM_TABLE;
        all |= !keeps_scale(node);
    }
    float largest = 0;
    for (size_t k = 0; k < count && (all || table); k++) {
        const float x = numbers[k], size = x > 0 ? x : all || -x < TABLE_REACH ? -x : TABLE_REACH;
        largest = size > largest ? size : largest;
    }
    return largest;
}

/* reach of every tensor over all images. */
static void find_ranges(float ranges[LIMIT_NODES + 1], const struct net *net, const float *parameters,
                        const struct dataset *seen, const struct preprocess *preprocess)
{
    struct net_memory *net_memory = net_memory_new(net, BATCH, NET_TRAIN);
    struct net_run *run = &net_memory->run;
    for (int i = 0; i < net->node_count; i++)
        net_pack(&net_memory->packed, net, i, parameters + net->offset[i]);

    const size_t image = shape_count(net->input), pixels = shape_count(seen->shape);
    for (int first = 0, n; first < seen->count; first += n) {
        n = seen->count - first < BATCH ? seen->count - first : BATCH;
        for (int i = 0; i < n; i++)
            image_normalise(run->tensor[0] + (size_t)i * image, seen->pixels + (size_t)(first + i) * pixels, net->input,
                            preprocess);
        for (int i = 0; i < net->node_count; i++) {
            net_forward_node(run, i, n);
            const float largest = reach(net, i + 1, run->tensor[i + 1], (size_t)n * shape_count(net->shapes[i + 1]));
            ranges[i + 1] = largest > ranges[i + 1] ? largest : ranges[i + 1];
        }
    }
    net_memory_free(net_memory);
}

/* ---- Scales ---- */

/* The largest scale of a channel's weights before the output has one. */
static float largest_weight_scale(const struct net *net, int node, const float *parameters, float in)
{
    struct block blocks[4];
    const int count = net_blocks(blocks, net, node);
    const size_t channels = (size_t)net->shapes[node + 1].c;
    float scale = 0;
    for (size_t c = 0; c < channels; c++) {
        float largest = 0;
        double sum = 0;
        for (size_t k = c; k < blocks[0].count; k += channels) {
            largest = fmaxf(largest, fabsf(parameters[blocks[0].offset + k]));
            sum += fabs((double)parameters[blocks[0].offset + k]);
        }
        const float bias = count > 1 ? parameters[blocks[1].offset + c] : 0;
        scale = fmaxf(scale, fmaxf(largest / weight_max, int8_least_scale(in, 0, sum, bias)));
    }
    return scale;
}

/* The output scale of node i: of its range, with headroom, but large enough to compute with whatever the range. */
static float scale_for(const struct net *net, int i, const float *parameters, float range, const float scale[])
{
    const struct node *node = &net->nodes[i];
    const float in = scale[node->input[0]];
    const enum int8_form form = int8_form_of(node);
    const float min = form == INT8_FORM_ADD     ? fmaxf(in, scale[node->input[1]]) / add_ratio
                      : form == INT8_FORM_LAYER ? in * largest_weight_scale(net, i, parameters, in) / layer_ratio
                                                : in / mean_ratio;
    const float wanted = fmaxf(range * headroom / (float)ACTIVATION_MAX, min);
    return wanted > 0 ? wanted : in; /* a layer without any output */
}

uint8_t *quantized_bytes(size_t *size, const struct model *model, const char *notes, const struct dataset *seen)
{
    struct model *quantized = allocate(1, sizeof *quantized);
    *quantized = *model;
    float *loaded = allocate(net_parameter_count(&model->net) + 1, sizeof(float));
    for (int i = 0; i < model->net.node_count; i++)
        model_parameters(loaded + model->net.offset[i], model, i);
    struct net *net = &quantized->net;
    float *folded = model_file_folded(net, &model->net, loaded), *parameters = without_batchnorm(net, folded);
    check_forms(net);

    float ranges[LIMIT_NODES + 1] = {0}, scale[LIMIT_NODES + 1];
    find_ranges(ranges, net, parameters, seen, &model->preprocess);
    /* A range counts for the tensor whose scale it is, in the units of that: from the last reader back to the first
     * layer. */
    for (int i = net->node_count - 1; i >= 0; i--)
        if (keeps_scale(&net->nodes[i])) {
            const bool factored = kind_traits[net->nodes[i].kind].setting == SETTING_FACTOR;
            const float factor = factored ? net->nodes[i].rate : 1;
            float *before = &ranges[net->nodes[i].input[0]];
            *before = fmaxf(*before, ranges[i + 1] / factor);
        }
    for (int i = 0; i < net->node_count; i++)
        quantized->scale[i] = int8_has_scale(net->nodes[i].kind) ? 1 : 0;
    for (int i = 0; i < net->node_count; i++)
        if (int8_has_scale(net->nodes[i].kind)) {
            int8_scales(scale, net, quantized->scale, &model->preprocess); /* right up to this node's input */
            quantized->scale[i] = scale_for(net, i, parameters, ranges[i + 1], scale);
        }
    quantized->type = WEIGHTS_QUANTIZED;
    quantized->notes = notes;
    quantized->notes_length = (int)strlen(notes);
    uint8_t *bytes = model_file_written(size, quantized, parameters);
    free(parameters);
    free(folded);
    free(loaded);
    free(quantized);
    return bytes;
}
