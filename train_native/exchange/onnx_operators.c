#include "exchange/onnx_operators.h"

#include <string.h>

/* Whether the output has no element below 0. */
enum sign { ANY_SIGN, KEEPS_SIGN /* if no input has one */, NONNEGATIVE };

struct row {
    const char *name;
    onnx_operator *read;
    enum sign sign;
};

static const struct row operators[] = {
    {"Add", onnx_add, ANY_SIGN},
    {"AveragePool", onnx_avgpool, KEEPS_SIGN},
    {"BatchNormalization", onnx_batchnorm, ANY_SIGN},
    {"Cast", onnx_cast, KEEPS_SIGN},
    {"Clip", onnx_clip, ANY_SIGN},
    {"Concat", onnx_concat, KEEPS_SIGN},
    {"Conv", onnx_conv, ANY_SIGN},
    {"ConvInteger", onnx_conv_integer, ANY_SIGN},
    {"DequantizeLinear", onnx_dequantize_tensor, KEEPS_SIGN},
    {"Div", onnx_divide, ANY_SIGN},
    {"Dropout", onnx_dropout, KEEPS_SIGN},
    {"DynamicQuantizeLinear", onnx_dynamic_quantize, KEEPS_SIGN},
    {"DynamicQuantizeMatMul", onnx_dynamic_quantize_matmul, ANY_SIGN},
    {"FastGelu", onnx_fast_gelu, ANY_SIGN},
    {"Flatten", onnx_reshape, KEEPS_SIGN},
    {"Gather", onnx_gather, KEEPS_SIGN},
    {"Gelu", onnx_gelu, ANY_SIGN},
    {"Gemm", onnx_gemm, ANY_SIGN},
    {"GlobalAveragePool", onnx_global_avgpool, KEEPS_SIGN},
    {"HardSigmoid", onnx_hard_sigmoid, NONNEGATIVE},
    {"HardSwish", onnx_hardswish, ANY_SIGN},
    {"Identity", onnx_identity, KEEPS_SIGN},
    {"LeakyRelu", onnx_leaky_relu, ANY_SIGN},
    {"LogSoftmax", onnx_softmax, ANY_SIGN},
    {"MatMul", onnx_matmul, ANY_SIGN},
    {"MatMulInteger", onnx_matmul_integer, ANY_SIGN},
    {"Max", onnx_max, ANY_SIGN},
    {"MaxPool", onnx_maxpool, KEEPS_SIGN},
    {"Min", onnx_min, ANY_SIGN},
    {"Mul", onnx_multiply, ANY_SIGN},
    {"Neg", onnx_negate, ANY_SIGN},
    {"PRelu", onnx_prelu, ANY_SIGN},
    {"Pad", onnx_pad, KEEPS_SIGN},
    {"QGemm", onnx_qgemm, ANY_SIGN},
    {"QLinearAdd", onnx_qlinear_add, ANY_SIGN},
    {"QLinearAveragePool", onnx_qlinear_avgpool, KEEPS_SIGN},
    {"QLinearConcat", onnx_qlinear_concat, ANY_SIGN},
    {"QLinearConv", onnx_qlinear_conv, ANY_SIGN},
    {"QLinearGlobalAveragePool", onnx_qlinear_global_avgpool, KEEPS_SIGN},
    {"QLinearLeakyRelu", onnx_qlinear_leaky_relu, ANY_SIGN},
    {"QLinearMatMul", onnx_qlinear_matmul, ANY_SIGN},
    {"QLinearMul", onnx_qlinear_multiply, ANY_SIGN},
    {"QLinearSigmoid", onnx_qlinear_sigmoid, NONNEGATIVE},
    {"QLinearSoftmax", onnx_qlinear_softmax, NONNEGATIVE},
    {"QuantizeLinear", onnx_quantize, KEEPS_SIGN},
    {"ReduceMean", onnx_reduce_mean, KEEPS_SIGN},
    {"Relu", onnx_relu, NONNEGATIVE},
    {"Reshape", onnx_reshape, KEEPS_SIGN},
    {"Sigmoid", onnx_sigmoid, NONNEGATIVE},
    {"Slice", onnx_slice, KEEPS_SIGN},
    {"Softmax", onnx_softmax, NONNEGATIVE},
    {"Split", onnx_split, KEEPS_SIGN},
    {"Squeeze", onnx_reshape, KEEPS_SIGN},
    {"Sub", onnx_subtract, ANY_SIGN},
    {"Sum", onnx_add, ANY_SIGN},
    {"Swish", onnx_swish, ANY_SIGN},
    {"Tanh", onnx_tanh, ANY_SIGN},
    {"Transpose", onnx_transpose, KEEPS_SIGN},
    {"Unsqueeze", onnx_reshape, KEEPS_SIGN},
};

/* What is met in networks that people import, and what it would take. */
static const struct {
    const char *name, *reason;
} refusals[] = {
    {"ConvTranspose", "is a transposed convolution, which enlarges maps: Eyelet has no such layer"},
    {"DepthToSpace", "moves channels into space: Eyelet has no such layer"},
    {"SpaceToDepth", "moves space into channels: Eyelet has no such layer"},
    {"Elu", "is an activation (ELU) that Eyelet does not have"},
    {"Erf", "is a part of GELU in its exact form, which differs from Eyelet's by up to 0.0005: export the model with "
            "approximate='tanh'"},
    {"GlobalMaxPool", "is the maximum of a map: Eyelet has the mean alone (GlobalAveragePool)"},
    {"GroupNormalization", "normalises by the picture at hand: Eyelet has batch normalisation alone"},
    {"InstanceNormalization", "normalises by the picture at hand: Eyelet has batch normalisation alone"},
    {"LayerNormalization", "normalises by the picture at hand, as ConvNeXt and transformers do: Eyelet has batch "
                           "normalisation alone"},
    {"LRN", "is local response normalisation (AlexNet, GoogLeNet): Eyelet has no such layer"},
    {"If", "chooses between graphs: export the model without control flow"},
    {"Loop", "repeats a graph: export the model without control flow"},
    {"Scan", "repeats a graph: export the model without control flow"},
    {"Resize", "enlarges or reduces maps: Eyelet has no such layer"},
    {"Upsample", "enlarges maps: Eyelet has no such layer"},
    {"Attention", "is attention, as transformers have it: Eyelet has no such layer"},
};

static bool is_known_domain(const char *domain)
{
    return !domain || !*domain || strcmp(domain, "ai.onnx") == 0 || strcmp(domain, "com.microsoft") == 0;
}

void onnx_read_operator(struct onnx_reader *reader)
{
    const Onnx__Node *node = reader->node;
    if (!is_known_domain(node->domain)) {
        graph_refuse(reader->graph,
                     "is an operator of \"%.80s\", not of ONNX: export the model with its functions inlined",
                     node->domain);
        return;
    }
    for (size_t i = 0; i < sizeof operators / sizeof operators[0]; i++) {
        if (strcmp(operators[i].name, node->op_type) != 0)
            continue;
        bool nonnegative = operators[i].sign != ANY_SIGN;
        for (size_t k = 0; k < node->n_input && operators[i].sign == KEEPS_SIGN; k++)
            if (onnx_has_input(reader, k) && !onnx_is_constant(reader, k) && !onnx_is_nonnegative(reader, k))
                nonnegative = false;
        reader->clamped = false;
        const int x = operators[i].read(reader);
        if (!graph_failed(reader->graph))
            onnx_bind(reader, 0, x, nonnegative || reader->clamped);
        return;
    }
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++)
        if (strcmp(refusals[i].name, node->op_type) == 0) {
            graph_refuse(reader->graph, "%s", refusals[i].reason);
            return;
        }
    graph_refuse(reader->graph, "Eyelet has no layer for this operator");
}
