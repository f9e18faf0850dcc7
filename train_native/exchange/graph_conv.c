/* Convolutions: their weights from any layout, and the kind of layer that they are. */
#include "exchange/graph_parts.h"

#include "cli/memory.h"

#include <stdlib.h>

/* Sizes of weights, and the steps in memory along each. */
struct filters {
    int out, in, h, w;
    size_t out_step, in_step, h_step, w_step;
    int groups;
};

/* What a layout's dimensions are: 'o', 'i', 'h', 'w'; 'c' and 'm', outputs together; '1'. */
static const char *const layouts[] = {
    [GRAPH_OIHW] = "oihw", [GRAPH_HWIO] = "hwio", [GRAPH_OHWI] = "ohwi", [GRAPH_HWCM] = "hwom", [GRAPH_1HWC] = "1hwo"};

static bool filters_of(struct filters *filters, struct graph *graph, const struct graph_conv *conv, int channels)
{
    const struct graph_constant *weights = conv->weights;
    if (!constant_count(graph, weights, "weights"))
        return false;
    if (weights->rank != 4) {
        graph_refuse(graph, "weights of %d dimensions: convolutions over pictures have 4", weights->rank);
        return false;
    }
    *filters = (struct filters){1, 1, 1, 1, .groups = conv->groups};
    size_t step = 1;
    int multiplier = 1;
    for (int i = 3; i >= 0; i--) {
        const int size = weights->dims[i];
        switch (layouts[conv->layout][i]) {
        case 'o': filters->out = size * multiplier, filters->out_step = step / (size_t)multiplier; break;
        case 'i': filters->in = size, filters->in_step = step; break;
        case 'h': filters->h = size, filters->h_step = step; break;
        case 'w': filters->w = size, filters->w_step = step; break;
        case 'm': multiplier = size; break;
        default: filters->out = size == 1 ? filters->out : 0;
        }
        step *= (size_t)size;
    }
    if (conv->layout == GRAPH_HWCM || conv->layout == GRAPH_1HWC)
        filters->groups = channels;
    if (filters->groups < 1 || filters->out < 1 || filters->out % filters->groups ||
        (int64_t)filters->in * filters->groups != channels) {
        graph_refuse(graph, "weights of %d inputs and %d outputs in %d groups for %d channels", filters->in,
                     filters->out, filters->groups, channels);
        return false;
    }
    if (filters->out > LIMIT_CHANNELS) {
        graph_refuse(graph, "%d channels: at most %d are possible", filters->out, LIMIT_CHANNELS);
        return false;
    }
    return constant_fits(graph, conv->bias, "biases", filters->out);
}

/* Weights (h, w, in, out) and perhaps a bias (out). inputs: where in the tensor the channels of x stand; outputs, of
 * depthwise ones, likewise. */
static void copy_filters(struct layer *layer, const struct graph_conv *conv, const struct filters *filters,
                         const int *inputs, const int *outputs)
{
    const int out = filters->out, in = filters->in;
    const size_t count = (size_t)out * (size_t)in * (size_t)filters->h * (size_t)filters->w;
    layer->node.bias = conv->bias != NULL;
    layer->count = count + (conv->bias ? (size_t)out : 0);
    layer->parameters = allocate(layer->count, sizeof(float));
    float *to = layer->parameters;
    for (int y = 0; y < filters->h; y++)
        for (int x = 0; x < filters->w; x++, to += in * out)
            for (int i = 0; i < in; i++) {
                const float *from = conv->weights->values + (size_t)y * filters->h_step + (size_t)x * filters->w_step +
                                    (size_t)i * filters->in_step;
                for (int o = 0; o < out; o++)
                    to[inputs[i] * out + outputs[o]] = from[(size_t)o * filters->out_step];
            }
    for (int o = 0; conv->bias && o < out; o++)
        layer->parameters[count + (size_t)outputs[o]] = conv->bias->values[o];
}

/* The kind that a convolution is, once its window is known. */
static void choose_kind(struct layer *layer, const struct filters *filters)
{
    struct node *node = &layer->node;
    const struct shape out = layer->shape;
    const bool depthwise = filters->groups > 1 && filters->in == 1 && filters->out == filters->groups;
    layer->kind = NODE_CONV2D;
    if (depthwise && node->dilation == 1) {
        layer->kind = NODE_DEPTHWISE;
        node->dilation = 0;
        return;
    }
    node->groups = filters->groups;
    node->channels = filters->out;
    if (filters->groups == 1 && out.h == 1 && out.w == 1 && filters->h == 1 && filters->w == 1 && node->stride == 1) {
        layer->kind = NODE_DENSE;
        node->kernel_h = node->kernel_w = node->stride = node->dilation = node->groups = 0;
    }
}

static int *numbers_to(int count)
{
    int *numbers = allocate((size_t)count, sizeof *numbers);
    for (int i = 0; i < count; i++)
        numbers[i] = i;
    return numbers;
}

int graph_conv(struct graph *graph, int x, const struct graph_conv *conv)
{
    if (!graph_readable(graph, x) || !is_map(graph, value_of(graph, x), conv->channel_dim))
        return GRAPH_FAILED;
    struct filters filters;
    if (!filters_of(&filters, graph, conv, dim_size(&value_of(graph, x)->dims[conv->channel_dim])))
        return GRAPH_FAILED;
    const bool per_channel = filters.groups > 1 && filters.in == 1 && filters.out == filters.groups;
    if (filters.groups > 1 && !per_channel && (x = plain_channels(graph, x)) < 0)
        return GRAPH_FAILED;
    const struct value *value = value_of(graph, x);
    const struct ground ground = ground_of(graph, value->tensor);
    if (ground.pad && ground.pad->lowest)
        return graph_refuse(graph, "a convolution over padding that is not 0");
    struct graph_window window = conv->window;
    window.kernel[0] = filters.h;
    window.kernel[1] = filters.w;
    struct layer layer = {0};
    if (!place_window(graph, &layer, &ground, &window, false))
        return GRAPH_FAILED;
    layer.shape.c = filters.out;
    choose_kind(&layer, &filters);
    int *order = allocate((size_t)ground.shape.c, sizeof *order),
        *plain = numbers_to(filters.in > filters.out ? filters.in : filters.out);
    channel_order(order, value, conv->channel_dim);
    copy_filters(&layer, conv, &filters, filters.groups == 1 ? order : plain, per_channel ? order : plain);
    free(order);
    free(plain);
    struct value channels = *value;
    const int tensor = add_layer(graph, &layer), made = map_value(graph, tensor, conv->channel_dim);
    if (made >= 0 && per_channel) /* one output a channel, where that stands */
        graph->values[made].dims[conv->channel_dim] = channels.dims[conv->channel_dim];
    return made;
}
