/* Training's half of net.h; nothing that inference links refers to this file. */
#include "net/net_gradient.h"

#include "kernels/activation.h"
#include "kernels/conv.h"
#include "kernels/depthwise.h"
#include "kernels/batchnorm.h"
#include "kernels/winograd.h"

#include <assert.h>

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

/* Of kinds with parameters, and those that training computes otherwise than inference; of all others
 * net_input_gradients alone. din is NULL where nobody needs it, and is overwritten; dparameters are the node's own, and
 * are added to. */
typedef void backward_function(struct net_run *run, int i, float *din, float *dparameters, const float *dout, int n);

static void backward_input(struct net_run *run, int i, int side, float *din, const float *dout, int n)
{
    if (din)
        net_input_gradients[side][run->net->nodes[i].kind](run, i, din, dout, n);
}

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
    backward_input(run, i, 0, din, dout, n);
}

static void backward_depthwise(struct net_run *run, int i, float *din, float *dparameters, const float *dout, int n)
{
    const struct window window = net_window(run->net, i);
    struct block blocks[4];
    if (net_blocks(blocks, run->net, i) > 1)
        conv_backward_bias(dparameters + blocks[0].count, dout, n, &window);
    depthwise_backward_weights(dparameters, dout, run->tensor[run->net->nodes[i].input[0]], n, &window);
    backward_input(run, i, 0, din, dout, n);
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

static void backward_prelu(struct net_run *run, int i, float *din, float *dparameters, const float *dout, int n)
{
    const int c = run->net->shapes[i + 1].c;
    activation_prelu_backward_slopes(dparameters, dout, run->tensor[run->net->nodes[i].input[0]],
                                     output_count(run, i, n) / (size_t)c, c);
    backward_input(run, i, 0, din, dout, n);
}

/* The gradient of the logits comes from the loss, which is computed with the softmax in one (training/loss.h). */
static void backward_by_loss(struct net_run *run, int i, float *din, float *dparameters, const float *dout, int n)
{
    (void)run, (void)i, (void)din, (void)dparameters, (void)dout, (void)n;
    assert(false && "the softmax has no backward pass of its own");
}

static backward_function *const backward[NODE_KINDS] = {
    [NODE_CONV2D] = backward_conv,         [NODE_DENSE] = backward_conv,      [NODE_DEPTHWISE] = backward_depthwise,
    [NODE_BATCHNORM] = backward_batchnorm, [NODE_DROPOUT] = backward_dropout, [NODE_PRELU] = backward_prelu,
    [NODE_SOFTMAX] = backward_by_loss};

bool net_has_backward(enum node_kind kind) { return kind == NODE_SOFTMAX || net_has_input_gradient(kind); }

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
        if (backward[node->kind])
            backward[node->kind](run, i, din, dparameters + net->offset[i], run->gradient[i + 1], n);
        else
            backward_input(run, i, side, din, run->gradient[i + 1], n);
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
