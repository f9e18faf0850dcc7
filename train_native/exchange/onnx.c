#include "exchange/onnx.h"

#include "kernels/batchnorm.h"
#include "exchange/onnx_graph.h"
#include "cli/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void put_window(struct protobuf *out, const struct window *window)
{
    const struct layer_padding padding = layer_padding(window);
    onnx_put_attribute_ints(out, "kernel_shape", (int[]){window->kernel_h, window->kernel_w}, 2);
    onnx_put_attribute_ints(out, "strides", (int[]){window->stride, window->stride}, 2);
    onnx_put_attribute_ints(out, "pads", (int[]){padding.top, padding.left, padding.bottom, padding.right}, 4);
    if (window->dilation > 1)
        onnx_put_attribute_ints(out, "dilations", (int[]){window->dilation, window->dilation}, 2);
}

/* (kernel_h, kernel_w, in, out) here, (out, in, kernel_h, kernel_w) there. A depthwise layer's filters each have one
 * input, those of a group the inputs of the group. */
static void put_conv(struct onnx_graph *graph, int i, const float *parameters)
{
    const struct window window = net_window(&graph->model->net, i);
    const bool depthwise = kind_traits[graph->model->net.nodes[i].kind].per_channel;
    const int out = window.out.c, groups = depthwise ? out : window.groups, in = window.in.c / groups;
    const int taps = window.kernel_h * window.kernel_w;
    const struct layer_name weight = onnx_part(graph, i, "weight"), bias = onnx_part(graph, i, "bias");
    const bool has_bias = graph->model->net.nodes[i].bias;
    float *weights = allocate((size_t)out * (size_t)in * (size_t)taps, sizeof(float)), *to = weights;
    for (int o = 0; o < out; o++)
        for (int c = 0; c < in; c++)
            for (int tap = 0; tap < taps; tap++)
                *to++ = parameters[((size_t)tap * (size_t)in + (size_t)c) * (size_t)out + (size_t)o];
    onnx_put_floats(graph->out, weight.text, 4, (int[]){out, in, window.kernel_h, window.kernel_w}, weights);
    free(weights);
    if (has_bias)
        onnx_put_floats(graph->out, bias.text, 1, &out, parameters + (size_t)taps * (size_t)in * (size_t)out);
    const char *image = onnx_reads(graph, graph->model->net.nodes[i].input[0], ONNX_IMAGE);
    const size_t start = onnx_begin_node(graph->out, "Conv", onnx_makes(graph, i, ONNX_IMAGE),
                                         ONNX_INPUTS(image, weight.text, has_bias ? bias.text : NULL));
    put_window(graph->out, &window);
    if (groups > 1)
        onnx_put_attribute_int(graph->out, "group", groups);
    protobuf_end(graph->out, start);
}

/* Gemm multiplies from the right by (in, out), as the weights stand. */
static void put_dense(struct onnx_graph *graph, int i, const float *parameters)
{
    const struct node *node = &graph->model->net.nodes[i];
    const int in = graph->model->net.shapes[node->input[0]].c, out = node->channels;
    const struct layer_name weight = onnx_part(graph, i, "weight"), bias = onnx_part(graph, i, "bias");
    onnx_put_floats(graph->out, weight.text, 2, (int[]){in, out}, parameters);
    if (node->bias)
        onnx_put_floats(graph->out, bias.text, 1, &out, parameters + (size_t)in * (size_t)out);
    const char *flat = onnx_reads(graph, node->input[0], ONNX_FLAT);
    onnx_put_node(graph->out, "Gemm", onnx_makes(graph, i, ONNX_FLAT),
                  ONNX_INPUTS(flat, weight.text, node->bias ? bias.text : NULL));
}

static void put_pool(struct onnx_graph *graph, int i, const char *type)
{
    const struct window window = net_window(&graph->model->net, i);
    const char *image = onnx_reads(graph, graph->model->net.nodes[i].input[0], ONNX_IMAGE);
    const size_t start = onnx_begin_node(graph->out, type, onnx_makes(graph, i, ONNX_IMAGE), ONNX_INPUTS(image));
    put_window(graph->out, &window);
    if (graph->model->net.nodes[i].kind == NODE_AVGPOOL)
        onnx_put_attribute_int(graph->out, "count_include_pad", window.count_padding);
    protobuf_end(graph->out, start);
}

static void put_global_pool(struct onnx_graph *graph, int i)
{
    const char *image = onnx_reads(graph, graph->model->net.nodes[i].input[0], ONNX_IMAGE);
    onnx_put_node(graph->out, "GlobalAveragePool", onnx_makes(graph, i, ONNX_IMAGE), ONNX_INPUTS(image));
}

static void put_batchnorm(struct onnx_graph *graph, int i, const float *parameters)
{
    static const char *const parts[4] = {"scale", "shift", "mean", "variance"};
    const int tensor = graph->model->net.nodes[i].input[0], c = graph->model->net.shapes[tensor].c;
    const enum onnx_form form = graph->form[graph->source[tensor]];
    struct layer_name names[4];
    for (int k = 0; k < 4; k++) {
        names[k] = onnx_part(graph, i, parts[k]);
        onnx_put_floats(graph->out, names[k].text, 1, &c, parameters + (size_t)k * (size_t)c);
    }
    const char *in = onnx_reads(graph, tensor, form);
    const size_t start = onnx_begin_node(graph->out, "BatchNormalization", onnx_makes(graph, i, form),
                                         ONNX_INPUTS(in, names[0].text, names[1].text, names[2].text, names[3].text));
    onnx_put_attribute_float(graph->out, "epsilon", BATCHNORM_EPSILON);
    protobuf_end(graph->out, start);
}

/* A (1, 1, c) that meets images is (batch, c, 1, 1), which ONNX broadcasts. */
static void put_pair(struct onnx_graph *graph, int i, const char *type)
{
    const struct node *node = &graph->model->net.nodes[i];
    const enum onnx_form form = graph->form[graph->source[node->input[0]]];
    const char *first = onnx_reads(graph, node->input[0], form), *second = onnx_reads(graph, node->input[1], form);
    onnx_put_node(graph->out, type, onnx_makes(graph, i, form), ONNX_INPUTS(first, second));
}

/* For these it makes no difference in which form their input is. */
static void put_elementwise(struct onnx_graph *graph, int i, const char *type, const char *operand)
{
    const int tensor = graph->model->net.nodes[i].input[0];
    const enum onnx_form form = graph->form[graph->source[tensor]];
    const char *in = onnx_reads(graph, tensor, form);
    onnx_put_node(graph->out, type, onnx_makes(graph, i, form), ONNX_INPUTS(in, operand));
}

static void put_relu6(struct onnx_graph *graph, int i)
{
    const int tensor = graph->model->net.nodes[i].input[0];
    const enum onnx_form form = graph->form[graph->source[tensor]];
    const char *in = onnx_reads(graph, tensor, form);
    const struct layer_name min = onnx_put_scalar(graph, i, "min", 0), max = onnx_put_scalar(graph, i, "max", 6);
    onnx_put_node(graph->out, "Clip", onnx_makes(graph, i, form), ONNX_INPUTS(in, min.text, max.text));
}

static void put_scale(struct onnx_graph *graph, int i)
{
    const struct layer_name factor = onnx_put_scalar(graph, i, "factor", graph->model->net.nodes[i].rate);
    put_elementwise(graph, i, "Mul", factor.text);
}

/* x sigmoid(x (2k + 2k 0.044715 x^2)) with k = sqrt(2 / pi), as in core/kernels/activation.h; opset 13 has none of its
 * own. */
static void put_gelu(struct onnx_graph *graph, int i)
{
    static const float slope = 1.5957691216f, cube = 1.5957691216f * 0.044715f;
    const int tensor = graph->model->net.nodes[i].input[0];
    const enum onnx_form form = graph->form[graph->source[tensor]];
    const char *in = onnx_reads(graph, tensor, form);
    const struct layer_name first = onnx_put_scalar(graph, i, "slope", slope),
                            third = onnx_put_scalar(graph, i, "cube", cube);
    const struct layer_name square = onnx_part(graph, i, "square"), bent = onnx_part(graph, i, "bent"),
                            factor = onnx_part(graph, i, "factor"), product = onnx_part(graph, i, "product"),
                            gate = onnx_part(graph, i, "gate");
    onnx_put_node(graph->out, "Mul", square.text, ONNX_INPUTS(in, in));
    onnx_put_node(graph->out, "Mul", bent.text, ONNX_INPUTS(square.text, third.text));
    onnx_put_node(graph->out, "Add", factor.text, ONNX_INPUTS(bent.text, first.text));
    onnx_put_node(graph->out, "Mul", product.text, ONNX_INPUTS(in, factor.text));
    onnx_put_node(graph->out, "Sigmoid", gate.text, ONNX_INPUTS(product.text));
    onnx_put_node(graph->out, "Mul", onnx_makes(graph, i, form), ONNX_INPUTS(in, gate.text));
}

/* HardSigmoid is max(0, min(1, alpha x + beta)). */
static void put_hard_gate(struct protobuf *out, const char *name, const char *in)
{
    const size_t start = onnx_begin_node(out, "HardSigmoid", name, ONNX_INPUTS(in));
    onnx_put_attribute_float(out, "alpha", 1.0f / 6);
    onnx_put_attribute_float(out, "beta", 0.5f);
    protobuf_end(out, start);
}

static void put_hardsigmoid(struct onnx_graph *graph, int i)
{
    const int tensor = graph->model->net.nodes[i].input[0];
    const enum onnx_form form = graph->form[graph->source[tensor]];
    const char *in = onnx_reads(graph, tensor, form);
    put_hard_gate(graph->out, onnx_makes(graph, i, form), in);
}

/* x times a gate: silu's is the sigmoid; hardswish's HardSigmoid, as ONNX defines HardSwish, which came with opset
 * 14. */
static void put_gated(struct onnx_graph *graph, int i)
{
    const int tensor = graph->model->net.nodes[i].input[0];
    const enum onnx_form form = graph->form[graph->source[tensor]];
    const char *in = onnx_reads(graph, tensor, form);
    const struct layer_name gate = onnx_part(graph, i, "gate");
    if (graph->model->net.nodes[i].kind == NODE_SILU)
        onnx_put_node(graph->out, "Sigmoid", gate.text, ONNX_INPUTS(in));
    else
        put_hard_gate(graph->out, gate.text, in);
    onnx_put_node(graph->out, "Mul", onnx_makes(graph, i, form), ONNX_INPUTS(in, gate.text));
}

static void put_leaky_relu(struct onnx_graph *graph, int i)
{
    const struct node *node = &graph->model->net.nodes[i];
    const enum onnx_form form = graph->form[graph->source[node->input[0]]];
    const char *in = onnx_reads(graph, node->input[0], form);
    const size_t start = onnx_begin_node(graph->out, "LeakyRelu", onnx_makes(graph, i, form), ONNX_INPUTS(in));
    onnx_put_attribute_float(graph->out, "alpha", node->rate);
    protobuf_end(graph->out, start);
}

/* Slopes for (c, h, w), or for (c). */
static void put_prelu(struct onnx_graph *graph, int i, const float *parameters)
{
    const int tensor = graph->model->net.nodes[i].input[0], c = graph->model->net.shapes[tensor].c;
    const enum onnx_form form = graph->form[graph->source[tensor]];
    const struct layer_name slopes = onnx_part(graph, i, "slopes");
    onnx_put_floats(graph->out, slopes.text, form == ONNX_IMAGE ? 3 : 1, (int[]){c, 1, 1}, parameters);
    put_elementwise(graph, i, "PRelu", slopes.text);
}

static void put_softmax(struct onnx_graph *graph, int i)
{
    const char *in = onnx_reads(graph, graph->logits, ONNX_FLAT);
    const struct layer_name scaled = onnx_part(graph, i, "input");
    if (graph->model->temperature != 1) {
        const struct layer_name temperature = onnx_put_scalar(graph, i, "temperature", graph->model->temperature);
        onnx_put_node(graph->out, "Div", scaled.text, ONNX_INPUTS(in, temperature.text));
        in = scaled.text;
    }
    const size_t start = onnx_begin_node(graph->out, "Softmax", "probabilities", ONNX_INPUTS(in));
    onnx_put_attribute_int(graph->out, "axis", 1);
    protobuf_end(graph->out, start);
}

/* Whether a node's output is its input, value for value and in the same order. */
static bool changes_nothing(const struct net *net, int i)
{
    const struct shape in = net->shapes[net->nodes[i].input[0]];
    return net->nodes[i].kind == NODE_DROPOUT || (net->nodes[i].kind == NODE_FLATTEN && in.h == 1 && in.w == 1);
}

static void put_layer(struct onnx_graph *graph, int i)
{
    const struct net *net = &graph->model->net;
    float *parameters = allocate(net->offset[i + 1] - net->offset[i], sizeof(float));
    model_parameters(parameters, graph->model, i);
    switch (net->nodes[i].kind) {
    case NODE_CONV2D:
    case NODE_DEPTHWISE: put_conv(graph, i, parameters); break;
    case NODE_MAXPOOL: put_pool(graph, i, "MaxPool"); break;
    case NODE_AVGPOOL: put_pool(graph, i, "AveragePool"); break;
    case NODE_GLOBAL_AVGPOOL: put_global_pool(graph, i); break;
    case NODE_FLATTEN: onnx_put_flatten(graph, i); break;
    case NODE_DENSE: put_dense(graph, i, parameters); break;
    case NODE_BATCHNORM: put_batchnorm(graph, i, parameters); break;
    case NODE_ADD: put_pair(graph, i, "Add"); break;
    case NODE_MULTIPLY: put_pair(graph, i, "Mul"); break;
    case NODE_RELU: put_elementwise(graph, i, "Relu", NULL); break;
    case NODE_RELU6: put_relu6(graph, i); break;
    case NODE_SIGMOID: put_elementwise(graph, i, "Sigmoid", NULL); break;
    case NODE_TANH: put_elementwise(graph, i, "Tanh", NULL); break;
    case NODE_SOFTMAX: put_softmax(graph, i); break;
    case NODE_GELU: put_gelu(graph, i); break;
    case NODE_HARDSWISH:
    case NODE_SILU: put_gated(graph, i); break;
    case NODE_HARDSIGMOID: put_hardsigmoid(graph, i); break;
    case NODE_LEAKY_RELU: put_leaky_relu(graph, i); break;
    case NODE_PRELU: put_prelu(graph, i, parameters); break;
    case NODE_SCALE: put_scale(graph, i); break;
    case NODE_CONCAT: onnx_put_concat(graph, i); break;
    case NODE_SLICE: onnx_put_slice(graph, i); break;
    case NODE_SHUFFLE: onnx_put_shuffle(graph, i); break;
    case NODE_DROPOUT: break; /* changes_nothing */
    }
    free(parameters);
}

/* (image - mean) / std */
static void put_normalisation(struct onnx_graph *graph)
{
    const struct preprocess *preprocess = &graph->model->preprocess;
    const int dims[4] = {1, graph->model->net.input.c, 1, 1};
    float mean[3], std[3]; /* in the order of the input */
    for (int c = 0; c < 3; c++) {
        const int from = preprocess->order == ORDER_BGR ? 2 - c : c;
        mean[c] = preprocess->mean[from];
        std[c] = preprocess->std[from];
    }
    onnx_put_floats(graph->out, "mean", 4, dims, mean);
    onnx_put_floats(graph->out, "std", 4, dims, std);
    onnx_put_node(graph->out, "Sub", "centred", ONNX_INPUTS("image", "mean"));
    onnx_put_node(graph->out, "Div", onnx_named(graph, 0, ONNX_IMAGE, ""), ONNX_INPUTS("centred", "std"));
}

static void put_graph(struct protobuf *out, const struct model *model)
{
    const struct net *net = &model->net;
    const size_t start = onnx_begin_graph(out, "eyelet");
    onnx_put_input(out, "image", 3, (int[]){net->input.c, net->input.h, net->input.w},
                   net->input.c == 1
                       ? "luminance (ITU-R 601) from 0 to 1: byte / 255; the graph applies mean and std itself"
                   : model->preprocess.order == ORDER_BGR
                       ? "blue, green, red from 0 to 1: byte / 255; the graph applies mean and std itself"
                       : "red, green, blue from 0 to 1: byte / 255; the graph applies mean and std itself");
    onnx_put_output(out, "logits", 1, (int[]){net_classes(net)}, "one score a class, before the softmax");
    onnx_put_output(out, "probabilities", 1, (int[]){net_classes(net)}, "softmax of logits / temperature");

    struct onnx_graph *graph = allocate(1, sizeof *graph);
    graph->out = out;
    graph->model = model;
    for (int i = 0; i < net->node_count; i++)
        graph->source[i + 1] = changes_nothing(net, i) ? graph->source[net->nodes[i].input[0]] : i + 1;
    graph->logits = graph->source[net->nodes[net->node_count - 1].input[0]];
    put_normalisation(graph);
    for (int i = 0; i < net->node_count; i++)
        if (graph->source[i + 1] == i + 1)
            put_layer(graph, i);
    free(graph);
    protobuf_end(out, start);
}

static void put_metadata(void *context, const char *key, const char *value) { onnx_put_metadata(context, key, value); }

uint8_t *onnx_bytes(size_t *size, const struct model *model)
{
    struct protobuf out = {0};
    onnx_put_header(&out, ONNX_OPSET, "eyelet",
                    "An image classifier. Resize an image to the input's size by `resize_mode` in metadata_props, put "
                    "`background` where it is transparent or does not reach, and scale its bytes to 0..1.");
    layer_metadata(model, put_metadata, &out);
    put_graph(&out, model);
    *size = out.size;
    return out.bytes;
}
