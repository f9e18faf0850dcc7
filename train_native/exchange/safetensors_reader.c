/* Weights of a PyTorch network in a safetensors file, with the network described as text (model/network.h).
 *
 * A layer takes the module (torch_modules) that it is named after: `layer1.0.conv1: conv2d 64 3x3 ...`. A layer without
 * such a name, and a batchnorm behind one on the same line, takes the first module of its kind and shape that is left,
 * in the order of their names. */
#include "exchange/importer.h"

#include "base/bounds.h"
#include "cli/files.h"
#include "cli/memory.h"
#include "cli/text.h"
#include "exchange/safetensors_tensors.h"
#include "model/network.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool recognises(const struct package *package)
{
    size_t size;
    const uint8_t *bytes = package_bytes(&size, package);
    return bytes && package_name_ending(package, ".safetensors");
}

struct reader {
    struct graph *graph;
    struct net net;
    struct network_names names;
    struct torch_modules modules;
    int values[LIMIT_NODES + 1]; /* of the graph, for each tensor */
    float epsilon;
};

/* ---- Which module is whose ---- */

/* What a layer wants: the shape of its weight, as PyTorch stores it. */
struct wanted {
    int rank, dims[4];
    bool is_norm;
};

static struct wanted wanted_of(const struct net *net, int i)
{
    const struct node *node = &net->nodes[i];
    const int in = net->shapes[node->input[0]].c, out = net->shapes[i + 1].c;
    if (node->kind == NODE_DENSE)
        return (struct wanted){2, {out, in}, false};
    if (node->kind == NODE_DEPTHWISE)
        return (struct wanted){4, {out, 1, node->kernel_h, node->kernel_w}, false};
    if (node->kind == NODE_CONV2D)
        return (struct wanted){4, {out, in / node->groups, node->kernel_h, node->kernel_w}, false};
    return (struct wanted){1, {out}, node->kind == NODE_BATCHNORM};
}

static bool fits(const struct torch_module *module, const struct wanted *wanted)
{
    const struct graph_constant *weight = &module->parts[TORCH_WEIGHT];
    if (weight->rank != wanted->rank ||
        (torch_module_has(module, TORCH_MEAN) && torch_module_has(module, TORCH_VARIANCE)) != wanted->is_norm)
        return false;
    for (int k = 0; k < wanted->rank; k++)
        if (weight->dims[k] != wanted->dims[k])
            return false;
    return true;
}

static void put_shape(char *text, size_t size, int rank, const int *dims)
{
    text[0] = 0;
    for (int k = 0; k < rank; k++)
        snprintf(text + strlen(text), size - strlen(text), "%s%d", k ? ", " : "", dims[k]);
}

static struct torch_module *module_named(struct reader *reader, const char *name)
{
    for (int k = 0; k < reader->modules.count && *name; k++)
        if (strcmp(reader->modules.items[k].name, name) == 0)
            return &reader->modules.items[k];
    return NULL;
}

static bool is_a_layers_name(const struct reader *reader, const char *name)
{
    for (int i = 0; i < reader->net.node_count && *name; i++)
        if (strcmp(reader->names.of[i], name) == 0)
            return true;
    return false;
}

/* Of the layer's name; NULL, with the failure, if it does not fit. */
static struct torch_module *take_named(struct reader *reader, struct torch_module *module, const struct wanted *wanted)
{
    char shape[64], found[64];
    if (!module->is_taken && fits(module, wanted))
        return module;
    put_shape(shape, sizeof shape, wanted->rank, wanted->dims);
    put_shape(found, sizeof found, module->parts[TORCH_WEIGHT].rank, module->parts[TORCH_WEIGHT].dims);
    graph_refuse(reader->graph, "the layer needs a weight of shape (%s)%s, and the file has (%s)%s", shape,
                 wanted->is_norm ? " with running_mean and running_var" : "", found,
                 module->is_taken ? ", which another layer has taken" : "");
    return NULL;
}

/* NULL, with the failure, if there is none. */
static struct torch_module *take_next(struct reader *reader, const struct wanted *wanted)
{
    char shape[64];
    for (int k = 0; k < reader->modules.count; k++) {
        struct torch_module *module = &reader->modules.items[k];
        if (!module->is_taken && fits(module, wanted) && !is_a_layers_name(reader, module->name))
            return module;
    }
    put_shape(shape, sizeof shape, wanted->rank, wanted->dims);
    graph_refuse(reader->graph, "no weight of shape (%s)%s is left in the file", shape,
                 wanted->is_norm ? " with running_mean and running_var" : "");
    return NULL;
}

static struct torch_module *take(struct reader *reader, int i)
{
    const struct node *node = &reader->net.nodes[i];
    const struct wanted wanted = wanted_of(&reader->net, i);
    /* A line's batchnorm is a module of its own. */
    const bool is_behind = i > 0 && reader->names.line[i] == reader->names.line[i - 1];
    struct torch_module *named = is_behind ? NULL : module_named(reader, reader->names.of[i]);
    struct torch_module *module = named ? take_named(reader, named, &wanted) : take_next(reader, &wanted);
    if (module)
        module->is_taken = true;
    if (module && node_has_weights(node->kind) && !node->bias && torch_module_has(module, TORCH_BIAS)) {
        graph_refuse(reader->graph, "the network's text says nobias, and %.200s has a bias", module->name);
        return NULL;
    }
    return module;
}

static const struct graph_constant *part_of(const struct torch_module *module, enum torch_part part)
{
    return torch_module_has(module, part) ? &module->parts[part] : NULL;
}

/* ---- Layers ---- */

enum { CHANNELS = 1 }; /* the dimension of them, in PyTorch's (n, c, h, w) */

static struct graph_window window_of(const struct node *node)
{
    struct graph_window window = {
        .kernel = {node->kernel_h, node->kernel_w},
        .stride = {node->stride, node->stride},
        .dilation = {node->dilation ? node->dilation : 1, node->dilation ? node->dilation : 1},
        .mode = node->same ? GRAPH_SAME_UPPER : GRAPH_EXPLICIT,
        .count_padding = node->count_padding};
    memcpy(window.padding, node->padding, sizeof window.padding);
    return window;
}

static int flat(struct graph *graph, int x) { return graph_reshape(graph, x, 2, (const int[]){1, -1}); }

static bool is_pixel(struct shape shape) { return shape.h == 1 && shape.w == 1; }

/* A map of one pixel, as the network's text has it, since it may meet other maps, as a gate does. */
static int build_dense(struct graph *graph, int x, const struct graph_dense *dense)
{
    x = graph_dense(graph, graph_rank(graph, x) == 2 ? x : flat(graph, x), dense);
    return graph_reshape(graph, x, 4, (const int[]){1, dense->weights->dims[0], 1, 1});
}

static int build_weights(struct reader *reader, int i, int x)
{
    const struct node *node = &reader->net.nodes[i];
    const struct torch_module *module = take(reader, i);
    if (!module)
        return GRAPH_FAILED;
    const struct graph_constant *weights = part_of(module, TORCH_WEIGHT), *bias = part_of(module, TORCH_BIAS);
    if (node->kind == NODE_DENSE)
        return build_dense(reader->graph, x, &(struct graph_dense){weights, bias, true});
    if (node->kind == NODE_PRELU)
        return graph_prelu(reader->graph, x, &(struct graph_constant){3, {weights->dims[0], 1, 1}, weights->values});
    if (node->kind == NODE_BATCHNORM)
        return graph_batchnorm(reader->graph, x,
                               &(struct graph_batchnorm){weights, bias, part_of(module, TORCH_MEAN),
                                                         part_of(module, TORCH_VARIANCE), reader->epsilon, CHANNELS});
    return graph_conv(reader->graph, x,
                      &(struct graph_conv){weights, bias, GRAPH_OIHW,
                                           node->kind == NODE_DEPTHWISE ? weights->dims[0] : node->groups, CHANNELS,
                                           window_of(node)});
}

/* ShuffleNet's: (groups, c / groups) turned round. */
static int build_shuffle(struct graph *graph, int x, struct shape shape, int groups)
{
    x = graph_reshape(graph, x, 5, (const int[]){1, groups, shape.c / groups, shape.h, shape.w});
    x = graph_transpose(graph, x, (const int[]){0, 2, 1, 3, 4});
    return graph_reshape(graph, x, 4, (const int[]){1, shape.c, shape.h, shape.w});
}

static int build(struct reader *reader, int i)
{
    struct graph *graph = reader->graph;
    const struct node *node = &reader->net.nodes[i];
    const int x = reader->values[node->input[0]], y = reader->values[node->input[1]];
    const struct graph_window window = window_of(node);
    switch (node->kind) {
    case NODE_CONV2D:
    case NODE_DEPTHWISE:
    case NODE_DENSE:
    case NODE_BATCHNORM:
    case NODE_PRELU: return build_weights(reader, i, x);
    case NODE_MAXPOOL: return graph_maxpool(graph, x, &window, CHANNELS);
    case NODE_AVGPOOL: return graph_avgpool(graph, x, &window, CHANNELS);
    case NODE_GLOBAL_AVGPOOL: return graph_reduce_mean(graph, x, 2, (const int[]){2, 3}, true);
    case NODE_FLATTEN: return is_pixel(reader->net.shapes[node->input[0]]) ? graph_identity(graph, x) : flat(graph, x);
    case NODE_DROPOUT: return graph_identity(graph, x);
    case NODE_ADD: return graph_arithmetic(graph, GRAPH_ADD, x, y);
    case NODE_MULTIPLY: return graph_arithmetic(graph, GRAPH_MULTIPLY, x, y);
    case NODE_CONCAT: return graph_concat(graph, 2, (const int[]){x, y}, CHANNELS);
    case NODE_SLICE: return graph_slice(graph, x, CHANNELS, node->first, node->first + node->channels, 1);
    case NODE_SHUFFLE: return build_shuffle(graph, x, reader->net.shapes[i + 1], node->groups);
    case NODE_SCALE:
        return graph_arithmetic_constant(graph, GRAPH_MULTIPLY, x, &(struct graph_constant){0, {0}, &node->rate},
                                         false);
    case NODE_SOFTMAX: return graph_softmax(graph, x, CHANNELS);
    case NODE_RELU:
    case NODE_RELU6:
    case NODE_SIGMOID:
    case NODE_TANH:
    case NODE_GELU:
    case NODE_SILU:
    case NODE_HARDSWISH:
    case NODE_HARDSIGMOID:
    case NODE_LEAKY_RELU: return graph_activation(graph, x, node->kind, node->rate);
    }
    return GRAPH_FAILED;
}

/* ---- The file ---- */

/* How many classes the last layer has: the outputs of the last dense module, or else of the last convolution. */
static int classes_of(const struct torch_modules *modules)
{
    int classes = 0;
    for (int rank = 2; rank <= 4 && !classes; rank += 2)
        for (int i = 0; i < modules->count; i++)
            if (modules->items[i].parts[TORCH_WEIGHT].rank == rank)
                classes = modules->items[i].parts[TORCH_WEIGHT].dims[0];
    return classes > LIMIT_CHANNELS ? LIMIT_CHANNELS : classes;
}

static bool read_network(struct reader *reader, const struct imported *imported, const struct package *package,
                         struct failure *failure)
{
    enum { TEXT_MAX = 1 << 20 };
    const char *path = imported->network_text, *reason;
    size_t size;
    if (!path)
        return failure_set(failure, package_path(package), "Describe it: --network FILE, as `eyelet train --network`.",
                           "a safetensors file holds weights, and does not say of which network");
    char *text = (char *)read_file(&size, &reason, path, TEXT_MAX);
    if (!text)
        return failure_set(failure, path, NULL, "%s", reason);
    const bool read =
        network_parse_named(&reader->net, &reader->names, text, path, classes_of(&reader->modules), failure);
    free(text);
    return read;
}

static bool all_taken(struct reader *reader, const struct package *package, struct failure *failure)
{
    for (int i = 0; i < reader->modules.count; i++)
        if (!reader->modules.items[i].is_taken)
            return failure_set(failure, package_path(package), "Add the layer to the network's text, or name it there.",
                               "the tensors of %.200s belong to no layer of the network",
                               *reader->modules.items[i].name ? reader->modules.items[i].name : "the file's root");
    return true;
}

static bool build_all(struct imported *imported, struct reader *reader, const struct package *package,
                      struct failure *failure)
{
    const struct net *net = &reader->net;
    reader->graph = graph_new(failure);
    reader->values[0] =
        graph_input(reader->graph, 4, (const int[]){1, net->input.c, net->input.h, net->input.w}, CHANNELS);
    for (int i = 0; i < net->node_count; i++) {
        graph_at(reader->graph, kind_names[net->nodes[i].kind], reader->names.of[i]);
        reader->values[i + 1] = build(reader, i);
    }
    const bool built = !graph_failed(reader->graph) && all_taken(reader, package, failure) &&
                       graph_finish(&imported->network, reader->graph, reader->values[net->node_count]);
    graph_free(reader->graph);
    return built;
}

static bool read_package(struct imported *imported, const struct package *package, struct failure *failure)
{
    size_t size;
    const uint8_t *bytes = package_bytes(&size, package);
    struct reader *reader = allocate(1, sizeof *reader);
    reader->epsilon = imported->epsilon;
    bool done = torch_modules_read(&reader->modules, bytes, size, package_path(package), failure);
    if (done) {
        done = read_network(reader, imported, package, failure) && build_all(imported, reader, package, failure);
        torch_modules_free(&reader->modules);
    }
    snprintf(imported->format, sizeof imported->format, "safetensors, with a network as text");
    free(reader);
    return done;
}

const struct importer safetensors_importer = {"safetensors", recognises, read_package};
