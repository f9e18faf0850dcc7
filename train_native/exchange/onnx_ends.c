#include "exchange/onnx_ends.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- The picture ---- */

/* The one input that is no initializer; NULL with a refusal. */
static const Onnx__Value *find_picture(struct onnx_reader *reader)
{
    const Onnx__Value *found = NULL;
    for (size_t i = 0; i < reader->source->n_input; i++) {
        const Onnx__Value *input = reader->source->input[i];
        const struct onnx_value *value = onnx_value(reader, input->name);
        if (!value || value->initializer)
            continue;
        if (found) {
            graph_refuse(reader->graph,
                         "has two inputs or more, \"%.80s\" and \"%.80s\": a classifier has one, the picture",
                         found->name, input->name);
            return NULL;
        }
        found = input;
    }
    if (!found)
        graph_refuse(reader->graph, "has no input: there is no picture to classify");
    return found;
}

/* -1 for what is left open. */
static int dimension(const Onnx__Dimension *dim)
{
    return dim->has_dim_value && dim->dim_value > 0 ? onnx_int_of(dim->dim_value) : -1;
}

static void add_to_format(struct imported *imported, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add_to_format(struct imported *imported, const char *format, ...)
{
    const size_t used = strlen(imported->format);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(imported->format + used, sizeof imported->format - used, format, arguments);
    va_end(arguments);
}

/* (batch, c, h, w), or (batch, h, w, c), with the sides that the graph leaves open as the metadata or a custom have
 * them. */
void onnx_read_picture(struct onnx_reader *reader, struct imported *imported, int side)
{
    const Onnx__Value *input = find_picture(reader);
    const Onnx__TensorType *type = input && input->type ? input->type->tensor_type : NULL;
    if (!input)
        return;
    graph_at(reader->graph, "input", input->name);
    if (!type || !type->shape || type->shape->n_dim != 4) {
        graph_refuse(reader->graph, "has %zu dimensions: a picture has batch, channels, height and width",
                     type && type->shape ? type->shape->n_dim : 0);
        return;
    }
    int dims[4];
    for (int i = 0; i < 4; i++)
        dims[i] = dimension(type->shape->dim[i]);
    const bool last = dims[1] != 1 && dims[1] != 3 && (dims[3] == 1 || dims[3] == 3);
    const int channels = last ? 3 : 1, h = last ? 1 : 2, w = h + 1;
    if (dims[channels] < 0)
        dims[channels] = 3;
    reader->batch = dims[0] > 1 ? dims[0] : 1;
    dims[0] = 1;
    if (dims[h] < 0 && dims[w] < 0)
        add_to_format(imported, ", its input's size left open: %d", side);
    if (dims[h] < 0)
        dims[h] = dims[w] > 0 ? dims[w] : side;
    if (dims[w] < 0)
        dims[w] = dims[h];
    struct onnx_value *value = onnx_value(reader, input->name);
    value->tensor = graph_input(reader->graph, 4, dims, channels);
    value->nonnegative = true; /* as far as a ReLU in its quantisation goes: pictures are not cut */
    if (type->elem_type == ONNX_UINT8 && !imported->has_preprocess) {
        imported->has_preprocess = true;
        imported->preprocess =
            (struct preprocess){.resize_mode = RESIZE_CROP, .std = {1.0f / 255, 1.0f / 255, 1.0f / 255}};
        snprintf(imported->preprocess_from, sizeof imported->preprocess_from, "the input's type, uint8");
    }
}

/* ---- The scores ---- */

const Onnx__Node *onnx_producer(struct onnx_reader *reader, const char *name)
{
    const struct onnx_value *value = onnx_value(reader, name);
    return value && value->producer >= 0 ? reader->source->node[value->producer] : NULL;
}

bool onnx_type_is(const Onnx__Node *node, const char *const *types)
{
    for (; node && *types; types++)
        if (strcmp(node->op_type, *types) == 0)
            return true;
    return false;
}

/* How much an output looks like the scores of classes: a softmax more than a product, and that more than anything
 * else. */
static int likeness(const Onnx__Node *producer, const Onnx__Value *output)
{
    static const char *const softmaxes[] = {"Softmax", "LogSoftmax", "QLinearSoftmax", NULL};
    static const char *const products[] = {"Gemm",    "MatMul",           "Add",   "Flatten",
                                           "Reshape", "DequantizeLinear", "QGemm", NULL};
    const Onnx__Shape *shape = output->type && output->type->tensor_type ? output->type->tensor_type->shape : NULL;
    const bool is_list = shape && shape->n_dim == 2 && dimension(shape->dim[1]) > 1;
    return (onnx_type_is(producer, softmaxes) ? 4 : onnx_type_is(producer, products) ? 2 : 0) + is_list;
}

/* The name of the value that holds the scores: of an output that is the best class (ArgMax, TopK), those it is the best
 * of. */
const char *onnx_find_scores(struct onnx_reader *reader, struct imported *imported)
{
    static const char *const choices[] = {"ArgMax", "TopK", NULL};
    const char *best = NULL;
    int best_likeness = -1;
    for (size_t i = 0; i < reader->source->n_output; i++) {
        const Onnx__Value *output = reader->source->output[i];
        const char *name = output->name;
        const Onnx__Node *producer = onnx_producer(reader, name);
        if (onnx_type_is(producer, choices) && producer->n_input) {
            name = producer->input[0];
            producer = onnx_producer(reader, name);
        }
        const int now = likeness(producer, output);
        if (producer && now > best_likeness) {
            best_likeness = now;
            best = name;
        }
    }
    if (!best)
        graph_refuse(reader->graph, "has no output that a node makes");
    else if (reader->source->n_output > 1)
        add_to_format(imported, ", its output %.24s", best);
    return best;
}
