#include "exchange/onnx.h"

#include "model/layer_name.h"
#include "kernels/batchnorm.h"
#include "exchange/protobuf.h"
#include "cli/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- ONNX's messages ---- */

enum { /* numbers of fields and of types, from onnx.proto3 */
       MODEL_IR_VERSION = 1,
       MODEL_PRODUCER_NAME = 2,
       MODEL_DOC_STRING = 6,
       MODEL_GRAPH = 7,
       MODEL_OPSET_IMPORT = 8,
       MODEL_METADATA_PROPS = 14,
       OPSET_VERSION = 2,
       ENTRY_KEY = 1,
       ENTRY_VALUE = 2,
       GRAPH_NODE = 1,
       GRAPH_NAME = 2,
       GRAPH_INITIALIZER = 5,
       GRAPH_INPUT = 11,
       GRAPH_OUTPUT = 12,
       NODE_INPUT = 1,
       NODE_OUTPUT = 2,
       NODE_NAME = 3,
       NODE_OP_TYPE = 4,
       NODE_ATTRIBUTE = 5,
       ATTRIBUTE_NAME = 1,
       ATTRIBUTE_F = 2,
       ATTRIBUTE_I = 3,
       ATTRIBUTE_INTS = 8,
       ATTRIBUTE_TYPE = 20,
       ATTRIBUTE_IS_FLOAT = 1,
       ATTRIBUTE_IS_INT = 2,
       ATTRIBUTE_IS_INTS = 7,
       TENSOR_DIMS = 1,
       TENSOR_DATA_TYPE = 2,
       TENSOR_NAME = 8,
       TENSOR_RAW_DATA = 9,
       VALUE_NAME = 1,
       VALUE_TYPE = 2,
       VALUE_DOC_STRING = 3,
       TYPE_TENSOR = 1,
       TYPE_ELEMENT = 1,
       TYPE_SHAPE = 2,
       SHAPE_DIM = 1,
       DIM_VALUE = 1,
       DIM_PARAM = 2,
       ELEMENT_FLOAT = 1,
       ELEMENT_INT64 = 7
};

enum { IR_VERSION = 7 }; /* of ONNX 1.8, which brought opset 13 */

/* A node whose attributes, if any, follow until protobuf_end. inputs: names, up to the first NULL. */
static size_t begin_node(struct protobuf *out, const char *type, const char *output, const char *const inputs[])
{
    const size_t start = protobuf_begin(out, GRAPH_NODE);
    for (; *inputs; inputs++)
        protobuf_text(out, NODE_INPUT, *inputs);
    protobuf_text(out, NODE_OUTPUT, output);
    protobuf_text(out, NODE_NAME, output);
    protobuf_text(out, NODE_OP_TYPE, type);
    return start;
}

#define INPUTS(...) \
    (const char *const[]) { __VA_ARGS__, NULL }

static void put_node(struct protobuf *out, const char *type, const char *output, const char *const inputs[])
{
    protobuf_end(out, begin_node(out, type, output, inputs));
}

static size_t begin_attribute(struct protobuf *out, const char *name, int type)
{
    const size_t start = protobuf_begin(out, NODE_ATTRIBUTE);
    protobuf_text(out, ATTRIBUTE_NAME, name);
    protobuf_int(out, ATTRIBUTE_TYPE, type);
    return start;
}

static void put_attribute_float(struct protobuf *out, const char *name, float x)
{
    const size_t start = begin_attribute(out, name, ATTRIBUTE_IS_FLOAT);
    protobuf_float(out, ATTRIBUTE_F, x);
    protobuf_end(out, start);
}

static void put_attribute_int(struct protobuf *out, const char *name, int x)
{
    const size_t start = begin_attribute(out, name, ATTRIBUTE_IS_INT);
    protobuf_int(out, ATTRIBUTE_I, x);
    protobuf_end(out, start);
}

static void put_attribute_ints(struct protobuf *out, const char *name, const int *x, int count)
{
    const size_t start = begin_attribute(out, name, ATTRIBUTE_IS_INTS);
    for (int i = 0; i < count; i++)
        protobuf_int(out, ATTRIBUTE_INTS, x[i]);
    protobuf_end(out, start);
}

/* A constant; rank 0 is one number. The result is the place of its numbers, little-endian, to be filled before anything
 * else is written. */
static uint8_t *put_tensor(struct protobuf *out, const char *name, int element, int rank, const int dims[])
{
    const size_t start = protobuf_begin(out, GRAPH_INITIALIZER);
    size_t bytes = element == ELEMENT_INT64 ? 8 : 4;
    for (int i = 0; i < rank; i++) {
        protobuf_int(out, TENSOR_DIMS, dims[i]);
        bytes *= (size_t)dims[i];
    }
    protobuf_int(out, TENSOR_DATA_TYPE, element);
    protobuf_text(out, TENSOR_NAME, name);
    protobuf_bytes(out, TENSOR_RAW_DATA, bytes);
    protobuf_end(out, start);
    return out->bytes + out->size - bytes;
}

static void put_floats(struct protobuf *out, const char *name, int rank, const int dims[], const float *values)
{
    size_t count = 1;
    for (int i = 0; i < rank; i++)
        count *= (size_t)dims[i];
    uint8_t *p = put_tensor(out, name, ELEMENT_FLOAT, rank, dims);
    for (size_t i = 0; i < count; i++)
        p = protobuf_store_float(p, values[i]);
}

/* An input or output of the graph: float32 (batch, dims). */
static void put_value(struct protobuf *out, int field, const char *name, int rank, const int dims[], const char *about)
{
    const size_t value = protobuf_begin(out, field);
    protobuf_text(out, VALUE_NAME, name);
    const size_t type = protobuf_begin(out, VALUE_TYPE), tensor = protobuf_begin(out, TYPE_TENSOR);
    protobuf_int(out, TYPE_ELEMENT, ELEMENT_FLOAT);
    const size_t shape = protobuf_begin(out, TYPE_SHAPE);
    for (int i = -1; i < rank; i++) {
        const size_t dim = protobuf_begin(out, SHAPE_DIM);
        if (i < 0)
            protobuf_text(out, DIM_PARAM, "batch");
        else
            protobuf_int(out, DIM_VALUE, dims[i]);
        protobuf_end(out, dim);
    }
    protobuf_end(out, shape);
    protobuf_end(out, tensor);
    protobuf_end(out, type);
    protobuf_text(out, VALUE_DOC_STRING, about);
    protobuf_end(out, value);
}

/* ---- The graph ----
 *
 * Images are (n, h, w, c) here and (batch, c, h, w) there. What is (n, 1, 1, c) here can be (batch, c, 1, 1) or (batch,
 * c) there, and each layer takes the one that it needs: a tensor is written the way its layer makes it, and once more
 * the other way when another layer asks for that. */

enum form { IMAGE, FLAT };

struct graph {
    struct protobuf *out;
    const struct model *model;
    int logits;                  /* the tensor */
    int source[LIMIT_NODES + 1]; /* the tensor that holds a tensor's numbers: layers that change none are left out */
    enum form form[LIMIT_NODES + 1];             /* as it was made */
    struct layer_name names[LIMIT_NODES + 1][2]; /* in each form; empty where it is not there */
};

static struct layer_name part_of(const struct graph *graph, int node, const char *part)
{
    return layer_name(&graph->model->net, node, part);
}

/* A new name for a tensor in one form. */
static const char *named(struct graph *graph, int tensor, enum form form, const char *part)
{
    struct layer_name *name = &graph->names[tensor][form];
    if (form == FLAT && tensor == graph->logits)
        strcpy(name->text, "logits");
    else if (tensor == 0)
        snprintf(name->text, sizeof name->text, "normalised%s%s", *part ? "." : "", part);
    else
        *name = part_of(graph, tensor - 1, part);
    return name->text;
}

/* The name of a node's output, which is made in this form. */
static const char *makes(struct graph *graph, int node, enum form form)
{
    graph->form[node + 1] = form;
    return named(graph, node + 1, form, "");
}

/* The name of a tensor to be read in this form; a flat one has one pixel. */
static const char *reads(struct graph *graph, int tensor, enum form form)
{
    struct protobuf *out = graph->out;
    tensor = graph->source[tensor];
    const char *there = graph->names[tensor][form].text;
    if (*there)
        return there;
    const char *other = graph->names[tensor][form == FLAT ? IMAGE : FLAT].text;
    if (form == FLAT) {
        put_node(out, "Flatten", named(graph, tensor, FLAT, "flat"), INPUTS(other));
    } else {
        const struct layer_name axes = part_of(graph, tensor - 1, "axes");
        uint8_t *p = put_tensor(out, axes.text, ELEMENT_INT64, 1, (int[]){2});
        memset(p, 0, 16);
        p[0] = 2;
        p[8] = 3;
        put_node(out, "Unsqueeze", named(graph, tensor, IMAGE, "image"), INPUTS(other, axes.text));
    }
    return there;
}

static struct layer_name put_number(struct graph *graph, int node, const char *part, float x)
{
    const struct layer_name name = part_of(graph, node, part);
    put_floats(graph->out, name.text, 0, NULL, &x);
    return name;
}

static void put_window(struct protobuf *out, const struct window *window)
{
    const struct layer_padding padding = layer_padding(window);
    put_attribute_ints(out, "kernel_shape", (int[]){window->kernel_h, window->kernel_w}, 2);
    put_attribute_ints(out, "strides", (int[]){window->stride, window->stride}, 2);
    put_attribute_ints(out, "pads", (int[]){padding.top, padding.left, padding.bottom, padding.right}, 4);
    if (window->dilation > 1)
        put_attribute_ints(out, "dilations", (int[]){window->dilation, window->dilation}, 2);
}

/* (kernel_h, kernel_w, in, out) here, (out, in, kernel_h, kernel_w) there. A depthwise layer's filters each have one
 * input, those of a group the inputs of the group. */
static void put_conv(struct graph *graph, int i, const float *parameters)
{
    const struct window window = net_window(&graph->model->net, i);
    const bool depthwise = kind_traits[graph->model->net.nodes[i].kind].per_channel;
    const int out = window.out.c, groups = depthwise ? out : window.groups, in = window.in.c / groups;
    const int taps = window.kernel_h * window.kernel_w;
    const struct layer_name weight = part_of(graph, i, "weight"), bias = part_of(graph, i, "bias");
    const bool has_bias = graph->model->net.nodes[i].bias;
    uint8_t *p =
        put_tensor(graph->out, weight.text, ELEMENT_FLOAT, 4, (int[]){out, in, window.kernel_h, window.kernel_w});
    for (int o = 0; o < out; o++)
        for (int c = 0; c < in; c++)
            for (int tap = 0; tap < taps; tap++)
                p = protobuf_store_float(p,
                                         parameters[((size_t)tap * (size_t)in + (size_t)c) * (size_t)out + (size_t)o]);
    if (has_bias)
        put_floats(graph->out, bias.text, 1, &out, parameters + (size_t)taps * (size_t)in * (size_t)out);
    const char *image = reads(graph, graph->model->net.nodes[i].input[0], IMAGE);
    const size_t start =
        begin_node(graph->out, "Conv", makes(graph, i, IMAGE), INPUTS(image, weight.text, has_bias ? bias.text : NULL));
    put_window(graph->out, &window);
    if (groups > 1)
        put_attribute_int(graph->out, "group", groups);
    protobuf_end(graph->out, start);
}

/* Gemm multiplies from the right by (in, out), as the weights stand. */
static void put_dense(struct graph *graph, int i, const float *parameters)
{
    const struct node *node = &graph->model->net.nodes[i];
    const int in = graph->model->net.shapes[node->input[0]].c, out = node->channels;
    const struct layer_name weight = part_of(graph, i, "weight"), bias = part_of(graph, i, "bias");
    put_floats(graph->out, weight.text, 2, (int[]){in, out}, parameters);
    if (node->bias)
        put_floats(graph->out, bias.text, 1, &out, parameters + (size_t)in * (size_t)out);
    const char *flat = reads(graph, node->input[0], FLAT);
    put_node(graph->out, "Gemm", makes(graph, i, FLAT), INPUTS(flat, weight.text, node->bias ? bias.text : NULL));
}

static void put_pool(struct graph *graph, int i, const char *type)
{
    const struct window window = net_window(&graph->model->net, i);
    const char *image = reads(graph, graph->model->net.nodes[i].input[0], IMAGE);
    const size_t start = begin_node(graph->out, type, makes(graph, i, IMAGE), INPUTS(image));
    put_window(graph->out, &window);
    if (graph->model->net.nodes[i].kind == NODE_AVGPOOL)
        put_attribute_int(graph->out, "count_include_pad", 0);
    protobuf_end(graph->out, start);
}

static void put_global_pool(struct graph *graph, int i)
{
    const char *image = reads(graph, graph->model->net.nodes[i].input[0], IMAGE);
    put_node(graph->out, "GlobalAveragePool", makes(graph, i, IMAGE), INPUTS(image));
}

/* The dense layer behind it wants the numbers in the order of (h, w, c). */
static void put_flatten(struct graph *graph, int i)
{
    const struct layer_name turned = part_of(graph, i, "transposed");
    const char *image = reads(graph, graph->model->net.nodes[i].input[0], IMAGE);
    const size_t start = begin_node(graph->out, "Transpose", turned.text, INPUTS(image));
    put_attribute_ints(graph->out, "perm", (int[]){0, 2, 3, 1}, 4);
    protobuf_end(graph->out, start);
    put_node(graph->out, "Flatten", makes(graph, i, FLAT), INPUTS(turned.text));
}

static void put_batchnorm(struct graph *graph, int i, const float *parameters)
{
    static const char *const parts[4] = {"scale", "shift", "mean", "variance"};
    const int tensor = graph->model->net.nodes[i].input[0], c = graph->model->net.shapes[tensor].c;
    const enum form form = graph->form[graph->source[tensor]];
    struct layer_name names[4];
    for (int k = 0; k < 4; k++) {
        names[k] = part_of(graph, i, parts[k]);
        put_floats(graph->out, names[k].text, 1, &c, parameters + (size_t)k * (size_t)c);
    }
    const char *in = reads(graph, tensor, form);
    const size_t start = begin_node(graph->out, "BatchNormalization", makes(graph, i, form),
                                    INPUTS(in, names[0].text, names[1].text, names[2].text, names[3].text));
    put_attribute_float(graph->out, "epsilon", BATCHNORM_EPSILON);
    protobuf_end(graph->out, start);
}

static void put_add(struct graph *graph, int i)
{
    const struct node *node = &graph->model->net.nodes[i];
    const enum form form = graph->form[graph->source[node->input[0]]];
    const char *first = reads(graph, node->input[0], form), *second = reads(graph, node->input[1], form);
    put_node(graph->out, "Add", makes(graph, i, form), INPUTS(first, second));
}

/* For these it makes no difference in which form their input is. */
static void put_elementwise(struct graph *graph, int i, const char *type, const char *operand)
{
    const int tensor = graph->model->net.nodes[i].input[0];
    const enum form form = graph->form[graph->source[tensor]];
    const char *in = reads(graph, tensor, form);
    put_node(graph->out, type, makes(graph, i, form), INPUTS(in, operand));
}

static void put_relu6(struct graph *graph, int i)
{
    const int tensor = graph->model->net.nodes[i].input[0];
    const enum form form = graph->form[graph->source[tensor]];
    const char *in = reads(graph, tensor, form);
    const struct layer_name least = put_number(graph, i, "least", 0), most = put_number(graph, i, "most", 6);
    put_node(graph->out, "Clip", makes(graph, i, form), INPUTS(in, least.text, most.text));
}

static void put_scale(struct graph *graph, int i)
{
    const struct layer_name factor = put_number(graph, i, "factor", graph->model->net.nodes[i].rate);
    put_elementwise(graph, i, "Mul", factor.text);
}

/* x sigmoid(x (2k + 2k 0.044715 x^2)) with k = sqrt(2 / pi), as in core/kernels/activation.h; opset 13 has none of its
 * own. */
static void put_gelu(struct graph *graph, int i)
{
    static const float slope = 1.5957691216f, cube = 1.5957691216f * 0.044715f;
    const int tensor = graph->model->net.nodes[i].input[0];
    const enum form form = graph->form[graph->source[tensor]];
    const char *in = reads(graph, tensor, form);
    const struct layer_name first = put_number(graph, i, "slope", slope), third = put_number(graph, i, "cube", cube);
    const struct layer_name square = part_of(graph, i, "square"), bent = part_of(graph, i, "bent"),
                            factor = part_of(graph, i, "factor"), product = part_of(graph, i, "product"),
                            gate = part_of(graph, i, "gate");
    put_node(graph->out, "Mul", square.text, INPUTS(in, in));
    put_node(graph->out, "Mul", bent.text, INPUTS(square.text, third.text));
    put_node(graph->out, "Add", factor.text, INPUTS(bent.text, first.text));
    put_node(graph->out, "Mul", product.text, INPUTS(in, factor.text));
    put_node(graph->out, "Sigmoid", gate.text, INPUTS(product.text));
    put_node(graph->out, "Mul", makes(graph, i, form), INPUTS(in, gate.text));
}

/* As ONNX defines HardSwish, which came with opset 14: x times HardSigmoid, max(0, min(1, x / 6 + 1 / 2)). */
static void put_hardswish(struct graph *graph, int i)
{
    const int tensor = graph->model->net.nodes[i].input[0];
    const enum form form = graph->form[graph->source[tensor]];
    const char *in = reads(graph, tensor, form);
    const struct layer_name gate = part_of(graph, i, "gate");
    const size_t start = begin_node(graph->out, "HardSigmoid", gate.text, INPUTS(in));
    put_attribute_float(graph->out, "alpha", 1.0f / 6);
    put_attribute_float(graph->out, "beta", 0.5f);
    protobuf_end(graph->out, start);
    put_node(graph->out, "Mul", makes(graph, i, form), INPUTS(in, gate.text));
}

static void put_softmax(struct graph *graph, int i)
{
    const char *in = reads(graph, graph->logits, FLAT);
    const struct layer_name cooled = part_of(graph, i, "input");
    if (graph->model->temperature != 1) {
        const struct layer_name temperature = put_number(graph, i, "temperature", graph->model->temperature);
        put_node(graph->out, "Div", cooled.text, INPUTS(in, temperature.text));
        in = cooled.text;
    }
    const size_t start = begin_node(graph->out, "Softmax", "probabilities", INPUTS(in));
    put_attribute_int(graph->out, "axis", 1);
    protobuf_end(graph->out, start);
}

/* Whether a node's output is its input, number for number and in the same order. */
static bool changes_nothing(const struct net *net, int i)
{
    const struct shape in = net->shapes[net->nodes[i].input[0]];
    return net->nodes[i].kind == NODE_DROPOUT || (net->nodes[i].kind == NODE_FLATTEN && in.h == 1 && in.w == 1);
}

static void put_layer(struct graph *graph, int i)
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
    case NODE_FLATTEN: put_flatten(graph, i); break;
    case NODE_DENSE: put_dense(graph, i, parameters); break;
    case NODE_BATCHNORM: put_batchnorm(graph, i, parameters); break;
    case NODE_ADD: put_add(graph, i); break;
    case NODE_RELU: put_elementwise(graph, i, "Relu", NULL); break;
    case NODE_RELU6: put_relu6(graph, i); break;
    case NODE_SIGMOID: put_elementwise(graph, i, "Sigmoid", NULL); break;
    case NODE_TANH: put_elementwise(graph, i, "Tanh", NULL); break;
    case NODE_SOFTMAX: put_softmax(graph, i); break;
    case NODE_GELU: put_gelu(graph, i); break;
    case NODE_HARDSWISH: put_hardswish(graph, i); break;
    case NODE_SCALE: put_scale(graph, i); break;
    case NODE_DROPOUT: break; /* changes_nothing */
    }
    free(parameters);
}

/* (image - mean) / std */
static void put_normalisation(struct graph *graph)
{
    const struct preprocess *preprocess = &graph->model->preprocess;
    const int dims[4] = {1, graph->model->net.input.c, 1, 1};
    float mean[3], std[3]; /* in the order of the input */
    for (int c = 0; c < 3; c++) {
        const int from = preprocess->order == ORDER_BGR ? 2 - c : c;
        mean[c] = preprocess->mean[from];
        std[c] = preprocess->std[from];
    }
    put_floats(graph->out, "mean", 4, dims, mean);
    put_floats(graph->out, "std", 4, dims, std);
    put_node(graph->out, "Sub", "centred", INPUTS("image", "mean"));
    put_node(graph->out, "Div", named(graph, 0, IMAGE, ""), INPUTS("centred", "std"));
}

static void put_graph(struct protobuf *out, const struct model *model)
{
    const struct net *net = &model->net;
    const size_t start = protobuf_begin(out, MODEL_GRAPH);
    protobuf_text(out, GRAPH_NAME, "eyelet");
    put_value(out, GRAPH_INPUT, "image", 3, (int[]){net->input.c, net->input.h, net->input.w},
              net->input.c == 1 ? "luminance (ITU-R 601) from 0 to 1: byte / 255; the graph applies mean and std itself"
              : model->preprocess.order == ORDER_BGR
                  ? "blue, green, red from 0 to 1: byte / 255; the graph applies mean and std itself"
                  : "red, green, blue from 0 to 1: byte / 255; the graph applies mean and std itself");
    put_value(out, GRAPH_OUTPUT, "logits", 1, (int[]){net_classes(net)}, "a number for each class, before the softmax");
    put_value(out, GRAPH_OUTPUT, "probabilities", 1, (int[]){net_classes(net)}, "softmax of logits / temperature");

    struct graph *graph = allocate(1, sizeof *graph);
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

/* ---- The file ---- */

static void put_metadata(void *context, const char *key, const char *value)
{
    struct protobuf *out = context;
    const size_t start = protobuf_begin(out, MODEL_METADATA_PROPS);
    protobuf_text(out, ENTRY_KEY, key);
    protobuf_text(out, ENTRY_VALUE, value);
    protobuf_end(out, start);
}

uint8_t *onnx_bytes(size_t *size, const struct model *model)
{
    struct protobuf out = {0};
    protobuf_int(&out, MODEL_IR_VERSION, IR_VERSION);
    const size_t opset = protobuf_begin(&out, MODEL_OPSET_IMPORT);
    protobuf_int(&out, OPSET_VERSION, ONNX_OPSET);
    protobuf_end(&out, opset);
    protobuf_text(&out, MODEL_PRODUCER_NAME, "eyelet");
    protobuf_text(
        &out, MODEL_DOC_STRING,
        "An image classifier. Fit a picture to the input's size as `fit` in metadata_props says, put `background` where "
        "it is transparent or does not reach, and scale its bytes to 0..1.");
    layer_metadata(model, put_metadata, &out);
    put_graph(&out, model);
    *size = out.size;
    return out.bytes;
}
