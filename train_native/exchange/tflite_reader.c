/* Reads TFLite models (ai.google.dev/edge/litert), schema 3: an importer (importer.h).
 *
 * Weights are float32, float16 (with a DEQUANTIZE behind each), int8 or uint8, with a scale a channel or a tensor; all
 * become float32, and the network is computed in float32. What a quantised graph clamps by its ranges alone is kept
 * where it is an activation: an output of a sum that starts at 0 is a ReLU, and one from 0 to 6 a ReLU6; other ends of
 * ranges are where calibration saw no more values, and are not kept. Pictures come in as the input's quantisation has
 * it, or else by the metadata. Labels are read from the zip at the end of the file that the metadata name. */
#include "exchange/tflite_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char identifier[] = "TFL3"; /* of the FlatBuffer */
enum { IDENTIFIER_AT = 4, SCHEMA = 3 };

static bool recognises(const struct package *package)
{
    size_t size;
    const uint8_t *bytes = package_bytes(&size, package);
    return (bytes && size >= IDENTIFIER_AT + 4 && !memcmp(bytes + IDENTIFIER_AT, identifier, 4)) ||
           package_name_ending(package, ".tflite");
}

/* ---- The graph ---- */

/* Pictures are (n, h, w, c), but in what was converted from PyTorch they may be (n, c, h, w). */
static bool read_input(struct tflite_model *model)
{
    struct graph *graph = model->graph;
    const struct flatbuffer_vector inputs = flatbuffer_vector(&model->buffer, model->subgraph, 1, FLATBUFFER_INT32);
    graph_at(graph, "the input", "");
    if (inputs.count != 1) {
        graph_refuse(graph, "the graph reads %zu tensors: a network reads one picture", inputs.count);
        return false;
    }
    struct tflite_tensor *input = tflite_tensor_at(model, flatbuffer_item_int(&inputs, FLATBUFFER_INT32, 0));
    if (!input) {
        graph_refuse(graph, "it is no tensor");
        return false;
    }
    graph_at(graph, "the input", input->name);
    if (input->type != TFLITE_FLOAT32 && input->type != TFLITE_UINT8 && input->type != TFLITE_INT8)
        graph_refuse(graph, "it is %s: FLOAT32, UINT8 or INT8 is possible", tflite_type_name(input->type));
    const int last = input->rank - 1;
    const bool channels_first = input->rank == 4 && input->dims[last] != 1 && input->dims[last] != 3 &&
                                (input->dims[1] == 1 || input->dims[1] == 3);
    input->value =
        graph_failed(graph) ? GRAPH_FAILED : graph_input(graph, input->rank, input->dims, channels_first ? 1 : last);
    return input->value >= 0;
}

/* The name of an operator: the schema's, or a custom one's own. */
static int operator_code(char *name, size_t size, struct tflite_model *model, int64_t index)
{
    struct flatbuffer *buffer = &model->buffer;
    const struct flatbuffer_vector codes = flatbuffer_vector(buffer, model->root, 1, FLATBUFFER_OFFSET);
    if (index < 0 || (uint64_t)index >= codes.count) {
        snprintf(name, size, "operator code %lld of %zu", (long long)index, codes.count);
        return -1;
    }
    /* Files from before 2020 have the code in a byte, later ones in both. */
    const flatbuffer_table entry = flatbuffer_item_table(buffer, &codes, (size_t)index);
    const int64_t old = flatbuffer_int(buffer, entry, 0, FLATBUFFER_INT8, 0);
    const int64_t code = flatbuffer_int(buffer, entry, 3, FLATBUFFER_INT32, 0);
    const int result = (int)(code > old ? code : old);
    const char *known = tflite_operator_name(result);
    if (result == TFLITE_CUSTOM)
        tflite_text(name, size, buffer, entry, 1);
    else if (known)
        snprintf(name, size, "%s", known);
    else
        snprintf(name, size, "operator %d", result);
    return result;
}

static bool read_operators(struct tflite_model *model)
{
    struct flatbuffer *buffer = &model->buffer;
    const struct flatbuffer_vector operators = flatbuffer_vector(buffer, model->subgraph, 3, FLATBUFFER_OFFSET);
    if (operators.count > TFLITE_MAX_OPERATORS)
        graph_refuse(model->graph, "%zu operators: at most %d are read", operators.count, TFLITE_MAX_OPERATORS);
    for (size_t i = 0; i < operators.count && !graph_failed(model->graph) && !buffer->broken; i++) {
        char name[TFLITE_NAME];
        const flatbuffer_table table = flatbuffer_item_table(buffer, &operators, i);
        const int code =
            operator_code(name, sizeof name, model, flatbuffer_int(buffer, table, 0, FLATBUFFER_UINT32, 0));
        struct tflite_operator node = {.model = model,
                                       .name = name,
                                       .inputs = flatbuffer_vector(buffer, table, 1, FLATBUFFER_INT32),
                                       .outputs = flatbuffer_vector(buffer, table, 2, FLATBUFFER_INT32),
                                       .options = flatbuffer_table_in(buffer, table, 4)};
        tflite_build(&node, code, (int)flatbuffer_int(buffer, table, 3, FLATBUFFER_UINT8, 0));
    }
    return !graph_failed(model->graph) && !buffer->broken;
}

static int read_output(struct tflite_model *model)
{
    const struct flatbuffer_vector outputs = flatbuffer_vector(&model->buffer, model->subgraph, 2, FLATBUFFER_INT32);
    graph_at(model->graph, "the output", "");
    if (outputs.count != 1)
        return graph_refuse(model->graph, "the graph makes %zu tensors: a network makes one", outputs.count);
    const struct tflite_tensor *output = tflite_tensor_at(model, flatbuffer_item_int(&outputs, FLATBUFFER_INT32, 0));
    if (!output || output->value < 0)
        return graph_refuse(model->graph, "no operator makes it from the picture");
    return output->value;
}

/* ---- What is said of it ---- */

/* By the largest constant, which the weights of some layer are. */
static const char *kind_of_weights(const struct tflite_model *model)
{
    const struct tflite_tensor *largest = NULL;
    for (int i = 0; i < model->tensor_count; i++)
        if (!largest || model->tensors[i].data.count > largest->data.count)
            largest = &model->tensors[i];
    if (!largest || !largest->constant)
        return "";
    const bool per_channel = largest->scales.count > 1;
    switch (largest->type) {
    case TFLITE_FLOAT32: return ", float32";
    case TFLITE_FLOAT16: return ", float16";
    case TFLITE_INT8: return per_channel ? ", int8 a channel" : ", int8 a tensor";
    case TFLITE_UINT8: return ", uint8 a tensor";
    }
    return "";
}

static bool read_graph(struct imported *imported, struct tflite_model *model)
{
    struct flatbuffer *buffer = &model->buffer;
    model->root = flatbuffer_root(buffer);
    const int64_t schema = flatbuffer_int(buffer, model->root, 0, FLATBUFFER_UINT32, 0);
    const struct flatbuffer_vector subgraphs = flatbuffer_vector(buffer, model->root, 2, FLATBUFFER_OFFSET);
    if (schema != SCHEMA || !subgraphs.count) {
        graph_refuse(model->graph, "schema %lld, %zu subgraphs: schema %d is read, and its first subgraph",
                     (long long)schema, subgraphs.count, SCHEMA);
        return false;
    }
    model->subgraph = flatbuffer_item_table(buffer, &subgraphs, 0);
    if (!tflite_read_tensors(model) || !read_input(model) || !read_operators(model))
        return false;
    const int output = read_output(model);
    graph_expect_classes(model->graph, imported->label_count);
    snprintf(imported->format, sizeof imported->format, "TFLite, schema %d%s", SCHEMA, kind_of_weights(model));
    tflite_text(imported->exporter, sizeof imported->exporter, buffer, model->root, 3);
    return output >= 0 && !buffer->broken && graph_finish(&imported->network, model->graph, output);
}

static bool read_tflite(struct imported *imported, const struct package *package, struct failure *failure)
{
    size_t size;
    const char *name = package_name_ending(package, ".tflite");
    const uint8_t *bytes = package_bytes(&size, package);
    if (!bytes && !(bytes = name ? package_file(&size, package, name, failure) : NULL))
        return name ? false : failure_set(failure, package_path(package), NULL, "there is no .tflite file in it");
    struct tflite_model model = {.buffer = flatbuffer_open(bytes, size, identifier), .graph = graph_new(failure)};
    const bool read = read_graph(imported, &model);
    const bool said = read && tflite_read_metadata(imported, &model, package, failure);
    if (model.buffer.broken) /* whatever followed from it */
        failure_set(failure, package_path(package), "The file is damaged: get it again.",
                    "it is no whole TFLite model: byte %zu: %s", model.buffer.broken_at, model.buffer.broken);
    tflite_free_tensors(&model);
    graph_free(model.graph);
    return said && !model.buffer.broken;
}

const struct importer tflite_importer = {"TFLite", recognises, read_tflite};
