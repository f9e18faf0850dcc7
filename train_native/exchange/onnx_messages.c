#include "exchange/onnx_messages.h"

/* Field and type numbers of onnx.proto3. */
enum {
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

size_t onnx_begin_node(struct protobuf *out, const char *type, const char *output, const char *const inputs[])
{
    const size_t start = protobuf_begin(out, GRAPH_NODE);
    for (; *inputs; inputs++)
        protobuf_text(out, NODE_INPUT, *inputs);
    protobuf_text(out, NODE_OUTPUT, output);
    protobuf_text(out, NODE_NAME, output);
    protobuf_text(out, NODE_OP_TYPE, type);
    return start;
}

void onnx_put_node(struct protobuf *out, const char *type, const char *output, const char *const inputs[])
{
    protobuf_end(out, onnx_begin_node(out, type, output, inputs));
}

static size_t begin_attribute(struct protobuf *out, const char *name, int type)
{
    const size_t start = protobuf_begin(out, NODE_ATTRIBUTE);
    protobuf_text(out, ATTRIBUTE_NAME, name);
    protobuf_int(out, ATTRIBUTE_TYPE, type);
    return start;
}

void onnx_put_attribute_float(struct protobuf *out, const char *name, float x)
{
    const size_t start = begin_attribute(out, name, ATTRIBUTE_IS_FLOAT);
    protobuf_float(out, ATTRIBUTE_F, x);
    protobuf_end(out, start);
}

void onnx_put_attribute_int(struct protobuf *out, const char *name, int x)
{
    const size_t start = begin_attribute(out, name, ATTRIBUTE_IS_INT);
    protobuf_int(out, ATTRIBUTE_I, x);
    protobuf_end(out, start);
}

void onnx_put_attribute_ints(struct protobuf *out, const char *name, const int *x, int count)
{
    const size_t start = begin_attribute(out, name, ATTRIBUTE_IS_INTS);
    for (int i = 0; i < count; i++)
        protobuf_int(out, ATTRIBUTE_INTS, x[i]);
    protobuf_end(out, start);
}

/* The result is the address of its values, little-endian, to be filled before anything else is written. */
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

void onnx_put_floats(struct protobuf *out, const char *name, int rank, const int dims[], const float *values)
{
    size_t count = 1;
    for (int i = 0; i < rank; i++)
        count *= (size_t)dims[i];
    uint8_t *p = put_tensor(out, name, ELEMENT_FLOAT, rank, dims);
    for (size_t i = 0; i < count; i++)
        p = protobuf_store_float(p, values[i]);
}

void onnx_put_ints(struct protobuf *out, const char *name, const int *x, int count)
{
    uint8_t *p = put_tensor(out, name, ELEMENT_INT64, 1, &count);
    for (int i = 0; i < count; i++)
        for (int byte = 0; byte < 8; byte++)
            *p++ = (uint8_t)((uint64_t)x[i] >> (8 * byte));
}

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

void onnx_put_input(struct protobuf *out, const char *name, int rank, const int dims[], const char *about)
{
    put_value(out, GRAPH_INPUT, name, rank, dims, about);
}

void onnx_put_output(struct protobuf *out, const char *name, int rank, const int dims[], const char *about)
{
    put_value(out, GRAPH_OUTPUT, name, rank, dims, about);
}

size_t onnx_begin_graph(struct protobuf *out, const char *name)
{
    const size_t start = protobuf_begin(out, MODEL_GRAPH);
    protobuf_text(out, GRAPH_NAME, name);
    return start;
}

void onnx_put_metadata(struct protobuf *out, const char *key, const char *value)
{
    const size_t start = protobuf_begin(out, MODEL_METADATA_PROPS);
    protobuf_text(out, ENTRY_KEY, key);
    protobuf_text(out, ENTRY_VALUE, value);
    protobuf_end(out, start);
}

void onnx_put_header(struct protobuf *out, int opset, const char *producer, const char *about)
{
    protobuf_int(out, MODEL_IR_VERSION, IR_VERSION);
    const size_t import = protobuf_begin(out, MODEL_OPSET_IMPORT);
    protobuf_int(out, OPSET_VERSION, opset);
    protobuf_end(out, import);
    protobuf_text(out, MODEL_PRODUCER_NAME, producer);
    protobuf_text(out, MODEL_DOC_STRING, about);
}
