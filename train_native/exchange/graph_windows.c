/* Windows that slide over h and w, and the padding around them. */
#include "exchange/graph_parts.h"

#include <float.h>
#include <string.h>

struct ground ground_of(const struct graph *graph, int tensor)
{
    const struct layer *pad = layer_of(graph, tensor);
    if (!pad || pad->kind != LAYER_PAD)
        return (struct ground){.tensor = tensor, .shape = tensor_shape(graph, tensor)};
    struct ground ground = {pad->node.input[0], tensor_shape(graph, pad->node.input[0]), {0}, pad};
    memcpy(ground.padding, pad->node.padding, sizeof ground.padding);
    return ground;
}

/* What is the same along both sides, and within the limits. */
static bool window_possible(struct graph *graph, const struct graph_window *window)
{
    for (int side = 0; side < 2; side++) {
        if (window->kernel[side] < 1 || window->kernel[side] > LIMIT_KERNEL)
            graph_refuse(graph, "a window of %dx%d: at most %dx%d is possible", window->kernel[0], window->kernel[1],
                         LIMIT_KERNEL, LIMIT_KERNEL);
        if (window->dilation[side] < 1 || window->dilation[side] > LIMIT_DILATION)
            graph_refuse(graph, "dilation %dx%d: 1 to %d is possible", window->dilation[0], window->dilation[1],
                         LIMIT_DILATION);
        for (int k = side; k < 4; k += 2)
            if (window->mode == GRAPH_EXPLICIT && (window->padding[k] < 0 || window->padding[k] > LIMIT_PADDING))
                graph_refuse(graph, "padding %d: 0 to %d is possible", window->padding[k], LIMIT_PADDING);
    }
    if (window->stride[0] != window->stride[1])
        graph_refuse(graph, "stride %dx%d: strides must be equal", window->stride[0], window->stride[1]);
    if (window->stride[0] < 1 || window->stride[0] > LIMIT_KERNEL)
        graph_refuse(graph, "stride %d: 1 to %d is possible", window->stride[0], LIMIT_KERNEL);
    const bool matters = window->kernel[0] > 1 && window->kernel[1] > 1;
    if (matters && window->dilation[0] != window->dilation[1])
        graph_refuse(graph, "dilation %dx%d: both must be equal", window->dilation[0], window->dilation[1]);
    return !graph->failed;
}

static int larger(int a, int b) { return a > b ? a : b; }

/* One side of a window: the sizes that there are, and what comes out. */
struct side {
    int in, reach, stride;
    int before, after; /* padding; of SAME: to be found */
    int out;
    bool beyond; /* the last window reaches past the padding */
};

static void place_side(struct side *side, enum graph_padding mode, bool ceil)
{
    if (mode != GRAPH_EXPLICIT) {
        side->out = (side->in + side->stride - 1) / side->stride;
        const int all = larger(0, (side->out - 1) * side->stride + side->reach - side->in);
        side->before = mode == GRAPH_SAME_UPPER ? all / 2 : all - all / 2;
        side->after = all - side->before;
        return;
    }
    const int span = side->in + side->before + side->after - side->reach;
    side->out = span < 0 ? 0 : span / side->stride + 1;
    if (span >= 0 && ceil && span % side->stride && side->out * side->stride < side->in + side->before) {
        side->out++; /* it begins within the input or the padding before it */
        side->beyond = true;
    }
}

/* What is needed of the padding behind: the rest makes no difference, or is what `beyond` asks for. */
static void trim_side(struct side *side)
{
    side->after = larger(0, (side->out - 1) * side->stride + side->reach - side->in - side->before);
}

static bool is_same(const struct side *side)
{
    const int out = (side->in + side->stride - 1) / side->stride;
    return side->out == out && side->before == larger(0, (out - 1) * side->stride + side->reach - side->in) / 2;
}

bool place_window(struct graph *graph, struct layer *layer, const struct ground *ground,
                  const struct graph_window *window, bool counted)
{
    if (!window_possible(graph, window))
        return false;
    const int dilation = window->kernel[0] > 1 ? window->dilation[0] : window->kernel[1] > 1 ? window->dilation[1] : 1;
    const int sizes[2] = {ground->shape.h, ground->shape.w};
    struct side sides[2];
    for (int k = 0; k < 2; k++) {
        struct side *side = &sides[k];
        *side = (struct side){.in = sizes[k] + ground->padding[k] + ground->padding[k + 2],
                              .reach = window_reach(window->kernel[k], dilation),
                              .stride = window->stride[k],
                              .before = window->mode == GRAPH_EXPLICIT ? window->padding[k] : 0,
                              .after = window->mode == GRAPH_EXPLICIT ? window->padding[k + 2] : 0};
        place_side(side, window->mode, window->ceil);
        if (side->out < 1)
            graph_refuse(graph, "a window of %d over %d pixels", side->reach, side->in);
        if (side->beyond && counted)
            graph_refuse(graph, "a mean that counts padding, over windows that reach past it (ceil_mode)");
        side->in = sizes[k];
        side->before += ground->padding[k];
        trim_side(side);
        if (side->before >= side->reach || side->after >= side->reach)
            graph_refuse(graph, "padding %d for a window of %d pixels: it must be less",
                         larger(side->before, side->after), side->reach);
    }
    const bool padded = sides[0].before || sides[0].after || sides[1].before || sides[1].after;
    struct node *node = &layer->node;
    node->input[0] = ground->tensor;
    node->kernel_h = window->kernel[0];
    node->kernel_w = window->kernel[1];
    node->stride = window->stride[0];
    node->dilation = dilation;
    node->same = padded && !counted && is_same(&sides[0]) && is_same(&sides[1]);
    if (!node->same) {
        const int padding[4] = {sides[0].before, sides[1].before, sides[0].after, sides[1].after};
        memcpy(node->padding, padding, sizeof padding);
    }
    layer->shape = (struct shape){sides[0].out, sides[1].out, ground->shape.c};
    return !graph->failed;
}

int map_value(struct graph *graph, int tensor, int channel_dim)
{
    if (tensor < 0)
        return GRAPH_FAILED;
    const struct shape shape = tensor_shape(graph, tensor);
    struct value value = {.tensor = tensor, .rank = 4};
    value.dims[channel_dim] = whole_axis(AXIS_C, shape.c);
    value.dims[channel_dim == 1 ? 2 : 1] = whole_axis(AXIS_H, shape.h);
    value.dims[channel_dim == 3 ? 2 : 3] = whole_axis(AXIS_W, shape.w);
    return add_value(graph, &value);
}

/* ---- Padding ---- */

/* Which dimensions are rows and columns; false, if others are to be padded. */
static bool padded_sides(int sides[2], struct graph *graph, const struct value *value, const int *before,
                         const int *after)
{
    for (int channels = 1; value->rank == 4 && channels <= 3; channels += 2) {
        if (!could_be_map(graph, value, channels) || before[0] || after[0] || before[channels] || after[channels])
            continue;
        sides[0] = channels == 1 ? 2 : 1;
        sides[1] = channels == 1 ? 3 : 2;
        return true;
    }
    return false;
}

int graph_pad(struct graph *graph, int x, const int *before, const int *after, float value)
{
    if (!graph_readable(graph, x))
        return GRAPH_FAILED;
    struct value padded = *value_of(graph, x);
    struct layer pad = {
        .kind = LAYER_PAD, .node = {.input = {padded.tensor}}, .shape = tensor_shape(graph, padded.tensor)};
    int sides[2];
    bool any = false;
    for (int i = 0; i < padded.rank; i++) {
        if (before[i] < 0 || after[i] < 0 || before[i] > LIMIT_PADDING || after[i] > LIMIT_PADDING)
            return graph_refuse(graph, "padding %d and %d: 0 to %d is possible", before[i], after[i], LIMIT_PADDING);
        any = any || before[i] || after[i];
    }
    if (!any)
        return x;
    if (!padded_sides(sides, graph, &padded, before, after))
        return graph_refuse(graph, "padding of other dimensions than a picture's rows and columns");
    if (value != 0 && value > -FLT_MAX)
        return graph_refuse(graph, "padding with %g: only 0 is possible", (double)value);
    pad.lowest = value != 0;
    for (int k = 0; k < 2; k++) {
        pad.node.padding[k] = before[sides[k]];
        pad.node.padding[k + 2] = after[sides[k]];
    }
    pad.shape.h += before[sides[0]] + after[sides[0]];
    pad.shape.w += before[sides[1]] + after[sides[1]];
    padded.dims[sides[0]] = whole_axis(AXIS_H, pad.shape.h);
    padded.dims[sides[1]] = whole_axis(AXIS_W, pad.shape.w);
    return value_like(graph, add_layer(graph, &pad), &padded);
}
