#include "net.h"

#include "activation.h"
#include "conv.h"
#include "depthwise.h"
#include "lifetime.h"
#include "norm.h"
#include "pool.h"
#include "winograd.h"

#include <math.h>
#include <string.h>

/* ---- Checking ---- */

static bool within(int value, int least, int most)
{
    return value >= least && value <= most;
}

static bool has_window(enum node_kind kind)
{
    return kind == NODE_CONV2D || kind == NODE_DEPTHWISE || kind == NODE_MAXPOOL || kind == NODE_AVGPOOL;
}

static bool has_channels(enum node_kind kind)
{
    return kind == NODE_CONV2D || kind == NODE_DENSE;
}

static bool has_weights(enum node_kind kind)
{
    return has_channels(kind) || kind == NODE_DEPTHWISE;
}

static int window_count(int in, int kernel, int stride, bool same)
{
    return same ? (in + stride - 1) / stride : (in - kernel) / stride + 1;
}

/* The output's shape, or c == 0 when the node does not fit its input. */
static struct shape node_shape(const struct node *node, struct shape in)
{
    const struct shape misfit = {0, 0, 0};
    const bool flat = in.h == 1 && in.w == 1;
    if (has_window(node->kind)) {
        if (!node->same && (node->kernel_h > in.h || node->kernel_w > in.w))
            return misfit;
        return (struct shape){window_count(in.h, node->kernel_h, node->stride, node->same),
                              window_count(in.w, node->kernel_w, node->stride, node->same),
                              node->kind == NODE_CONV2D ? node->channels : in.c};
    }
    switch (node->kind) {
    case NODE_GLOBAL_AVGPOOL: return (struct shape){1, 1, in.c};
    case NODE_FLATTEN: return (struct shape){1, 1, (int)shape_count(in)};
    case NODE_DENSE: return flat ? (struct shape){1, 1, node->channels} : misfit;
    case NODE_SOFTMAX: return flat ? in : misfit;
    default: return in;
    }
}

/* In 64 bits: before they are checked, these products can pass a 32-bit machine's size_t and come out small. */
static uint64_t wide_count(struct shape shape)
{
    return (uint64_t)shape.h * (uint64_t)shape.w * (uint64_t)shape.c;
}

static uint64_t weight_count(const struct node *node, struct shape in)
{
    const uint64_t taps = has_window(node->kind) ? (uint64_t)(node->kernel_h * node->kernel_w) : 1;
    const uint64_t filters = node->kind == NODE_DEPTHWISE ? 1 : (uint64_t)node->channels; /* of each input channel */
    return taps * (uint64_t)in.c * filters;
}

/* Fields that a kind does not use are zero, so that a network has one description only. */
static bool fields_valid(const struct node *node, int index, bool last)
{
    const bool window = has_window(node->kind), channels = has_channels(node->kind);
    const int kernel = window ? LIMIT_KERNEL : 0, least = window ? 1 : 0;
    return within(node->input[0], 0, index) && within(node->input[1], 0, node->kind == NODE_ADD ? index : 0) &&
           within(node->channels, channels ? 1 : 0, channels ? LIMIT_CHANNELS : 0) &&
           within(node->kernel_h, least, kernel) && within(node->kernel_w, least, kernel) &&
           within(node->stride, least, kernel) && (window || !node->same) &&
           (has_weights(node->kind) || !node->bias) &&
           (node->kind == NODE_DROPOUT ? node->rate >= 0 && node->rate < 1
            : node->kind == NODE_SCALE ? node->rate > 0 && node->rate <= 1e6f
                                       : node->rate == 0) &&
           (node->kind == NODE_SOFTMAX) == last;
}

enum status net_check(struct net *net, int *failed)
{
    int ignored;
    failed = failed ? failed : &ignored;
    *failed = 0;
    if (!within(net->node_count, 1, LIMIT_NODES) || !within(net->input.h, 1, LIMIT_SIDE) ||
        !within(net->input.w, 1, LIMIT_SIDE) || (net->input.c != 1 && net->input.c != 3))
        return STATUS_HEADER;
    memset(net->consumers, 0, sizeof net->consumers);
    net->shapes[0] = net->input;
    net->place[0] = 0;

    for (int i = 0; i < net->node_count; i++) {
        const struct node *node = &net->nodes[i];
        *failed = i;
        if (!within((int)node->kind, 1, NODE_KINDS - 1) || !fields_valid(node, i, i == net->node_count - 1))
            return STATUS_NODE;
        const struct shape in = net->shapes[node->input[0]], out = node_shape(node, in);
        if (out.c < 1)
            return STATUS_NODE;
        if (wide_count(out) > LIMIT_ACTIVATIONS || weight_count(node, in) > LIMIT_PARAMETERS)
            return STATUS_LIMIT;
        net->shapes[i + 1] = out;
        net->consumers[node->input[0]]++;
        if (node->kind == NODE_ADD) {
            const struct shape second = net->shapes[node->input[1]];
            if (second.h != in.h || second.w != in.w || second.c != in.c)
                return STATUS_NODE;
            net->consumers[node->input[1]]++;
        }
        struct block blocks[4];
        const int count = net_blocks(blocks, net, i);
        uint64_t place = count ? (uint64_t)blocks[count - 1].place + blocks[count - 1].count : net->place[i];
        if (place > LIMIT_PARAMETERS)
            return STATUS_LIMIT;
        net->place[i + 1] = (size_t)place;
    }
    for (int i = 0; i < net->node_count; i++) {
        *failed = i == 0 ? 0 : i - 1;
        if (net->consumers[i] == 0) /* a tensor that nothing reads */
            return STATUS_NODE;
    }
    return within(net_classes(net), 1, LIMIT_CHANNELS) ? STATUS_OK : STATUS_LIMIT;
}

int net_blocks(struct block blocks[4], const struct net *net, int node)
{
    const struct node *of = &net->nodes[node];
    size_t place = net->place[node];
    int count = 0;
#define BLOCK(block_role, block_count)                                                                                 \
    blocks[count++] = (struct block){block_role, place, block_count}, place += blocks[count - 1].count
    if (has_weights(of->kind)) {
        BLOCK(BLOCK_WEIGHT, (size_t)weight_count(of, net->shapes[of->input[0]]));
        if (of->bias)
            BLOCK(BLOCK_BIAS, (size_t)net->shapes[node + 1].c);
    } else if (of->kind == NODE_BATCHNORM)
        for (enum block_role role = BLOCK_SCALE; role <= BLOCK_VARIANCE; role++)
            BLOCK(role, (size_t)net->shapes[of->input[0]].c);
#undef BLOCK
    return count;
}

uint64_t net_multiply_adds(const struct net *net, int node)
{
    struct block blocks[4];
    const struct shape out = net->shapes[node + 1];
    const bool weights = net_blocks(blocks, net, node) && blocks[0].role == BLOCK_WEIGHT;
    return weights ? (uint64_t)blocks[0].count * (uint64_t)(out.h * out.w) : 0;
}

struct window net_window(const struct net *net, int node)
{
    const struct node *of = &net->nodes[node];
    struct window window = {net->shapes[of->input[0]], net->shapes[node + 1], of->kernel_h, of->kernel_w, of->stride, 0, 0};
    if (of->kind == NODE_DENSE)
        window.kernel_h = window.kernel_w = window.stride = 1;
    if (of->kind == NODE_GLOBAL_AVGPOOL) {
        window.kernel_h = window.in.h;
        window.kernel_w = window.in.w;
        window.stride = 1;
    }
    if (of->same) {
        const int h = (window.out.h - 1) * window.stride + window.kernel_h - window.in.h;
        const int w = (window.out.w - 1) * window.stride + window.kernel_w - window.in.w;
        window.pad_top = h > 0 ? h / 2 : 0;
        window.pad_left = w > 0 ? w / 2 : 0;
    }
    return window;
}

/* ---- Planning ---- */

/* Whether node i writes its output over its input, whose memory nothing else reads: a change of shape always may, an
 * activation where the layer before does not look at its own output again on the way back. */
static bool in_place(const struct net *net, int i)
{
    const struct node *node = &net->nodes[i];
    if (net->consumers[node->input[0]] != 1 || node->input[0] == 0)
        return false;
    if (node->kind == NODE_FLATTEN)
        return true;
    if (node->kind != NODE_RELU && node->kind != NODE_RELU6 && node->kind != NODE_SIGMOID && node->kind != NODE_TANH)
        return false;
    const enum node_kind before = net->nodes[node->input[0] - 1].kind;
    return has_weights(before) || before == NODE_BATCHNORM || before == NODE_ADD;
}

/* Whether activation i is done in the pass of the layer before it: a ReLU, and a depthwise layer's ReLU6. */
static bool fused(const struct net *net, int i)
{
    if (i < 1 || net->nodes[i].input[0] != i || !in_place(net, i))
        return false;
    const enum node_kind kind = net->nodes[i].kind, before = net->nodes[i - 1].kind;
    return (kind == NODE_RELU && has_weights(before)) || (kind == NODE_RELU6 && before == NODE_DEPTHWISE);
}

/* Which kernel computes a convolution: Winograd's tiles, or one matrix product (conv.h). With few channels the transforms take
 * longer than the products that they save. Inference takes one image at a time, and with less than four tiles it would
 * be reading the transformed weights, four times as many, that takes the time. */
static bool winograd_wins(const struct window *window, enum net_mode mode)
{
    enum { LEAST_CHANNELS = 16 };
    const bool enough_tiles = mode == NET_TRAIN || (window->out.h > 4 && window->out.w > 4);
    return winograd_computes(window) && window->in.c >= LEAST_CHANNELS && window->out.c >= LEAST_CHANNELS && enough_tiles;
}

void net_packed_plan(struct net_packed *packed, const struct net *net, enum net_mode mode, struct arena *arena)
{
    memset(packed, 0, sizeof *packed);
    for (int i = 0; i < net->node_count; i++) {
        struct block blocks[4];
        const int count = net_blocks(blocks, net, i);
        if (count && blocks[0].role == BLOCK_WEIGHT) {
            const struct window window = net_window(net, i);
            const bool depthwise = net->nodes[i].kind == NODE_DEPTHWISE;
            const bool winograd = packed->winograd[i] = !depthwise && winograd_wins(&window, mode);
            packed->forward[i] = arena_alloc(arena, depthwise  ? blocks[0].count
                                                    : winograd ? winograd_packed_count(&window)
                                                               : conv_packed_count(&window), sizeof(float));
            if (count > 1)
                packed->bias[i] = arena_alloc(arena, blocks[1].count, sizeof(float));
            if (mode == NET_TRAIN && !depthwise)
                packed->backward[i] = arena_alloc(
                    arena, winograd ? winograd_packed_backward_count(&window) : conv_packed_backward_count(&window), sizeof(float));
        } else if (count) {
            packed->forward[i] = arena_alloc(arena, blocks[0].count, sizeof(float));
            packed->bias[i] = arena_alloc(arena, blocks[0].count, sizeof(float));
        }
    }
}

void net_pack(struct net_packed *packed, const struct net *net, int node, const float *parameters)
{
    struct block blocks[4];
    const int count = net_blocks(blocks, net, node);
    if (count && blocks[0].role == BLOCK_WEIGHT) {
        const struct window window = net_window(net, node);
        if (net->nodes[node].kind == NODE_DEPTHWISE)
            memcpy(packed->forward[node], parameters, blocks[0].count * sizeof(float));
        else
            (packed->winograd[node] ? winograd_pack : conv_pack)(packed->forward[node], parameters, &window);
        if (count > 1)
            memcpy(packed->bias[node], parameters + blocks[0].count, blocks[1].count * sizeof(float));
        if (packed->backward[node])
            (packed->winograd[node] ? winograd_pack_backward : conv_pack_backward)(packed->backward[node], parameters, &window);
    } else if (count) {
        const size_t c = blocks[0].count;
        batchnorm_fold(packed->forward[node], packed->bias[node], parameters, parameters + c, parameters + 2 * c,
                       parameters + 3 * c, (int)c);
    }
}

/* Memory of the tensors for inference. Lifetimes are numbers of nodes: from the one that writes a tensor to the last that reads it. */
static void plan_by_lifetime(struct net_run *run, const int root[], int batch, struct arena *arena)
{
    const struct net *net = run->net;
    struct lifetime lifetimes[LIMIT_NODES + 1] = {{0}};
    for (int t = 0; t <= net->node_count; t++) {
        struct lifetime *lifetime = &lifetimes[root[t]];
        if (root[t] == t) {
            *lifetime = (struct lifetime){0, (uint64_t)batch * shape_count(net->shapes[t]), t - 1, t - 1};
            lifetime->size = (lifetime->size + 15) / 16 * 16; /* whole cache lines */
        }
        for (int i = t; i < net->node_count; i++)
            if (net->nodes[i].input[0] == t || (net->nodes[i].kind == NODE_ADD && net->nodes[i].input[1] == t))
                lifetime->last = i > lifetime->last ? i : lifetime->last;
    }
    /* The logits and the probabilities are read after the run. */
    const int logits = root[net->nodes[net->node_count - 1].input[0]];
    lifetimes[logits].last = lifetimes[root[net->node_count]].last = net->node_count;

    float *base = arena_alloc(arena, lifetime_place(lifetimes, net->node_count + 1), sizeof(float));
    for (int t = 0; t <= net->node_count; t++)
        run->tensor[t] = base ? base + lifetimes[root[t]].place : NULL;
}

void net_run_plan(struct net_run *run, const struct net *net, const struct net_packed *packed, int batch,
                  enum net_mode mode, struct arena *arena)
{
    memset(run, 0, sizeof *run);
    run->net = net;
    run->packed = packed;
    run->gemm = gemm_exact;
    run->temperature = 1;

    int root[LIMIT_NODES + 1]; /* the tensor whose memory a tensor shares */
    size_t scratch = 0, shared = 0;
    root[0] = 0;
    for (int i = 0; i < net->node_count; i++) {
        const struct node *node = &net->nodes[i];
        root[i + 1] = in_place(net, i) ? root[node->input[0]] : i + 1;
        size_t need = 0;
        if (has_channels(node->kind)) {
            const struct window window = net_window(net, i);
            const bool winograd = packed->winograd[i];
            const size_t forward = (winograd ? winograd_forward_scratch : conv_forward_scratch)(batch, &window);
            const size_t backward =
                mode == NET_TRAIN ? (winograd ? winograd_backward_scratch : conv_backward_scratch)(batch, &window) : 0;
            need = forward > backward ? forward : backward;
        }
        scratch = need > scratch ? need : scratch;
        if (net->consumers[i] > 1 && shape_count(net->shapes[i]) > shared)
            shared = shape_count(net->shapes[i]);
        if (mode == NET_TRAIN && node->kind == NODE_BATCHNORM)
            run->statistics[i] = arena_alloc(arena, 2 * (uint64_t)net->shapes[i + 1].c, sizeof(float));
    }
    run->scratch = arena_alloc(arena, scratch, sizeof(float));

    if (mode == NET_INFER) {
        plan_by_lifetime(run, root, batch, arena);
        return;
    }
    for (int t = 0; t <= net->node_count; t++) {
        const uint64_t count = (uint64_t)batch * shape_count(net->shapes[t]);
        run->tensor[t] = root[t] == t ? arena_alloc(arena, count, sizeof(float)) : run->tensor[root[t]];
        if (t > 0)
            run->gradient[t] = root[t] == t ? arena_alloc(arena, count, sizeof(float)) : run->gradient[root[t]];
    }
    run->other_gradient = arena_alloc(arena, (uint64_t)batch * shared, sizeof(float));
}

/* ---- Running ---- */

typedef void forward_function(struct net_run *run, int i, float *out, const float *in, int n);

static void forward_conv(struct net_run *run, int i, float *out, const float *in, int n)
{
    const struct window window = net_window(run->net, i);
    (run->packed->winograd[i] ? winograd_forward : conv_forward)(out, in, run->packed->forward[i], run->packed->bias[i],
                                                                 fused(run->net, i + 1), run->scratch, n, &window, run->gemm);
}

static void forward_depthwise(struct net_run *run, int i, float *out, const float *in, int n)
{
    const struct window window = net_window(run->net, i);
    const float ceiling = !fused(run->net, i + 1) ? 0 : run->net->nodes[i + 1].kind == NODE_RELU6 ? 6 : INFINITY;
    depthwise_forward(out, in, run->packed->forward[i], run->packed->bias[i], ceiling, n, &window);
}

static void forward_maxpool(struct net_run *run, int i, float *out, const float *in, int n)
{
    const struct window window = net_window(run->net, i);
    maxpool_forward(out, in, n, &window);
}

static void forward_avgpool(struct net_run *run, int i, float *out, const float *in, int n)
{
    const struct window window = net_window(run->net, i);
    avgpool_forward(out, in, n, &window);
}

static size_t output_count(const struct net_run *run, int i, int n)
{
    return (size_t)n * shape_count(run->net->shapes[i + 1]);
}

static void forward_copy(struct net_run *run, int i, float *out, const float *in, int n)
{
    if (out != in)
        memcpy(out, in, output_count(run, i, n) * sizeof(float));
}

static void forward_batchnorm(struct net_run *run, int i, float *out, const float *in, int n)
{
    const int c = run->net->shapes[i + 1].c;
    batchnorm_apply(out, in, run->packed->forward[i], run->packed->bias[i], (int)(output_count(run, i, n) / (size_t)c), c);
}

static void forward_add(struct net_run *run, int i, float *out, const float *in, int n)
{
    const float *second = run->tensor[run->net->nodes[i].input[1]];
    for (size_t k = 0, count = output_count(run, i, n); k < count; k++)
        out[k] = in[k] + second[k];
}

static void forward_relu(struct net_run *run, int i, float *out, const float *in, int n)
{
    if (!fused(run->net, i))
        relu_forward(out, in, output_count(run, i, n));
}

static void forward_relu6(struct net_run *run, int i, float *out, const float *in, int n)
{
    if (!fused(run->net, i))
        relu6_forward(out, in, output_count(run, i, n));
}

static void forward_sigmoid(struct net_run *run, int i, float *out, const float *in, int n)
{
    sigmoid_forward(out, in, output_count(run, i, n));
}

static void forward_tanh(struct net_run *run, int i, float *out, const float *in, int n)
{
    tanh_forward(out, in, output_count(run, i, n));
}

static void forward_gelu(struct net_run *run, int i, float *out, const float *in, int n)
{
    const size_t count = output_count(run, i, n);
    gelu_forward(out, in, count);
    for (size_t k = 0; k < count; k++) /* far below any sum's last bit, and the products to come would be slow denormals */
        out[k] = out[k] > -1e-24f && out[k] < 0 ? 0 : out[k];
}

static void forward_scale(struct net_run *run, int i, float *out, const float *in, int n)
{
    const float factor = run->net->nodes[i].rate;
    for (size_t k = 0, count = output_count(run, i, n); k < count; k++)
        out[k] = in[k] * factor;
}

static void forward_softmax(struct net_run *run, int i, float *out, const float *in, int n)
{
    softmax_forward(out, in, run->temperature, n, run->net->shapes[i + 1].c);
}

static forward_function *const forward[NODE_KINDS] = {
    [NODE_CONV2D] = forward_conv,       [NODE_MAXPOOL] = forward_maxpool,        [NODE_AVGPOOL] = forward_avgpool,
    [NODE_FLATTEN] = forward_copy,      [NODE_GLOBAL_AVGPOOL] = forward_avgpool, [NODE_DENSE] = forward_conv,
    [NODE_BATCHNORM] = forward_batchnorm, [NODE_DROPOUT] = forward_copy,         [NODE_ADD] = forward_add,
    [NODE_RELU] = forward_relu,         [NODE_SIGMOID] = forward_sigmoid,        [NODE_TANH] = forward_tanh,
    [NODE_SOFTMAX] = forward_softmax,   [NODE_GELU] = forward_gelu,              [NODE_SCALE] = forward_scale,
    [NODE_DEPTHWISE] = forward_depthwise, [NODE_RELU6] = forward_relu6,
};

void net_forward_node(struct net_run *run, int node, int n)
{
    forward[run->net->nodes[node].kind](run, node, run->tensor[node + 1], run->tensor[run->net->nodes[node].input[0]], n);
}

void net_forward(struct net_run *run, int n)
{
    for (int i = 0; i < run->net->node_count; i++)
        net_forward_node(run, i, n);
}
