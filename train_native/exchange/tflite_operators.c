/* TFLite's operators that compute: windows, products, sums, activations. */
#include "exchange/tflite_operators.h"

#include <math.h>

/* ---- What operators read ---- */

int tflite_value(const struct tflite_operator *node, int i)
{
    const struct tflite_tensor *tensor = tflite_input(node, i);
    struct graph *graph = node->model->graph;
    if (!tensor)
        return graph_refuse(graph, "input %d is missing", i);
    if (tensor->value < 0)
        return graph_refuse(graph,
                            tflite_is_constant(tensor) ? "input %d is a constant: it must come from the picture"
                                                       : "input %d is what no operator before it has made",
                            i);
    return tensor->value;
}

static bool constant_at(struct tflite_constant *constant, const struct tflite_operator *node, int i, const char *what)
{
    const struct tflite_tensor *tensor = tflite_input(node, i);
    *constant = (struct tflite_constant){.memory = NULL};
    if (tensor && tflite_is_constant(tensor))
        return tflite_constant(constant, node->model, tensor);
    graph_refuse(node->model->graph, "%s must be a constant", what);
    return false;
}

static int option(const struct tflite_operator *node, int field, enum flatbuffer_type type, int absent)
{
    return (int)flatbuffer_int(&node->model->buffer, node->options, field, type, absent);
}

/* Weights, and a bias if there is one. */
struct weights {
    struct tflite_constant weights, bias;
    bool has_bias;
};

static bool read_weights(struct weights *weights, const struct tflite_operator *node)
{
    *weights = (struct weights){.has_bias = tflite_input(node, 2) != NULL};
    return constant_at(&weights->weights, node, 1, "its weights") &&
           (!weights->has_bias || constant_at(&weights->bias, node, 2, "its bias"));
}

static void free_weights(struct weights *weights)
{
    tflite_constant_free(&weights->weights);
    tflite_constant_free(&weights->bias);
}

/* ---- Windows ---- */

/* The options of convolutions and pools begin alike: padding, stride_w, stride_h. */
static struct graph_window window_of(const struct tflite_operator *node)
{
    return (struct graph_window){.mode = option(node, 0, FLATBUFFER_INT8, 0) == 0 ? GRAPH_SAME_UPPER : GRAPH_EXPLICIT,
                                 .stride = {option(node, 2, FLATBUFFER_INT32, 0), option(node, 1, FLATBUFFER_INT32, 0)},
                                 .kernel = {1, 1},
                                 .dilation = {1, 1}};
}

/* first_dilation: the field of dilation_w_factor; the one for h follows. */
static int convolution(const struct tflite_operator *node, enum graph_layout layout, int first_dilation)
{
    struct graph *graph = node->model->graph;
    struct weights weights;
    const int x = tflite_value(node, 0);
    int out = GRAPH_FAILED;
    if (read_weights(&weights, node)) {
        const struct graph_constant *filter = &weights.weights.constant;
        const int channels = graph_rank(graph, x) == 4 ? graph_dims(graph, x)[3] : 0;
        struct graph_conv conv = {.weights = filter,
                                  .bias = weights.has_bias ? &weights.bias.constant : NULL,
                                  .layout = layout,
                                  .groups = 1,
                                  .channel_dim = 3,
                                  .window = window_of(node)};
        conv.window.dilation[0] = option(node, first_dilation + 1, FLATBUFFER_INT32, 1);
        conv.window.dilation[1] = option(node, first_dilation, FLATBUFFER_INT32, 1);
        if (layout == GRAPH_OHWI && filter->rank == 4 && filter->dims[3] > 0 && channels % filter->dims[3] == 0)
            conv.groups = channels / filter->dims[3]; /* the file does not say it in another way */
        out = graph_conv(graph, x, &conv);
    }
    free_weights(&weights);
    return out;
}

int tflite_conv_2d(const struct tflite_operator *node) { return convolution(node, GRAPH_OHWI, 4); }
int tflite_depthwise_conv_2d(const struct tflite_operator *node) { return convolution(node, GRAPH_1HWC, 5); }

static struct graph_window pool_window(const struct tflite_operator *node)
{
    struct graph_window window = window_of(node);
    window.kernel[0] = option(node, 4, FLATBUFFER_INT32, 0);
    window.kernel[1] = option(node, 3, FLATBUFFER_INT32, 0);
    return window;
}

int tflite_average_pool_2d(const struct tflite_operator *node)
{
    const struct graph_window window = pool_window(node);
    return graph_avgpool(node->model->graph, tflite_value(node, 0), &window, 3);
}

int tflite_max_pool_2d(const struct tflite_operator *node)
{
    const struct graph_window window = pool_window(node);
    return graph_maxpool(node->model->graph, tflite_value(node, 0), &window, 3);
}

int tflite_mean(const struct tflite_operator *node)
{
    struct tflite_ints axes;
    const int x = tflite_value(node, 0);
    if (!tflite_ints(&axes, node, 1, "its axes"))
        return GRAPH_FAILED;
    return graph_reduce_mean(node->model->graph, x, axes.count, axes.values, option(node, 0, FLATBUFFER_UINT8, 0));
}

/* PAD and PADV2, whose third input is the value. */
int tflite_pad(const struct tflite_operator *node)
{
    struct graph *graph = node->model->graph;
    struct tflite_ints paddings;
    struct tflite_constant value;
    const int x = tflite_value(node, 0), rank = graph_rank(graph, x);
    float number = 0;
    if (!tflite_ints(&paddings, node, 1, "its paddings"))
        return GRAPH_FAILED;
    if (tflite_input(node, 2)) {
        if (constant_at(&value, node, 2, "its value"))
            number = value.constant.rank == 0 || value.constant.dims[0] == 1 ? value.memory[0] : NAN;
        tflite_constant_free(&value);
    }
    if (paddings.count != 2 * rank)
        return graph_refuse(graph, "%d paddings for %d dimensions", paddings.count, rank);
    int before[GRAPH_RANK], after[GRAPH_RANK];
    for (int i = 0; i < rank; i++) {
        before[i] = paddings.values[2 * i];
        after[i] = paddings.values[2 * i + 1];
    }
    return graph_pad(graph, x, before, after, number);
}

/* ---- Products, sums ---- */

int tflite_fully_connected(const struct tflite_operator *node)
{
    struct graph *graph = node->model->graph;
    struct weights weights;
    int x = tflite_value(node, 0);
    if (option(node, 1, FLATBUFFER_INT8, 0))
        return graph_refuse(graph, "shuffled weights: the plain format is read");
    if (read_weights(&weights, node) && weights.weights.constant.rank == 2 && graph_rank(graph, x) > 0) {
        const int in = weights.weights.constant.dims[1], rank = graph_rank(graph, x);
        const bool keeps_dims = option(node, 2, FLATBUFFER_UINT8, 0);
        if (graph_dims(graph, x)[rank - 1] != in || (rank != 2 && !keeps_dims))
            x = graph_reshape(graph, x, 2, (int[]){-1, in}); /* whatever its shape, its values are taken in a row */
    }
    const struct graph_dense dense = {.weights = &weights.weights.constant,
                                      .bias = weights.has_bias ? &weights.bias.constant : NULL,
                                      .transposed = true};
    const int out = graph_dense(graph, graph_failed(graph) ? GRAPH_FAILED : x, &dense);
    free_weights(&weights);
    return out;
}

static int arithmetic(const struct tflite_operator *node, enum graph_arithmetic operation)
{
    struct graph *graph = node->model->graph;
    const struct tflite_tensor *first = tflite_input(node, 0), *second = tflite_input(node, 1);
    const bool constant_first = first && first->value < 0 && tflite_is_constant(first);
    if (!constant_first && !(second && second->value < 0 && tflite_is_constant(second)))
        return graph_arithmetic(graph, operation, tflite_value(node, 0), tflite_value(node, 1));
    const int x = tflite_value(node, constant_first);
    struct tflite_constant constant;
    int out = GRAPH_FAILED;
    if (constant_at(&constant, node, !constant_first, "its constant"))
        out = graph_arithmetic_constant(graph, operation, x, &constant.constant, constant_first);
    tflite_constant_free(&constant);
    return out;
}

int tflite_add(const struct tflite_operator *node) { return arithmetic(node, GRAPH_ADD); }
int tflite_sub(const struct tflite_operator *node) { return arithmetic(node, GRAPH_SUBTRACT); }
int tflite_mul(const struct tflite_operator *node) { return arithmetic(node, GRAPH_MULTIPLY); }
int tflite_divide(const struct tflite_operator *node) { return arithmetic(node, GRAPH_DIVIDE); }

/* ---- Activations ---- */

static int elementwise(const struct tflite_operator *node, enum node_kind kind)
{
    return graph_activation(node->model->graph, tflite_value(node, 0), kind, 0);
}

int tflite_relu(const struct tflite_operator *node) { return elementwise(node, NODE_RELU); }
int tflite_relu6(const struct tflite_operator *node) { return elementwise(node, NODE_RELU6); }
int tflite_logistic(const struct tflite_operator *node) { return elementwise(node, NODE_SIGMOID); }
int tflite_hyperbolic_tangent(const struct tflite_operator *node) { return elementwise(node, NODE_TANH); }
int tflite_hard_swish(const struct tflite_operator *node) { return elementwise(node, NODE_HARDSWISH); }

int tflite_relu_n1_to_1(const struct tflite_operator *node)
{
    return graph_clip(node->model->graph, tflite_value(node, 0), -1, 1);
}

int tflite_relu_0_to_1(const struct tflite_operator *node)
{
    return graph_clip(node->model->graph, tflite_value(node, 0), 0, 1);
}

int tflite_leaky_relu(const struct tflite_operator *node)
{
    const float slope = flatbuffer_float(&node->model->buffer, node->options, 0, 0);
    return graph_activation(node->model->graph, tflite_value(node, 0), NODE_LEAKY_RELU, slope);
}

int tflite_prelu(const struct tflite_operator *node)
{
    struct tflite_constant slope;
    const int x = tflite_value(node, 0);
    int out = GRAPH_FAILED;
    if (constant_at(&slope, node, 1, "its slope"))
        out = graph_prelu(node->model->graph, x, &slope.constant);
    tflite_constant_free(&slope);
    return out;
}

/* Of beta times the logits. */
int tflite_softmax(const struct tflite_operator *node)
{
    struct graph *graph = node->model->graph;
    const float beta = flatbuffer_float(&node->model->buffer, node->options, 0, 0);
    int x = tflite_value(node, 0);
    if (!isfinite(beta) || beta <= 0)
        return graph_refuse(graph, "beta %g: it must be above 0", (double)beta);
    if (beta != 1)
        x = graph_arithmetic_constant(graph, GRAPH_MULTIPLY, x, &(struct graph_constant){.rank = 0, .values = &beta},
                                      false);
    return graph_softmax(graph, x, -1);
}
