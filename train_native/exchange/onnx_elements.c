/* Operators that compute each element by itself: arithmetic and activations. */
#include "exchange/onnx_operators.h"
#include "exchange/onnx_shapes.h"

#include <math.h>

/* x (op) y, of which one may be constant; of Sum, all inputs one after the other. */
static int arithmetic(struct onnx_reader *reader, enum graph_arithmetic operation)
{
    size_t first = 0; /* the first that is a tensor */
    while (first + 1 < reader->node->n_input && onnx_is_constant(reader, first))
        first++;
    int x = onnx_tensor(reader, first);
    for (size_t k = 0; k < reader->node->n_input && !graph_failed(reader->graph); k++) {
        if (k == first)
            continue;
        if (onnx_is_constant(reader, k))
            x = graph_arithmetic_constant(reader->graph, operation, x, onnx_floats(reader, k, "operand"), k < first);
        else
            x = graph_arithmetic(reader->graph, operation, x, onnx_tensor(reader, k));
    }
    return graph_failed(reader->graph) ? GRAPH_FAILED : x;
}

int onnx_add(struct onnx_reader *reader) { return arithmetic(reader, GRAPH_ADD); }
int onnx_subtract(struct onnx_reader *reader) { return arithmetic(reader, GRAPH_SUBTRACT); }
int onnx_multiply(struct onnx_reader *reader) { return arithmetic(reader, GRAPH_MULTIPLY); }
int onnx_divide(struct onnx_reader *reader) { return arithmetic(reader, GRAPH_DIVIDE); }

int onnx_negate(struct onnx_reader *reader)
{
    const int x = onnx_tensor(reader, 0);
    const float factor = -1;
    return graph_arithmetic_constant(reader->graph, GRAPH_MULTIPLY, x, &(struct graph_constant){.values = &factor},
                                     false);
}

/* Of a tensor and one number, which is half a Clip. */
static int clip_by(struct onnx_reader *reader, bool is_max)
{
    const size_t tensor = onnx_is_constant(reader, 0);
    const int x = onnx_tensor(reader, tensor);
    if (reader->node->n_input != 2 || !onnx_is_constant(reader, 1 - tensor))
        return graph_refuse(reader->graph, "compares tensors: only the %s of one and a constant can be imported",
                            is_max ? "maximum" : "minimum");
    const float bound = (float)onnx_number(reader, 1 - tensor, "bound", 0);
    reader->clamped = is_max && bound >= 0;
    return graph_clip(reader->graph, x, is_max ? bound : -INFINITY, is_max ? INFINITY : bound);
}

int onnx_min(struct onnx_reader *reader) { return clip_by(reader, false); }
int onnx_max(struct onnx_reader *reader) { return clip_by(reader, true); }

/* Bounds are attributes before opset 11, inputs since. */
int onnx_clip(struct onnx_reader *reader)
{
    const int x = onnx_tensor(reader, 0);
    const bool inputs = reader->opset >= 11;
    const float min = inputs ? (float)onnx_number(reader, 1, "min", -INFINITY) : onnx_float(reader, "min", -INFINITY);
    const float max = inputs ? (float)onnx_number(reader, 2, "max", INFINITY) : onnx_float(reader, "max", INFINITY);
    reader->clamped = min >= 0;
    return graph_clip(reader->graph, x, min, max);
}

static int activation(struct onnx_reader *reader, enum node_kind kind, float setting)
{
    const int x = onnx_tensor(reader, 0);
    return graph_activation(reader->graph, x, kind, setting);
}

int onnx_relu(struct onnx_reader *reader) { return activation(reader, NODE_RELU, 0); }
int onnx_sigmoid(struct onnx_reader *reader) { return activation(reader, NODE_SIGMOID, 0); }
int onnx_tanh(struct onnx_reader *reader) { return activation(reader, NODE_TANH, 0); }
int onnx_hardswish(struct onnx_reader *reader) { return activation(reader, NODE_HARDSWISH, 0); }

int onnx_leaky_relu(struct onnx_reader *reader)
{
    return activation(reader, NODE_LEAKY_RELU, onnx_float(reader, "alpha", 0.01f));
}

int onnx_prelu(struct onnx_reader *reader)
{
    const int x = onnx_tensor(reader, 0);
    const struct graph_constant *slope = onnx_floats(reader, 1, "slopes");
    return slope ? graph_prelu(reader->graph, x, slope) : GRAPH_FAILED;
}

int onnx_hard_sigmoid(struct onnx_reader *reader)
{
    const int x = onnx_tensor(reader, 0);
    return graph_hard_sigmoid(reader->graph, x, onnx_float(reader, "alpha", 0.2f), onnx_float(reader, "beta", 0.5f));
}

int onnx_swish(struct onnx_reader *reader)
{
    const float alpha = onnx_float(reader, "alpha", 1);
    return alpha == 1 ? activation(reader, NODE_SILU, 0)
                      : graph_refuse(reader->graph, "x * sigmoid(%g x): only alpha 1 can be imported", (double)alpha);
}

int onnx_gelu(struct onnx_reader *reader)
{
    if (onnx_text_is(reader, "approximate", "tanh"))
        return activation(reader, NODE_GELU, 0);
    return graph_refuse(reader->graph, "is GELU in its exact form (erf), which differs from Eyelet's by up to 0.0005: "
                                       "export the model with approximate='tanh'");
}

/* ONNX Runtime's: GELU's tanh form of x + bias. */
int onnx_fast_gelu(struct onnx_reader *reader)
{
    const int x = onnx_has_input(reader, 1) ? arithmetic(reader, GRAPH_ADD) : onnx_tensor(reader, 0);
    return graph_activation(reader->graph, x, NODE_GELU, 0);
}

/* Before opset 13 over all dimensions from `axis` on, since then over that one. */
int onnx_softmax(struct onnx_reader *reader)
{
    const int x = onnx_tensor(reader, 0);
    struct onnx_shape shape;
    if (!onnx_shape_of(&shape, reader, 0))
        return GRAPH_FAILED;
    int axis = onnx_axis(reader, onnx_int(reader, "axis", reader->opset < 13 ? 1 : -1), shape.rank);
    if (axis < 0)
        return GRAPH_FAILED;
    for (int i = shape.rank - 1, from = axis; reader->opset < 13 && i > from; i--) {
        if (shape.dims[i] == 1)
            continue;
        if (shape.dims[axis] != 1)
            return graph_refuse(reader->graph, "is over several dimensions: over one, the classes, it can be imported");
        axis = i;
    }
    return graph_softmax(reader->graph, x, axis);
}

int onnx_identity(struct onnx_reader *reader)
{
    const int x = onnx_tensor(reader, 0);
    return graph_identity(reader->graph, x);
}

int onnx_dropout(struct onnx_reader *reader)
{
    if (onnx_number(reader, 2, "training mode", 0) != 0)
        return graph_refuse(reader->graph, "drops values at random: export the model for inference (model.eval() in "
                                           "PyTorch)");
    return onnx_identity(reader);
}

int onnx_cast(struct onnx_reader *reader)
{
    const int x = onnx_tensor(reader, 0), to = onnx_int_of(onnx_int(reader, "to", 0));
    if (!onnx_type_is_float(to))
        return graph_refuse(reader->graph,
                            "rounds its input to %s: only casts to floating-point numbers can be imported",
                            onnx_type_name(to));
    return graph_identity(reader->graph, x);
}
