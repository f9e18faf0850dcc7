#include "exchange/keras_model.h"

#include "cli/memory.h"
#include "cli/text.h"
#include "exchange/keras_functional.h"
#include "exchange/keras_layer.h"

#include <stdlib.h>
#include <string.h>

/* Models stand within models: each takes some levels of the JSON, whose depth is bounded (json_tree.h), and so is this
 * recursion. */
static int apply_model(const struct keras_layer *model, const int *x, int count);

static int apply(const struct keras_layer *layer, const int *x, int count)
{
    if (!keras_is_model(layer->class_name))
        return keras_layer_apply(layer, x, count);
    for (int i = 0; i < count; i++)
        if (x[i] == GRAPH_FAILED)
            return GRAPH_FAILED;
    return apply_model(layer, x, count);
}

static int refuse_model(const struct keras_layer *model, const char *reason)
{
    graph_at(model->graph, model->class_name, model->name);
    return graph_refuse(model->graph, "%s", reason);
}

/* A layer of a model, with the path of both; the caller frees the path. */
static struct keras_layer layer_within(const struct keras_layer *model, const char *class_name, const char *name,
                                       const cJSON *config)
{
    struct keras_layer layer = *model;
    layer.class_name = class_name;
    layer.name = name;
    layer.config = config;
    layer.path = *model->path ? text_format("%s/%s", model->path, name) : text_copy(name);
    return layer;
}

/* ---- Sequential ---- */

static int apply_sequential(const struct keras_layer *model, const int *x, int count)
{
    int y = x[0];
    if (count != 1)
        return refuse_model(model, "it has several inputs");
    for (const cJSON *entry = keras_first_layer(model->config); entry && y != GRAPH_FAILED; entry = entry->next) {
        const char *class_name, *name;
        graph_at(model->graph, model->class_name, model->name);
        if (!keras_read_names(&class_name, &name, model->graph, entry))
            return GRAPH_FAILED;
        if (strcmp(class_name, "InputLayer") == 0)
            continue;
        const struct keras_layer layer = layer_within(model, class_name, name, json_tree_member(entry, "config"));
        y = apply(&layer, &y, 1);
        free((char *)(uintptr_t)layer.path);
    }
    return y;
}

/* ---- Functional ---- */

/* The `call`-th call of a layer. */
struct place {
    struct keras_functional_layer *layer;
    int call;
};

static int *result_at(struct place place) { return &place.layer->results[place.call]; }

/* What a reference means. A model counts its calls from 1, since to Keras its own making is one, and with some programs
 * from 0. */
static bool find_place(struct place *place, const struct keras_layer *model, const struct keras_functional *functional,
                       struct keras_reference reference)
{
    *place = (struct place){keras_functional_layer(functional, reference.layer), reference.call};
    if (!place->layer)
        graph_refuse(model->graph, "it reads a layer %.100s, which is not there", reference.layer);
    else if (keras_is_model(place->layer->class_name) && place->call == 1)
        place->call = 0;
    if (place->layer && place->call >= place->layer->calls)
        graph_refuse(model->graph, "it reads call %d of %.100s, which has %d", reference.call, reference.layer,
                     place->layer->calls);
    return place->layer && place->call < place->layer->calls;
}

/* A call whose inputs are all there: its result. Else KERAS_PENDING, and *missing is the first that is not. */
static int try_call(struct place *missing, const struct keras_layer *model, const struct keras_functional *functional,
                    struct place at)
{
    int x[KERAS_MAX_INPUTS];
    struct keras_call call;
    const cJSON *node = at.layer->nodes ? at.layer->nodes->child : NULL;
    for (int k = 0; k < at.call && node; k++)
        node = node->next;
    graph_at(model->graph, at.layer->class_name, at.layer->name);
    if (!keras_call_read(&call, model->graph, node))
        return GRAPH_FAILED;
    if (!call.count)
        return graph_refuse(model->graph, "it has no input");
    for (int i = 0; i < call.count; i++) {
        if (!find_place(missing, model, functional, call.inputs[i]))
            return GRAPH_FAILED;
        x[i] = *result_at(*missing);
        if (x[i] == KERAS_PENDING)
            return KERAS_PENDING;
    }
    const struct keras_layer layer = layer_within(model, at.layer->class_name, at.layer->name, at.layer->config);
    const int y = apply(&layer, x, call.count);
    free((char *)(uintptr_t)layer.path);
    return y;
}

/* From the output back to what is there, and forth again; what does not lead to the output is left out. */
static int call_all(const struct keras_layer *model, const struct keras_functional *functional, struct place output)
{
    int calls = 0, depth = 1;
    for (int i = 0; i < functional->count; i++)
        calls += functional->layers[i].calls;
    struct place *stack = allocate((size_t)calls + 1, sizeof *stack);
    stack[0] = output;
    while (depth && !graph_failed(model->graph)) {
        int *result = result_at(stack[depth - 1]);
        if (*result == KERAS_PENDING)
            *result = try_call(&stack[depth], model, functional, stack[depth - 1]);
        depth += *result == KERAS_PENDING ? 1 : -1;
        if (depth > calls)
            graph_refuse(model->graph, "it waits for itself: layers read one another");
    }
    free(stack);
    return graph_failed(model->graph) ? GRAPH_FAILED : *result_at(output);
}

static int run_functional(const struct keras_layer *model, const struct keras_functional *functional, const int *x,
                          int count)
{
    if (functional->inputs.count != count || functional->outputs.count != 1)
        return refuse_model(model, functional->outputs.count == 1 ? "it has another number of inputs than one"
                                                                  : "it has another number of outputs than one");
    for (int i = 0; i < count; i++) {
        struct keras_functional_layer *input = keras_functional_layer(functional, functional->inputs.inputs[i].layer);
        if (!input || strcmp(input->class_name, "InputLayer") != 0)
            return refuse_model(model, "one of its inputs is no InputLayer");
        input->results[0] = x[i];
    }
    struct place output;
    graph_at(model->graph, model->class_name, model->name);
    return find_place(&output, model, functional, functional->outputs.inputs[0]) ? call_all(model, functional, output)
                                                                                 : GRAPH_FAILED;
}

static int apply_model(const struct keras_layer *model, const int *x, int count)
{
    struct keras_functional functional;
    if (strcmp(model->class_name, "Sequential") == 0)
        return apply_sequential(model, x, count);
    graph_at(model->graph, model->class_name, model->name);
    if (!keras_functional_read(&functional, model->graph, model->config))
        return GRAPH_FAILED;
    const int y = run_functional(model, &functional, x, count);
    keras_functional_free(&functional);
    return y;
}

/* ---- The input ---- */

/* A layer's own: batch_shape in Keras 3; perhaps as a tuple, {"class_name": "__tuple__", "items": [...]}. */
static const cJSON *shape_in(const cJSON *config)
{
    static const char *const keys[] = {"batch_input_shape", "batch_shape", "build_input_shape"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const cJSON *shape = json_tree_member(config, keys[i]);
        const cJSON *items = json_tree_member(shape, "items");
        if (json_tree_array(items ? items : shape))
            return items ? items : shape;
    }
    return NULL;
}

/* The layer of a Functional model that its first input is. */
static const cJSON *first_input(const cJSON *config)
{
    const cJSON *inputs = json_tree_array(json_tree_member(config, "input_layers"));
    const cJSON *first = inputs && json_tree_array(inputs->child) ? inputs->child : inputs;
    const char *wanted = first ? json_tree_text(first->child) : NULL;
    const cJSON *layers = json_tree_array(json_tree_member(config, "layers"));
    for (const cJSON *layer = wanted && layers ? layers->child : NULL; layer; layer = layer->next) {
        const char *name = json_tree_text(json_tree_member(layer, "name"));
        name = name ? name : json_tree_text(json_tree_path(layer, "config", "name"));
        if (name && strcmp(name, wanted) == 0)
            return layer;
    }
    return NULL;
}

/* Down into the models that come first. */
static const cJSON *input_shape(const cJSON *model)
{
    const cJSON *shape = NULL;
    while (model && !shape) {
        const char *class_name = json_tree_text(json_tree_member(model, "class_name"));
        const cJSON *config = json_tree_member(model, "config");
        shape = shape_in(config);
        model = !class_name || !keras_is_model(class_name) ? NULL
                : strcmp(class_name, "Sequential") == 0    ? keras_first_layer(config)
                                                           : first_input(config);
    }
    return shape;
}

/* (n, h, w) has one channel. */
static int build_input(struct graph *graph, const struct keras_source *source)
{
    const cJSON *shape = input_shape(source->model);
    const int rank = json_tree_count(shape);
    int dims[GRAPH_RANK] = {0}, i = 0;
    graph_at(graph, "InputLayer", "");
    if (!shape)
        return graph_refuse(graph, "the model does not say what shape its input has");
    if (rank != 3 && rank != 4)
        return graph_refuse(graph, "the model's input has %d dimensions, the batch among them: an image has 3 or 4",
                            rank);
    for (const cJSON *size = shape->child; size; size = size->next, i++)
        if (cJSON_IsNull(size))
            dims[i] = i ? source->side : 1;
        else if (!json_tree_int(&dims[i], size))
            return graph_refuse(graph, "the model's input has a shape that is no list of sizes");
    dims[0] = 1;
    for (i = 1; i < rank; i++)
        if (dims[i] < 1)
            return graph_refuse(graph,
                                "the model leaves its input's height and width open: export it with a fixed size");
    if (rank == 4)
        return graph_input(graph, rank, dims, dims[3] == 3 || dims[3] == 1 ? 3 : 1);
    dims[3] = 1;
    return graph_reshape(graph, graph_input(graph, 4, dims, 3), 3, (const int[]){1, dims[1], dims[2]});
}

int keras_model_build(struct graph *graph, const struct keras_source *source)
{
    const char *class_name, *name;
    graph_at(graph, "Model", "");
    if (!keras_read_names(&class_name, &name, graph, source->model))
        return GRAPH_FAILED;
    if (!keras_is_model(class_name)) {
        graph_at(graph, class_name, name);
        return graph_refuse(graph, "it is no Sequential or Functional model");
    }
    const int x = build_input(graph, source);
    const struct keras_layer model = {.graph = graph,
                                      .weights = source->weights,
                                      .class_name = class_name,
                                      .name = name,
                                      .path = "",
                                      .config = json_tree_member(source->model, "config"),
                                      .keras_3 = source->keras_3};
    return apply(&model, &x, 1);
}

const char *keras_model_name(const cJSON *model) { return json_tree_text(json_tree_path(model, "config", "name")); }
