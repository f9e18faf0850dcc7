#include "net/kinds.h"

#include <math.h>

/* What a row does not name is false, 0 or the first of its enumeration. */
const struct kind_traits kind_traits[NODE_KINDS] = {
    [NODE_CONV2D] = {1, SHAPE_WINDOW, PARAMETERS_WEIGHTS, .int8 = INT8_FORM_LAYER, .channels = true, .groups = true,
                     .overwritten = true, .fuses = true},
    [NODE_MAXPOOL] = {1, SHAPE_WINDOW, .int8 = INT8_FORM_MAX},
    [NODE_AVGPOOL] = {1, SHAPE_WINDOW, .int8 = INT8_FORM_MEAN},
    [NODE_GLOBAL_AVGPOOL] = {1, SHAPE_POOLED, .int8 = INT8_FORM_MEAN},
    [NODE_FLATTEN] = {1, SHAPE_FLAT, .int8 = INT8_FORM_ALIAS},
    [NODE_DENSE] = {1, SHAPE_UNITS, PARAMETERS_WEIGHTS, .int8 = INT8_FORM_LAYER, .channels = true, .overwritten = true,
                    .fuses = true},
    [NODE_BATCHNORM] = {1, SHAPE_KEPT, PARAMETERS_NORM, .int8 = INT8_FORM_FOLDED, .overwritten = true},
    [NODE_DROPOUT] = {1, SHAPE_KEPT, .setting = SETTING_PROBABILITY, .int8 = INT8_FORM_ALIAS},
    [NODE_ADD] = {2, SHAPE_KEPT, .int8 = INT8_FORM_ADD, .broadcast = true, .overwritten = true, .fuses = true},
    [NODE_RELU] = {1, SHAPE_KEPT, .int8 = INT8_FORM_CLAMP, .activation = true, .in_place = true, .ceiling = INFINITY},
    [NODE_SIGMOID] = {1, SHAPE_KEPT, .int8 = INT8_FORM_UNIT, .activation = true, .in_place = true},
    [NODE_TANH] = {1, SHAPE_KEPT, .int8 = INT8_FORM_UNIT, .activation = true, .in_place = true},
    [NODE_SOFTMAX] = {1, SHAPE_VECTOR, .int8 = INT8_FORM_OUTPUT, .activation = true},
    [NODE_GELU] = {1, SHAPE_KEPT, .int8 = INT8_FORM_TABLE, .activation = true},
    [NODE_SCALE] = {1, SHAPE_KEPT, .setting = SETTING_FACTOR, .int8 = INT8_FORM_ALIAS},
    [NODE_DEPTHWISE] = {1, SHAPE_WINDOW, PARAMETERS_WEIGHTS, .int8 = INT8_FORM_LAYER, .per_channel = true,
                        .overwritten = true, .fuses = true},
    [NODE_RELU6] = {1, SHAPE_KEPT, .int8 = INT8_FORM_CLAMP, .activation = true, .in_place = true, .ceiling = 6},
    [NODE_HARDSWISH] = {1, SHAPE_KEPT, .int8 = INT8_FORM_TABLE, .activation = true},
    [NODE_SILU] = {1, SHAPE_KEPT, .int8 = INT8_FORM_TABLE, .activation = true},
    [NODE_HARDSIGMOID] = {1, SHAPE_KEPT, .int8 = INT8_FORM_UNIT, .activation = true, .in_place = true},
    [NODE_LEAKY_RELU] = {1, SHAPE_KEPT, .setting = SETTING_SLOPE, .int8 = INT8_FORM_TABLE, .activation = true,
                         .in_place = true},
    [NODE_PRELU] = {1, SHAPE_KEPT, PARAMETERS_SLOPES, .overwritten = true},
    [NODE_MULTIPLY] = {2, SHAPE_KEPT, .int8 = INT8_FORM_PRODUCT, .broadcast = true, .overwritten = true},
    [NODE_CONCAT] = {2, SHAPE_JOINED, .int8 = INT8_FORM_CONCAT, .overwritten = true},
    [NODE_SLICE] = {1, SHAPE_PART, .int8 = INT8_FORM_MOVE, .channels = true, .overwritten = true},
    [NODE_SHUFFLE] = {1, SHAPE_KEPT, .int8 = INT8_FORM_MOVE, .groups = true, .overwritten = true},
};

/* Apart from the rows, so that the inference module, which prints nothing, is linked without them. */
const char *const kind_names[NODE_KINDS] = {
    [NODE_CONV2D] = "conv2d",
    [NODE_MAXPOOL] = "maxpool",
    [NODE_AVGPOOL] = "avgpool",
    [NODE_GLOBAL_AVGPOOL] = "global_avgpool",
    [NODE_FLATTEN] = "flatten",
    [NODE_DENSE] = "dense",
    [NODE_BATCHNORM] = "batchnorm",
    [NODE_DROPOUT] = "dropout",
    [NODE_ADD] = "add",
    [NODE_RELU] = "relu",
    [NODE_SIGMOID] = "sigmoid",
    [NODE_TANH] = "tanh",
    [NODE_SOFTMAX] = "softmax",
    [NODE_GELU] = "gelu",
    [NODE_SCALE] = "scale",
    [NODE_DEPTHWISE] = "depthwise",
    [NODE_RELU6] = "relu6",
    [NODE_HARDSWISH] = "hardswish",
    [NODE_SILU] = "silu",
    [NODE_HARDSIGMOID] = "hardsigmoid",
    [NODE_LEAKY_RELU] = "leaky_relu",
    [NODE_PRELU] = "prelu",
    [NODE_MULTIPLY] = "multiply",
    [NODE_CONCAT] = "concat",
    [NODE_SLICE] = "slice",
    [NODE_SHUFFLE] = "shuffle",
};

bool kind_accepts_rate(enum node_kind kind, float rate)
{
    switch (kind_traits[kind].setting) {
    case SETTING_NONE: return rate == 0;
    case SETTING_PROBABILITY: return rate >= 0 && rate < 1;
    case SETTING_FACTOR: return rate > 0 && rate <= 1e6f;
    case SETTING_SLOPE: return rate >= 0 && rate <= 1;
    }
    return false;
}
