/* What goes back through a network to its inputs: a function a kind, for training and inference alike. */
#include "net/net_gradient.h"

#include "kernels/activation.h"
#include "kernels/channels.h"
#include "kernels/conv.h"
#include "kernels/depthwise.h"
#include "kernels/pool.h"

#include <assert.h>
#include <string.h>

static size_t output_count(const struct net_run *run, int i, int n)
{
    return (size_t)n * shape_count(run->net->shapes[i + 1]);
}

static void of_conv(struct net_run *run, int i, float *din, const float *dout, int n)
{
    const struct window window = net_window(run->net, i);
    conv_backward_input(din, dout, run->packed->backward[i], run->scratch, n, &window, run->gemm);
}

static void of_depthwise(struct net_run *run, int i, float *din, const float *dout, int n)
{
    const struct window window = net_window(run->net, i);
    depthwise_backward_input(din, dout, run->packed->forward[i], n, &window);
}

static void of_maxpool(struct net_run *run, int i, float *din, const float *dout, int n)
{
    const struct window window = net_window(run->net, i);
    pool_max_backward(din, dout, run->tensor[i + 1], run->tensor[run->net->nodes[i].input[0]], n, &window);
}

static void of_avgpool(struct net_run *run, int i, float *din, const float *dout, int n)
{
    const struct window window = net_window(run->net, i);
    pool_average_backward(din, dout, n, &window);
}

static void of_copy(struct net_run *run, int i, float *din, const float *dout, int n)
{
    if (din != dout)
        memcpy(din, dout, output_count(run, i, n) * sizeof(float));
}

/* With the running statistics, which net_pack has made a factor of; with the batch's own: batchnorm_backward. */
static void of_batchnorm(struct net_run *run, int i, float *din, const float *dout, int n)
{
    const size_t c = (size_t)run->net->shapes[i + 1].c;
    for (size_t first = 0, count = output_count(run, i, n); first < count; first += c)
        activation_multiply_backward(din + first, dout + first, run->packed->forward[i], c);
}

/* From what the activation made, where that is enough, so that it may be done in place; else from what it read. */
typedef void slope_function(float *din, const float *dout, const float *seen, size_t count);
static slope_function *const slopes[NODE_KINDS] = {
    [NODE_RELU] = activation_relu_backward,   [NODE_SIGMOID] = activation_sigmoid_backward,
    [NODE_TANH] = activation_tanh_backward,   [NODE_GELU] = activation_gelu_backward,
    [NODE_RELU6] = activation_relu6_backward, [NODE_HARDSWISH] = activation_hardswish_backward,
    [NODE_SILU] = activation_silu_backward,   [NODE_HARDSIGMOID] = activation_hardsigmoid_backward};

static void of_activation(struct net_run *run, int i, float *din, const float *dout, int n)
{
    const struct node *node = &run->net->nodes[i];
    slopes[node->kind](din, dout, run->tensor[kind_traits[node->kind].in_place ? i + 1 : node->input[0]],
                       output_count(run, i, n));
}

static void of_scale(struct net_run *run, int i, float *din, const float *dout, int n)
{
    for (size_t k = 0, count = output_count(run, i, n); k < count; k++)
        din[k] = dout[k] * run->net->nodes[i].rate;
}

static void of_leaky_relu(struct net_run *run, int i, float *din, const float *dout, int n)
{
    activation_leaky_relu_backward(din, dout, run->tensor[i + 1], run->net->nodes[i].rate, output_count(run, i, n));
}

static void of_prelu(struct net_run *run, int i, float *din, const float *dout, int n)
{
    const int c = run->net->shapes[i + 1].c;
    activation_prelu_backward(din, dout, run->tensor[run->net->nodes[i].input[0]], run->packed->forward[i],
                              output_count(run, i, n) / (size_t)c, c);
}

/* The second input's gradient where it broadcasts, image by image; `in` is NULL for a sum. */
static void of_channels(struct net_run *run, int i, float *din, const float *in, const float *dout, int n)
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

static void of_add_second(struct net_run *run, int i, float *din, const float *dout, int n)
{
    if (net_broadcasts(run->net, i))
        of_channels(run, i, din, NULL, dout, n);
    else
        of_copy(run, i, din, dout, n);
}

static void of_multiply(struct net_run *run, int i, float *din, const float *dout, int n)
{
    const float *second = run->tensor[run->net->nodes[i].input[1]];
    const struct net_pairs pairs = net_pairs(run->net, i, n);
    for (size_t k = 0; k < pairs.count; k++, din += pairs.size, dout += pairs.size)
        activation_multiply_backward(din, dout, second + k / pairs.repeats * pairs.size, pairs.size);
}

static void of_multiply_second(struct net_run *run, int i, float *din, const float *dout, int n)
{
    const float *first = run->tensor[run->net->nodes[i].input[0]];
    if (net_broadcasts(run->net, i))
        of_channels(run, i, din, first, dout, n);
    else
        activation_multiply_backward(din, dout, first, output_count(run, i, n));
}

static size_t pixel_count(const struct net_run *run, int i, int n)
{
    return (size_t)n * (size_t)run->net->shapes[i + 1].h * (size_t)run->net->shapes[i + 1].w;
}

static void of_concat(struct net_run *run, int i, float *din, const float *dout, int n)
{
    channels_concat_backward(din, dout, pixel_count(run, i, n), 0, run->net->shapes[run->net->nodes[i].input[0]].c,
                             run->net->shapes[i + 1].c);
}

static void of_concat_second(struct net_run *run, int i, float *din, const float *dout, int n)
{
    const int *input = run->net->nodes[i].input;
    channels_concat_backward(din, dout, pixel_count(run, i, n), run->net->shapes[input[0]].c,
                             run->net->shapes[input[1]].c, run->net->shapes[i + 1].c);
}

static void of_slice(struct net_run *run, int i, float *din, const float *dout, int n)
{
    const struct node *node = &run->net->nodes[i];
    channels_slice_backward(din, dout, pixel_count(run, i, n), node->first, node->channels,
                            run->net->shapes[node->input[0]].c);
}

static void of_shuffle(struct net_run *run, int i, float *din, const float *dout, int n)
{
    channels_shuffle_backward(din, dout, pixel_count(run, i, n), run->net->nodes[i].groups, run->net->shapes[i + 1].c);
}

net_input_gradient *const net_input_gradients[2][NODE_KINDS] = {
    {[NODE_CONV2D] = of_conv,
     [NODE_MAXPOOL] = of_maxpool,
     [NODE_AVGPOOL] = of_avgpool,
     [NODE_GLOBAL_AVGPOOL] = of_avgpool,
     [NODE_FLATTEN] = of_copy,
     [NODE_DENSE] = of_conv,
     [NODE_BATCHNORM] = of_batchnorm,
     [NODE_DROPOUT] = of_copy,
     [NODE_ADD] = of_copy,
     [NODE_RELU] = of_activation,
     [NODE_SIGMOID] = of_activation,
     [NODE_TANH] = of_activation,
     [NODE_GELU] = of_activation,
     [NODE_SCALE] = of_scale,
     [NODE_DEPTHWISE] = of_depthwise,
     [NODE_RELU6] = of_activation,
     [NODE_HARDSWISH] = of_activation,
     [NODE_SILU] = of_activation,
     [NODE_HARDSIGMOID] = of_activation,
     [NODE_LEAKY_RELU] = of_leaky_relu,
     [NODE_PRELU] = of_prelu,
     [NODE_MULTIPLY] = of_multiply,
     [NODE_CONCAT] = of_concat,
     [NODE_SLICE] = of_slice,
     [NODE_SHUFFLE] = of_shuffle},
    {[NODE_ADD] = of_add_second, [NODE_MULTIPLY] = of_multiply_second, [NODE_CONCAT] = of_concat_second}};

bool net_has_input_gradient(enum node_kind kind)
{
    return net_input_gradients[0][kind] && (net_input_gradients[0][kind] != of_activation || slopes[kind]) &&
           (kind_traits[kind].inputs > 1) == (net_input_gradients[1][kind] != NULL);
}

/* ---- Of one logit, in inference ---- */

int net_last_map(const struct net *net)
{
    assert(net_checked(net));
    int tensor = net->node_count;
    while (tensor > 0 && net->shapes[tensor].h * net->shapes[tensor].w == 1)
        tensor--;
    return tensor;
}

int net_feature_map(const struct net *net, int side)
{
    assert(net_checked(net));
    int lowest = net->node_count; /* of the tensors that a node from here on reads */
    for (int tensor = net->node_count - 1; tensor > 0; tensor--) {
        const struct node *node = &net->nodes[tensor];
        for (int k = 0; k < kind_traits[node->kind].inputs; k++)
            lowest = node->input[k] < lowest ? node->input[k] : lowest;
        if (lowest == tensor && net->shapes[tensor].h >= side && net->shapes[tensor].w >= side)
            return tensor;
    }
    return net_last_map(net);
}

/* Whether the node has weights that are packed for the way back, which is conv.h's, whatever computed it. */
static bool is_packed(const struct net *net, int node)
{
    const enum node_kind kind = net->nodes[node].kind;
    return node >= net->kept && node_has_weights(kind) && !kind_traits[kind].per_channel;
}

void net_gradient_plan(struct net_run *run, struct net_packed *packed, struct arena *arena)
{
    const struct net *net = run->net;
    assert(net->kept > 0 && run->packed == packed);
    size_t scratch = 0, largest = 0;
    for (int i = net->kept; i < net->node_count - 1; i++) {
        if (!is_packed(net, i))
            continue;
        const struct window window = net_window(net, i);
        const size_t need = conv_backward_input_scratch(1, &window);
        packed->backward[i] = arena_alloc(arena, conv_packed_backward_count(&window), sizeof(float));
        scratch = need > scratch ? need : scratch;
    }
    for (int t = net->kept; t < net->node_count; t++) {
        const size_t count = shape_count(net->shapes[t]);
        run->gradient[t] = arena_alloc(arena, count, sizeof(float));
        largest = count > largest ? count : largest;
    }
    run->other_gradient = arena_alloc(arena, largest, sizeof(float));
    run->gradient_scratch = arena_alloc(arena, scratch, sizeof(float));
}

void net_gradient_pack(struct net_packed *packed, const struct net *net, int node, const float *parameters)
{
    if (!is_packed(net, node))
        return;
    const struct window window = net_window(net, node);
    conv_pack_backward(packed->backward[node], parameters, &window);
}

const float *net_gradient(struct net_run *run, int class)
{
    const struct net *net = run->net;
    assert(run->gradient[net->kept] && class >= 0 && class < net_classes(net));
    for (int t = net->kept; t < net->node_count; t++)
        memset(run->gradient[t], 0, shape_count(net->shapes[t]) * sizeof(float));
    net_logits_gradient(run)[class] = 1;
    float *const forward_scratch = run->scratch; /* the kernels look for theirs there */
    run->scratch = run->gradient_scratch;
    for (int i = net->node_count - 2; i >= net->kept; i--) {
        const struct node *node = &net->nodes[i];
        for (int side = 0; side < kind_traits[node->kind].inputs; side++) {
            const int in = node->input[side];
            if (in < net->kept) /* the same whatever the tensor's values are */
                continue;
            net_input_gradients[side][node->kind](run, i, run->other_gradient, run->gradient[i + 1], 1);
            for (size_t k = 0, count = shape_count(net->shapes[in]); k < count; k++)
                run->gradient[in][k] += run->other_gradient[k];
        }
    }
    run->scratch = forward_scratch;
    return run->gradient[net->kept];
}
