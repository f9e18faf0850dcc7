/* Operators that are layers: convolutions, pools, products, batch normalisation. Pictures are (n, c, h, w) to all of
 * them. */
#include "exchange/onnx_operators.h"
#include "exchange/onnx_shapes.h"

#include <string.h>

enum { CHANNEL_DIM = 1 };

/* Two numbers of an attribute: as they are by default where it is left out. */
static bool read_pair(int pair[2], struct onnx_reader *reader, const char *name)
{
    const struct onnx_ints ints = onnx_ints(reader, name);
    if (ints.given && ints.count != 2)
        return onnx_refuse(reader, "its %s are %d numbers: only windows over height and width can be imported", name,
                           ints.count);
    if (ints.given)
        memcpy(pair, ints.values, 2 * sizeof pair[0]);
    return !graph_failed(reader->graph);
}

bool onnx_window(struct graph_window *window, struct onnx_reader *reader)
{
    *window = (struct graph_window){.stride = {1, 1}, .dilation = {1, 1}};
    if (!read_pair(window->kernel, reader, "kernel_shape") || !read_pair(window->stride, reader, "strides") ||
        !read_pair(window->dilation, reader, "dilations"))
        return false;
    window->ceil = onnx_int(reader, "ceil_mode", 0) != 0;
    window->count_padding = onnx_int(reader, "count_include_pad", 0) != 0;
    if (onnx_text_is(reader, "auto_pad", "SAME_UPPER"))
        window->mode = GRAPH_SAME_UPPER;
    else if (onnx_text_is(reader, "auto_pad", "SAME_LOWER"))
        window->mode = GRAPH_SAME_LOWER;
    if (window->mode != GRAPH_EXPLICIT || onnx_text_is(reader, "auto_pad", "VALID"))
        return true;
    const struct onnx_ints pads = onnx_ints(reader, "pads");
    if (pads.given && pads.count != 4)
        return onnx_refuse(reader, "its pads are %d numbers: top, left, bottom and right can be imported", pads.count);
    memcpy(window->padding, pads.values, sizeof window->padding);
    return !graph_failed(reader->graph);
}

int onnx_conv(struct onnx_reader *reader)
{
    const int x = onnx_tensor(reader, 0);
    struct graph_conv conv = {.weights = onnx_floats(reader, 1, "weights"),
                              .bias = onnx_floats(reader, 2, "biases"),
                              .layout = GRAPH_OIHW,
                              .groups = onnx_int_of(onnx_int(reader, "group", 1)),
                              .channel_dim = CHANNEL_DIM};
    if (!conv.weights || !onnx_window(&conv.window, reader))
        return graph_failed(reader->graph) ? GRAPH_FAILED : graph_refuse(reader->graph, "has no weights");
    if (conv.weights->rank != 4)
        return graph_refuse(
            reader->graph,
            "its weights have %d dimensions, not 4: only pictures can be convolved, no sequences or volumes",
            conv.weights->rank);
    return graph_conv(reader->graph, x, &conv);
}

int onnx_maxpool(struct onnx_reader *reader)
{
    const int x = onnx_tensor(reader, 0);
    struct graph_window window;
    return onnx_window(&window, reader) ? graph_maxpool(reader->graph, x, &window, CHANNEL_DIM) : GRAPH_FAILED;
}

int onnx_avgpool(struct onnx_reader *reader)
{
    const int x = onnx_tensor(reader, 0);
    struct graph_window window;
    return onnx_window(&window, reader) ? graph_avgpool(reader->graph, x, &window, CHANNEL_DIM) : GRAPH_FAILED;
}

int onnx_global_avgpool(struct onnx_reader *reader)
{
    const int x = onnx_tensor(reader, 0);
    return graph_reduce_mean(reader->graph, x, 2, (const int[]){-2, -1}, true);
}

int onnx_reduce_mean(struct onnx_reader *reader)
{
    const int x = onnx_tensor(reader, 0);
    struct onnx_ints axes = onnx_ints_or_input(reader, "axes", 1);
    if (graph_failed(reader->graph))
        return GRAPH_FAILED;
    if (!axes.count && onnx_int(reader, "noop_with_empty_axes", 0))
        return graph_identity(reader->graph, x);
    if (!axes.count)
        return graph_refuse(reader->graph,
                            "is the mean of everything: only that over height and width can be imported");
    return graph_reduce_mean(reader->graph, x, axes.count, axes.values, onnx_int(reader, "keepdims", 1) != 0);
}

/* ---- Products ---- */

const struct graph_constant *onnx_scaled(struct onnx_reader *reader, const struct graph_constant *numbers, float factor)
{
    if (!numbers || factor == 1)
        return numbers;
    size_t count = 1; /* checked where they came in */
    for (int i = 0; i < numbers->rank; i++)
        count *= (size_t)numbers->dims[i];
    struct graph_constant *scaled = onnx_memory_take(&reader->memory, 1, sizeof *scaled);
    float *values = onnx_memory_take(&reader->memory, count, sizeof *values);
    if (!scaled || !values) {
        graph_refuse(reader->graph, "the constants of the graph take more than %zu MB", ONNX_MEMORY_BYTES >> 20);
        return NULL;
    }
    for (size_t i = 0; i < count; i++)
        values[i] = numbers->values[i] * factor;
    *scaled = *numbers;
    scaled->values = values;
    return scaled;
}

/* (out) from (out), (1, out) or one number for all. */
static const struct graph_constant *vector_of(struct onnx_reader *reader, const struct graph_constant *numbers, int out)
{
    if (!numbers || (numbers->rank == 1 && numbers->dims[0] == out))
        return numbers;
    int64_t count = 1;
    for (int i = 0; i < numbers->rank; i++)
        count *= numbers->dims[i];
    if ((count != 1 && (count != out || numbers->dims[numbers->rank - 1] != out)) || out < 0) {
        graph_refuse(reader->graph, "adds %lld numbers to %d", (long long)count, out);
        return NULL;
    }
    struct graph_constant *vector = onnx_memory_take(&reader->memory, 1, sizeof *vector);
    float *values = onnx_memory_take(&reader->memory, (size_t)out, sizeof *values);
    if (!vector || !values) {
        graph_refuse(reader->graph, "the constants of the graph take more than %zu MB", ONNX_MEMORY_BYTES >> 20);
        return NULL;
    }
    for (int i = 0; i < out; i++)
        values[i] = numbers->values[count == 1 ? 0 : i];
    *vector = (struct graph_constant){.rank = 1, .dims = {out}, .values = values};
    return vector;
}

/* alpha * A * B + beta * C */
int onnx_gemm(struct onnx_reader *reader)
{
    const int x = onnx_tensor(reader, 0);
    const struct graph_constant *weights = onnx_floats(reader, 1, "weights"), *bias = onnx_floats(reader, 2, "biases");
    struct graph_dense dense = {.transposed = onnx_int(reader, "transB", 0) != 0};
    if (!weights)
        return graph_failed(reader->graph) ? GRAPH_FAILED : graph_refuse(reader->graph, "has no weights");
    if (onnx_int(reader, "transA", 0))
        return graph_refuse(reader->graph, "transposes its input (transA): only its weights may be");
    if (weights->rank != 2)
        return graph_refuse(reader->graph, "its weights have %d dimensions, not 2", weights->rank);
    dense.weights = onnx_scaled(reader, weights, onnx_float(reader, "alpha", 1));
    dense.bias = vector_of(reader, onnx_scaled(reader, bias, onnx_float(reader, "beta", 1)),
                           weights->dims[dense.transposed ? 0 : 1]);
    return graph_failed(reader->graph) ? GRAPH_FAILED : graph_dense(reader->graph, x, &dense);
}

int onnx_matmul(struct onnx_reader *reader)
{
    if (!onnx_is_constant(reader, 0) && !onnx_is_constant(reader, 1))
        return graph_refuse(reader->graph, "multiplies two tensors (attention?): one of them has to be constant");
    const int x = onnx_tensor(reader, 0);
    const struct graph_dense dense = {.weights = onnx_floats(reader, 1, "weights")};
    return dense.weights ? graph_dense(reader->graph, x, &dense) : GRAPH_FAILED;
}

/* ---- The rest ---- */

int onnx_batchnorm(struct onnx_reader *reader)
{
    const int x = onnx_tensor(reader, 0);
    const struct graph_batchnorm batchnorm = {.scale = onnx_floats(reader, 1, "scales"),
                                              .shift = onnx_floats(reader, 2, "shifts"),
                                              .mean = onnx_floats(reader, 3, "means"),
                                              .variance = onnx_floats(reader, 4, "variances"),
                                              .epsilon = onnx_float(reader, "epsilon", 1e-5f),
                                              .channel_dim = CHANNEL_DIM};
    if (!batchnorm.scale || !batchnorm.shift || !batchnorm.mean || !batchnorm.variance)
        return graph_failed(reader->graph) ? GRAPH_FAILED : graph_refuse(reader->graph, "lacks some of its statistics");
    if (onnx_int(reader, "training_mode", 0) || !onnx_int(reader, "spatial", 1))
        return graph_refuse(reader->graph, "normalises %s: export the model for inference (model.eval() in PyTorch)",
                            onnx_int(reader, "spatial", 1) ? "with the statistics of the batch"
                                                           : "each pixel by itself");
    return graph_batchnorm(reader->graph, x, &batchnorm);
}

int onnx_pad(struct onnx_reader *reader)
{
    const int x = onnx_tensor(reader, 0);
    const struct onnx_ints pads = onnx_ints_or_input(reader, "pads", 1), axes = onnx_ints_or_input(reader, "axes", 3);
    const double value =
        onnx_attribute(reader, "value") ? (double)onnx_float(reader, "value", 0) : onnx_number(reader, 2, "value", 0);
    struct onnx_shape shape;
    if (graph_failed(reader->graph) || !onnx_shape_of(&shape, reader, 0))
        return GRAPH_FAILED;
    if (onnx_attribute(reader, "mode") && !onnx_text_is(reader, "mode", "constant"))
        return graph_refuse(reader->graph, "repeats or mirrors the border: only padding with zeros can be imported");
    const int count = axes.given ? axes.count : shape.rank;
    if (pads.count != 2 * count)
        return graph_refuse(reader->graph, "has %d pads for %d dimensions", pads.count, count);
    int before[GRAPH_RANK] = {0}, after[GRAPH_RANK] = {0};
    for (int i = 0; i < count; i++) {
        const int axis = onnx_axis(reader, axes.given ? axes.values[i] : i, shape.rank);
        if (axis < 0)
            return GRAPH_FAILED;
        before[axis] = pads.values[i];
        after[axis] = pads.values[count + i];
    }
    return graph_pad(reader->graph, x, before, after, (float)value);
}
