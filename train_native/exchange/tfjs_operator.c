#include "exchange/tfjs_operator.h"

#include <stdlib.h>
#include <string.h>

/* ---- Windows ---- */

/* Where h stands in the attributes and in x: 1 in NHWC, 2 in NCHW; 0: refused. */
static int first_dim(int *channel_dim, const struct tfjs_operator *operator)
{
    char format[TFJS_TEXT];
    tfjs_text(format, operator, "data_format");
    const bool last = !*format || strcmp(format, "NHWC") == 0;
    *channel_dim = last ? 3 : 1;
    if (last || strcmp(format, "NCHW") == 0)
        return last ? 1 : 2;
    graph_refuse(operator->graph, "its data_format is %s", format);
    return 0;
}

/* h and w of an attribute of four numbers, or ones. */
static void read_two(int two[2], const struct tfjs_operator *operator, const char * key, int first)
{
    int four[4];
    const bool there = tfjs_ints(four, 4, operator, key) == 4;
    two[0] = there ? four[first] : 1;
    two[1] = there ? four[first + 1] : 1;
}

static bool read_window(struct graph_window *window, int *channel_dim, const struct tfjs_operator *operator)
{
    char padding[TFJS_TEXT];
    int sides[8];
    const int first = first_dim(channel_dim, operator);
    if (!first)
        return false;
    read_two(window->kernel, operator, "ksize", first);
    read_two(window->stride, operator, "strides", first);
    read_two(window->dilation, operator, "dilations", first);
    tfjs_text(padding, operator, "padding");
    window->mode = strcmp(padding, "SAME") == 0 ? GRAPH_SAME_UPPER : GRAPH_EXPLICIT;
    if (strcmp(padding, "EXPLICIT") == 0 && tfjs_ints(sides, 8, operator, "explicit_paddings") == 8) {
        const int *at = sides + 2 * first;
        memcpy(window->padding, (const int[]){at[0], at[2], at[1], at[3]}, sizeof window->padding);
    } else if (strcmp(padding, "SAME") != 0 && strcmp(padding, "VALID") != 0) {
        graph_refuse(operator->graph, "its padding is %s", *padding ? padding : "not said");
        return false;
    }
    return true;
}

/* ---- What is fused behind a convolution or a product ---- */

static int activate(int x, const struct tfjs_operator *operator, const char * op)
{
    static const struct {
        const char *op;
        enum node_kind kind;
    } plain[] = {{"Relu", NODE_RELU}, {"Relu6", NODE_RELU6}, {"Sigmoid", NODE_SIGMOID}, {"Tanh", NODE_TANH}};
    double slope;
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        if (strcmp(op, plain[i].op) == 0)
            return graph_activation(operator->graph, x, plain[i].kind, 0);
    if (strcmp(op, "LeakyRelu") == 0) {
        if (!tfjs_number(&slope, operator, "alpha") && !tfjs_number(&slope, operator, "leakyrelu_alpha"))
            slope = 0.2;
        return graph_activation(operator->graph, x, NODE_LEAKY_RELU, (float)slope);
    }
    return graph_refuse(operator->graph, "the activation %s is none of Eyelet's", op);
}

static int batch_norm(int x, const struct tfjs_operator *operator, int first_input, int channel_dim)
{
    const struct graph_constant *parts[4];
    double epsilon;
    for (int i = 0; i < 4; i++)
        if (!(parts[i] = tfjs_constant(operator, first_input + i)))
            return GRAPH_FAILED;
    if (!tfjs_number(&epsilon, operator, "epsilon"))
        epsilon = 1e-4;
    return graph_batchnorm(operator->graph, x,
                           &(struct graph_batchnorm){.scale = parts[0],
                                                     .shift = parts[1],
                                                     .mean = parts[2],
                                                     .variance = parts[3],
                                                     .epsilon = (float)epsilon,
                                                     .channel_dim = channel_dim});
}

/* One number a channel, as a constant that broadcasts over a tensor whose channels are dimension channel_dim. */
static int add_bias(int x, const struct tfjs_operator *operator, const struct graph_constant * bias, int channel_dim)
{
    struct graph_constant broadcast = *bias;
    if (bias->rank == 1 && channel_dim == 1 && graph_rank(operator->graph, x) == 4) {
        broadcast.rank = 3;
        broadcast.dims[1] = broadcast.dims[2] = 1;
    }
    return graph_arithmetic_constant(operator->graph, GRAPH_ADD, x, &broadcast, false);
}

/* All that `fused_ops` lists but the bias, which the layer itself has where `begins_with_bias`. */
static int fused(int x, const struct tfjs_operator *operator, bool begins_with_bias, int channel_dim)
{
    enum { MAX_FUSED = 8 };
    char op[TFJS_TEXT];
    int next = begins_with_bias ? 3 : 2;
    for (int i = begins_with_bias; i < MAX_FUSED && x != GRAPH_FAILED; i++) {
        if (!tfjs_listed_text(op, operator, "fused_ops", i))
            return x;
        if (strcmp(op, "FusedBatchNorm") == 0) {
            x = batch_norm(x, operator, next, channel_dim);
            next += 4;
        } else if (strcmp(op, "BiasAdd") == 0) {
            const struct graph_constant *bias = tfjs_constant(operator, next++);
            x = bias ? add_bias(x, operator, bias, channel_dim) : GRAPH_FAILED;
        } else if (strcmp(op, "Prelu") == 0) {
            const struct graph_constant *slopes = tfjs_constant(operator, next++);
            x = slopes ? graph_prelu(operator->graph, x, slopes) : GRAPH_FAILED;
        } else if (strcmp(op, "Linear") != 0) {
            x = activate(x, operator, op);
        }
    }
    return x == GRAPH_FAILED ? x
                             : graph_refuse(operator->graph, "it has more than %d operators fused to it", MAX_FUSED);
}

/* The bias, if the first fused operator adds one. False, with the failure, where that is no constant. */
static bool fused_bias(const struct graph_constant **bias, const struct tfjs_operator *operator)
{
    char op[TFJS_TEXT];
    *bias = NULL;
    if (tfjs_listed_text(op, operator, "fused_ops", 0) && strcmp(op, "BiasAdd") == 0)
        *bias = tfjs_constant(operator, 2);
    return strcmp(op, "BiasAdd") != 0 || *bias;
}

/* ---- Operators that are layers ---- */

static int convolve(const struct tfjs_operator *operator, enum graph_layout layout)
{
    int x;
    struct graph_conv conv = {.layout = layout, .groups = 1, .weights = tfjs_constant(operator, 1)};
    if (!conv.weights || !tfjs_value(&x, operator, 0) || !read_window(&conv.window, &conv.channel_dim, operator) ||
        !fused_bias(&conv.bias, operator))
        return GRAPH_FAILED;
    /* Filters for a part of the channels each are a convolution in groups. */
    if (layout == GRAPH_HWIO && conv.weights->rank == 4 && graph_rank(operator->graph, x) == 4 &&
        conv.weights->dims[2] > 0)
        conv.groups = graph_dims(operator->graph, x)[conv.channel_dim] / conv.weights->dims[2];
    return fused(graph_conv(operator->graph, x, &conv), operator, conv.bias != NULL, conv.channel_dim);
}

static int conv2d(const struct tfjs_operator *operator) { return convolve(operator, GRAPH_HWIO); }

static int depthwise(const struct tfjs_operator *operator) { return convolve(operator, GRAPH_HWCM); }

static int mat_mul(const struct tfjs_operator *operator)
{
    int x;
    struct graph_dense dense = {.weights = tfjs_constant(operator, 1),
                                .transposed = tfjs_bool(operator, "transpose_b")};
    if (!dense.weights || !tfjs_value(&x, operator, 0) || !fused_bias(&dense.bias, operator))
        return GRAPH_FAILED;
    if (tfjs_bool(operator, "transpose_a"))
        return graph_refuse(operator->graph, "its first factor is transposed");
    return fused(graph_dense(operator->graph, x, &dense), operator, dense.bias != NULL,
                 graph_rank(operator->graph, x) - 1);
}

static int bias_add(const struct tfjs_operator *operator)
{
    int x, channel_dim;
    const struct graph_constant *bias = tfjs_constant(operator, 1);
    return bias && tfjs_value(&x, operator, 0) && first_dim(&channel_dim, operator)
               ? add_bias(x, operator, bias, channel_dim)
               : GRAPH_FAILED;
}

static int fused_batch_norm(const struct tfjs_operator *operator)
{
    int x, channel_dim;
    if (tfjs_bool(operator, "is_training"))
        return graph_refuse(operator->graph, "it is that of training: export the model for inference");
    return tfjs_value(&x, operator, 0) && first_dim(&channel_dim, operator) ? batch_norm(x, operator, 1, channel_dim)
                                                                            : GRAPH_FAILED;
}

static int max_pool(const struct tfjs_operator *operator)
{
    int x, channel_dim;
    struct graph_window window = {0};
    return tfjs_value(&x, operator, 0) && read_window(&window, &channel_dim, operator)
               ? graph_maxpool(operator->graph, x, &window, channel_dim)
               : GRAPH_FAILED;
}

static int avg_pool(const struct tfjs_operator *operator)
{
    int x, channel_dim;
    struct graph_window window = {0};
    return tfjs_value(&x, operator, 0) && read_window(&window, &channel_dim, operator)
               ? graph_avgpool(operator->graph, x, &window, channel_dim)
               : GRAPH_FAILED;
}

static int mean(const struct tfjs_operator *operator)
{
    int x, axes[GRAPH_RANK];
    const int count = tfjs_constant_ints(axes, GRAPH_RANK, operator, 1);
    return count >= 0 && tfjs_value(&x, operator, 0)
               ? graph_reduce_mean(operator->graph, x, count, axes, tfjs_bool(operator, "keep_dims"))
               : GRAPH_FAILED;
}

/* paddings (rank, 2); PadV2's third input is the value. */
static int pad(const struct tfjs_operator *operator)
{
    int x, before[GRAPH_RANK] = {0}, after[GRAPH_RANK] = {0};
    const struct graph_constant *paddings = tfjs_constant(operator, 1);
    const struct graph_constant *value = operator->count> 2 && paddings ? tfjs_constant(operator, 2) : NULL;
    if (!paddings || (operator->count> 2 && !value) || !tfjs_value(&x, operator, 0))
        return GRAPH_FAILED;
    if (paddings->rank != 2 || paddings->dims[1] != 2 || paddings->dims[0] != graph_rank(operator->graph, x) ||
        (value && value->rank))
        return graph_refuse(operator->graph, "its paddings are not two a dimension");
    for (int i = 0; i < 2 * paddings->dims[0]; i++) {
        const float side = paddings->values[i];
        (i % 2 ? after : before)[i / 2] = side >= 0 && side < 1e6f ? (int)side : -1;
    }
    return graph_pad(operator->graph, x, before, after, value ? value->values[0] : 0);
}

/* Of two values, or a value and a constant. */
static int arithmetic(const struct tfjs_operator *operator, enum graph_arithmetic operation)
{
    int x, y;
    if (operator->count != 2)
        return graph_refuse(operator->graph, "it has %d inputs", operator->count);
    const bool first = operator->inputs[0].is_constant, second = operator->inputs[1].is_constant;
    if (first || second)
        return tfjs_value(&x, operator, first ? 1 : 0)
                   ? graph_arithmetic_constant(operator->graph, operation, x, tfjs_constant(operator, first ? 0 : 1),
                                               first)
                   : GRAPH_FAILED;
    return tfjs_value(&x, operator, 0) && tfjs_value(&y, operator, 1)
               ? graph_arithmetic(operator->graph, operation, x, y)
               : GRAPH_FAILED;
}

static int add(const struct tfjs_operator *operator) { return arithmetic(operator, GRAPH_ADD); }
static int subtract(const struct tfjs_operator *operator) { return arithmetic(operator, GRAPH_SUBTRACT); }
static int multiply(const struct tfjs_operator *operator) { return arithmetic(operator, GRAPH_MULTIPLY); }
static int divide(const struct tfjs_operator *operator) { return arithmetic(operator, GRAPH_DIVIDE); }

static int add_n(const struct tfjs_operator *operator)
{
    int sum, x;
    if (!tfjs_value(&sum, operator, 0))
        return GRAPH_FAILED;
    for (int i = 1; i < operator->count; i++)
        sum = tfjs_value(&x, operator, i) ? graph_arithmetic(operator->graph, GRAPH_ADD, sum, x) : GRAPH_FAILED;
    return sum;
}

static int activation(const struct tfjs_operator *operator)
{
    int x;
    return tfjs_value(&x, operator, 0) ? activate(x, operator, operator->op) : GRAPH_FAILED;
}

static int prelu(const struct tfjs_operator *operator)
{
    int x;
    const struct graph_constant *slopes = tfjs_constant(operator, 1);
    return slopes && tfjs_value(&x, operator, 0) ? graph_prelu(operator->graph, x, slopes) : GRAPH_FAILED;
}

static int softmax(const struct tfjs_operator *operator)
{
    int x;
    return tfjs_value(&x, operator, 0) ? graph_softmax(operator->graph, x, -1) : GRAPH_FAILED;
}

static const struct {
    const char *op;
    int (*apply)(const struct tfjs_operator *operator);
} operators[] = {
    {"Conv2D", conv2d},
    {"_FusedConv2D", conv2d},
    {"FusedConv2D", conv2d},
    {"DepthwiseConv2dNative", depthwise},
    {"FusedDepthwiseConv2dNative", depthwise},
    {"_FusedDepthwiseConv2dNative", depthwise},
    {"MatMul", mat_mul},
    {"_FusedMatMul", mat_mul},
    {"BiasAdd", bias_add},
    {"FusedBatchNorm", fused_batch_norm},
    {"FusedBatchNormV2", fused_batch_norm},
    {"FusedBatchNormV3", fused_batch_norm},
    {"MaxPool", max_pool},
    {"AvgPool", avg_pool},
    {"Mean", mean},
    {"Pad", pad},
    {"PadV2", pad},
    {"Add", add},
    {"AddV2", add},
    {"AddN", add_n},
    {"Sub", subtract},
    {"Mul", multiply},
    {"RealDiv", divide},
    {"Div", divide},
    {"Relu", activation},
    {"Relu6", activation},
    {"Sigmoid", activation},
    {"Tanh", activation},
    {"LeakyRelu", activation},
    {"Prelu", prelu},
    {"Softmax", softmax},
};

int tfjs_operator_apply(struct tfjs_tensor *outputs, const struct tfjs_operator *operator)
{
    graph_at(operator->graph, operator->op, operator->name);
    const int count = tfjs_shape_operator(outputs, operator);
    if (count >= 0)
        return count;
    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++)
        if (strcmp(operators[i].op, operator->op) == 0) {
            outputs[0] = (struct tfjs_tensor){.value = operators[i].apply(operator)};
            return outputs[0].value != GRAPH_FAILED;
        }
    graph_refuse_kind(operator->graph, "this operator cannot be imported");
    return 0;
}
