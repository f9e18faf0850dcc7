#include "exchange/keras_layer.h"

#include "cli/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const cJSON *config_of(const struct keras_layer *layer, const char *key)
{
    return json_tree_member(layer->config, key);
}

/* ---- Windows ---- */

static bool read_padding(struct graph_window *window, const struct keras_layer *layer)
{
    const char *padding = json_tree_text(config_of(layer, "padding"));
    if (!padding || strcmp(padding, "valid") == 0)
        window->mode = GRAPH_EXPLICIT;
    else if (strcmp(padding, "same") == 0)
        window->mode = GRAPH_SAME_UPPER;
    else
        return graph_refuse(layer->graph, "its padding is %.40s, neither valid nor same", padding) != GRAPH_FAILED;
    return true;
}

static bool read_conv(struct graph_conv *conv, const struct keras_layer *layer)
{
    bool has_bias;
    if (!keras_pair(conv->window.stride, layer, "strides", 1) ||
        !keras_pair(conv->window.dilation, layer, "dilation_rate", 1) ||
        !keras_int(&conv->groups, layer, "groups", 1) || !read_padding(&conv->window, layer) ||
        !keras_bool(&has_bias, layer, "use_bias", true))
        return false;
    conv->channel_dim = keras_channel_dim(layer);
    conv->bias = has_bias ? keras_weight(layer, "bias") : NULL;
    return conv->channel_dim && (conv->bias || !has_bias);
}

static int activated(const struct keras_layer *layer, int x)
{
    return keras_activation(layer, x, config_of(layer, "activation"));
}

static int conv2d(const struct keras_layer *layer, const int *x, int count)
{
    (void)count;
    struct graph_conv conv = {.layout = GRAPH_HWIO};
    conv.weights = keras_weight(layer, "kernel");
    return conv.weights && read_conv(&conv, layer) ? activated(layer, graph_conv(layer->graph, x[0], &conv))
                                                   : GRAPH_FAILED;
}

/* Keras 3 calls it `kernel`. */
static const struct graph_constant *depthwise_kernel(const struct keras_layer *layer)
{
    bool ambiguous;
    const struct graph_constant *kernel = named_weights_of_layer(layer->weights, layer->path, "kernel", &ambiguous);
    return kernel ? kernel : keras_weight(layer, "depthwise_kernel");
}

static int depthwise_conv2d(const struct keras_layer *layer, const int *x, int count)
{
    (void)count;
    struct graph_conv conv = {.layout = GRAPH_HWCM};
    conv.weights = depthwise_kernel(layer);
    return conv.weights && read_conv(&conv, layer) ? activated(layer, graph_conv(layer->graph, x[0], &conv))
                                                   : GRAPH_FAILED;
}

/* A depthwise convolution without a bias, then a 1x1 one. */
static int separable_conv2d(const struct keras_layer *layer, const int *x, int count)
{
    (void)count;
    struct graph_conv depthwise = {.layout = GRAPH_HWCM};
    const struct graph_constant *pointwise_kernel = keras_weight(layer, "pointwise_kernel");
    depthwise.weights = keras_weight(layer, "depthwise_kernel");
    if (!pointwise_kernel || !depthwise.weights || !read_conv(&depthwise, layer))
        return GRAPH_FAILED;
    const struct graph_conv pointwise = {.weights = pointwise_kernel,
                                         .bias = depthwise.bias,
                                         .layout = GRAPH_HWIO,
                                         .groups = 1,
                                         .channel_dim = depthwise.channel_dim,
                                         .window = {.stride = {1, 1}, .dilation = {1, 1}}};
    depthwise.bias = NULL;
    return activated(layer, graph_conv(layer->graph, graph_conv(layer->graph, x[0], &depthwise), &pointwise));
}

/* The window of a pool, whose stride is its own size unless it is set. */
static int read_pool(struct graph_window *window, const struct keras_layer *layer)
{
    *window = (struct graph_window){.dilation = {1, 1}};
    if (!keras_pair(window->kernel, layer, "pool_size", 2) || !keras_pair(window->stride, layer, "strides", 0) ||
        !read_padding(window, layer))
        return 0;
    const cJSON *strides = config_of(layer, "strides");
    if (!strides || cJSON_IsNull(strides))
        memcpy(window->stride, window->kernel, sizeof window->stride);
    return keras_channel_dim(layer);
}

static int max_pooling2d(const struct keras_layer *layer, const int *x, int count)
{
    (void)count;
    struct graph_window window;
    const int channel_dim = read_pool(&window, layer);
    return channel_dim ? graph_maxpool(layer->graph, x[0], &window, channel_dim) : GRAPH_FAILED;
}

static int average_pooling2d(const struct keras_layer *layer, const int *x, int count)
{
    (void)count;
    struct graph_window window;
    const int channel_dim = read_pool(&window, layer);
    return channel_dim ? graph_avgpool(layer->graph, x[0], &window, channel_dim) : GRAPH_FAILED;
}

static int global_average_pooling2d(const struct keras_layer *layer, const int *x, int count)
{
    (void)count;
    bool keep;
    const int channel_dim = keras_channel_dim(layer);
    if (!channel_dim || !keras_bool(&keep, layer, "keepdims", false))
        return GRAPH_FAILED;
    return graph_reduce_mean(layer->graph, x[0], 2, channel_dim == 3 ? (const int[]){1, 2} : (const int[]){2, 3}, keep);
}

/* A max pool over the whole map, where that is no larger than a window may be. */
static int global_max_pooling2d(const struct keras_layer *layer, const int *x, int count)
{
    (void)count;
    bool keep;
    const int channel_dim = keras_channel_dim(layer);
    if (!channel_dim || !keras_bool(&keep, layer, "keepdims", false))
        return GRAPH_FAILED;
    if (graph_rank(layer->graph, x[0]) != 4)
        return graph_refuse(layer->graph, "its input has not four dimensions");
    const int *dims = graph_dims(layer->graph, x[0]), first = channel_dim == 3 ? 1 : 2;
    const struct graph_window window = {.kernel = {dims[first], dims[first + 1]}, .stride = {1, 1}, .dilation = {1, 1}};
    const int channels = dims[channel_dim], y = graph_maxpool(layer->graph, x[0], &window, channel_dim);
    return keep ? y : graph_reshape(layer->graph, y, 2, (const int[]){1, channels});
}

static int zero_padding2d(const struct keras_layer *layer, const int *x, int count)
{
    (void)count;
    const cJSON *padding = config_of(layer, "padding");
    int sides[2][2]; /* of h and w: before, after */
    if (json_tree_count(padding) == 2 && json_tree_array(padding->child)) {
        if (!json_tree_ints(sides[0], 2, padding->child) || !json_tree_ints(sides[1], 2, padding->child->next))
            return graph_refuse(layer->graph, "its setting `padding` is not two pairs of integers");
    } else {
        int both[2];
        if (!keras_pair(both, layer, "padding", 1))
            return GRAPH_FAILED;
        for (int i = 0; i < 2; i++)
            sides[i][0] = sides[i][1] = both[i];
    }
    const int channel_dim = keras_channel_dim(layer);
    if (!channel_dim)
        return GRAPH_FAILED;
    if (graph_rank(layer->graph, x[0]) != 4)
        return graph_refuse(layer->graph, "its input has not four dimensions");
    int before[4] = {0}, after[4] = {0};
    for (int i = 0; i < 2; i++) {
        before[(channel_dim == 3 ? 1 : 2) + i] = sides[i][0];
        after[(channel_dim == 3 ? 1 : 2) + i] = sides[i][1];
    }
    return graph_pad(layer->graph, x[0], before, after, 0);
}

/* ---- Products ---- */

static int dense(const struct keras_layer *layer, const int *x, int count)
{
    (void)count;
    bool has_bias;
    struct graph_dense dense = {.weights = keras_weight(layer, "kernel")};
    if (!dense.weights || !keras_bool(&has_bias, layer, "use_bias", true))
        return GRAPH_FAILED;
    dense.bias = has_bias ? keras_weight(layer, "bias") : NULL;
    return dense.bias || !has_bias ? activated(layer, graph_dense(layer->graph, x[0], &dense)) : GRAPH_FAILED;
}

static int batch_normalization(const struct keras_layer *layer, const int *x, int count)
{
    (void)count;
    struct graph_batchnorm norm = {.mean = keras_weight(layer, "moving_mean")};
    double epsilon;
    bool has_scale, has_shift;
    int axis = -1;
    if (!norm.mean || !(norm.variance = keras_weight(layer, "moving_variance")) ||
        !keras_number(&epsilon, layer, "epsilon", 1e-3) || !keras_bool(&has_scale, layer, "scale", true) ||
        !keras_bool(&has_shift, layer, "center", true))
        return GRAPH_FAILED;
    if (!json_tree_ints(&axis, 1, config_of(layer, "axis")) && !keras_int(&axis, layer, "axis", -1))
        return GRAPH_FAILED;
    if ((has_scale && !(norm.scale = keras_weight(layer, "gamma"))) ||
        (has_shift && !(norm.shift = keras_weight(layer, "beta"))))
        return GRAPH_FAILED;
    norm.epsilon = (float)epsilon;
    norm.channel_dim = axis < 0 ? axis + graph_rank(layer->graph, x[0]) : axis;
    return graph_batchnorm(layer->graph, x[0], &norm);
}

/* x (op) one number or one a channel of a setting. */
static int with_setting(const struct keras_layer *layer, int x, enum graph_arithmetic operation, const cJSON *numbers)
{
    const int count = json_tree_array(numbers) ? json_tree_count(numbers) : 1;
    float *values = allocate((size_t)count, sizeof *values);
    const struct graph_constant constant = {.rank = 1, .dims = {count}, .values = values};
    const cJSON *number = json_tree_array(numbers) ? numbers->child : numbers;
    double value;
    bool all = count > 0;
    for (int i = 0; i < count; i++, number = number ? number->next : NULL) {
        all = all && json_tree_number(&value, number);
        values[i] = all ? (float)value : 0;
    }
    const int y = all ? graph_arithmetic_constant(layer->graph, operation, x, &constant, false)
                      : graph_refuse(layer->graph, "one of its settings is not a number, or a list of them");
    free(values);
    return y;
}

static int rescaling(const struct keras_layer *layer, const int *x, int count)
{
    (void)count;
    const cJSON *offset = config_of(layer, "offset");
    const int y = with_setting(layer, x[0], GRAPH_MULTIPLY, config_of(layer, "scale"));
    return offset && !cJSON_IsNull(offset) ? with_setting(layer, y, GRAPH_ADD, offset) : y;
}

/* (x - mean) / max(sqrt(variance), 1e-7), one or one a channel. */
static int normalization(const struct keras_layer *layer, const int *x, int count)
{
    (void)count;
    const struct graph_constant *mean = keras_weight(layer, "mean"), *variance = keras_weight(layer, "variance");
    bool invert;
    if (!mean || !variance || !keras_bool(&invert, layer, "invert", false))
        return GRAPH_FAILED;
    if (invert)
        return graph_refuse(layer->graph, "it is inverted");
    size_t values = 1;
    for (int i = 0; i < variance->rank; i++)
        values *= (size_t)variance->dims[i];
    float *std = allocate(values, sizeof *std);
    for (size_t i = 0; i < values; i++)
        std[i] = fmaxf(sqrtf(variance->values[i]), 1e-7f);
    struct graph_constant divisor = *variance;
    divisor.values = std;
    const int centred = graph_arithmetic_constant(layer->graph, GRAPH_SUBTRACT, x[0], mean, false);
    const int y = graph_arithmetic_constant(layer->graph, GRAPH_DIVIDE, centred, &divisor, false);
    free(std);
    return y;
}

/* ---- Of several values ---- */

static int fold(const struct keras_layer *layer, enum graph_arithmetic operation, const int *x, int count)
{
    int y = x[0];
    for (int i = 1; i < count; i++)
        y = graph_arithmetic(layer->graph, operation, y, x[i]);
    return y;
}

static int add(const struct keras_layer *layer, const int *x, int count) { return fold(layer, GRAPH_ADD, x, count); }

static int subtract(const struct keras_layer *layer, const int *x, int count)
{
    return fold(layer, GRAPH_SUBTRACT, x, count);
}

static int multiply(const struct keras_layer *layer, const int *x, int count)
{
    return fold(layer, GRAPH_MULTIPLY, x, count);
}

static int average(const struct keras_layer *layer, const int *x, int count)
{
    const float divisor = (float)count;
    return graph_arithmetic_constant(layer->graph, GRAPH_DIVIDE, fold(layer, GRAPH_ADD, x, count),
                                     &(struct graph_constant){.values = &divisor}, false);
}

static int concatenate(const struct keras_layer *layer, const int *x, int count)
{
    int axis;
    return keras_int(&axis, layer, "axis", -1) ? graph_concat(layer->graph, count, x, axis) : GRAPH_FAILED;
}

/* ---- Shapes ---- */

static int identity(const struct keras_layer *layer, const int *x, int count)
{
    (void)count;
    return graph_identity(layer->graph, x[0]);
}

/* In the order of (h, w, c), also where the channels come first. */
static int flatten(const struct keras_layer *layer, const int *x, int count)
{
    (void)count;
    int y = x[0];
    const int channel_dim = keras_channel_dim(layer);
    if (!channel_dim)
        return GRAPH_FAILED;
    if (channel_dim == 1 && graph_rank(layer->graph, y) == 4)
        y = graph_transpose(layer->graph, y, (const int[]){0, 2, 3, 1});
    return graph_reshape(layer->graph, y, 2, (const int[]){1, -1});
}

static int reshape(const struct keras_layer *layer, const int *x, int count)
{
    (void)count;
    int dims[GRAPH_RANK] = {1};
    const int rank = json_tree_ints_up_to(dims + 1, GRAPH_RANK - 1, config_of(layer, "target_shape"));
    return rank < 0 ? graph_refuse(layer->graph, "its setting `target_shape` is not a list of up to 7 sizes")
                    : graph_reshape(layer->graph, x[0], rank + 1, dims);
}

/* dims counts from 1, without the batch. */
static int permute(const struct keras_layer *layer, const int *x, int count)
{
    (void)count;
    int permutation[GRAPH_RANK] = {0};
    const int rank = json_tree_ints_up_to(permutation + 1, GRAPH_RANK - 1, config_of(layer, "dims"));
    if (rank + 1 != graph_rank(layer->graph, x[0]))
        return graph_refuse(layer->graph, "its setting `dims` is not a list of the dimensions of its input");
    return graph_transpose(layer->graph, x[0], permutation);
}

/* ---- All of them ---- */

static const struct {
    const char *name;
    int (*apply)(const struct keras_layer *layer, const int *x, int count);
    int min_inputs, max_inputs;
} classes[] = {
    {"Conv2D", conv2d, 1, 1},
    {"DepthwiseConv2D", depthwise_conv2d, 1, 1},
    {"SeparableConv2D", separable_conv2d, 1, 1},
    {"MaxPooling2D", max_pooling2d, 1, 1},
    {"AveragePooling2D", average_pooling2d, 1, 1},
    {"GlobalAveragePooling2D", global_average_pooling2d, 1, 1},
    {"GlobalMaxPooling2D", global_max_pooling2d, 1, 1},
    {"ZeroPadding2D", zero_padding2d, 1, 1},
    {"Dense", dense, 1, 1},
    {"BatchNormalization", batch_normalization, 1, 1},
    {"Rescaling", rescaling, 1, 1},
    {"Normalization", normalization, 1, 1},
    {"Add", add, 2, 64},
    {"Subtract", subtract, 2, 2},
    {"Multiply", multiply, 2, 64},
    {"Average", average, 2, 64},
    {"Concatenate", concatenate, 1, 64},
    {"Activation", keras_activation_layer, 1, 1},
    {"ReLU", keras_relu, 1, 1},
    {"LeakyReLU", keras_leaky_relu, 1, 1},
    {"PReLU", keras_prelu, 1, 1},
    {"Softmax", keras_softmax, 1, 1},
    {"Flatten", flatten, 1, 1},
    {"Reshape", reshape, 1, 1},
    {"Permute", permute, 1, 1},
    /* The identity, but in training. */
    {"Dropout", identity, 1, 1},
    {"SpatialDropout2D", identity, 1, 1},
    {"GaussianNoise", identity, 1, 1},
    {"GaussianDropout", identity, 1, 1},
    {"AlphaDropout", identity, 1, 1},
    {"ActivityRegularization", identity, 1, 1},
    {"RandomFlip", identity, 1, 1},
    {"RandomRotation", identity, 1, 1},
    {"RandomZoom", identity, 1, 1},
    {"RandomTranslation", identity, 1, 1},
    {"RandomContrast", identity, 1, 1},
    {"RandomBrightness", identity, 1, 1},
};

int keras_layer_apply(const struct keras_layer *layer, const int *x, int count)
{
    for (int i = 0; i < count; i++)
        if (x[i] == GRAPH_FAILED)
            return GRAPH_FAILED;
    graph_at(layer->graph, layer->class_name, layer->name);
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++)
        if (strcmp(classes[i].name, layer->class_name) == 0) {
            if (count < classes[i].min_inputs || count > classes[i].max_inputs)
                return graph_refuse(layer->graph, "it has %d inputs", count);
            return classes[i].apply(layer, x, count);
        }
    return graph_refuse_kind(layer->graph, "layers of this class cannot be imported");
}
