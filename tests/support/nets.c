#include "support/nets.h"

#include "support/test.h"

int nets_node(struct net *net, struct node node)
{
    net->nodes[net->node_count++] = node;
    return net->node_count;
}

int nets_conv(struct net *net, int in, int channels, int kernel_h, int kernel_w, int stride, bool same, bool bias)
{
    return nets_node(net, (struct node){.kind = NODE_CONV2D,
                                        .input = {in, 0},
                                        .channels = channels,
                                        .kernel_h = kernel_h,
                                        .kernel_w = kernel_w,
                                        .stride = stride,
                                        .dilation = 1,
                                        .groups = 1,
                                        .same = same,
                                        .bias = bias});
}

int nets_depthwise(struct net *net, int in, int kernel_h, int kernel_w, int stride, bool same, bool bias)
{
    return nets_node(net, (struct node){.kind = NODE_DEPTHWISE,
                                        .input = {in, 0},
                                        .kernel_h = kernel_h,
                                        .kernel_w = kernel_w,
                                        .stride = stride,
                                        .same = same,
                                        .bias = bias});
}

int nets_pool(struct net *net, int in, enum node_kind kind, int kernel, int stride, bool same)
{
    return nets_node(
        net,
        (struct node){
            .kind = kind, .input = {in, 0}, .kernel_h = kernel, .kernel_w = kernel, .stride = stride, .same = same});
}

int nets_dense(struct net *net, int in, int channels, bool bias)
{
    return nets_node(net, (struct node){.kind = NODE_DENSE, .input = {in, 0}, .channels = channels, .bias = bias});
}

int nets_dropout(struct net *net, int in, float rate)
{
    return nets_node(net, (struct node){.kind = NODE_DROPOUT, .input = {in, 0}, .rate = rate});
}

int nets_scale(struct net *net, int in, float factor)
{
    return nets_node(net, (struct node){.kind = NODE_SCALE, .input = {in, 0}, .rate = factor});
}

int nets_leaky_relu(struct net *net, int in, float slope)
{
    return nets_node(net, (struct node){.kind = NODE_LEAKY_RELU, .input = {in, 0}, .rate = slope});
}

int nets_add(struct net *net, int first, int second)
{
    return nets_node(net, (struct node){.kind = NODE_ADD, .input = {first, second}});
}

int nets_multiply(struct net *net, int first, int second)
{
    return nets_node(net, (struct node){.kind = NODE_MULTIPLY, .input = {first, second}});
}

int nets_simple(struct net *net, int in, enum node_kind kind)
{
    return nets_node(net, (struct node){.kind = kind, .input = {in, 0}});
}

void nets_finish(struct net *net, int in)
{
    nets_simple(net, in, NODE_SOFTMAX);
    int failed;
    const enum status status = net_check(net, &failed);
    if (status)
        test_fail(__FILE__, __LINE__, "the net is refused: %s, node %d", eyelet_status_text(status), failed);
}

/* The shape of the newest tensor; nodes are checked once more, all together, at the end. */
static struct shape shape_of_last(struct net *net, const struct shape shapes[])
{
    const int i = net->node_count - 1;
    const struct node *node = &net->nodes[i];
    const struct shape in = shapes[node->input[0]];
    if (node_has_window(node->kind)) {
        const int c = node->kind == NODE_CONV2D ? node->channels : in.c;
        if (node->same)
            return (struct shape){(in.h + node->stride - 1) / node->stride, (in.w + node->stride - 1) / node->stride,
                                  c};
        return (struct shape){(in.h - node->kernel_h) / node->stride + 1, (in.w - node->kernel_w) / node->stride + 1,
                              c};
    }
    if (node->kind == NODE_GLOBAL_AVGPOOL)
        return (struct shape){1, 1, in.c};
    if (node->kind == NODE_FLATTEN)
        return (struct shape){1, 1, (int)shape_count(in)};
    if (node->kind == NODE_DENSE)
        return (struct shape){1, 1, node->channels};
    return in;
}

static void random_node(struct net *net, const struct shape shapes[], struct random *random)
{
    static const enum node_kind activations[] = {NODE_RELU,      NODE_SIGMOID, NODE_TANH,
                                                 NODE_BATCHNORM, NODE_GELU,    NODE_RELU6};
    const int count = net->node_count;
    /* Mostly the newest tensor, so that chains get long; otherwise any. */
    const int in = random_below(random, 4) ? count : test_between(random, 0, count);
    const struct shape shape = shapes[in];
    const bool same = random_below(random, 2);
    const int max_h = same || shape.h > 5 ? 5 : shape.h, max_w = same || shape.w > 5 ? 5 : shape.w;
    const int max = max_h < max_w ? max_h : max_w;
    /* Drawn one by one: the order in which arguments are evaluated differs between compilers, and the nets must not. */
    const uint32_t choice = random_below(random, 12);
    const int channels = test_between(random, 1, 9), kernel_h = test_between(random, 1, max_h);
    const int kernel_w = test_between(random, 1, max_w), stride = test_between(random, 1, 2);
    const int pool_kernel = test_between(random, 1, max < 3 ? max : 3);
    const bool coin = random_below(random, 2);
    switch (choice) {
    case 0:
    case 1: nets_conv(net, in, channels, kernel_h, kernel_w, stride, same, coin); return;
    case 2: nets_pool(net, in, coin ? NODE_MAXPOOL : NODE_AVGPOOL, pool_kernel, stride, same); return;
    case 3: nets_dropout(net, in, (float)random_below(random, 3) * 0.25f); return;
    case 4:
        for (int other = count; other >= 0; other--)
            if (shapes[other].h == shape.h && shapes[other].w == shape.w && shapes[other].c == shape.c &&
                (random_below(random, 2) || other == in)) {
                nets_add(net, in, other);
                return;
            }
        nets_add(net, in, in);
        return;
    case 5:
        if (shape.h == 1 && shape.w == 1) {
            nets_dense(net, in, channels * 2, coin);
            return;
        }
        if (random_below(random, 4) == 0) {
            nets_simple(net, in, coin ? NODE_FLATTEN : NODE_GLOBAL_AVGPOOL);
            return;
        } /* fall through */
    case 6: nets_scale(net, in, coin ? 0.625f : 1.75f); return;
    case 7:
    case 8: nets_depthwise(net, in, kernel_h, kernel_w, stride, same, coin); return;
    default: nets_simple(net, in, activations[random_below(random, 6)]);
    }
}

void nets_random(struct net *net, int layers, struct random *random)
{
    const int h = test_between(random, 1, 9), w = test_between(random, 1, 9);
    *net = (struct net){.input = {h, w, random_below(random, 2) ? 3 : 1}};
    struct shape shapes[LIMIT_NODES + 1] = {net->input};
    while (net->node_count < layers) {
        random_node(net, shapes, random);
        shapes[net->node_count] = shape_of_last(net, shapes);
    }
    /* Every tensor that nothing reads yet ends in five numbers, and these are added up. */
    bool is_read[LIMIT_NODES + 1] = {false};
    for (int i = 0; i < net->node_count; i++) {
        is_read[net->nodes[i].input[0]] = true;
        if (kind_traits[net->nodes[i].kind].inputs > 1)
            is_read[net->nodes[i].input[1]] = true;
    }
    int sum = 0;
    for (int t = 0, count = net->node_count; t <= count; t++)
        if (!is_read[t]) {
            int flat = nets_simple(net, t, random_below(random, 2) ? NODE_FLATTEN : NODE_GLOBAL_AVGPOOL);
            flat = nets_dense(net, flat, 5, true);
            sum = sum ? nets_add(net, sum, flat) : flat;
        }
    nets_finish(net, sum);
}

static bool is_elementwise_activation(enum node_kind kind)
{
    return kind_traits[kind].activation && kind_traits[kind].shape == SHAPE_KEPT;
}

void nets_redraw_activations(struct net *net, struct random *random)
{
    for (int i = 0; i < net->node_count; i++)
        while (is_elementwise_activation(net->nodes[i].kind)) {
            const enum node_kind kind = (enum node_kind)test_between(random, 1, NODE_KINDS - 1);
            if (is_elementwise_activation(kind)) {
                net->nodes[i].kind = kind;
                net->nodes[i].rate = kind_traits[kind].setting == SETTING_NONE ? 0 : 0.25f;
                break;
            }
        }
}

void nets_of_kind(struct net *net, enum node_kind kind)
{
    const struct kind_traits *traits = &kind_traits[kind];
    *net = (struct net){.input = {7, 6, 3}};
    int x = nets_conv(net, 0, 4, 3, 2, 1, true, true), second = 0;
    if (traits->inputs > 1)
        second = nets_conv(net, 0, traits->shape == SHAPE_JOINED ? 3 : 4, 1, 1, 1, true, true);
    if (traits->shape == SHAPE_UNITS)
        x = nets_simple(net, x, NODE_GLOBAL_AVGPOOL);
    struct node node = {
        .kind = kind, .input = {x, second}, .channels = traits->channels ? 5 : 0, .bias = node_has_weights(kind)};
    if (traits->shape == SHAPE_PART) {
        node.channels = 2;
        node.first = 1;
    }
    if (node_has_window(kind)) {
        node.kernel_h = 3;
        node.kernel_w = node.stride = 2;
        node.same = true;
    }
    if (traits->setting != SETTING_NONE)
        node.rate = 0.375f;
    node.dilation = kind == NODE_CONV2D ? 1 : 0;
    node.groups = !traits->groups ? 0 : node.dilation ? 1 : 2;
    if (kind != NODE_SOFTMAX) /* which every net ends in */
        x = nets_node(net, node);
    nets_finish(net, nets_dense(net, nets_simple(net, x, NODE_FLATTEN), 3, true));
}

/* A conv2d, depthwise or pooling node for an input of this shape, which becomes that of its output. */
static struct node random_window(struct shape *shape, bool plain, struct random *random)
{
    static const enum node_kind kinds[] = {NODE_CONV2D,    NODE_CONV2D,  NODE_CONV2D,
                                           NODE_DEPTHWISE, NODE_MAXPOOL, NODE_AVGPOOL};
    struct node node = {.kind = kinds[random_below(random, 6)], .stride = test_between(random, 1, 4) / 2 ? 1 : 2};
    const bool conv = node.kind == NODE_CONV2D, wide = random_below(random, 3) == 0;
    node.bias = node_has_weights(node.kind) && random_below(random, 2);
    node.kernel_h = wide ? 3 : test_between(random, 1, 4);
    node.kernel_w = wide ? 3 : test_between(random, 1, 4);
    node.count_padding = node.kind == NODE_AVGPOOL && node.kernel_w % 2;
    if (conv) {
        node.dilation = plain || wide ? 1 : test_between(random, 1, 3);
        node.groups = 1;
        for (int groups = 2; groups <= shape->c && !plain && !wide; groups++)
            if (shape->c % groups == 0 && random_below(random, 3) == 0)
                node.groups = groups;
        node.channels = wide ? test_between(random, 16, 20) : node.groups * test_between(random, 1, 4);
    }
    const int dilation = conv ? node.dilation : 1;
    int *const size[2] = {&shape->h, &shape->w},
               reach[2] = {window_reach(node.kernel_h, dilation), window_reach(node.kernel_w, dilation)};
    for (int axis = 0; axis < 2; axis++) {
        int *before = &node.padding[axis], *after = &node.padding[axis + 2];
        *before = random_below(random, 4) ? test_between(random, 0, reach[axis] - 1) : 0;
        *after = random_below(random, 4) ? test_between(random, 0, reach[axis] - 1) : 0;
        while (*size[axis] + *before + *after < reach[axis]) /* both can become reach - 1, and the input has a pixel */
            ++*(*before < *after ? before : after);
        *size[axis] = (*size[axis] + *before + *after - reach[axis]) / node.stride + 1;
    }
    shape->c = conv ? node.channels : shape->c;
    return node;
}

void nets_random_windows(struct net *net, int layers, bool plain, struct random *random)
{
    struct shape shape = {test_between(random, 1, 12), test_between(random, 1, 12), 3};
    *net = (struct net){.input = shape};
    int last = 0;
    for (int i = 0; i < layers; i++) {
        struct node node = random_window(&shape, plain, random);
        node.input[0] = last;
        last = nets_node(net, node);
        if (random_below(random, 3) == 0)
            last = nets_simple(net, last, NODE_RELU6);
    }
    nets_finish(net, nets_dense(net, nets_simple(net, last, NODE_GLOBAL_AVGPOOL), 5, true));
}

static int random_activation(struct net *net, int in, struct random *random)
{
    static const enum node_kind kinds[] = {NODE_RELU,        NODE_RELU6, NODE_SIGMOID, NODE_SILU,
                                           NODE_HARDSIGMOID, NODE_PRELU, NODE_TANH,    NODE_HARDSWISH};
    const uint32_t drawn = random_below(random, 10);
    return drawn == 9 ? in : drawn == 8 ? nets_leaky_relu(net, in, 0.25f) : nets_simple(net, in, kinds[drawn]);
}

/* One pixel of c channels, made from a tensor. */
static int random_gate(struct net *net, int in, int c, struct random *random)
{
    const bool dense = random_below(random, 2);
    const int pixel = nets_simple(net, in, NODE_GLOBAL_AVGPOOL);
    return random_activation(
        net, dense ? nets_dense(net, pixel, c, true) : nets_conv(net, pixel, c, 1, 1, 1, true, true), random);
}

void nets_random_gates(struct net *net, int blocks, struct random *random)
{
    const int c = test_between(random, 1, 40);
    int h = test_between(random, 1, 9), w = test_between(random, 1, 9);
    *net = (struct net){.input = {h, w, 3}};
    int x = random_activation(net, nets_conv(net, 0, c, 3, 3, 1, true, true), random);
    for (int i = 0; i < blocks; i++) {
        const uint32_t form = random_below(random, 4);
        const bool product = random_below(random, 3), other = random_below(random, 2), pools = random_below(random, 2);
        const int second = form == 0   ? x
                           : form == 1 ? random_activation(net, nets_conv(net, x, c, 1, 1, 1, true, true), random)
                                       : random_gate(net, other ? 0 : x, c, random);
        x = product ? nets_multiply(net, x, second) : nets_add(net, x, second);
        x = random_activation(net, x, random);
        if (pools && h > 1 && w > 1) {
            x = nets_pool(net, x, NODE_MAXPOOL, 2, 2, false);
            h /= 2, w /= 2;
        }
    }
    nets_finish(net, nets_dense(net, nets_simple(net, x, NODE_FLATTEN), 5, true));
}

float *nets_parameters(const struct net *net, struct random *random)
{
    float *parameters = test_floats(net_parameter_count(net));
    for (int i = 0; i < net->node_count; i++) {
        struct block blocks[4];
        const int count = net_blocks(blocks, net, i);
        for (int b = 0; b < count; b++) {
            const bool positive = blocks[b].role == BLOCK_SCALE || blocks[b].role == BLOCK_VARIANCE;
            test_fill(parameters + blocks[b].offset, blocks[b].count, random);
            for (size_t k = blocks[b].offset; k < blocks[b].offset + blocks[b].count; k++)
                parameters[k] = parameters[k] * 0.5f + (positive ? 1.0f : 0);
        }
    }
    return parameters;
}

void fixture_pack(struct fixture *fixture, const struct net *net, const float *parameters)
{
    for (int i = 0; i < net->node_count; i++)
        net_pack(&fixture->packed, net, i, parameters + net->offset[i]);
    fixture->run.parameters = parameters;
}

void fixture_open(struct fixture *fixture, const struct net *net, const float *parameters, int batch, net_mode mode)
{
    struct arena measure = {0};
    net_packed_plan(&fixture->packed, net, mode, &measure);
    net_run_plan(&fixture->run, net, &fixture->packed, batch, mode, &measure);
    fixture->bytes = measure.used;

    struct arena arena = {.base = test_bytes((size_t)measure.used), .size = measure.used};
    net_packed_plan(&fixture->packed, net, mode, &arena);
    net_run_plan(&fixture->run, net, &fixture->packed, batch, mode, &arena);
    CHECK_EQUAL(arena.used, measure.used);
    fixture_pack(fixture, net, parameters);
}
