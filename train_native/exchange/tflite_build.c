/* The table of TFLite's operators, and what stands around each: fused activations, and those that only the range of a
 * quantised output shows. */
#include "exchange/tflite_operators.h"

#include <math.h>
#include <stddef.h>

/* By BuiltinOperator. */
static const char *const names[] = {
    "ADD",
    "AVERAGE_POOL_2D",
    "CONCATENATION",
    "CONV_2D",
    "DEPTHWISE_CONV_2D",
    "DEPTH_TO_SPACE",
    "DEQUANTIZE",
    "EMBEDDING_LOOKUP",
    "FLOOR",
    "FULLY_CONNECTED",
    "HASHTABLE_LOOKUP",
    "L2_NORMALIZATION",
    "L2_POOL_2D",
    "LOCAL_RESPONSE_NORMALIZATION",
    "LOGISTIC",
    "LSH_PROJECTION",
    "LSTM",
    "MAX_POOL_2D",
    "MUL",
    "RELU",
    "RELU_N1_TO_1",
    "RELU6",
    "RESHAPE",
    "RESIZE_BILINEAR",
    "RNN",
    "SOFTMAX",
    "SPACE_TO_DEPTH",
    "SVDF",
    "TANH",
    "CONCAT_EMBEDDINGS",
    "SKIP_GRAM",
    "CALL",
    "CUSTOM",
    "EMBEDDING_LOOKUP_SPARSE",
    "PAD",
    "UNIDIRECTIONAL_SEQUENCE_RNN",
    "GATHER",
    "BATCH_TO_SPACE_ND",
    "SPACE_TO_BATCH_ND",
    "TRANSPOSE",
    "MEAN",
    "SUB",
    "DIV",
    "SQUEEZE",
    "UNIDIRECTIONAL_SEQUENCE_LSTM",
    "STRIDED_SLICE",
    "BIDIRECTIONAL_SEQUENCE_RNN",
    "EXP",
    "TOPK_V2",
    "SPLIT",
    "LOG_SOFTMAX",
    "DELEGATE",
    "BIDIRECTIONAL_SEQUENCE_LSTM",
    "CAST",
    "PRELU",
    "MAXIMUM",
    "ARG_MAX",
    "MINIMUM",
    "LESS",
    "NEG",
    "PADV2",
    "GREATER",
    "GREATER_EQUAL",
    "LESS_EQUAL",
    "SELECT",
    "SLICE",
    "SIN",
    "TRANSPOSE_CONV",
    "SPARSE_TO_DENSE",
    "TILE",
    "EXPAND_DIMS",
    "EQUAL",
    "NOT_EQUAL",
    "LOG",
    "SUM",
    "SQRT",
    "RSQRT",
    "SHAPE",
    "POW",
    "ARG_MIN",
    "FAKE_QUANT",
    "REDUCE_PROD",
    "REDUCE_MAX",
    "PACK",
    "LOGICAL_OR",
    "ONE_HOT",
    "LOGICAL_AND",
    "LOGICAL_NOT",
    "UNPACK",
    "REDUCE_MIN",
    "FLOOR_DIV",
    "REDUCE_ANY",
    "SQUARE",
    "ZEROS_LIKE",
    "FILL",
    "FLOOR_MOD",
    "RANGE",
    "RESIZE_NEAREST_NEIGHBOR",
    "LEAKY_RELU",
    "SQUARED_DIFFERENCE",
    "MIRROR_PAD",
    "ABS",
    "SPLIT_V",
    "UNIQUE",
    "CEIL",
    "REVERSE_V2",
    "ADD_N",
    "GATHER_ND",
    "COS",
    "WHERE",
    "RANK",
    "ELU",
    "REVERSE_SEQUENCE",
    "MATRIX_DIAG",
    "QUANTIZE",
    "MATRIX_SET_DIAG",
    "ROUND",
    "HARD_SWISH",
    "IF",
    "WHILE",
    "NON_MAX_SUPPRESSION_V4",
    "NON_MAX_SUPPRESSION_V5",
    "SCATTER_ND",
    "SELECT_V2",
    "DENSIFY",
    "SEGMENT_SUM",
    "BATCH_MATMUL",
    "PLACEHOLDER_FOR_GREATER_OP_CODES",
    "CUMSUM",
    "CALL_ONCE",
    "BROADCAST_TO",
    "RFFT2D",
    "CONV_3D",
    "IMAG",
    "REAL",
    "COMPLEX_ABS",
    "HASHTABLE",
    "HASHTABLE_FIND",
    "HASHTABLE_IMPORT",
    "HASHTABLE_SIZE",
    "REDUCE_ALL",
    "CONV_3D_TRANSPOSE",
    "VAR_HANDLE",
    "READ_VARIABLE",
    "ASSIGN_VARIABLE",
    "BROADCAST_ARGS",
    "RANDOM_STANDARD_NORMAL",
    "BUCKETIZE",
    "RANDOM_UNIFORM",
    "MULTINOMIAL",
    "GELU",
    "DYNAMIC_UPDATE_SLICE",
    "RELU_0_TO_1",
};

const char *tflite_operator_name(int code)
{
    return code >= 0 && code < (int)(sizeof names / sizeof *names) ? names[code] : NULL;
}

enum { NOT_FUSED = -1 };

struct row {
    int code, options; /* BuiltinOperator; BuiltinOptions: the type of its options, 0: none that matter */
    int fused;         /* the field of the options that has the fused activation */
    bool clamps;       /* computes what a quantised output may clamp: a sum */
    bool views;        /* of a constant makes another view of it */
    tflite_value_function *value;
    tflite_parts_function *parts; /* instead of it */
};

static const struct row rows[] = {
    {0, 11, 0, true, false, tflite_add, NULL},
    {1, 5, 5, false, false, tflite_average_pool_2d, NULL},
    {2, 10, 1, false, false, tflite_concatenation, NULL},
    {3, 1, 3, true, false, tflite_conv_2d, NULL},
    {4, 2, 4, true, false, tflite_depthwise_conv_2d, NULL},
    {6, 0, NOT_FUSED, false, true, tflite_identity, NULL}, /* DEQUANTIZE */
    {9, 8, 0, true, false, tflite_fully_connected, NULL},
    {14, 0, NOT_FUSED, false, false, tflite_logistic, NULL},
    {17, 5, 5, false, false, tflite_max_pool_2d, NULL},
    {18, 21, 0, false, false, tflite_mul, NULL},
    {19, 0, NOT_FUSED, false, false, tflite_relu, NULL},
    {20, 0, NOT_FUSED, false, false, tflite_relu_n1_to_1, NULL},
    {21, 0, NOT_FUSED, false, false, tflite_relu6, NULL},
    {22, 17, NOT_FUSED, false, true, tflite_reshape, NULL},
    {25, 9, NOT_FUSED, false, false, tflite_softmax, NULL},
    {28, 0, NOT_FUSED, false, false, tflite_hyperbolic_tangent, NULL},
    {34, 0, NOT_FUSED, false, false, tflite_pad, NULL},
    {39, 0, NOT_FUSED, false, false, tflite_transpose, NULL},
    {40, 27, NOT_FUSED, false, false, tflite_mean, NULL},
    {41, 28, 0, true, false, tflite_sub, NULL},
    {42, 29, 0, false, false, tflite_divide, NULL},
    {43, 30, NOT_FUSED, false, true, tflite_squeeze, NULL},
    {45, 32, NOT_FUSED, false, false, tflite_strided_slice, NULL},
    {49, 0, NOT_FUSED, false, false, NULL, tflite_split},
    {53, 0, NOT_FUSED, false, false, tflite_identity, NULL}, /* CAST */
    {54, 0, NOT_FUSED, false, false, tflite_prelu, NULL},
    {60, 0, NOT_FUSED, false, false, tflite_pad, NULL}, /* PADV2 */
    {65, 0, NOT_FUSED, false, false, tflite_slice, NULL},
    {70, 0, NOT_FUSED, false, true, tflite_expand_dims, NULL},
    {98, 75, NOT_FUSED, false, false, tflite_leaky_relu, NULL},
    {102, 0, NOT_FUSED, false, false, NULL, tflite_split_v},
    {114, 0, NOT_FUSED, false, false, tflite_identity, NULL}, /* QUANTIZE */
    {117, 0, NOT_FUSED, false, false, tflite_hard_swish, NULL},
    {152, 0, NOT_FUSED, false, false, tflite_relu_0_to_1, NULL},
};

static const struct row *row_of(int code)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].code == code)
            return &rows[i];
    return NULL;
}

/* ActivationFunctionType. */
static int activated(struct graph *graph, int x, int64_t fused)
{
    switch (fused) {
    case 0: return x;
    case 1: return graph_activation(graph, x, NODE_RELU, 0);
    case 2: return graph_clip(graph, x, -1, 1);
    case 3: return graph_activation(graph, x, NODE_RELU6, 0);
    case 4: return graph_activation(graph, x, NODE_TANH, 0);
    }
    return graph_refuse(graph, "fused activation %lld: none, RELU, RELU_N1_TO_1, RELU6 and TANH are read",
                        (long long)fused);
}

/* A quantised ReLU may be nothing but an output that cannot be negative, and ReLU6 one that ends at 6 too. The upper end
 * of other ranges is where calibration saw no more values, and says nothing of the network. Where no input can be
 * negative, a sum is none. */
static int clamped(const struct tflite_operator *node, int x)
{
    struct tflite_range range, of;
    const struct tflite_tensor *output = tflite_output(node, 0), *first = tflite_input(node, 0),
                               *second = tflite_input(node, 1);
    if (!output || !tflite_range(&range, output) || range.min < 0 || range.min > 0)
        return x;
    const bool sum = second && first && first->value >= 0 && second->value >= 0;
    if (sum && tflite_range(&of, first) && of.min >= 0 && tflite_range(&of, second) && of.min >= 0)
        return x;
    return graph_activation(node->model->graph, x, fabsf(range.max - 6) < range.scale ? NODE_RELU6 : NODE_RELU, 0);
}

static bool build_row(const struct tflite_operator *node, const struct row *row, struct tflite_tensor *output)
{
    struct graph *graph = node->model->graph;
    if (row->views && tflite_constant_view(node))
        return true;
    if (row->parts)
        return row->parts(node) && !graph_failed(graph);
    int x = row->value(node);
    const int64_t fused = row->fused == NOT_FUSED
                              ? 0
                              : flatbuffer_int(&node->model->buffer, node->options, row->fused, FLATBUFFER_INT8, 0);
    x = activated(graph, x, fused);
    output->value = row->clamps && !fused ? clamped(node, x) : x;
    return !graph_failed(graph);
}

bool tflite_build(struct tflite_operator *node, int code, int options_type)
{
    struct graph *graph = node->model->graph;
    struct tflite_tensor *output = tflite_output(node, 0);
    const struct row *row = row_of(code);
    graph_at(graph, node->name, output ? output->name : "");
    if (!output)
        graph_refuse(graph, "it has no output");
    else if (output->value >= 0 || output->constant)
        graph_refuse(graph, "it makes what is there already");
    else if (row && row->options && options_type && options_type != row->options)
        graph_refuse(graph, "it has the options of another operator (type %d for %d)", options_type, row->options);
    else if (!graph_failed(graph) && !tflite_shape_operator(node, code)) {
        if (row)
            return build_row(node, row, output);
        graph_refuse(graph, "Eyelet has no layer for it");
    }
    return !graph_failed(graph);
}
