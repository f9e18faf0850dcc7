/* Training's half of net.h; nothing that inference links refers to this file. */
#include "net/net.h"

#include "kernels/activation.h"
#include "kernels/channels.h"
#include "kernels/conv.h"
#include "kernels/depthwise.h"
#include "kernels/batchnorm.h"
#include "kernels/pool.h"
#include "kernels/winograd.h"

#include <assert.h>
#include <string.h>

static size_t output_count(const struct net_run *run, int i, int n)
{
    return (size_t)n * shape_count(run->net->shapes[i + 1]);
}

static int output_rows(const struct net_run *run, int i, int n)
{
    return n * run->net->shapes[i + 1].h * run->net->shapes[i + 1].w;
}

/* Dropout draws a number for every element of every image of the training run. */
static uint64_t dropout_first(const struct net_run *run, int i)
{
    return run->first_image * shape_count(run->net->shapes[i + 1]);
}

void net_forward_training_node(struct net_run *run, int i, int n)
{
    assert(net_logits_gradient(run) && run->parameters && i >= 0 && i < run->net->node_count && n > 0 &&
           n <= run->batch);
    const struct node *node = &run->net->nodes[i];
    float *out = run->tensor[i + 1];
    const float *in = run->tensor[node->input[0]];
    if (node->kind == NODE_BATCHNORM && i >= run->frozen_nodes) {
        const int c = run->net->shapes[i + 1].c;
        const float *scale = run->parameters + run->net->offset[i];
        batchnorm_forward(out, run->statistics[i], run->statistics[i] + c, in, scale, scale + c, output_rows(run, i, n),
                          c);
    } else if (node->kind == NODE_GELU) /* uncut: a maxpool behind it is to see which of its tails is largest */
        activation_gelu_forward(out, in, output_count(run, i, n));
    else if (node->kind == NODE_DROPOUT)
        activation_dropout_forward(out, in, node->rate, run->dropout_seed, (uint64_t)i, dropout_first(run, i),
                                   output_count(run, i, n));
    else
        net_forward_node(run, i, n);
}

void net_forward_training(struct net_run *run, int n)
{
    for (int i = 0; i < run->net->node_count - 1; i++)
        net_forward_training_node(run, i, n);
}

/* din is NULL where nobody needs it, and is overwritten; dparameters are the node's own, and are added to. */
typedef void backward_function(struct net_run *run, int i, float *din, float *dparameters, const float *dout, int n);

static void backward_conv(struct net_run *run, int i, float *din, float *dparameters, const float *dout, int n)
{
    const struct window window = net_window(run->net, i);
    struct block blocks[4];
    const int count = net_blocks(blocks, run->net, i);
    const float *in = run->tensor[run->net->nodes[i].input[0]];
    float *dbias = count > 1 ? dparameters + blocks[0].count : NULL,
          *dweights = run->net->nodes[i].frozen ? NULL : dparameters;
    if (dbias)
        conv_backward_bias(dbias, dout, n, &window);
    if (net_trains_by_winograd(run->packed, i)) {
        winograd_backward(din, dweights, dout, in, run->packed->backward[i], run->scratch, n, &window, run->gemm);
        return;
    }
    if (dweights)
        conv_backward_weights(dweights, dout, in, run->scratch, n, &window, run->gemm);
    if (din)
        conv_backward_input(din, dout, run->packed->backward[i], run->scratch, n, &window, run->gemm);
}

static void backward_depthwise(struct net_run *run, int i, float *din, float *dparameters, const float *dout, int n)
{
    const struct window window = net_window(run->net, i);
    struct block blocks[4];
    if (net_blocks(blocks, run->net, i) > 1)
        conv_backward_bias(dparameters + blocks[0].count, dout, n, &window);
    depthwise_backward_weights(dparameters, dout, run->tensor[run->net->nodes[i].input[0]], n, &window);
    if (din)
        depthwise_backward_input(din, dout, run->packed->forward[i], n, &window);
}

static void backward_maxpool(struct net_run *run, int i, float *din, float *dparameters, const float *dout, int n)
{
    (void)dparameters;
    const struct window window = net_window(run->net, i);
    if (din)
        pool_max_backward(din, dout, run->tensor[i + 1], run->tensor[run->net->nodes[i].input[0]], n, &window);
}

static void backward_avgpool(struct net_run *run, int i, float *din, float *dparameters, const float *dout, int n)
{
    (void)dparameters;
    const struct window window = net_window(run->net, i);
    if (din)
        pool_average_backward(din, dout, n, &window);
}

static void backward_copy(struct net_run *run, int i, float *din, float *dparameters, const float *dout, int n)
{
    (void)dparameters;
    if (din && din != dout)
        memcpy(din, dout, output_count(run, i, n) * sizeof(float));
}

static void backward_batchnorm(struct net_run *run, int i, float *din, float *dparameters, const float *dout, int n)
{
    const int c = run->net->shapes[i + 1].c, rows = output_rows(run, i, n);
    const float *mean = run->statistics[i], *std = mean + c, *in = run->tensor[run->net->nodes[i].input[0]];
    /* Where nobody needs din, it is written all the same: over the gradient of the output, which is free by now. */
    batchnorm_backward(din ? din : run->gradient[i + 1], dparameters, dparameters + c, dout, in, mean, std,
                       run->parameters + run->net->offset[i], rows, c);
    for (int k = 0; k < c; k++) {
        dparameters[2 * c + k] += (float)n * mean[k];
        dparameters[3 * c + k] += (float)n * (std[k] * std[k] - BATCHNORM_EPSILON);
    }
}

static void backward_dropout(struct net_run *run, int i, float *din, float *dparameters, const float *dout, int n)
{
    (void)dparameters;
    if (din)
        activation_dropout_backward(din, dout, run->net->nodes[i].rate, run->dropout_seed, (uint64_t)i,
                                    dropout_first(run, i), output_count(run, i, n));
}

/* From what the activation made, where that is enough, so that it may be done in place; else from what it read. */
typedef void slope_function(float *din, const float *dout, const float *seen, size_t count);
static slope_function *const slopes[NODE_KINDS] = {
    [NODE_RELU] = activation_relu_backward,   [NODE_SIGMOID] = activation_sigmoid_backward,
    [NODE_TANH] = activation_tanh_backward,   [NODE_GELU] = activation_gelu_backward,
    [NODE_RELU6] = activation_relu6_backward, [NODE_HARDSWISH] = activation_hardswish_backward,
    [NODE_SILU] = activation_silu_backward,   [NODE_HARDSIGMOID] = activation_hardsigmoid_backward};

static void backward_activation(struct net_run *run, int i, float *din, float *dparameters, const float *dout, int n)
{
    (void)dparameters;
    const struct node *node = &run->net->nodes[i];
    if (din)
        slopes[node->kind](din, dout, run->tensor[kind_traits[node->kind].in_place ? i + 1 : node->input[0]],
                           output_count(run, i, n));
}

static void backward_scale(struct net_run *run, int i, float *din, float *dparameters, const float *dout, int n)
{
    (void)dparameters;
    for (size_t k = 0, count = din ? output_count(run, i, n) : 0; k < count; k++)
        din[k] = dout[k] * run->net->nodes[i].rate;
}

static void backward_leaky_relu(struct net_run *run, int i, float *din, float *dparameters, const float *dout, int n)
{
    (void)dparameters;
    if (din)
        activation_leaky_relu_backward(din, dout, run->tensor[i + 1], run->net->nodes[i].rate, output_count(run, i, n));
}

static void backward_prelu(struct net_run *run, int i, float *din, float *dparameters, const float *dout, int n)
{
    const float *in = run->tensor[run->net->nodes[i].input[0]];
    const int c = run->net->shapes[i + 1].c;
    const size_t pixels = output_count(run, i, n) / (size_t)c;
    activation_prelu_backward_slopes(dparameters, dout, in, pixels, c);
    if (din)
        activation_prelu_backward(din, dout, in, run->packed->forward[i], pixels, c);
}

/* The second input's gradient where it broadcasts, image by image; `in` is NULL for a sum. */
static void backward_channels(struct net_run *run, int i, float *din, const float *in, const float *dout, int n)
{
    const struct shape shape = run->net->shapes[i + 1];
    const size_t pixels = (size_t)shape.h * (size_t)shape.w, step = shape_count(shape);
    for (int image = 0; image < n; image++, din += shape.c, dout += step) {
        if (in)
            activation_multiply_backward_channels(din, dout, in + (size_t)image * step, pixels, shape.c);
        else
            activation_add_backward_channels(din, dout, pixels, shape.c);
    }
}

static void backward_add_second(struct net_run *run, int i, float *din, float *dparameters, const float *dout, int n)
{
    if (din && net_broadcasts(run->net, i))
        backward_channels(run, i, din, NULL, dout, n);
    else
        backward_copy(run, i, din, dparameters, dout, n);
}

static void backward_multiply(struct net_run *run, int i, float *din, float *dparameters, const float *dout, int n)
{
    (void)dparameters;
    const float *second = run->tensor[run->net->nodes[i].input[1]];
    const struct net_pairs pairs = net_pairs(run->net, i, n);
    for (size_t k = 0; din && k < pairs.count; k++, din += pairs.size, dout += pairs.size)
        activation_multiply_backward(din, dout, second + k / pairs.repeats * pairs.size, pairs.size);
}

static void backward_multiply_second(struct net_run *run, int i, float *din, float *dparameters, const float *dout,
                                     int n)
{
    (void)dparameters;
    const float *first = run->tensor[run->net->nodes[i].input[0]];
    if (din && net_broadcasts(run->net, i))
        backward_channels(run, i, din, first, dout, n);
    else if (din)
        activation_multiply_backward(din, dout, first, output_count(run, i, n));
}

static size_t pixel_count(const struct net_run *run, int i, int n)
{
    return (size_t)n * (size_t)run->net->shapes[i + 1].h * (size_t)run->net->shapes[i + 1].w;
}

/* Of the first input. */
static void backward_concat(struct net_run *run, int i, float *din, float *dparameters, const float *dout, int n)
{
    (void)dparameters;
    if (din)
        channels_concat_backward(din, dout, pixel_count(run, i, n), 0, run->net->shapes[run->net->nodes[i].input[0]].c,
                                 run->net->shapes[i + 1].c);
}

static void backward_concat_second(struct net_run *run, int i, float *din, float *dparameters, const float *dout, int n)
{
    (void)dparameters;
    const int *input = run->net->nodes[i].input;
    if (din)
        channels_concat_backward(din, dout, pixel_count(run, i, n), run->net->shapes[input[0]].c,
                                 run->net->shapes[input[1]].c, run->net->shapes[i + 1].c);
}

static void backward_slice(struct net_run *run, int i, float *din, float *dparameters, const float *dout, int n)
{
    (void)dparameters;
    const struct node *node = &run->net->nodes[i];
    if (din)
        channels_slice_backward(din, dout, pixel_count(run, i, n), node->first, node->channels,
                                run->net->shapes[node->input[0]].c);
}

static void backward_shuffle(struct net_run *run, int i, float *din, float *dparameters, const float *dout, int n)
{
    (void)dparameters;
    if (din)
        channels_shuffle_backward(din, dout, pixel_count(run, i, n), run->net->nodes[i].groups,
                                  run->net->shapes[i + 1].c);
}

/* The gradient of the logits comes from the loss, which is computed with the softmax in one (training/loss.h). */
static void backward_by_loss(struct net_run *run, int i, float *din, float *dparameters, const float *dout, int n)
{
    (void)run, (void)i, (void)din, (void)dparameters, (void)dout, (void)n;
    assert(false && "the softmax has no backward pass of its own");
}

static backward_function *const backward[NODE_KINDS] = {[NODE_CONV2D] = backward_conv,
                                                        [NODE_MAXPOOL] = backward_maxpool,
                                                        [NODE_AVGPOOL] = backward_avgpool,
                                                        [NODE_GLOBAL_AVGPOOL] = backward_avgpool,
                                                        [NODE_FLATTEN] = backward_copy,
                                                        [NODE_DENSE] = backward_conv,
                                                        [NODE_BATCHNORM] = backward_batchnorm,
                                                        [NODE_DROPOUT] = backward_dropout,
                                                        [NODE_ADD] = backward_copy,
                                                        [NODE_RELU] = backward_activation,
                                                        [NODE_SIGMOID] = backward_activation,
                                                        [NODE_TANH] = backward_activation,
                                                        [NODE_SOFTMAX] = backward_by_loss,
                                                        [NODE_GELU] = backward_activation,
                                                        [NODE_SCALE] = backward_scale,
                                                        [NODE_DEPTHWISE] = backward_depthwise,
                                                        [NODE_RELU6] = backward_activation,
                                                        [NODE_HARDSWISH] = backward_activation,
                                                        [NODE_SILU] = backward_activation,
                                                        [NODE_HARDSIGMOID] = backward_activation,
                                                        [NODE_LEAKY_RELU] = backward_leaky_relu,
                                                        [NODE_PRELU] = backward_prelu,
                                                        [NODE_MULTIPLY] = backward_multiply,
                                                        [NODE_CONCAT] = backward_concat,
                                                        [NODE_SLICE] = backward_slice,
                                                        [NODE_SHUFFLE] = backward_shuffle};

/* The same for the second input, after the first. */
static backward_function *const backward_second[NODE_KINDS] = {[NODE_ADD] = backward_add_second,
                                                               [NODE_MULTIPLY] = backward_multiply_second,
                                                               [NODE_CONCAT] = backward_concat_second};

bool net_has_backward(enum node_kind kind)
{
    return backward[kind] && (backward[kind] != backward_activation || slopes[kind]) &&
           (kind_traits[kind].inputs > 1) == (backward_second[kind] != NULL);
}

/* Whether a tensor has a gradient already when node i adds its own: from a later consumer, or as the same node's first
 * input. */
static bool has_gradient(const struct net *net, int tensor, int i, int side)
{
    for (int later = i + 1; later < net->node_count - 1; later++)
        if (node_reads(&net->nodes[later], tensor))
            return true;
    return side == 1 && net->nodes[i].input[0] == tensor;
}

/* Whether a node up to the one that writes this tensor has parameters to train. */
static bool needs_gradient(const struct net_run *run, int tensor)
{
    for (int i = run->frozen_nodes; i < tensor; i++) {
        const struct node *node = &run->net->nodes[i];
        struct block blocks[4];
        const bool frozen = node_has_weights(node->kind) && node->frozen && (!node->bias || run->frozen_biases);
        if (net_blocks(blocks, run->net, i) && !frozen)
            return true;
    }
    return false;
}

void net_backward_node(struct net_run *run, float *dparameters, int i, int n)
{
    assert(net_logits_gradient(run) && run->parameters && i >= 0 && i < run->net->node_count && n > 0 &&
           n <= run->batch && dparameters);
    const struct net *net = run->net;
    const struct node *node = &net->nodes[i];
    if (!needs_gradient(run, i + 1))
        return;
    for (int side = 0; side < kind_traits[node->kind].inputs; side++) {
        const int in = node->input[side];
        const bool more = has_gradient(net, in, i, side);
        float *din = !needs_gradient(run, in) ? NULL : more ? run->other_gradient : run->gradient[in];
        (side ? backward_second : backward)[node->kind](run, i, din, dparameters + net->offset[i], run->gradient[i + 1],
                                                        n);
        if (din && more)
            for (size_t k = 0, count = (size_t)n * shape_count(net->shapes[in]); k < count; k++)
                run->gradient[in][k] += din[k];
    }
}

void net_backward(struct net_run *run, float *dparameters, int n)
{
    for (int i = run->net->node_count - 2; i >= 0; i--)
        net_backward_node(run, dparameters, i, n);
}

/* ---- Planning ---- */

static void plan_packed(struct net_packed *packed, int node, const struct window *window, struct arena *arena)
{
    const size_t count = net_trains_by_winograd(packed, node) ? winograd_packed_backward_count(window)
                                                              : conv_packed_backward_count(window);
    packed->backward[node] = arena_alloc(arena, count, sizeof(float));
}

static void pack(struct net_packed *packed, int node, const float *parameters, const struct window *window)
{
    (net_trains_by_winograd(packed, node) ? winograd_pack_backward : conv_pack_backward)(packed->backward[node],
                                                                                         parameters, window);
}

/* input: whether it has a gradient; the image has none. */
static size_t scratch(const struct net_packed *packed, int node, int batch, const struct window *window, bool input)
{
    if (net_trains_by_winograd(packed, node))
        return winograd_backward_scratch(batch, window);
    const size_t of_weights = conv_backward_weights_scratch(batch, window);
    const size_t of_input = input ? conv_backward_input_scratch(batch, window) : 0;
    return of_weights > of_input ? of_weights : of_input;
}

/* Every tensor has memory of its own but those that share it. */
static void stack(uint64_t stack[], const struct net *net, const int root[], int batch)
{
    uint64_t end = 0;
    for (int t = 0; t <= net->node_count; t++)
        stack[t] = end += root[t] == t ? net_tensor_floats(net, t, batch) : 0;
}

/* Tensors in the stack at `base`, which is NULL while measuring; batch normalisation has its statistics. */
static void plan_run(struct net_run *run, const int root[], const uint64_t stack[], float *base, struct arena *arena)
{
    const struct net *net = run->net;
    size_t shared = 0; /* the largest tensor of several consumers */
    for (int t = 0; t <= net->node_count; t++) {
        run->tensor[t] = !base ? NULL : root[t] == 0 ? base : base + stack[root[t] - 1];
        if (t < net->node_count && net->consumers[t] > 1 && shape_count(net->shapes[t]) > shared)
            shared = shape_count(net->shapes[t]);
        if (t > 0 && kind_traits[net->nodes[t - 1].kind].parameters == PARAMETERS_NORM)
            run->statistics[t - 1] = arena_alloc(arena, 2 * (uint64_t)net->shapes[t].c, sizeof(float));
    }
    run->other_gradient = arena_alloc(arena, (uint64_t)run->batch * shared, sizeof(float));
}

const struct net_training net_training = {plan_packed, pack, scratch, stack, plan_run};
