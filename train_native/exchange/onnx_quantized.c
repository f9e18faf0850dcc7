/* Quantised networks, computed in floating point: weights are (q - zero point) * scale, and tensors stand for the
 * numbers that their integers mean, so that QuantizeLinear and DequantizeLinear around an operator change nothing but
 * for one thing: where the zero point is the smallest integer there is, what lies below 0 is lost, and quantisers leave
 * out the ReLU that stood there before (or the ReLU6, where the largest integer means 6). That one is put back. */
#include "exchange/onnx_fold.h"
#include "exchange/onnx_operators.h"

#include <math.h>

/* The ReLU in a quantisation by the scale in input k and the zero point in the next one. */
static int clamp(struct onnx_reader *reader, int x, size_t k, bool nonnegative)
{
    static const struct {
        double min, max;
    } limits[ONNX_TYPES] = {
        [ONNX_UINT8] = {0, 255}, [ONNX_INT8] = {-128, 127}, [ONNX_UINT16] = {0, 65535}, [ONNX_INT16] = {-32768, 32767}};
    const struct onnx_constant *zero = onnx_has_input(reader, k + 1) ? onnx_numbers(reader, k + 1, "zero point") : NULL;
    const double scale = onnx_number(reader, k, "scale", 1), offset = onnx_number(reader, k + 1, "zero point", 0);
    if (graph_failed(reader->graph))
        return GRAPH_FAILED;
    const enum onnx_type type = zero ? zero->type : ONNX_UINT8;
    if (limits[type].max <= 0)
        return graph_refuse(reader->graph, "quantises to %s, which Eyelet does not read", onnx_type_name((int)type));
    reader->clamped = offset <= limits[type].min;
    if (nonnegative || !reader->clamped)
        return graph_identity(reader->graph, x);
    const double largest = (limits[type].max - offset) * scale;
    return graph_activation(reader->graph, x, fabs(largest - 6) < 0.06 ? NODE_RELU6 : NODE_RELU, 0);
}

int onnx_quantize(struct onnx_reader *reader)
{
    const int x = onnx_tensor(reader, 0);
    return clamp(reader, x, 1, onnx_is_nonnegative(reader, 0));
}

int onnx_dequantize_tensor(struct onnx_reader *reader) { return onnx_identity(reader); }

static const struct graph_constant *as_floats(struct onnx_reader *reader, const struct onnx_constant *numbers)
{
    struct graph_constant *floats = numbers ? onnx_memory_take(&reader->memory, 1, sizeof *floats) : NULL;
    if (!floats) {
        graph_refuse(reader->graph, "the constants of the graph take too much memory");
        return NULL;
    }
    *floats = (struct graph_constant){.rank = numbers->rank, .values = numbers->floats};
    for (int i = 0; i < numbers->rank; i++)
        floats->dims[i] = numbers->dims[i];
    return floats;
}

/* Integers in input k, in units of the input's scale times the weights', which are inputs 1 and 4: those of the bias. */
static const struct graph_constant *bias_of(struct onnx_reader *reader, size_t k)
{
    if (!onnx_has_input(reader, k) || graph_failed(reader->graph))
        return NULL;
    const struct onnx_constant *bias = onnx_numbers(reader, k, "biases"), *scales = onnx_numbers(reader, 4, "scales");
    const double scale = onnx_number(reader, 1, "scale", 1);
    struct onnx_constant out;
    struct onnx_elements elements;
    if (graph_failed(reader->graph))
        return NULL;
    if (scales->count != 1 && scales->count != bias->count) {
        graph_refuse(reader->graph, "has %zu scales for %zu biases", scales->count, bias->count);
        return NULL;
    }
    const struct onnx_shape shape = {1, {(int)bias->count}};
    if (!onnx_fold_make(&out, &elements, reader, ONNX_FLOAT, &shape))
        return NULL;
    for (size_t i = 0; i < out.count; i++)
        elements.floats[i] = (float)(onnx_element(bias, i) * scale * onnx_element(scales, scales->count == 1 ? 0 : i));
    return as_floats(reader, &out);
}

/* A convolution whose weights, scales and zero points are inputs 3, 4 and 5. */
int onnx_qlinear_conv(struct onnx_reader *reader)
{
    const int x = onnx_tensor(reader, 0);
    struct graph_conv conv = {.layout = GRAPH_OIHW,
                              .groups = onnx_int_of(onnx_int(reader, "group", 1)),
                              .channel_dim = 1,
                              .weights = as_floats(reader, onnx_dequantize(reader, 3, 0)),
                              .bias = bias_of(reader, 8)};
    if (graph_failed(reader->graph) || !onnx_window(&conv.window, reader))
        return GRAPH_FAILED;
    return clamp(reader, graph_conv(reader->graph, x, &conv), 6, false);
}

int onnx_qlinear_matmul(struct onnx_reader *reader)
{
    const int x = onnx_tensor(reader, 0);
    const struct graph_dense dense = {.weights = as_floats(reader, onnx_dequantize(reader, 3, 1))};
    return graph_failed(reader->graph) ? GRAPH_FAILED : clamp(reader, graph_dense(reader->graph, x, &dense), 6, false);
}

/* ONNX Runtime's: a, its scale, its zero point, the same of b, the bias, the scale and zero point of the output, without
 * which that is float32. */
int onnx_qgemm(struct onnx_reader *reader)
{
    const int x = onnx_tensor(reader, 0);
    const bool transposed = onnx_int(reader, "transB", 0) != 0;
    if (onnx_int(reader, "transA", 0) || onnx_float(reader, "alpha", 1) != 1)
        return graph_refuse(reader->graph, "transposes or scales its input: only plain products can be imported");
    const struct graph_dense dense = {.weights = as_floats(reader, onnx_dequantize(reader, 3, transposed ? 0 : 1)),
                                      .bias = bias_of(reader, 6),
                                      .transposed = transposed};
    if (graph_failed(reader->graph))
        return GRAPH_FAILED;
    const int out = graph_dense(reader->graph, x, &dense);
    return onnx_has_input(reader, 7) ? clamp(reader, out, 7, false) : out;
}

/* ---- Quantised as it runs ---- */

static const struct onnx_constant *one_number(struct onnx_reader *reader, enum onnx_type type, double x)
{
    struct onnx_constant out;
    struct onnx_elements elements;
    if (!onnx_fold_make(&out, &elements, reader, type, &(struct onnx_shape){.rank = 0}))
        return NULL;
    onnx_store(&elements, type, 0, x);
    return onnx_keep(reader, &out);
}

/* Its output is taken for the input, so its scale for 1 and its zero point for 0. */
int onnx_dynamic_quantize(struct onnx_reader *reader)
{
    const int x = onnx_tensor(reader, 0);
    onnx_bind_constant(reader, 1, one_number(reader, ONNX_FLOAT, 1));
    onnx_bind_constant(reader, 2, one_number(reader, ONNX_UINT8, 0));
    return graph_identity(reader->graph, x);
}

/* Weights in input 1, less the zero points in input 3, as they are: a factor follows. */
static const struct graph_constant *integer_weights(struct onnx_reader *reader, int axis)
{
    const struct onnx_constant *weights = onnx_numbers(reader, 1, "weights");
    const struct onnx_constant *zero = onnx_has_input(reader, 3) ? onnx_numbers(reader, 3, "zero points") : NULL;
    struct onnx_constant out;
    struct onnx_elements elements;
    if (graph_failed(reader->graph))
        return NULL;
    struct onnx_shape shape = {.rank = weights->rank};
    size_t after = 1;
    for (int i = 0; i < weights->rank; i++)
        shape.dims[i] = weights->dims[i];
    for (int i = axis + 1; i < weights->rank; i++)
        after *= (size_t)weights->dims[i];
    if (zero && zero->count != 1 && (axis >= weights->rank || zero->count != (size_t)weights->dims[axis])) {
        graph_refuse(reader->graph, "has %zu zero points for its weights", zero->count);
        return NULL;
    }
    if (!onnx_fold_make(&out, &elements, reader, ONNX_FLOAT, &shape))
        return NULL;
    for (size_t i = 0; i < out.count; i++)
        elements.floats[i] = (float)(onnx_element(weights, i) -
                                     (zero ? onnx_element(zero, zero->count == 1 ? 0 : i / after % zero->count) : 0));
    return as_floats(reader, &out);
}

int onnx_conv_integer(struct onnx_reader *reader)
{
    const int x = onnx_tensor(reader, 0);
    struct graph_conv conv = {.layout = GRAPH_OIHW,
                              .groups = onnx_int_of(onnx_int(reader, "group", 1)),
                              .channel_dim = 1,
                              .weights = integer_weights(reader, 0)};
    if (graph_failed(reader->graph) || !onnx_window(&conv.window, reader))
        return GRAPH_FAILED;
    return graph_conv(reader->graph, x, &conv);
}

int onnx_matmul_integer(struct onnx_reader *reader)
{
    const int x = onnx_tensor(reader, 0);
    const struct graph_dense dense = {.weights = integer_weights(reader, 1)};
    return graph_failed(reader->graph) ? GRAPH_FAILED : graph_dense(reader->graph, x, &dense);
}

/* ONNX Runtime's: a, b, the scale and the zero point of b, the bias in float32. */
int onnx_dynamic_quantize_matmul(struct onnx_reader *reader)
{
    const int x = onnx_tensor(reader, 0);
    const struct graph_dense dense = {.weights = as_floats(reader, onnx_dequantize(reader, 1, 1)),
                                      .bias = onnx_floats(reader, 4, "biases")};
    return graph_failed(reader->graph) ? GRAPH_FAILED : graph_dense(reader->graph, x, &dense);
}

/* ---- ONNX Runtime's operators of 8 bits: each input is followed by its scale and its zero point ---- */

static int qlinear_arithmetic(struct onnx_reader *reader, enum graph_arithmetic operation)
{
    int result;
    if (onnx_is_constant(reader, 0) || onnx_is_constant(reader, 3)) {
        const size_t constant = onnx_is_constant(reader, 0) ? 0 : 3;
        const struct onnx_constant *numbers = onnx_dequantize(reader, constant, 0);
        const int x = onnx_tensor(reader, 3 - constant);
        result = numbers
                     ? graph_arithmetic_constant(reader->graph, operation, x, as_floats(reader, numbers), constant == 0)
                     : GRAPH_FAILED;
    } else {
        const int x = onnx_tensor(reader, 0);
        result = graph_arithmetic(reader->graph, operation, x, onnx_tensor(reader, 3));
    }
    return clamp(reader, result, 6, false);
}

int onnx_qlinear_add(struct onnx_reader *reader) { return qlinear_arithmetic(reader, GRAPH_ADD); }
int onnx_qlinear_multiply(struct onnx_reader *reader) { return qlinear_arithmetic(reader, GRAPH_MULTIPLY); }

int onnx_qlinear_global_avgpool(struct onnx_reader *reader)
{
    const int x = onnx_tensor(reader, 0);
    const bool last = onnx_int(reader, "channels_last", 0) != 0;
    return graph_reduce_mean(reader->graph, x, 2, last ? (const int[]){-3, -2} : (const int[]){-2, -1}, true);
}

int onnx_qlinear_avgpool(struct onnx_reader *reader)
{
    const int x = onnx_tensor(reader, 0), channels = onnx_int(reader, "channels_last", 0) ? 3 : 1;
    struct graph_window window;
    return onnx_window(&window, reader) ? graph_avgpool(reader->graph, x, &window, channels) : GRAPH_FAILED;
}

/* The scale and the zero point of the output come first. */
int onnx_qlinear_concat(struct onnx_reader *reader)
{
    int parts[64], count = 0;
    for (size_t k = 2; k < reader->node->n_input; k += 3) {
        if (count == (int)(sizeof parts / sizeof parts[0]))
            return graph_refuse(reader->graph, "joins more than %d tensors", count);
        parts[count++] = onnx_tensor(reader, k);
    }
    if (graph_failed(reader->graph) || !count)
        return graph_refuse(reader->graph, "joins nothing");
    const int axis = onnx_axis(reader, onnx_int(reader, "axis", 1), graph_rank(reader->graph, parts[0]));
    return axis < 0 ? GRAPH_FAILED : graph_concat(reader->graph, count, parts, axis);
}

int onnx_qlinear_sigmoid(struct onnx_reader *reader) { return onnx_sigmoid(reader); }
int onnx_qlinear_leaky_relu(struct onnx_reader *reader) { return onnx_leaky_relu(reader); }

/* `opset` is that of the Softmax which it stands for. */
int onnx_qlinear_softmax(struct onnx_reader *reader)
{
    const int opset = reader->opset;
    reader->opset = onnx_int_of(onnx_int(reader, "opset", opset));
    const int x = onnx_softmax(reader);
    reader->opset = opset;
    return x;
}
