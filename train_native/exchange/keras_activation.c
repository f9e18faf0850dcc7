#include "exchange/keras_layer.h"

#include <string.h>

/* ---- By name ---- */

/* Keras writes hard_sigmoid, TensorFlow.js hardSigmoid. */
static bool same_name(const char *a, const char *b)
{
    for (;; a++, b++) {
        while (*a == '_')
            a++;
        const char lower = (char)(*a >= 'A' && *a <= 'Z' ? *a - 'A' + 'a' : *a);
        if (lower != *b)
            return false;
        if (!*b)
            return true;
    }
}

static int named_activation(const struct keras_layer *layer, int x, const char *name)
{
    static const struct {
        const char *name;
        enum node_kind kind;
    } plain[] = {{"relu", NODE_RELU},    {"relu6", NODE_RELU6},         {"sigmoid", NODE_SIGMOID},
                 {"tanh", NODE_TANH},    {"swish", NODE_SILU},          {"silu", NODE_SILU},
                 {"gelunew", NODE_GELU}, {"hardswish", NODE_HARDSWISH}, {"hardsilu", NODE_HARDSWISH}};
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        if (same_name(name, plain[i].name))
            return graph_activation(layer->graph, x, plain[i].kind, 0);
    if (same_name(name, "linear"))
        return x;
    if (same_name(name, "softmax"))
        return graph_softmax(layer->graph, x, -1);
    if (same_name(name, "leakyrelu")) /* the slope of TensorFlow and of Keras 3 */
        return graph_activation(layer->graph, x, NODE_LEAKY_RELU, 0.2f);
    if (same_name(name, "hardsigmoid"))
        return graph_hard_sigmoid(layer->graph, x, layer->keras_3 ? 1.0f / 6 : 0.2f, 0.5f);
    if (same_name(name, "gelu"))
        return graph_refuse(layer->graph, "its activation gelu by the error function is none of Eyelet's: gelu_new is");
    return graph_refuse(layer->graph, "its activation %.100s is none of Eyelet's", name);
}

/* A function by its name, `{"class_name": "function", "config": "relu"}` of Keras 3, or a layer that is one. */
int keras_activation(const struct keras_layer *layer, int x, const cJSON *activation)
{
    if (!activation || cJSON_IsNull(activation))
        return x;
    if (json_tree_text(activation))
        return named_activation(layer, x, json_tree_text(activation));
    const char *class_name = json_tree_text(json_tree_member(activation, "class_name"));
    const cJSON *config = json_tree_member(activation, "config");
    if (!class_name)
        return graph_refuse(layer->graph, "its setting `activation` is not a name");
    if (json_tree_text(config))
        return named_activation(layer, x, json_tree_text(config));
    struct keras_layer inner = *layer;
    inner.class_name = class_name;
    inner.config = config;
    if (strcmp(class_name, "ReLU") == 0)
        return keras_relu(&inner, &x, 1);
    if (strcmp(class_name, "LeakyReLU") == 0)
        return keras_leaky_relu(&inner, &x, 1);
    if (strcmp(class_name, "Softmax") == 0)
        return keras_softmax(&inner, &x, 1);
    return named_activation(layer, x, class_name);
}

/* ---- Layers ---- */

int keras_activation_layer(const struct keras_layer *layer, const int *x, int count)
{
    (void)count;
    return keras_activation(layer, x[0], json_tree_member(layer->config, "activation"));
}

int keras_relu(const struct keras_layer *layer, const int *x, int count)
{
    (void)count;
    double ceiling, slope, threshold;
    if (!keras_number(&ceiling, layer, "max_value", 0) || !keras_number(&slope, layer, "negative_slope", 0) ||
        !keras_number(&threshold, layer, "threshold", 0))
        return GRAPH_FAILED;
    const cJSON *max = json_tree_member(layer->config, "max_value");
    const bool bounded = max && !cJSON_IsNull(max);
    if (threshold != 0)
        return graph_refuse(layer->graph, "its threshold is %g, not 0", threshold);
    if (slope != 0 && bounded)
        return graph_refuse(layer->graph, "it has a slope below 0 and a max_value");
    if (bounded)
        return graph_clip(layer->graph, x[0], 0, (float)ceiling);
    return slope != 0 ? graph_activation(layer->graph, x[0], NODE_LEAKY_RELU, (float)slope)
                      : graph_activation(layer->graph, x[0], NODE_RELU, 0);
}

/* `alpha` until Keras 3. */
int keras_leaky_relu(const struct keras_layer *layer, const int *x, int count)
{
    (void)count;
    double slope;
    const bool is_new = json_tree_member(layer->config, "negative_slope") != NULL;
    if (!keras_number(&slope, layer, is_new ? "negative_slope" : "alpha", 0.3))
        return GRAPH_FAILED;
    return graph_activation(layer->graph, x[0], NODE_LEAKY_RELU, (float)slope);
}

int keras_prelu(const struct keras_layer *layer, const int *x, int count)
{
    (void)count;
    const struct graph_constant *slopes = keras_weight(layer, "alpha");
    return slopes ? graph_prelu(layer->graph, x[0], slopes) : GRAPH_FAILED;
}

int keras_softmax(const struct keras_layer *layer, const int *x, int count)
{
    (void)count;
    int axis;
    return keras_int(&axis, layer, "axis", -1) ? graph_softmax(layer->graph, x[0], axis) : GRAPH_FAILED;
}
