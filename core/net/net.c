#include "net/net.h"

#include "kernels/activation.h"
#include "kernels/conv.h"
#include "kernels/depthwise.h"
#include "kernels/norm.h"
#include "kernels/pool.h"

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
           (node_has_weights(node->kind) || !node->bias) &&
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
    net->offset[0] = 0;

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
        uint64_t place = count ? (uint64_t)blocks[count - 1].offset + blocks[count - 1].count : net->offset[i];
        if (place > LIMIT_PARAMETERS)
            return STATUS_LIMIT;
        net->offset[i + 1] = (size_t)place;
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
    size_t place = net->offset[node];
    int count = 0;
#define BLOCK(block_role, block_count)                                                                                 \
    blocks[count++] = (struct block){block_role, place, block_count}, place += blocks[count - 1].count
    if (node_has_weights(of->kind)) {
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
    if (of->same) { /* for all of the output, of which net_trim may have left a part */
        const int h = (window_count(window.in.h, 0, window.stride, true) - 1) * window.stride + window.kernel_h - window.in.h;
        const int w = (window_count(window.in.w, 0, window.stride, true) - 1) * window.stride + window.kernel_w - window.in.w;
        window.pad_top = h > 0 ? h / 2 : 0;
        window.pad_left = w > 0 ? w / 2 : 0;
    }
    return window;
}

static int larger(int a, int b)
{
    return a > b ? a : b;
}

static int smaller(int a, int b)
{
    return a < b ? a : b;
}

/* Enlarges *shape to h x w; whether it was smaller. */
static bool enlarge(struct shape *shape, int h, int w)
{
    const bool smaller_before = shape->h < h || shape->w < w;
    shape->h = larger(shape->h, h);
    shape->w = larger(shape->w, w);
    return smaller_before;
}

void net_trim(struct net *net)
{
    struct shape read[LIMIT_NODES + 1]; /* of each tensor, from its first row and column on */
    for (int t = 0; t <= net->node_count; t++)
        read[t] = (struct shape){0, 0, net->shapes[t].c};
    read[0] = net->shapes[0];
    read[net->node_count] = net->shapes[net->node_count];
    for (bool again = true; again;) { /* the tensors of an elementwise layer grow together, so what was done may grow later */
        again = false;
        for (int i = net->node_count - 1; i >= 0; i--) {
            const struct node *node = &net->nodes[i];
            const struct shape in = net->shapes[node->input[0]], whole = net->shapes[i + 1], out = read[i + 1];
            const bool elementwise = !has_window(node->kind) && in.h == whole.h && in.w == whole.w && in.c == whole.c;
            int h = in.h, w = in.w;
            if (has_window(node->kind) && (node->stride == 1 || !node->same)) { /* else the borders depend on the whole size */
                const struct window window = net_window(net, i);
                h = smaller(h, (out.h - 1) * window.stride + window.kernel_h - window.pad_top);
                w = smaller(w, (out.w - 1) * window.stride + window.kernel_w - window.pad_left);
            } else if (elementwise) {
                h = out.h;
                w = out.w;
            }
            for (int k = 0; k < (node->kind == NODE_ADD ? 2 : 1); k++) {
                struct shape *of = &read[node->input[k]];
                again = enlarge(of, h, w) || again;
                if (elementwise)
                    again = enlarge(&read[i + 1], of->h, of->w) || again;
            }
        }
    }
    memcpy(net->shapes, read, (size_t)(net->node_count + 1) * sizeof *read);
}

/* ---- Running ---- */

typedef void forward_function(struct net_run *run, int i, float *out, const float *in, int n);

static void forward_conv(struct net_run *run, int i, float *out, const float *in, int n)
{
    const struct window window = net_window(run->net, i);
    run->packed->kernel[i]->forward(out, in, run->packed->forward[i], run->packed->bias[i], run->packed->ceiling[i], run->scratch,
                                    n, &window, run->gemm);
}

static void forward_depthwise(struct net_run *run, int i, float *out, const float *in, int n)
{
    const struct window window = net_window(run->net, i);
    depthwise_forward(out, in, run->packed->forward[i], run->packed->bias[i], run->packed->ceiling[i], n, &window);
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
    add_forward(out, in, run->tensor[run->net->nodes[i].input[1]], run->packed->ceiling[i], output_count(run, i, n));
}

static void forward_relu(struct net_run *run, int i, float *out, const float *in, int n)
{
    if (!run->packed->done[i])
        relu_forward(out, in, output_count(run, i, n));
}

static void forward_relu6(struct net_run *run, int i, float *out, const float *in, int n)
{
    if (!run->packed->done[i])
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
    gelu_forward_cut(out, in, output_count(run, i, n));
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
