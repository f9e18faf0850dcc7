#include "net/net_int8.h"

#include "kernels/activation.h"
#include "int8/int8_winograd.h"
#include "base/memory_planner.h"

#include <string.h>

static int64_t nearest(double x)
{
    return (int64_t)(x + (x < 0 ? -0.5 : 0.5));
}

/* Of a NaN, which enormous scales can bring about, the least. */
static int16_t nearest_number(double x)
{
    return (int16_t)(!(x > -ACTIVATION_MAX) ? -ACTIVATION_MAX : x < ACTIVATION_MAX ? nearest(x) : ACTIVATION_MAX);
}

static bool has_table(enum node_kind kind)
{
    return kind == NODE_GELU || kind == NODE_SIGMOID || kind == NODE_TANH;
}

static bool is_mean(enum node_kind kind)
{
    return kind == NODE_AVGPOOL || kind == NODE_GLOBAL_AVGPOOL;
}

/* ---- Scales ---- */

bool int8_has_scale(enum node_kind kind)
{
    return node_has_weights(kind) || is_mean(kind) || kind == NODE_ADD;
}

/* What a byte of channel c means to the network. */
static float normalised(int byte, int c, const struct preprocess *preprocess)
{
    uint8_t pixel[3] = {(uint8_t)byte, (uint8_t)byte, (uint8_t)byte};
    float out[3];
    image_normalise(out, pixel, (struct shape){1, 1, 3}, preprocess);
    return out[c];
}

static bool positive(float x)
{
    return x > 0 && x - x == 0;
}

bool int8_scales(float scale[LIMIT_NODES + 1], const struct net *net, const float *own, const struct preprocess *preprocess)
{
    float largest = 0;
    for (int c = 0; c < net->input.c; c++)
        for (int end = 0; end <= 255; end += 255) { /* it is linear between */
            const float x = normalised(end, c, preprocess), size = x < 0 ? -x : x;
            largest = size > largest ? size : largest;
        }
    scale[0] = largest / ACTIVATION_MAX;
    bool valid = positive(scale[0]);
    for (int i = 0; i < net->node_count; i++) {
        const struct node *node = &net->nodes[i];
        scale[i + 1] = int8_has_scale(node->kind)                                 ? own[i]
                       : node->kind == NODE_SIGMOID || node->kind == NODE_TANH ? 1.0f / ACTIVATION_MAX
                       : node->kind == NODE_SCALE                              ? scale[node->input[0]] * node->rate
                                                                               : scale[node->input[0]];
        valid = valid && node->kind != NODE_BATCHNORM && positive(scale[i + 1]);
    }
    return valid;
}

bool int8_channel_of(struct int8_channel *channel, float in, float weight, float out, float bias, uint64_t sum_of_sizes)
{
    const double unit = (double)in * (double)weight, factor = unit / (double)out * (1 << INT8_FRACTION);
    const double start = (double)bias / unit, most = 1 << 29, largest = (double)sum_of_sizes * ACTIVATION_MAX;
    if (!(weight > 0 && factor >= 0.5 && factor < most && start > -most && start < most))
        return false;
    *channel = (struct int8_channel){(int32_t)nearest(start), (int32_t)nearest(factor)};
    return largest + (start < 0 ? -start : start) + 1 < most && channel->factor < 1 << 29;
}

float int8_least_scale(float in, float out, double sum, float bias)
{
    const double unit = (double)in, largest = sum * ACTIVATION_MAX + (double)(bias < 0 ? -bias : bias) / unit;
    const double for_sums = largest / (1 << 28), for_factor = (double)out / unit / (1 << 20);
    return (float)(for_sums > for_factor ? for_sums : for_factor);
}

static double add_factor(float in, float out)
{
    return (double)in / (double)out * (1 << INT8_ADD_FRACTION);
}

bool int8_scales_fit(const struct net *net, int node, const float scale[LIMIT_NODES + 1])
{
    const struct node *of = &net->nodes[node];
    const float first = scale[of->input[0]], second = scale[of->input[1]], out = scale[node + 1];
    if (of->kind == NODE_ADD)
        return add_factor(first, out) <= INT16_MAX && add_factor(second, out) <= INT16_MAX;
    return !is_mean(of->kind) || (double)first / (double)out < 1 << 10;
}

/* ---- Planning ---- */

static bool follows(const struct net *net, int i, enum node_kind kind)
{
    return net->nodes[i + 1].kind == kind && net->nodes[i + 1].input[0] == i + 1 && net->consumers[i + 1] == 1;
}

/* The last node that is done in one pass with node i: a layer with weights clamps its results, which may be a ReLU's or ReLU6's
 * work, and a convolution keeps the largest of 2x2. The softmax is the last node of all, so there is a next one. */
static int last_with(const struct net *net, int i)
{
    const enum node_kind kind = net->nodes[i].kind;
    if (!node_has_weights(kind))
        return i;
    if (follows(net, i, NODE_RELU) || follows(net, i, NODE_RELU6))
        i++;
    const struct node *next = &net->nodes[i + 1];
    const bool halves = next->kernel_h == 2 && next->kernel_w == 2 && next->stride == 2 && !next->same;
    return kind == NODE_CONV2D && halves && follows(net, i, NODE_MAXPOOL) ? i + 1 : i;
}

/* Its output is its input, read by another name. */
static bool renames(enum node_kind kind)
{
    return kind == NODE_FLATTEN || kind == NODE_DROPOUT || kind == NODE_SCALE;
}

/* With few channels Winograd's transforms take longer than the products that they save. */
static bool winograd_wins(const struct window *window)
{
    enum { LEAST_CHANNELS = 16 };
    return int8_winograd_computes(window) && window->in.c >= LEAST_CHANNELS && window->out.c >= LEAST_CHANNELS;
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
        if (i >= 0 && renames(net->nodes[i].kind)) {
            root[t] = root[net->nodes[i].input[0]];
            continue;
        }
        root[t] = t;
        lifetimes[t] = (struct lifetime){0, shape_count(net->shapes[t]) * sizeof(int16_t) + INT8_SLACK, i, i};
        lifetimes[t].size = (lifetimes[t].size + ARENA_ALIGNMENT - 1) / ARENA_ALIGNMENT * ARENA_ALIGNMENT;
    }
    for (int i = 0; i < net->node_count; i++)
        for (int k = 0; k < (net->nodes[i].kind == NODE_ADD ? 2 : 1); k++) {
            const int t = root[net->nodes[i].input[k]];
            if (t >= 0 && lifetimes[t].last < i)
                lifetimes[t].last = i;
        }
    unsigned char *base = arena_alloc(arena, memory_plan(lifetimes, net->node_count + 1), 1);
    for (int t = 0; t <= net->node_count; t++)
        quantized->tensor[t] = base && root[t] >= 0 ? (int16_t *)(void *)(base + lifetimes[root[t]].place) : NULL;
}

/* What packing fills: the layer's weights and what else a node keeps. Returns the scratch that it needs. */
static size_t plan_node(struct net_int8 *quantized, int i, struct arena *arena)
{
    const struct net *net = quantized->net;
    const enum node_kind kind = net->nodes[i].kind;
    const struct window window = net_window(net, i);
    struct int8_layer *layer = &quantized->layer[i];
    if (has_table(kind))
        quantized->table[i] = arena_alloc(arena, 2 * ACTIVATION_MAX + 1, sizeof(int16_t));
    if (is_mean(kind))
        quantized->share[i] = arena_alloc(arena, kind == NODE_AVGPOOL ? (uint64_t)(window.kernel_h * window.kernel_w) : 1, sizeof(int64_t));
    if (!node_has_weights(kind))
        return 0;
    const uint64_t channels = (uint64_t)int8_padded(window.out.c);
    layer->bias = arena_alloc(arena, channels, sizeof(int32_t));
    layer->factor = arena_alloc(arena, channels, sizeof(int32_t));
    layer->pool = net->nodes[quantized->last[i]].kind == NODE_MAXPOOL;
    quantized->winograd[i] = kind == NODE_CONV2D && winograd_wins(&window);
    const bool depthwise = kind == NODE_DEPTHWISE, winograd = quantized->winograd[i];
    const size_t bytes = (depthwise ? int8_depthwise_packed : winograd ? int8_winograd_packed : int8_conv_packed)(&window);
    layer->weights = arena_alloc(arena, bytes + INT8_SLACK, 1);
    return (depthwise ? int8_depthwise_scratch : winograd ? int8_winograd_scratch : int8_conv_scratch)(&window);
}

void net_int8_plan(struct net_int8 *quantized, const struct net *net, struct arena *arena)
{
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

static void pack_weights(struct net_int8 *quantized, int i, const struct int8_weights *weights)
{
    const struct net *net = quantized->net;
    const struct node *node = &net->nodes[i];
    const struct window window = net_window(net, i);
    struct int8_layer *layer = &quantized->layer[i];
    const bool depthwise = node->kind == NODE_DEPTHWISE, winograd = quantized->winograd[i];
    (depthwise ? int8_depthwise_pack : winograd ? int8_winograd_pack : int8_conv_pack)(layer->weights, weights->whole, &window);

    const float in = quantized->scale[node->input[0]], out = quantized->scale[i + 1];
    for (int k = 0; k < int8_padded(window.out.c); k++) {
        const int c = int8_channel(k);
        struct int8_channel channel = {0, 0};
        if (c < window.out.c)
            int8_channel_of(&channel, in, weights->scale[c], out, weights->bias ? weights->bias[c] : 0, 0);
        layer->bias[k] = channel.bias * (winograd ? 4 : 1);
        layer->factor[k] = channel.factor * (winograd ? 1 : 4); /* 2^(32 - INT8_FRACTION) */
    }
    layer->least = -ACTIVATION_MAX;
    layer->most = ACTIVATION_MAX;
    for (int k = i + 1; k <= quantized->last[i]; k++)
        if (net->nodes[k].kind != NODE_MAXPOOL) {
            layer->least = 0;
            layer->most = net->nodes[k].kind == NODE_RELU6 ? nearest_number(6 / (double)out) : ACTIVATION_MAX;
        }
}

static void pack_table(int16_t *table, enum node_kind kind, float in, float out)
{
    for (int x = -ACTIVATION_MAX; x <= ACTIVATION_MAX; x++) {
        float y = (float)x * in;
        (kind == NODE_GELU ? gelu_forward_cut : kind == NODE_SIGMOID ? sigmoid_forward : tanh_forward)(&y, &y, 1);
        table[ACTIVATION_MAX + x] = nearest_number((double)y / (double)out);
    }
}

void net_int8_pack(struct net_int8 *quantized, int i, const struct int8_weights *weights)
{
    const struct node *node = &quantized->net->nodes[i];
    const float in = quantized->scale[node->input[0]], out = quantized->scale[i + 1];
    if (node_has_weights(node->kind))
        pack_weights(quantized, i, weights);
    if (has_table(node->kind))
        pack_table(quantized->table[i], node->kind, in, out);
    if (is_mean(node->kind)) { /* by how many pixels of a window lie outside */
        const struct window window = net_window(quantized->net, i);
        const int pixels = window.kernel_h * window.kernel_w;
        for (int outside = 0; outside < (node->kind == NODE_AVGPOOL ? pixels : 1); outside++)
            quantized->share[i][outside] = nearest((double)in / (double)out / (pixels - outside) * (1 << INT8_FRACTION));
    }
}

void net_int8_pack_pixels(struct net_int8 *quantized, const struct preprocess *preprocess)
{
    for (int c = 0; c < 3; c++)
        for (int byte = 0; byte < 256; byte++)
            quantized->pixel[c * 256 + byte] =
                nearest_number((double)normalised(byte, c, preprocess) / (double)quantized->scale[0]);
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
            *out++ = table[pixels[0]];
            *out++ = table[256 + pixels[1]];
            *out++ = table[512 + pixels[2]];
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
    const size_t count = shape_count(net->shapes[i + 1]);
    switch (node->kind) {
    case NODE_CONV2D:
    case NODE_DENSE:
        (quantized->winograd[i] ? int8_winograd : int8_conv)(out, in, &quantized->layer[i], quantized->scratch, &window);
        return;
    case NODE_DEPTHWISE: int8_depthwise(out, in, &quantized->layer[i], quantized->scratch, &window); return;
    case NODE_MAXPOOL: int8_maxpool(out, in, &window); return;
    case NODE_AVGPOOL:
    case NODE_GLOBAL_AVGPOOL: int8_avgpool(out, in, quantized->share[i], &window); return;
    case NODE_ADD:
        int8_add(out, in, quantized->tensor[node->input[1]], (int16_t)nearest(add_factor(scale[node->input[0]], scale[i + 1])),
                    (int16_t)nearest(add_factor(scale[node->input[1]], scale[i + 1])), count);
        return;
    case NODE_RELU: int8_clamp(out, in, 0, ACTIVATION_MAX, count); return;
    case NODE_RELU6: int8_clamp(out, in, 0, nearest_number(6 / (double)scale[i + 1]), count); return;
    case NODE_GELU:
    case NODE_SIGMOID:
    case NODE_TANH: int8_look_up(out, in, quantized->table[i], count); return;
    default: return; /* a tensor read by another name, and the softmax */
    }
}

void net_int8_run(struct net_int8 *quantized, const uint8_t *pixels, float temperature)
{
    const struct net *net = quantized->net;
    const int end = net->node_count - 1, last = net->nodes[end].input[0], classes = net_classes(net);
    read_pixels(quantized, pixels);
    for (int i = 0; i < end; i = quantized->last[i] + 1)
        run_node(quantized, i);
    for (int k = 0; k < classes; k++)
        quantized->logits[k] = (float)quantized->tensor[last][k] * quantized->scale[last];
    softmax_forward(quantized->probabilities, quantized->logits, temperature, 1, classes);
}
