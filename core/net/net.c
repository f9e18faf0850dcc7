/* What a network is: its checks, the shapes of its tensors, the blocks of its parameters. */
#include "net/net.h"

#include <assert.h>
#include <string.h>

static bool within(int value, int min, int max) { return value >= min && value <= max; }

/* Outputs along one side: `padding` rows or columns in all, unless it follows from the sizes. */
static int window_count(int in, int reach, int stride, bool same, int padding)
{
    return same ? (in + stride - 1) / stride : (in + padding - reach) / stride + 1;
}

static struct shape node_reach(const struct node *node)
{
    const int dilation = node->dilation ? node->dilation : 1;
    return (struct shape){window_reach(node->kernel_h, dilation), window_reach(node->kernel_w, dilation), 1};
}

/* Of a node with a window, as node_shape. */
static struct shape window_shape(const struct node *node, struct shape in)
{
    const struct shape misfit = {0, 0, 0}, reach = node_reach(node);
    const int rows = node->padding[PADDING_TOP] + node->padding[PADDING_BOTTOM];
    const int columns = node->padding[PADDING_LEFT] + node->padding[PADDING_RIGHT];
    if (!node->same && (reach.h > in.h + rows || reach.w > in.w + columns))
        return misfit;
    return (struct shape){window_count(in.h, reach.h, node->stride, node->same, rows),
                          window_count(in.w, reach.w, node->stride, node->same, columns),
                          kind_traits[node->kind].channels ? node->channels : in.c};
}

/* Whether two inputs are of one shape, or the second is of one pixel where that may be. */
static bool pairs(const struct kind_traits *traits, struct shape in, struct shape second)
{
    return second.c == in.c &&
           ((second.h == in.h && second.w == in.w) || (traits->broadcast && second.h == 1 && second.w == 1));
}

/* The output's shape, or c == 0 when the node does not fit its inputs. */
static struct shape node_shape(const struct node *node, struct shape in, struct shape second)
{
    const struct shape misfit = {0, 0, 0};
    const bool flat = in.h == 1 && in.w == 1;
    const struct kind_traits *traits = &kind_traits[node->kind];
    if (node->groups && (in.c % node->groups || node->channels % node->groups))
        return misfit;
    switch (traits->shape) {
    case SHAPE_KEPT: return traits->inputs == 1 || pairs(traits, in, second) ? in : misfit;
    case SHAPE_WINDOW: return window_shape(node, in);
    case SHAPE_POOLED: return (struct shape){1, 1, in.c};
    case SHAPE_FLAT: return (struct shape){1, 1, (int)shape_count(in)};
    case SHAPE_UNITS: return flat ? (struct shape){1, 1, node->channels} : misfit;
    case SHAPE_VECTOR: return flat ? in : misfit;
    case SHAPE_JOINED:
        return second.h == in.h && second.w == in.w ? (struct shape){in.h, in.w, in.c + second.c} : misfit;
    case SHAPE_PART: return node->first + node->channels <= in.c ? (struct shape){in.h, in.w, node->channels} : misfit;
    }
    return misfit;
}

/* In 64 bits: before they are checked, these products can pass a 32-bit machine's size_t and come out small. */
static uint64_t wide_count(struct shape shape) { return (uint64_t)shape.h * (uint64_t)shape.w * (uint64_t)shape.c; }

static uint64_t weight_count(const struct node *node, struct shape in)
{
    const uint64_t taps = node_has_window(node->kind) ? (uint64_t)(node->kernel_h * node->kernel_w) : 1;
    const uint64_t filters =
        kind_traits[node->kind].per_channel ? 1 : (uint64_t)node->channels; /* of each input channel */
    return taps * (uint64_t)in.c * filters / (node->groups ? (uint64_t)node->groups : 1);
}

/* Explicit padding is less than the window covers, so that no window lies outside of the input. */
static bool padding_valid(const struct node *node)
{
    const struct shape reach = node_reach(node);
    bool valid = true;
    for (int side = 0; side < 4; side++) {
        const bool none = node->same || !node_has_window(node->kind);
        valid = valid && within(node->padding[side], 0, none ? 0 : (side % 2 ? reach.w : reach.h) - 1);
    }
    return valid;
}

static bool padded_within(const struct net *net, int node)
{
    const struct window window = net_window(net, node);
    return wide_count(window_padded(&window)) <= LIMIT_PADDED;
}

/* Fields that a kind does not use are zero, so that a network has one description only. */
static bool fields_valid(const struct node *node, int index, bool last)
{
    const struct kind_traits *traits = &kind_traits[node->kind];
    const bool window = node_has_window(node->kind);
    const int max = window ? LIMIT_KERNEL : 0, min = window ? 1 : 0, conv = node->kind == NODE_CONV2D;
    return within(node->input[0], 0, index) && within(node->input[1], 0, traits->inputs > 1 ? index : 0) &&
           within(node->channels, traits->channels ? 1 : 0, traits->channels ? LIMIT_CHANNELS : 0) &&
           within(node->kernel_h, min, max) && within(node->kernel_w, min, max) && within(node->stride, min, max) &&
           within(node->dilation, conv, conv * LIMIT_DILATION) &&
           within(node->groups, traits->groups, traits->groups * LIMIT_CHANNELS) &&
           within(node->count_padding, 0, node->kind == NODE_AVGPOOL) &&
           within(node->first, 0, traits->shape == SHAPE_PART ? LIMIT_ACTIVATIONS : 0) && padding_valid(node) &&
           (window || !node->same) && (node_has_weights(node->kind) || !node->bias) &&
           kind_accepts_rate(node->kind, node->rate) && (node->kind == NODE_SOFTMAX) == last;
}

/* Of a net with a valid input: what is behind it. */
static enum status check_nodes(struct net *net, int *failed)
{
    if (!within(net->node_count, 1, LIMIT_NODES))
        return STATUS_HEADER;
    memset(net->consumers, 0, sizeof net->consumers);
    net->shapes[0] = net->input;
    net->offset[0] = 0;

    for (int i = 0; i < net->node_count; i++) {
        const struct node *node = &net->nodes[i];
        *failed = i;
        if (!within((int)node->kind, 1, NODE_KINDS - 1) || !fields_valid(node, i, i == net->node_count - 1))
            return STATUS_NODE;
        const struct shape in = net->shapes[node->input[0]], out = node_shape(node, in, net->shapes[node->input[1]]);
        if (out.c < 1)
            return STATUS_NODE;
        if (wide_count(out) > LIMIT_ACTIVATIONS ||
            (node_has_weights(node->kind) && weight_count(node, in) > LIMIT_PARAMETERS))
            return STATUS_LIMIT;
        net->shapes[i + 1] = out;
        if (!padded_within(net, i))
            return STATUS_LIMIT;
        net->consumers[node->input[0]]++;
        if (kind_traits[node->kind].inputs > 1)
            net->consumers[node->input[1]]++;
        struct block blocks[4];
        const int count = net_blocks(blocks, net, i);
        uint64_t end = count ? (uint64_t)blocks[count - 1].offset + blocks[count - 1].count : net->offset[i];
        if (end > LIMIT_PARAMETERS)
            return STATUS_LIMIT;
        net->offset[i + 1] = (size_t)end;
    }
    if (net->embedding) {
        const int tensor = net->embedding;
        *failed = net->node_count - 1;
        if (!within(tensor, 1, net->node_count - 1) || net->shapes[tensor].h != 1 || net->shapes[tensor].w != 1)
            return STATUS_HEADER;
        net->consumers[tensor]++;
    }
    for (int i = 0; i < net->node_count; i++) {
        *failed = i == 0 ? 0 : i - 1;
        if (net->consumers[i] == 0) /* a tensor that nothing reads */
            return STATUS_NODE;
    }
    return within(net_classes(net), 1, LIMIT_CHANNELS) ? STATUS_OK : STATUS_LIMIT;
}

enum status net_check(struct net *net, int *failed)
{
    int ignored;
    failed = failed ? failed : &ignored;
    *failed = 0;
    const bool valid = within(net->input.h, 1, LIMIT_SIDE) && within(net->input.w, 1, LIMIT_SIDE) &&
                       (net->input.c == 1 || net->input.c == 3);
    return valid ? check_nodes(net, failed) : STATUS_HEADER;
}

enum status net_check_tail(struct net *net)
{
    int failed = 0;
    const bool valid = net->input.h == 1 && net->input.w == 1 && within(net->input.c, 1, LIMIT_ACTIVATIONS);
    return valid ? check_nodes(net, &failed) : STATUS_HEADER;
}

int net_head(const struct net *net)
{
    int head = net->node_count - 1;
    while (head > 0 && !node_has_weights(net->nodes[head].kind))
        head--;
    return head;
}

int net_blocks(struct block blocks[4], const struct net *net, int node)
{
    assert(node >= 0 && node < net->node_count &&
           net->shapes[node + 1].c > 0); /* checked, or being checked, by net_check */
    const struct node *of = &net->nodes[node];
    const size_t start = net->offset[node], c = (size_t)net->shapes[node + 1].c;
    int count = 0;
    switch (kind_traits[of->kind].parameters) {
    case PARAMETERS_NONE: break;
    case PARAMETERS_WEIGHTS:
        blocks[count++] = (struct block){BLOCK_WEIGHT, start, (size_t)weight_count(of, net->shapes[of->input[0]])};
        if (of->bias)
            blocks[count++] = (struct block){BLOCK_BIAS, start + blocks[0].count, c};
        break;
    case PARAMETERS_NORM:
        for (enum block_role role = BLOCK_SCALE; role <= BLOCK_VARIANCE; role++, count++)
            blocks[count] = (struct block){role, start + (size_t)count * c, c};
        break;
    case PARAMETERS_SLOPES: blocks[count++] = (struct block){BLOCK_SLOPE, start, c}; break;
    }
    return count;
}

uint64_t net_multiply_adds(const struct net *net, int node)
{
    struct block blocks[4];
    const struct shape out = net->shapes[node + 1];
    const bool weights = net_blocks(blocks, net, node) && blocks[0].role == BLOCK_WEIGHT;
    return weights ? (uint64_t)blocks[0].count * (uint64_t)(out.h * out.w) : 0;
}

struct window net_window(const struct net *net, int node)
{
    assert(node >= 0 && node < net->node_count && net->shapes[node + 1].c > 0);
    const struct node *of = &net->nodes[node];
    struct window window = {.in = net->shapes[of->input[0]],
                            .out = net->shapes[node + 1],
                            .kernel_h = of->kernel_h,
                            .kernel_w = of->kernel_w,
                            .stride = of->stride,
                            .pad_top = of->padding[PADDING_TOP],
                            .pad_left = of->padding[PADDING_LEFT],
                            .dilation = of->dilation ? of->dilation : 1,
                            .groups = of->groups ? of->groups : 1,
                            .count_padding = of->count_padding};
    if (kind_traits[of->kind].shape == SHAPE_UNITS)
        window.kernel_h = window.kernel_w = window.stride = 1;
    if (kind_traits[of->kind].shape == SHAPE_POOLED) {
        window.kernel_h = window.in.h;
        window.kernel_w = window.in.w;
        window.stride = 1;
    }
    if (of->same) { /* for all of the output, of which net_trim may have left a part */
        const struct shape reach = node_reach(of);
        const int h =
            (window_count(window.in.h, 0, window.stride, true, 0) - 1) * window.stride + reach.h - window.in.h;
        const int w =
            (window_count(window.in.w, 0, window.stride, true, 0) - 1) * window.stride + reach.w - window.in.w;
        window.pad_top = h > 0 ? h / 2 : 0;
        window.pad_left = w > 0 ? w / 2 : 0;
    }
    return window;
}

static int larger(int a, int b) { return a > b ? a : b; }

static int smaller(int a, int b) { return a < b ? a : b; }

/* Enlarges *shape to h x w; whether it was smaller. */
static bool enlarge(struct shape *shape, int h, int w)
{
    const bool smaller_before = shape->h < h || shape->w < w;
    shape->h = larger(shape->h, h);
    shape->w = larger(shape->w, w);
    return smaller_before;
}

void net_trim(struct net *net)
{
    assert(net_checked(net));
    struct shape read[LIMIT_NODES + 1]; /* of each tensor, from its first row and column on */
    for (int t = 0; t <= net->node_count; t++)
        read[t] = (struct shape){0, 0, net->shapes[t].c};
    read[0] = net->shapes[0];
    read[net->embedding] = net->shapes[net->embedding];
    read[net->node_count] = net->shapes[net->node_count];
    for (bool again = true;
         again;) { /* the tensors of a layer that works pixel by pixel grow together, so what was done may grow later */
        again = false;
        for (int i = net->node_count - 1; i >= 0; i--) {
            const struct node *node = &net->nodes[i];
            const struct shape in = net->shapes[node->input[0]], full = net->shapes[i + 1], out = read[i + 1];
            const bool pixelwise = !node_has_window(node->kind) && in.h == full.h && in.w == full.w;
            int h = in.h, w = in.w;
            if (node_has_window(node->kind) &&
                (node->stride == 1 || !node->same)) { /* else the borders depend on the full size */
                const struct window window = net_window(net, i);
                const struct shape reach = node_reach(node);
                h = smaller(h, (out.h - 1) * window.stride + reach.h - window.pad_top);
                w = smaller(w, (out.w - 1) * window.stride + reach.w - window.pad_left);
            } else if (pixelwise) {
                h = out.h;
                w = out.w;
            }
            for (int k = 0; k < kind_traits[node->kind].inputs; k++) {
                struct shape *of = &read[node->input[k]];
                const bool whole = k == 1 && net_broadcasts(net, i);
                again = enlarge(of, whole ? 1 : h, whole ? 1 : w) || again;
                if (pixelwise)
                    again = enlarge(&read[i + 1], of->h, of->w) || again;
            }
        }
    }
    memcpy(net->shapes, read, (size_t)(net->node_count + 1) * sizeof *read);
}
