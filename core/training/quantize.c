#include "training/quantize.h"

#include "kernels/batchnorm.h"
#include "net/net_int8.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

static const float headroom = 1.25f, weight_max = 127;

/* Of an input's scale over its output's, half of what int8_scales_fit and int8_channel_of allow, so that no rounding
 * crosses it: a mean's 2^10; an add's INT16_MAX / 2^INT8_ADD_FRACTION, nearly 8; of a product, in * second / out,
 * INT32_MAX / 2^32; and of a layer with weights, in * w / out, 2^29 / 2^INT8_FRACTION. */
static const float mean_ratio = 512, add_ratio = 4, product_ratio = 0.25f, layer_ratio = 0.25f;

static float larger(float a, float b) { return a > b ? a : b; }
static float size_of(float x) { return x < 0 ? -x : x; }

/* ---- The network ---- */

enum status quantize_net(struct net *out, float *to_parameters, const struct net *net, const float *parameters,
                         int *failed)
{
    *out = *net;
    for (int i = 0; i < net->node_count; i++)
        if (net->nodes[i].kind == NODE_BATCHNORM)
            out->nodes[i] = (struct node){.kind = NODE_DEPTHWISE,
                                          .input = {net->nodes[i].input[0], 0},
                                          .kernel_h = 1,
                                          .kernel_w = 1,
                                          .stride = 1,
                                          .bias = true};
    *failed = -1;
    const enum status status = net_check(out, NULL);
    if (status)
        return status;
    for (int i = 0; i < net->node_count; i++) {
        const float *from = parameters + net->offset[i];
        float *to = to_parameters + out->offset[i];
        const size_t c = (size_t)out->shapes[i + 1].c;
        if (net->nodes[i].kind == NODE_BATCHNORM) /* out = in * factor + offset */
            batchnorm_fold(to, to + c, from, from + c, from + 2 * c, from + 3 * c, (int)c);
        else
            memcpy(to, from, (out->offset[i + 1] - out->offset[i]) * sizeof *to);
    }
    for (int i = 0; i < out->node_count; i++) {
        const enum int8_form form = int8_form_of(&out->nodes[i]);
        if (form == INT8_FORM_NONE || form == INT8_FORM_FOLDED) {
            *failed = i;
            return STATUS_NODE;
        }
    }
    return STATUS_OK;
}

/* ---- Ranges ---- */

/* Whether a layer's output has the scale of its input, times node->rate if that is a factor. What it does not let
 * through need not fit. */
static bool keeps_scale(const struct node *node)
{
    switch (int8_form_of(node)) {
    case INT8_FORM_MAX:
    case INT8_FORM_MOVE:
    case INT8_FORM_CLAMP:
    case INT8_FORM_TABLE:
    case INT8_FORM_ALIAS: return true;
    case INT8_FORM_LAYER:
    case INT8_FORM_ADD:
    case INT8_FORM_PRODUCT:
    case INT8_FORM_CONCAT:
    case INT8_FORM_MEAN:
    case INT8_FORM_UNIT:
    case INT8_FORM_OUTPUT:
    case INT8_FORM_FOLDED:
    case INT8_FORM_NONE: return false;
    }
    return false;
}

/* How far below 0 an activation that is looked up makes something of its input: gelu and hardswish to 5, silu to 8,
 * leaky_relu without end. */
static float table_reach(const struct node *node)
{
    const float MIN = 5, MAX = 16, NOTHING = 0.005f;
    for (float reach = MIN; reach <= MAX; reach++) {
        float x = -reach;
        net_activate(node, &x, &x, 1);
        if (size_of(x) < NOTHING)
            return reach;
    }
    return INFINITY;
}

/* How large numbers of tensor t are to the layers that read it. Those that keep the scale pass their outputs on to
 * their own readers; of them only activations that are looked up compute with their input. */
static float reach(const struct net *net, int t, const float *numbers, size_t count)
{
    float below = 0, above = 0; /* how far they count */
    for (int i = 0; i < net->node_count; i++) {
        const struct node *node = &net->nodes[i];
        if (!node_reads(node, t) || (keeps_scale(node) && int8_form_of(node) != INT8_FORM_TABLE))
            continue;
        below = larger(below, keeps_scale(node) ? table_reach(node) : INFINITY);
        above = INFINITY;
    }
    float largest = 0;
    for (size_t k = 0; k < count && above > 0; k++) {
        const float x = numbers[k], size = x > 0 ? x : -x < below ? -x : below;
        largest = size > largest ? size : largest;
    }
    return largest;
}

void quantize_observe(float ranges[LIMIT_NODES + 1], struct net_run *run, int n)
{
    const struct net *net = run->net;
    for (int i = 0; i < net->node_count; i++) {
        net_forward_node(run, i, n);
        const float largest = reach(net, i + 1, run->tensor[i + 1], (size_t)n * shape_count(net->shapes[i + 1]));
        ranges[i + 1] = largest > ranges[i + 1] ? largest : ranges[i + 1];
    }
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
            largest = larger(largest, size_of(parameters[blocks[0].offset + k]));
            sum += (double)size_of(parameters[blocks[0].offset + k]);
        }
        const float bias = count > 1 ? parameters[blocks[1].offset + c] : 0;
        scale = larger(scale, larger(largest / weight_max, int8_min_scale(in, 0, sum, bias)));
    }
    return scale;
}

float quantize_scale(const struct net *net, int i, const float *parameters, float range, const float scale[])
{
    const struct node *node = &net->nodes[i];
    const float in = scale[node->input[0]], second = scale[node->input[1]];
    const enum int8_form form = int8_form_of(node);
    const float min = form == INT8_FORM_ADD || form == INT8_FORM_CONCAT ? larger(in, second) / add_ratio
                      : form == INT8_FORM_PRODUCT                       ? in * second / product_ratio
                      : form == INT8_FORM_LAYER ? in * largest_weight_scale(net, i, parameters, in) / layer_ratio
                                                : in / mean_ratio;
    const float wanted = larger(range * headroom / (float)ACTIVATION_MAX, min);
    return wanted > 0 ? wanted : in; /* a layer without any output */
}

void quantize_scales(float own[LIMIT_NODES], const float ranges[LIMIT_NODES + 1], const struct net *net,
                     const float *parameters, const struct preprocess *preprocess)
{
    float range[LIMIT_NODES + 1], scale[LIMIT_NODES + 1];
    memcpy(range, ranges, sizeof range);
    /* A range counts for the tensor whose scale it is, in the units of that: from the last reader back to the first
     * layer. */
    for (int i = net->node_count - 1; i >= 0; i--)
        if (keeps_scale(&net->nodes[i])) {
            const bool factored = kind_traits[net->nodes[i].kind].setting == SETTING_FACTOR;
            const float factor = factored ? net->nodes[i].rate : 1;
            float *before = &range[net->nodes[i].input[0]];
            *before = larger(*before, range[i + 1] / factor);
        }
    for (int i = 0; i < net->node_count; i++)
        own[i] = int8_has_scale(net->nodes[i].kind) ? 1 : 0;
    for (int i = 0; i < net->node_count; i++)
        if (int8_has_scale(net->nodes[i].kind)) {
            int8_scales(scale, net, own, preprocess); /* right up to this node's input */
            own[i] = quantize_scale(net, i, parameters, range[i + 1], scale);
        }
}
