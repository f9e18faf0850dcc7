#include "exchange/tfjs_graph.h"

#include "cli/list.h"
#include "cli/memory.h"
#include "exchange/tfjs_operator.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_NODES = 8192, MAX_NAME = 255 };

struct tfjs_node {
    const char *name, *op;
    const cJSON *attributes, *inputs;
    bool is_read; /* by another node */
    int count;    /* of outputs; 0: not computed yet */
    struct tfjs_tensor *outputs;
};

struct reader {
    struct graph *graph;
    const cJSON *model;
    const struct named_weights *weights;
    int side;
    struct tfjs_node *nodes; /* in the order of their names */
    int count;
};

/* ---- The nodes ---- */

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct tfjs_node *)a)->name, ((const struct tfjs_node *)b)->name);
}

/* "name", "name:1" for an output, "^name" for what only has to run before. */
static struct tfjs_node *node_of(const struct reader *reader, const char *reference, int *output)
{
    char name[MAX_NAME + 1];
    const size_t length = strcspn(reference, ":");
    *output = reference[length] ? atoi(reference + length + 1) : 0;
    if (length > MAX_NAME)
        return NULL;
    memcpy(name, reference, length);
    name[length] = 0;
    const struct tfjs_node wanted = {.name = name};
    return reader->count ? bsearch(&wanted, reader->nodes, (size_t)reader->count, sizeof wanted, by_name) : NULL;
}

static bool read_nodes(struct reader *reader)
{
    const cJSON *nodes = json_tree_array(json_tree_path(reader->model, "modelTopology", "node"));
    for (const cJSON *entry = nodes ? nodes->child : NULL; entry; entry = entry->next) {
        const struct tfjs_node node = {.name = json_tree_text(json_tree_member(entry, "name")),
                                       .op = json_tree_text(json_tree_member(entry, "op")),
                                       .attributes = json_tree_member(entry, "attr"),
                                       .inputs = json_tree_array(json_tree_member(entry, "input"))};
        if (!node.name || !node.op || strlen(node.name) > MAX_NAME || reader->count == MAX_NODES)
            return graph_refuse(reader->graph,
                                "it has a node without name or operator, a name of more than %d bytes, or "
                                "more than %d nodes",
                                MAX_NAME, MAX_NODES) != GRAPH_FAILED;
        LIST_ADD(reader->nodes, reader->count, node);
    }
    if (reader->count)
        qsort(reader->nodes, (size_t)reader->count, sizeof *reader->nodes, by_name);
    for (int i = 1; i < reader->count; i++)
        if (strcmp(reader->nodes[i].name, reader->nodes[i - 1].name) == 0)
            return graph_refuse(reader->graph, "it has two nodes called %s", reader->nodes[i].name) != GRAPH_FAILED;
    return true;
}

static void free_nodes(struct reader *reader)
{
    for (int i = 0; i < reader->count; i++) {
        for (int k = 0; k < reader->nodes[i].count; k++)
            free(reader->nodes[i].outputs[k].values);
        free(reader->nodes[i].outputs);
    }
    free(reader->nodes);
}

/* ---- Where values come from ---- */

/* The dims of `shape`, as an attribute or the signature has it; -1 or nothing is open. */
static int read_dims(int dims[GRAPH_RANK], const cJSON *shape)
{
    const cJSON *list = json_tree_array(json_tree_member(shape, "dim"));
    int rank = 0;
    for (const cJSON *dim = list ? list->child : NULL; dim; dim = dim->next, rank++)
        if (rank == GRAPH_RANK || !tfjs_int_of(&dims[rank], json_tree_member(dim, "size")))
            return 0;
    return rank;
}

/* The shape that the signature gives to this input. */
static const cJSON *signed_shape(const struct reader *reader, const char *name)
{
    const cJSON *signature = json_tree_member(reader->model, "signature");
    if (!signature)
        signature = json_tree_path(reader->model, "userDefinedMetadata", "signature");
    const cJSON *inputs = json_tree_member(signature, "inputs");
    for (const cJSON *input = inputs ? inputs->child : NULL; input; input = input->next) {
        const char *full = json_tree_text(json_tree_member(input, "name"));
        if (full && strcspn(full, ":") == strlen(name) && strncmp(full, name, strlen(name)) == 0)
            return json_tree_member(input, "tensorShape");
    }
    return NULL;
}

static int placeholder(const struct reader *reader, const struct tfjs_node *node)
{
    int dims[GRAPH_RANK] = {0};
    int rank = read_dims(dims, json_tree_path(node->attributes, "shape", "shape"));
    if (!rank)
        rank = read_dims(dims, signed_shape(reader, node->name));
    if (rank != 4)
        return graph_refuse(reader->graph, "the model's input has %d dimensions, not the four of an image", rank);
    for (int i = 1; i < 4; i++)
        if (dims[i] < 1 && !(dims[i] = i == 3 ? 3 : reader->side))
            return graph_refuse(reader->graph, "the model leaves its input's height and width open: convert it with a "
                                               "fixed size");
    dims[0] = 1;
    return graph_input(reader->graph, 4, dims, dims[3] == 3 || dims[3] == 1 ? 3 : 1);
}

/* The outputs of a node that reads none: 0, with the failure, where there are none. */
static int source(struct tfjs_tensor *outputs, const struct reader *reader, const struct tfjs_node *node)
{
    graph_at(reader->graph, node->op, node->name);
    if (strcmp(node->op, "Placeholder") == 0) {
        outputs[0] = (struct tfjs_tensor){.value = placeholder(reader, node)};
        return outputs[0].value != GRAPH_FAILED;
    }
    const struct graph_constant *constant = named_weights_find(reader->weights, node->name);
    if (!constant) {
        graph_refuse(reader->graph, "its weights are missing");
        return 0;
    }
    outputs[0] = (struct tfjs_tensor){.is_constant = true, .constant = *constant};
    return 1;
}

/* ---- The order of evaluation ---- */

/* The outputs of a node whose inputs are all there. Else -1, and *missing is the first that is not; 0: refused. */
static int try_node(struct tfjs_tensor *outputs, struct tfjs_node **missing, const struct reader *reader,
                    const struct tfjs_node *node)
{
    struct tfjs_operator operator= {
        .graph = reader->graph, .op = node->op, .name = node->name, .attributes = node->attributes};
    if (strcmp(node->op, "Placeholder") == 0 || strcmp(node->op, "Const") == 0)
        return source(outputs, reader, node);
    graph_at(reader->graph, node->op, node->name);
    for (const cJSON *input = node->inputs ? node->inputs->child : NULL; input; input = input->next) {
        int output;
        const char *reference = json_tree_text(input);
        if (reference && *reference == '^')
            continue;
        *missing = reference ? node_of(reader, reference, &output) : NULL;
        if (!*missing || operator.count == TFJS_MAX_INPUTS) {
            graph_refuse(reader->graph, "it reads %.100s, which is not there or one of more than %d",
                         reference ? reference : "something", TFJS_MAX_INPUTS);
            return 0;
        }
        if (!(*missing)->count)
            return -1;
        if (output < 0 || output >= (*missing)->count) {
            graph_refuse(reader->graph, "it reads %.100s, and there are %d outputs", reference, (*missing)->count);
            return 0;
        }
        operator.inputs[operator.count++] =(*missing)->outputs[output];
    }
    return tfjs_operator_apply(outputs, &operator);
}

/* From the output back to what is there, and forth again. */
static bool compute(const struct reader *reader, struct tfjs_node *output)
{
    int depth = 1;
    struct tfjs_tensor outputs[TFJS_MAX_OUTPUTS];
    struct tfjs_node **stack = allocate((size_t)reader->count + 1, sizeof *stack);
    stack[0] = output;
    while (depth && !graph_failed(reader->graph)) {
        struct tfjs_node *node = stack[depth - 1];
        const int count = node->count ? node->count : try_node(outputs, &stack[depth], reader, node);
        if (count > 0 && !node->count) {
            node->outputs = allocate((size_t)count, sizeof *outputs);
            memcpy(node->outputs, outputs, (size_t)count * sizeof *outputs);
            node->count = count;
        }
        depth += count < 0 ? 1 : -1;
        if (depth > reader->count)
            graph_refuse(reader->graph, "it waits for itself: nodes read one another");
    }
    free(stack);
    return !graph_failed(reader->graph);
}

/* ---- The output ---- */

/* Of the signature, or else the one node that no other reads. */
static struct tfjs_node *find_output(const struct reader *reader, int *output)
{
    const cJSON *signature = json_tree_member(reader->model, "signature");
    if (!signature)
        signature = json_tree_path(reader->model, "userDefinedMetadata", "signature");
    const cJSON *outputs = json_tree_member(signature, "outputs");
    struct tfjs_node *found = NULL;
    int count = 0;
    for (const cJSON *entry = outputs ? outputs->child : NULL; entry; entry = entry->next, count++) {
        const char *name = json_tree_text(json_tree_member(entry, "name"));
        found = name ? node_of(reader, name, output) : NULL;
    }
    for (int i = 0; i < reader->count && !count; i++)
        for (const cJSON *input = reader->nodes[i].inputs ? reader->nodes[i].inputs->child : NULL; input;
             input = input->next) {
            int ignored;
            struct tfjs_node *node =
                json_tree_text(input)
                    ? node_of(reader, json_tree_text(input) + (*json_tree_text(input) == '^'), &ignored)
                    : NULL;
            if (node)
                node->is_read = true;
        }
    if (!count) {
        *output = 0;
        for (int i = 0; i < reader->count; i++)
            if (!reader->nodes[i].is_read && strcmp(reader->nodes[i].op, "Const") != 0) {
                found = &reader->nodes[i];
                count++;
            }
    }
    if (count == 1 && found)
        return found;
    graph_refuse(reader->graph, count == 1 ? "its output is not there" : "it has %d outputs, not one", count);
    return NULL;
}

int tfjs_graph_build(struct graph *graph, const cJSON *model, const struct named_weights *weights, int side)
{
    struct reader reader = {.graph = graph, .model = model, .weights = weights, .side = side};
    int output = 0, value = GRAPH_FAILED;
    graph_at(graph, "GraphDef", "");
    struct tfjs_node *node = read_nodes(&reader) ? find_output(&reader, &output) : NULL;
    if (node && compute(&reader, node)) {
        graph_at(graph, node->op, node->name);
        const struct tfjs_tensor *tensor = output >= 0 && output < node->count ? &node->outputs[output] : NULL;
        value =
            tensor && !tensor->is_constant ? tensor->value : graph_refuse(graph, "the model's output is a constant");
    }
    free_nodes(&reader);
    return value;
}
