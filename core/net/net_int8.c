#include "net/net_int8.h"

#include "base/memory_planner.h"
#include "int8/int8_kernels.h"
#include "int8/int8_winograd.h"
#include "kernels/activation.h"
#include "net/int8_factors.h"

#include <assert.h>
#include <string.h>

/* Of a NaN, which enormous scales can bring about, the smallest. */
static int16_t nearest_number(double x)
{
    return (int16_t)(!(x > -ACTIVATION_MAX)       ? -ACTIVATION_MAX
                     : x < (double)ACTIVATION_MAX ? int8_nearest(x)
                                                  : ACTIVATION_MAX);
}

static bool has_table(enum int8_form form) { return form == INT8_FORM_TABLE || form == INT8_FORM_UNIT; }

/* ---- Planning ---- */

static bool follows(const struct net *net, int i, enum int8_form form)
{
    return int8_form_of(&net->nodes[i + 1]) == form && net->nodes[i + 1].input[0] == i + 1 &&
           net->consumers[i + 1] == 1;
}

/* The last node that is done in one pass with node i: a layer with weights clamps its results, which may be a ReLU's or
 * ReLU6's work, and a convolution keeps the largest of 2x2. The softmax is the last node of all, so there is a next
 * one. */
static int last_with(const struct net *net, int i)
{
    const enum node_kind kind = net->nodes[i].kind;
    if (!node_has_weights(kind))
        return i;
    if (follows(net, i, INT8_FORM_CLAMP))
        i++;
    const struct node *next = &net->nodes[i + 1];
    const bool halves =
        next->kernel_h == 2 && next->kernel_w == 2 && next->stride == 2 && !next->same && !node_has_padding(next);
    return kind == NODE_CONV2D && halves && follows(net, i, INT8_FORM_MAX) ? i + 1 : i;
}

/* With few channels Winograd's transforms take longer than the products that they save. */
static bool winograd_wins(const struct window *window)
{
    enum { MIN_CHANNELS = 16 };
    return int8_winograd_computes(window) && window->in.c >= MIN_CHANNELS && window->out.c >= MIN_CHANNELS;
}

static void plan_tensors(struct net_int8 *quantized, struct arena *arena)
{
    const struct net *net = quantized->net;
    struct lifetime lifetimes[LIMIT_NODES + 1] = {{0}};
    int root[LIMIT_NODES + 1]; /* the tensor whose memory a tensor is, or -1: it has none */
    for (int t = 0; t <= net->node_count; t++)
        root[t] = -1;
    for (int i = -1; i + 1 < net->node_count; i = i < 0 ? 0 : quantized->last[i] + 1) { /* -1: the pixels */
        const int t = i < 0 ? 0 : quantized->last[i] + 1;
        if (i >= 0 && int8_form_of(&net->nodes[i]) == INT8_FORM_ALIAS) {
            root[t] = root[net->nodes[i].input[0]];
            continue;
        }
        root[t] = t;
        lifetimes[t] = (struct lifetime){
            .size = shape_count(net->shapes[t]) * sizeof(int16_t) + INT8_SLACK, .first = i, .last = i};
        lifetimes[t].size = (lifetimes[t].size + ARENA_ALIGNMENT - 1) / ARENA_ALIGNMENT * ARENA_ALIGNMENT;
    }
    for (int i = 0; i < net->node_count; i++)
        for (int k = 0; k < kind_traits[net->nodes[i].kind].inputs; k++) {
            const int t = root[net->nodes[i].input[k]];
            if (t >= 0 && lifetimes[t].last < i)
                lifetimes[t].last = i;
        }
    if (net->embedding)
        lifetimes[root[net->embedding]].last = net->node_count; /* it is read after the run */
    unsigned char *base = arena_alloc(arena, memory_planner_place(lifetimes, net->node_count + 1), 1);
    for (int t = 0; t <= net->node_count; t++)
        quantized->tensor[t] = base && root[t] >= 0 ? (int16_t *)(void *)(base + lifetimes[root[t]].offset) : NULL;
}

/* By how many pixels of a window lie outside of the image: all but one at most, none of a window that is the image. */
static int mean_factor_count(const struct node *node)
{
    return node_has_window(node->kind) ? node->kernel_h * node->kernel_w : 1;
}

/* What packing fills: the layer's weights and what else a node keeps. Returns the scratch that it needs. */
static size_t plan_node(struct net_int8 *quantized, int i, struct arena *arena)
{
    const struct net *net = quantized->net;
    const struct node *node = &net->nodes[i];
    const struct window window = net_window(net, i);
    struct int8_layer *layer = &quantized->layer[i];
    if (has_table(int8_form_of(node)))
        quantized->table[i] = arena_alloc(arena, 2 * ACTIVATION_MAX + 1, sizeof(int16_t));
    if (int8_form_of(node) == INT8_FORM_MEAN)
        quantized->mean_factors[i] = arena_alloc(arena, (uint64_t)mean_factor_count(node), sizeof(int64_t));
    if (!node_has_weights(node->kind))
        return 0;
    const uint64_t channels = (uint64_t)int8_padded(window.out.c);
    layer->bias = arena_alloc(arena, channels, sizeof(int32_t));
    layer->factor = arena_alloc(arena, channels, sizeof(int32_t));
    layer->pool = int8_form_of(&net->nodes[quantized->last[i]]) == INT8_FORM_MAX;
    quantized->winograd[i] = node->kind == NODE_CONV2D && winograd_wins(&window);
    const bool depthwise = kind_traits[node->kind].per_channel, winograd = quantized->winograd[i];
    const size_t bytes = (depthwise  ? int8_depthwise_packed
                          : winograd ? int8_winograd_packed
                                     : int8_conv_packed)(&window);
    layer->weights = arena_alloc(arena, bytes + INT8_SLACK, 1);
    return (depthwise ? int8_depthwise_scratch : winograd ? int8_winograd_scratch : int8_conv_scratch)(&window);
}

void net_int8_plan(struct net_int8 *quantized, const struct net *net, struct arena *arena)
{
    assert(net_checked(net));
    memset(quantized, 0, sizeof *quantized);
    quantized->net = net;
    for (int i = 0; i < net->node_count; i = quantized->last[i] + 1)
        quantized->last[i] = last_with(net, i);
    size_t scratch = 0;
    for (int i = 0; i < net->node_count; i++) {
        const size_t need = plan_node(quantized, i, arena);
        scratch = need > scratch ? need : scratch;
    }
    quantized->pixel = arena_alloc(arena, 3 * 256, sizeof(int16_t));
    quantized->logits = arena_alloc(arena, (uint64_t)net_classes(net), sizeof(float));
    quantized->probabilities = arena_alloc(arena, (uint64_t)net_classes(net), sizeof(float));
    plan_tensors(quantized, arena);
    quantized->scratch = arena_alloc(arena, scratch + INT8_SLACK, 1);
}

/* ---- Packing ---- */

/* What a layer clamps at; at most ACTIVATION_MAX, also where it is infinite. */
static int16_t ceiling_of(const struct node *node, float out)
{
    return nearest_number((double)kind_traits[node->kind].ceiling / (double)out);
}

static void pack_weights(struct net_int8 *quantized, int i, const struct int8_weights *weights)
{
    const struct net *net = quantized->net;
    const struct node *node = &net->nodes[i];
    const struct window window = net_window(net, i);
    struct int8_layer *layer = &quantized->layer[i];
    const bool depthwise = kind_traits[node->kind].per_channel, winograd = quantized->winograd[i];
    (depthwise  ? int8_depthwise_pack
     : winograd ? int8_winograd_pack
                : int8_conv_pack)(layer->weights, weights->values, &window);

    const float in = quantized->scale[node->input[0]], out = quantized->scale[i + 1];
    for (int k = 0; k < int8_padded(window.out.c); k++) {
        const int c = int8_channel(k);
        struct int8_channel channel = {0, 0};
        if (c < window.out.c)
            int8_channel_of(&channel, in, weights->scale[c], out, weights->bias ? weights->bias[c] : 0, 0);
        layer->bias[k] = channel.bias * (winograd ? 4 : 1);
        layer->factor[k] = channel.factor * (winograd ? 1 : 4); /* 2^(32 - INT8_FRACTION) */
    }
    layer->min = -ACTIVATION_MAX;
    layer->max = ACTIVATION_MAX;
    for (int k = i + 1; k <= quantized->last[i]; k++)
        if (int8_form_of(&net->nodes[k]) == INT8_FORM_CLAMP) {
            layer->min = 0;
            layer->max = ceiling_of(&net->nodes[k], out);
        }
}

static void pack_table(int16_t *table, const struct node *node, float in, float out)
{
    for (int x = -ACTIVATION_MAX; x <= ACTIVATION_MAX; x++) {
        float y = (float)x * in;
        net_activate(node, &y, &y, 1);
        table[ACTIVATION_MAX + x] = nearest_number((double)y / (double)out);
    }
}

void net_int8_pack(struct net_int8 *quantized, int i, const struct int8_weights *weights)
{
    const struct node *node = &quantized->net->nodes[i];
    const float in = quantized->scale[node->input[0]], out = quantized->scale[i + 1];
    assert(int8_positive(in) && int8_positive(out) && (!node_has_weights(node->kind) || weights->values));
    if (node_has_weights(node->kind))
        pack_weights(quantized, i, weights);
    if (has_table(int8_form_of(node)))
        pack_table(quantized->table[i], node, in, out);
    if (int8_form_of(node) == INT8_FORM_MEAN) {
        const struct window window = net_window(quantized->net, i);
        const int pixels = window.kernel_h * window.kernel_w;
        for (int outside = 0; outside < mean_factor_count(node); outside++)
            quantized->mean_factors[i][outside] = int8_nearest(
                (double)in / (double)out / (pixels - (node->count_padding ? 0 : outside)) * (1 << INT8_FRACTION));
    }
}

void net_int8_pack_pixels(struct net_int8 *quantized, const struct preprocess *preprocess)
{
    quantized->first_channel = preprocess->order == ORDER_BGR ? 2 : 0;
    for (int c = 0; c < 3; c++)
        for (int byte = 0; byte < 256; byte++)
            quantized->pixel[c * 256 + byte] =
                nearest_number((double)int8_normalised(byte, c, preprocess) / (double)quantized->scale[0]);
}

/* ---- Running ---- */

static void read_pixels(struct net_int8 *quantized, const uint8_t *pixels)
{
    const struct shape shape = quantized->net->input;
    const int16_t *table = quantized->pixel;
    int16_t *out = quantized->tensor[0];
    for (int i = 0; i < shape.h * shape.w; i++, pixels += 3)
        if (shape.c == 1) {
            *out++ = table[image_luminance(pixels)];
        } else {
            *out++ = table[pixels[quantized->first_channel]];
            *out++ = table[256 + pixels[1]];
            *out++ = table[512 + pixels[2 - quantized->first_channel]];
        }
}

static void run_pairs(struct net_int8 *quantized, int i)
{
    const struct node *node = &quantized->net->nodes[i];
    const int16_t *a = quantized->tensor[node->input[0]], *b = quantized->tensor[node->input[1]];
    const float *scale = quantized->scale, first = scale[node->input[0]], other = scale[node->input[1]];
    const struct net_pairs pairs = net_pairs(quantized->net, i, 1);
    int16_t *out = quantized->tensor[i + 1];
    for (size_t k = 0; k < pairs.count; k++, out += pairs.size, a += pairs.size) {
        if (int8_form_of(node) == INT8_FORM_PRODUCT)
            int8_multiply(out, a, b, (int32_t)int8_nearest(int8_product_factor(first, other, scale[i + 1])),
                          pairs.size);
        else
            int8_add(out, a, b, (int16_t)int8_nearest(int8_add_factor(first, scale[i + 1])),
                     (int16_t)int8_nearest(int8_add_factor(other, scale[i + 1])), pairs.size);
    }
}

static void run_node(struct net_int8 *quantized, int i)
{
    const struct net *net = quantized->net;
    const struct node *node = &net->nodes[i];
    const struct window window = net_window(net, i);
    const int16_t *in = quantized->tensor[node->input[0]];
    const float *scale = quantized->scale;
    int16_t *out = quantized->tensor[quantized->last[i] + 1];
    const size_t count = shape_count(net->shapes[i + 1]), pixels = count / (size_t)window.out.c;
    switch (int8_form_of(node)) {
    case INT8_FORM_LAYER:
        (kind_traits[node->kind].per_channel ? int8_depthwise
         : quantized->winograd[i]            ? int8_winograd
                                             : int8_conv)(out, in, &quantized->layer[i], quantized->scratch, &window);
        return;
    case INT8_FORM_ADD:
    case INT8_FORM_PRODUCT: run_pairs(quantized, i); return;
    case INT8_FORM_CONCAT:
        int8_concat(out, in, quantized->tensor[node->input[1]],
                    (int16_t)int8_nearest(int8_add_factor(scale[node->input[0]], scale[i + 1])),
                    (int16_t)int8_nearest(int8_add_factor(scale[node->input[1]], scale[i + 1])), pixels, window.in.c,
                    window.out.c - window.in.c);
        return;
    case INT8_FORM_MEAN: int8_avgpool(out, in, quantized->mean_factors[i], &window); return;
    case INT8_FORM_MAX: int8_maxpool(out, in, &window); return;
    case INT8_FORM_MOVE:
        if (node->groups)
            int8_shuffle(out, in, pixels, node->groups, window.in.c);
        else
            int8_slice(out, in, pixels, node->first, node->channels, window.in.c);
        return;
    case INT8_FORM_CLAMP: int8_clamp(out, in, 0, ceiling_of(node, scale[i + 1]), count); return;
    case INT8_FORM_TABLE:
    case INT8_FORM_UNIT: int8_look_up(out, in, quantized->table[i], count); return;
    case INT8_FORM_ALIAS: return;  /* the same tensor (plan_tensors) */
    case INT8_FORM_OUTPUT: return; /* net_int8_run's last step */
    case INT8_FORM_FOLDED:
    case INT8_FORM_NONE: break; /* refused by int8_scales */
    }
    assert(false && "no int8 form");
}

static void run_nodes(struct net_int8 *quantized, float temperature)
{
    const struct net *net = quantized->net;
    const int end = net->node_count - 1, last = net->nodes[end].input[0], classes = net_classes(net);
    assert(int8_positive(temperature) && int8_positive(quantized->scale[last]));
    for (int i = 0; i < end; i = quantized->last[i] + 1)
        run_node(quantized, i);
    for (int k = 0; k < classes; k++)
        quantized->logits[k] = (float)quantized->tensor[last][k] * quantized->scale[last];
    activation_softmax_forward(quantized->probabilities, quantized->logits, temperature, 1, classes);
}

void net_int8_run(struct net_int8 *quantized, const uint8_t *pixels, float temperature)
{
    assert(pixels && quantized->pixel);
    read_pixels(quantized, pixels);
    run_nodes(quantized, temperature);
}

void net_int8_run_numbers(struct net_int8 *quantized, const int16_t *numbers, float temperature)
{
    memcpy(quantized->tensor[0], numbers, shape_count(quantized->net->input) * sizeof *numbers);
    run_nodes(quantized, temperature);
}
