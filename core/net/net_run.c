/* Inference: net_forward, node by node. */
#include "net/net.h"

#include "kernels/activation.h"
#include "kernels/channels.h"
#include "kernels/conv.h"
#include "kernels/depthwise.h"
#include "kernels/batchnorm.h"
#include "kernels/pool.h"

#include <assert.h>
#include <string.h>

typedef void forward_function(struct net_run *run, int i, float *out, const float *in, int n);

static void forward_conv(struct net_run *run, int i, float *out, const float *in, int n)
{
    const struct window window = net_window(run->net, i);
    run->packed->kernel[i]->forward(out, in, run->packed->forward[i], run->packed->bias[i], run->packed->ceiling[i],
                                    run->scratch, n, &window, run->gemm);
}

static void forward_depthwise(struct net_run *run, int i, float *out, const float *in, int n)
{
    const struct window window = net_window(run->net, i);
    depthwise_forward(out, in, run->packed->forward[i], run->packed->bias[i], run->packed->ceiling[i], n, &window);
}

static void forward_maxpool(struct net_run *run, int i, float *out, const float *in, int n)
{
    const struct window window = net_window(run->net, i);
    pool_max_forward(out, in, n, &window);
}

static void forward_avgpool(struct net_run *run, int i, float *out, const float *in, int n)
{
    const struct window window = net_window(run->net, i);
    pool_average_forward(out, in, n, &window);
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
    batchnorm_apply(out, in, run->packed->forward[i], run->packed->bias[i], (int)(output_count(run, i, n) / (size_t)c),
                    c);
}

static void forward_add(struct net_run *run, int i, float *out, const float *in, int n)
{
    const float *second = run->tensor[run->net->nodes[i].input[1]], ceiling = run->packed->ceiling[i];
    const struct net_pairs pairs = net_pairs(run->net, i, n);
    for (size_t k = 0; k < pairs.count; k++, out += pairs.size, in += pairs.size)
        activation_add_forward(out, in, second + k / pairs.repeats * pairs.size, ceiling, pairs.size);
}

static void forward_multiply(struct net_run *run, int i, float *out, const float *in, int n)
{
    const float *second = run->tensor[run->net->nodes[i].input[1]];
    const struct net_pairs pairs = net_pairs(run->net, i, n);
    for (size_t k = 0; k < pairs.count; k++, out += pairs.size, in += pairs.size)
        activation_multiply_forward(out, in, second + k / pairs.repeats * pairs.size, pairs.size);
}

static void forward_prelu(struct net_run *run, int i, float *out, const float *in, int n)
{
    const int c = run->net->shapes[i + 1].c;
    activation_prelu_forward(out, in, run->packed->forward[i], output_count(run, i, n) / (size_t)c, c);
}

static size_t pixel_count(const struct net_run *run, int i, int n)
{
    return (size_t)n * (size_t)run->net->shapes[i + 1].h * (size_t)run->net->shapes[i + 1].w;
}

static void forward_concat(struct net_run *run, int i, float *out, const float *in, int n)
{
    const int *input = run->net->nodes[i].input;
    channels_concat_forward(out, in, run->tensor[input[1]], pixel_count(run, i, n), run->net->shapes[input[0]].c,
                            run->net->shapes[input[1]].c);
}

static void forward_slice(struct net_run *run, int i, float *out, const float *in, int n)
{
    const struct node *node = &run->net->nodes[i];
    channels_slice_forward(out, in, pixel_count(run, i, n), node->first, node->channels,
                           run->net->shapes[node->input[0]].c);
}

static void forward_shuffle(struct net_run *run, int i, float *out, const float *in, int n)
{
    channels_shuffle_forward(out, in, pixel_count(run, i, n), run->net->nodes[i].groups, run->net->shapes[i + 1].c);
}

typedef void elementwise_function(float *out, const float *in, size_t count);
static elementwise_function *const activations[NODE_KINDS] = {
    [NODE_RELU] = activation_relu_forward,   [NODE_SIGMOID] = activation_sigmoid_forward,
    [NODE_TANH] = activation_tanh_forward,   [NODE_GELU] = activation_gelu_forward_cut,
    [NODE_RELU6] = activation_relu6_forward, [NODE_HARDSWISH] = activation_hardswish_forward,
    [NODE_SILU] = activation_silu_forward,   [NODE_HARDSIGMOID] = activation_hardsigmoid_forward};

bool net_activate(const struct node *node, float *out, const float *in, size_t count)
{
    if (kind_traits[node->kind].setting == SETTING_SLOPE)
        activation_leaky_relu_forward(out, in, node->rate, count);
    else if (activations[node->kind])
        activations[node->kind](out, in, count);
    else
        return false;
    return true;
}

static void forward_activation(struct net_run *run, int i, float *out, const float *in, int n)
{
    if (!run->packed->done[i])
        net_activate(&run->net->nodes[i], out, in, output_count(run, i, n));
}

static void forward_scale(struct net_run *run, int i, float *out, const float *in, int n)
{
    const float factor = run->net->nodes[i].rate;
    for (size_t k = 0, count = output_count(run, i, n); k < count; k++)
        out[k] = in[k] * factor;
}

static void forward_softmax(struct net_run *run, int i, float *out, const float *in, int n)
{
    activation_softmax_forward(out, in, run->temperature, n, run->net->shapes[i + 1].c);
}

static forward_function *const forward[NODE_KINDS] = {[NODE_CONV2D] = forward_conv,
                                                      [NODE_MAXPOOL] = forward_maxpool,
                                                      [NODE_AVGPOOL] = forward_avgpool,
                                                      [NODE_GLOBAL_AVGPOOL] = forward_avgpool,
                                                      [NODE_FLATTEN] = forward_copy,
                                                      [NODE_DENSE] = forward_conv,
                                                      [NODE_BATCHNORM] = forward_batchnorm,
                                                      [NODE_DROPOUT] = forward_copy,
                                                      [NODE_ADD] = forward_add,
                                                      [NODE_RELU] = forward_activation,
                                                      [NODE_SIGMOID] = forward_activation,
                                                      [NODE_TANH] = forward_activation,
                                                      [NODE_SOFTMAX] = forward_softmax,
                                                      [NODE_GELU] = forward_activation,
                                                      [NODE_SCALE] = forward_scale,
                                                      [NODE_DEPTHWISE] = forward_depthwise,
                                                      [NODE_RELU6] = forward_activation,
                                                      [NODE_HARDSWISH] = forward_activation,
                                                      [NODE_SILU] = forward_activation,
                                                      [NODE_HARDSIGMOID] = forward_activation,
                                                      [NODE_LEAKY_RELU] = forward_activation,
                                                      [NODE_PRELU] = forward_prelu,
                                                      [NODE_MULTIPLY] = forward_multiply,
                                                      [NODE_CONCAT] = forward_concat,
                                                      [NODE_SLICE] = forward_slice,
                                                      [NODE_SHUFFLE] = forward_shuffle};

bool net_has_forward(enum node_kind kind)
{
    float x = 0;
    return forward[kind] &&
           (forward[kind] != forward_activation || net_activate(&(struct node){.kind = kind}, &x, &x, 1));
}

void net_forward_node(struct net_run *run, int node, int n)
{
    assert(node >= 0 && node < run->net->node_count && n > 0 && n <= run->batch && run->tensor[node + 1]);
    forward[run->net->nodes[node].kind](run, node, run->tensor[node + 1], run->tensor[run->net->nodes[node].input[0]],
                                        n);
}

void net_forward(struct net_run *run, int n)
{
    for (int i = 0; i < run->net->node_count; i++)
        net_forward_node(run, i, n);
}
