/* The tensors of a TFLite graph: what the file says of them, and the numbers of constants. */
#include "exchange/tflite_parts.h"

#include "base/bytes.h"
#include "cli/memory.h"
#include "cli/text.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- What the file says ---- */

static const char *const type_names[] = {
    "FLOAT32", "FLOAT16",    "INT32",  "UINT8",    "INT64",   "STRING", "BOOL",   "INT16", "COMPLEX64", "INT8",
    "FLOAT64", "COMPLEX128", "UINT64", "RESOURCE", "VARIANT", "UINT32", "UINT16", "INT4",  "BFLOAT16"};

const char *tflite_type_name(int type)
{
    return type >= 0 && type < (int)(sizeof type_names / sizeof *type_names) ? type_names[type] : "of an unknown type";
}

/* How a number of constants is stored; 0: in no way that is read here. */
static size_t type_bytes(int type)
{
    switch (type) {
    case TFLITE_INT8:
    case TFLITE_UINT8: return 1;
    case TFLITE_FLOAT16:
    case TFLITE_INT16: return 2;
    case TFLITE_FLOAT32:
    case TFLITE_INT32: return 4;
    case TFLITE_INT64: return 8;
    }
    return 0;
}

void tflite_text(char *out, size_t size, struct flatbuffer *buffer, flatbuffer_table table, int field)
{
    const struct flatbuffer_vector text = flatbuffer_text(buffer, table, field);
    const size_t length = text.count < size ? text.count : size - 1;
    if (length)
        memcpy(out, text.items, length);
    out[length] = 0;
}

/* Finds a constant's data: buffer 0 is empty by rule, and what computing fills has an empty one too. */
static void read_data(struct tflite_tensor *tensor, struct flatbuffer *buffer, flatbuffer_table table,
                      const struct flatbuffer_vector *buffers)
{
    const int64_t index = flatbuffer_int(buffer, table, 2, FLATBUFFER_UINT32, 0);
    if (index < 0 || (uint64_t)index >= buffers->count)
        return;
    const flatbuffer_table data = flatbuffer_item_table(buffer, buffers, (size_t)index);
    tensor->data = flatbuffer_vector(buffer, data, 0, FLATBUFFER_UINT8);
    const bool elsewhere = flatbuffer_int(buffer, data, 1, FLATBUFFER_INT64, 0) > 1;
    tensor->constant = tensor->data.count > 0 || elsewhere;
    if (elsewhere)
        tensor->unreadable = "its numbers stand behind the graph, as those of models above 2 GB do";
    else if (flatbuffer_table_in(buffer, table, 6))
        tensor->unreadable = "it is sparse";
    else if (!type_bytes(tensor->type))
        tensor->unreadable = "numbers of its type are not read";
}

static bool read_tensor(struct tflite_tensor *tensor, struct tflite_model *model, flatbuffer_table table,
                        const struct flatbuffer_vector *buffers)
{
    struct flatbuffer *buffer = &model->buffer;
    const struct flatbuffer_vector dims = flatbuffer_vector(buffer, table, 0, FLATBUFFER_INT32);
    tensor->value = GRAPH_FAILED;
    tensor->type = (int)flatbuffer_int(buffer, table, 1, FLATBUFFER_INT8, 0);
    tflite_text(tensor->name, sizeof tensor->name, buffer, table, 3);
    if (dims.count > GRAPH_RANK) {
        graph_refuse(model->graph, "tensor \"%s\" of %zu dimensions: at most %d are possible", tensor->name, dims.count,
                     GRAPH_RANK);
        return false;
    }
    tensor->rank = (int)dims.count;
    for (int i = 0; i < tensor->rank; i++)
        tensor->dims[i] = (int)flatbuffer_item_int(&dims, FLATBUFFER_INT32, (size_t)i);
    const flatbuffer_table quantization = flatbuffer_table_in(buffer, table, 4);
    tensor->scales = flatbuffer_vector(buffer, quantization, 2, FLATBUFFER_FLOAT);
    tensor->zero_points = flatbuffer_vector(buffer, quantization, 3, FLATBUFFER_INT64);
    tensor->axis = (int)flatbuffer_int(buffer, quantization, 6, FLATBUFFER_INT32, 0);
    read_data(tensor, buffer, table, buffers);
    return !buffer->broken;
}

bool tflite_read_tensors(struct tflite_model *model)
{
    struct flatbuffer *buffer = &model->buffer;
    const struct flatbuffer_vector tensors = flatbuffer_vector(buffer, model->subgraph, 0, FLATBUFFER_OFFSET);
    const struct flatbuffer_vector buffers = flatbuffer_vector(buffer, model->root, 4, FLATBUFFER_OFFSET);
    if (tensors.count > TFLITE_MAX_TENSORS) {
        graph_refuse(model->graph, "%zu tensors: at most %d are read", tensors.count, TFLITE_MAX_TENSORS);
        return false;
    }
    model->tensors = allocate(tensors.count ? tensors.count : 1, sizeof *model->tensors);
    model->tensor_count = (int)tensors.count;
    for (int i = 0; i < model->tensor_count; i++)
        if (!read_tensor(&model->tensors[i], model, flatbuffer_item_table(buffer, &tensors, (size_t)i), &buffers))
            return false;
    return !buffer->broken;
}

void tflite_free_tensors(struct tflite_model *model)
{
    for (int i = 0; i < model->tensor_count; i++)
        free(model->tensors[i].known);
    free(model->tensors);
}

struct tflite_tensor *tflite_tensor_at(struct tflite_model *model, int64_t index)
{
    if (index >= 0 && index < model->tensor_count)
        return &model->tensors[index];
    if (index != -1) /* an optional one that is left out */
        graph_refuse(model->graph, "tensor %lld of %d", (long long)index, model->tensor_count);
    return NULL;
}

static struct tflite_tensor *listed(const struct tflite_operator *node, const struct flatbuffer_vector *list, int i)
{
    return (size_t)i < list->count
               ? tflite_tensor_at(node->model, flatbuffer_item_int(list, FLATBUFFER_INT32, (size_t)i))
               : NULL;
}

struct tflite_tensor *tflite_input(const struct tflite_operator *node, int i) { return listed(node, &node->inputs, i); }

struct tflite_tensor *tflite_output(const struct tflite_operator *node, int i)
{
    return listed(node, &node->outputs, i);
}

/* ---- Quantisation ---- */

static int64_t zero_point(const struct tflite_tensor *tensor, size_t i)
{
    const struct flatbuffer_vector *points = &tensor->zero_points;
    return points->count ? flatbuffer_item_int(points, FLATBUFFER_INT64, i < points->count ? i : 0) : 0;
}

bool tflite_range(struct tflite_range *range, const struct tflite_tensor *tensor)
{
    const int lowest = tensor->type == TFLITE_INT8 ? INT8_MIN : tensor->type == TFLITE_INT16 ? INT16_MIN : 0;
    const int highest = tensor->type == TFLITE_INT8    ? INT8_MAX
                        : tensor->type == TFLITE_INT16 ? INT16_MAX
                        : tensor->type == TFLITE_UINT8 ? UINT8_MAX
                                                       : 0;
    const int64_t point = zero_point(tensor, 0);
    if (!highest || tensor->scales.count != 1 || point < lowest || point > highest)
        return false;
    range->scale = flatbuffer_item_float(&tensor->scales, 0);
    range->zero_point = (int)point;
    range->min = (float)(lowest - point) * range->scale;
    range->max = (float)(highest - point) * range->scale;
    return isfinite(range->scale) && range->scale > 0;
}

/* ---- Numbers of constants ---- */

bool tflite_is_constant(const struct tflite_tensor *tensor) { return tensor->of || tensor->constant; }

/* The number of values that dims hold; -1: more than a network may have. */
static int64_t count_of(int rank, const int *dims)
{
    uint64_t count = 1;
    for (int i = 0; i < rank; i++) {
        if (dims[i] < 0 || (uint64_t)dims[i] > LIMIT_PARAMETERS / (count ? count : 1))
            return -1;
        count *= (uint64_t)dims[i];
    }
    return (int64_t)count;
}

static int64_t integer_at(const struct tflite_tensor *tensor, size_t i)
{
    const uint8_t *p = tensor->data.items + i * type_bytes(tensor->type);
    switch (tensor->type) {
    case TFLITE_INT8: return (int8_t)p[0];
    case TFLITE_UINT8: return p[0];
    case TFLITE_INT16: return (int16_t)bytes_get2(p);
    case TFLITE_INT32: return (int32_t)bytes_get4(p);
    case TFLITE_INT64: return (int64_t)((uint64_t)bytes_get4(p) | (uint64_t)bytes_get4(p + 4) << 32);
    }
    return 0;
}

static bool is_float(int type) { return type == TFLITE_FLOAT32 || type == TFLITE_FLOAT16; }

/* What of the file contradicts itself, as a text; NULL: nothing. */
static const char *contradiction(const struct tflite_tensor *tensor, int64_t count)
{
    if (tensor->unreadable)
        return tensor->unreadable;
    if (count < 0 || (uint64_t)count * type_bytes(tensor->type) != tensor->data.count)
        return "its dimensions do not match its bytes";
    if (is_float(tensor->type))
        return NULL;
    if (!tensor->scales.count)
        return "it has integers without a scale";
    const bool per_axis = tensor->scales.count > 1;
    if (per_axis && (tensor->axis < 0 || tensor->axis >= tensor->rank))
        return "its scales are along no dimension";
    if (per_axis && tensor->scales.count != (size_t)tensor->dims[tensor->axis])
        return "the number of its scales is not that of what they are for";
    if (tensor->zero_points.count > 1 && tensor->zero_points.count != tensor->scales.count)
        return "the number of its zero points is not that of its scales";
    return NULL;
}

static void dequantise(float *out, const struct tflite_tensor *tensor, size_t count)
{
    const bool per_axis = tensor->scales.count > 1; /* else the axis may be any number */
    size_t inner = 1;                               /* numbers from one index of the axis to the next */
    for (int i = per_axis ? tensor->axis + 1 : tensor->rank; i < tensor->rank; i++)
        inner *= (size_t)tensor->dims[i];
    for (size_t i = 0; i < count; i++) {
        const size_t at = per_axis ? i / inner % tensor->scales.count : 0;
        const double q = (double)integer_at(tensor, i) - (double)zero_point(tensor, at);
        out[i] = (float)(q * (double)flatbuffer_item_float(&tensor->scales, at));
    }
}

bool tflite_constant(struct tflite_constant *constant, struct tflite_model *model, const struct tflite_tensor *tensor)
{
    *constant = (struct tflite_constant){.memory = NULL};
    const struct tflite_tensor *from = tensor->of ? tensor->of : tensor;
    const int64_t count = count_of(from->rank, from->dims);
    const char *const wrong = contradiction(from, count);
    if (wrong || count != count_of(tensor->rank, tensor->dims)) {
        graph_refuse(model->graph, "its constant \"%s\" (%s): %s", from->name, tflite_type_name(from->type),
                     wrong ? wrong : "another number of values than there are");
        return false;
    }
    float *numbers = constant->memory = allocate(count ? (size_t)count : 1, sizeof *numbers);
    if (from->type == TFLITE_FLOAT32)
        for (int64_t i = 0; i < count; i++)
            numbers[i] = bytes_get_float(from->data.items + 4 * i);
    else if (from->type == TFLITE_FLOAT16)
        for (int64_t i = 0; i < count; i++)
            numbers[i] = bytes_float16_to((uint16_t)bytes_get2(from->data.items + 2 * i));
    else
        dequantise(numbers, from, (size_t)count);
    constant->constant.rank = tensor->rank;
    memcpy(constant->constant.dims, tensor->dims, sizeof tensor->dims);
    constant->constant.values = numbers;
    return true;
}

void tflite_constant_free(struct tflite_constant *constant) { free(constant->memory); }

/* ---- Integers ---- */

bool tflite_known_ints(struct tflite_ints *ints, const struct tflite_tensor *tensor)
{
    if (tensor->known) {
        *ints = *tensor->known;
        return true;
    }
    const struct tflite_tensor *from = tensor->of ? tensor->of : tensor;
    const int64_t count = count_of(from->rank, from->dims);
    if (!from->constant || from->unreadable || (from->type != TFLITE_INT32 && from->type != TFLITE_INT64) ||
        count < 0 || count > TFLITE_MAX_INTS || (uint64_t)count * type_bytes(from->type) != from->data.count)
        return false;
    ints->count = (int)count;
    for (int i = 0; i < ints->count; i++) {
        const int64_t number = integer_at(from, (size_t)i);
        ints->values[i] = number > INT_MAX ? INT_MAX : number < INT_MIN ? INT_MIN : (int)number;
    }
    return true;
}

bool tflite_ints(struct tflite_ints *ints, const struct tflite_operator *node, int i, const char *what)
{
    const struct tflite_tensor *tensor = tflite_input(node, i);
    if (tensor && tflite_known_ints(ints, tensor))
        return true;
    graph_refuse(node->model->graph, "%s must be integers that the file has, or that follow from the picture's size",
                 what);
    return false;
}

bool tflite_option_ints(struct tflite_ints *ints, const struct tflite_operator *node, int field)
{
    const struct flatbuffer_vector list =
        flatbuffer_vector(&node->model->buffer, node->options, field, FLATBUFFER_INT32);
    if (!list.items || list.count > TFLITE_MAX_INTS)
        return false;
    ints->count = (int)list.count;
    for (int i = 0; i < ints->count; i++)
        ints->values[i] = (int)flatbuffer_item_int(&list, FLATBUFFER_INT32, (size_t)i);
    return true;
}
