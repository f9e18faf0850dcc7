#include "exchange/keras_functional.h"

#include "cli/list.h"
#include "cli/memory.h"

#include <stdlib.h>
#include <string.h>

bool keras_is_model(const char *class_name)
{
    return strcmp(class_name, "Sequential") == 0 || strcmp(class_name, "Model") == 0 ||
           strcmp(class_name, "Functional") == 0;
}

const cJSON *keras_first_layer(const cJSON *config)
{
    const cJSON *layers = json_tree_array(config) ? config : json_tree_array(json_tree_member(config, "layers"));
    return layers ? layers->child : NULL;
}

enum { MAX_NAME = 255 };

bool keras_find_names(const char **class_name, const char **name, const cJSON *layer)
{
    *class_name = json_tree_text(json_tree_member(layer, "class_name"));
    *name = json_tree_text(json_tree_member(layer, "name"));
    if (!*name)
        *name = json_tree_text(json_tree_path(layer, "config", "name"));
    if (!*name)
        *name = "";
    return *class_name && strlen(*name) <= MAX_NAME;
}

bool keras_read_names(const char **class_name, const char **name, struct graph *graph, const cJSON *layer)
{
    const bool has = keras_find_names(class_name, name, layer);
    if (!has)
        graph_refuse(graph, "it has a layer without a class, or with a name of more than %d bytes", MAX_NAME);
    return has;
}

/* ---- What is read ---- */

/* ["conv", 0, 0] or ["conv", 0, 0, {}]: layer, call, and which of its outputs. */
static bool add_reference(struct keras_call *call, struct graph *graph, const cJSON *reference)
{
    const cJSON *index = json_tree_count(reference) >= 3 ? reference->child->next : NULL;
    const char *layer = index ? json_tree_text(reference->child) : NULL;
    int number, output;
    if (!layer || !json_tree_int(&number, index) || number < 0 || !json_tree_int(&output, index->next))
        graph_refuse(graph, "what it reads is not said as [layer, call, output]");
    else if (output != 0)
        graph_refuse(graph, "it reads output %d of %.100s: only layers of one output can be imported", output, layer);
    else if (call->count == KERAS_MAX_INPUTS)
        graph_refuse(graph, "it has more than %d inputs", KERAS_MAX_INPUTS);
    else {
        call->inputs[call->count++] = (struct keras_reference){layer, number};
        return true;
    }
    return false;
}

/* Keras 3: a tensor as {"class_name": "__keras_tensor__", "config": {"keras_history": ["conv", 0, 0]}}, or lists of
 * those. */
static bool add_argument(struct keras_call *call, struct graph *graph, const cJSON *argument)
{
    const cJSON *history = json_tree_path(argument, "config", "keras_history");
    if (history)
        return add_reference(call, graph, history);
    if (!json_tree_array(argument)) {
        graph_refuse(graph, "it reads something else than the outputs of layers");
        return false;
    }
    for (const cJSON *element = argument->child; element; element = element->next)
        if (!add_reference(call, graph, json_tree_path(element, "config", "keras_history")))
            return false;
    return true;
}

/* A list of references, or one that stands for itself. */
bool keras_call_read(struct keras_call *call, struct graph *graph, const cJSON *node)
{
    call->count = 0;
    const cJSON *arguments = json_tree_array(json_tree_member(node, "args"));
    if (arguments) {
        for (const cJSON *argument = arguments->child; argument; argument = argument->next)
            if (!add_argument(call, graph, argument))
                return false;
        return true;
    }
    if (json_tree_count(node) && json_tree_text(node->child))
        return add_reference(call, graph, node);
    for (const cJSON *reference = json_tree_array(node) ? node->child : NULL; reference; reference = reference->next)
        if (!add_reference(call, graph, reference))
            return false;
    return true;
}

/* ---- The layers ---- */

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct keras_functional_layer *)a)->name, ((const struct keras_functional_layer *)b)->name);
}

struct keras_functional_layer *keras_functional_layer(const struct keras_functional *functional, const char *name)
{
    const struct keras_functional_layer wanted = {.name = name};
    return functional->count ? bsearch(&wanted, functional->layers, (size_t)functional->count, sizeof wanted, by_name)
                             : NULL;
}

static bool add_layer(struct keras_functional *functional, struct graph *graph, const cJSON *entry)
{
    struct keras_functional_layer layer = {.config = json_tree_member(entry, "config"),
                                           .nodes = json_tree_array(json_tree_member(entry, "inbound_nodes"))};
    if (!keras_read_names(&layer.class_name, &layer.name, graph, entry))
        return false;
    layer.calls = strcmp(layer.class_name, "InputLayer") == 0 ? 1 : json_tree_count(layer.nodes);
    if (functional->count == KERAS_MAX_LAYERS || layer.calls > KERAS_MAX_CALLS) {
        graph_refuse(graph, "it has more than %d layers, or more than %d calls of %.100s", KERAS_MAX_LAYERS,
                     KERAS_MAX_CALLS, layer.name);
        return false;
    }
    if (keras_is_model(layer.class_name) && layer.calls > 1) {
        graph_refuse(graph, "its model %.100s is called several times", layer.name);
        return false;
    }
    layer.results = allocate((size_t)layer.calls, sizeof *layer.results);
    for (int i = 0; i < layer.calls; i++)
        layer.results[i] = KERAS_PENDING;
    LIST_ADD(functional->layers, functional->count, layer);
    return true;
}

static bool read_layers(struct keras_functional *functional, struct graph *graph, const cJSON *config)
{
    const cJSON *layers = json_tree_array(json_tree_member(config, "layers"));
    for (const cJSON *entry = layers ? layers->child : NULL; entry; entry = entry->next)
        if (!add_layer(functional, graph, entry))
            return false;
    if (functional->count)
        qsort(functional->layers, (size_t)functional->count, sizeof *functional->layers, by_name);
    for (int i = 1; i < functional->count; i++)
        if (strcmp(functional->layers[i].name, functional->layers[i - 1].name) == 0) {
            graph_refuse(graph, "it has two layers called %.100s", functional->layers[i].name);
            return false;
        }
    return true;
}

bool keras_functional_read(struct keras_functional *functional, struct graph *graph, const cJSON *config)
{
    *functional = (struct keras_functional){0};
    if (read_layers(functional, graph, config) &&
        keras_call_read(&functional->inputs, graph, json_tree_member(config, "input_layers")) &&
        keras_call_read(&functional->outputs, graph, json_tree_member(config, "output_layers")))
        return true;
    keras_functional_free(functional);
    return false;
}

void keras_functional_free(struct keras_functional *functional)
{
    for (int i = 0; i < functional->count; i++)
        free(functional->layers[i].results);
    free(functional->layers);
    *functional = (struct keras_functional){0};
}
