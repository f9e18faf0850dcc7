/* What is decided before a network runs: which kernel computes a layer, what else is done in its pass, where its
 * tensors lie.
 *
 *     layer                          kernel             why
 *     conv2d 3x3, stride 1, of at    winograd.h         a quarter of the multiplications; with fewer channels the
 *       least 16 to 16 channels                         transforms take longer than the products that they save
 *       in inference to 4 rows or      winograd_rows.h  half of them: with one row of tiles it would be reading the
 *       columns                                         transformed weights that takes the time, four times as many
 *                                                       there, here twice
 *       in inference to less           conv.h           too little of a tile would be of use
 *     other conv2d, dense            conv.h, gemm.h     reads windows in place; 1x1 and dense are plain matrix products
 *     depthwise                      depthwise.h        a filter a channel is no matrix product
 *     relu, relu6 behind any of      in that layer's    a pass over memory less
 *       these or behind add            pass
 *     flatten                        none               the same values in the same order
 *     batchnorm                      norm.h             folded into the layer before it where a model is written
 *     all others                     their own loops */
#include "net/net.h"

#include "kernels/conv.h"
#include "base/memory_planner.h"
#include "kernels/batchnorm.h"
#include "kernels/winograd.h"
#include "kernels/winograd_rows.h"

#include <assert.h>
#include <string.h>

/* Whether node i writes its output over its input, whose memory nothing else reads: a change of shape always may, an
 * activation where the layer before does not look at its own output again on the way back. */
static bool in_place(const struct net *net, int i)
{
    const int in = net->nodes[i].input[0];
    const struct kind_traits *traits = &kind_traits[net->nodes[i].kind];
    if (net->consumers[in] != 1 || in == 0)
        return false;
    return traits->shape == SHAPE_FLAT || (traits->in_place && kind_traits[net->nodes[in - 1].kind].overwritten);
}

/* The ceiling of the activation that is done in the pass of node i: of node i + 1 if it is the only one to read its
 * output. */
static float ceiling_behind(const struct net *net, int i)
{
    if (i + 1 >= net->node_count || net->nodes[i + 1].input[0] != i + 1 || !in_place(net, i + 1) ||
        !kind_traits[net->nodes[i].kind].fuses)
        return 0;
    return kind_traits[net->nodes[i + 1].kind].ceiling;
}

const struct conv_kernel net_kernel_conv = {conv_packed_count, conv_pack, conv_forward_scratch, conv_forward},
                         net_kernel_winograd = {winograd_packed_count, winograd_pack, winograd_forward_scratch,
                                                winograd_forward},
                         net_kernel_winograd_rows = {winograd_rows_packed_count, winograd_rows_pack,
                                                     winograd_rows_forward_scratch, winograd_rows_forward};

static const struct conv_kernel *kernel_for(const struct window *window, net_mode mode)
{
    enum { TILE_SIDE = 4 };
    const int side = window->out.h < window->out.w ? window->out.h : window->out.w;
    if (!winograd_computes(window))
        return &net_kernel_conv;
    if (mode || side > TILE_SIDE)
        return &net_kernel_winograd;
    return side == TILE_SIDE ? &net_kernel_winograd_rows : &net_kernel_conv;
}

void net_packed_plan(struct net_packed *packed, const struct net *net, net_mode mode, struct arena *arena)
{
    assert(net_checked(net));
    memset(packed, 0, sizeof *packed);
    packed->mode = mode;
    for (int i = 0; i < net->node_count; i++) {
        struct block blocks[4];
        const int count = net_blocks(blocks, net, i);
        packed->ceiling[i] = ceiling_behind(net, i);
        packed->done[i] = i > 0 && packed->ceiling[i - 1] > 0;
        if (count && blocks[0].role == BLOCK_WEIGHT) {
            const struct window window = net_window(net, i);
            const bool depthwise = kind_traits[net->nodes[i].kind].per_channel;
            packed->kernel[i] = depthwise ? NULL : kernel_for(&window, mode);
            packed->forward[i] = arena_alloc(
                arena, depthwise ? blocks[0].count : packed->kernel[i]->packed_count(&window), sizeof(float));
            if (count > 1)
                packed->bias[i] = arena_alloc(arena, blocks[1].count, sizeof(float));
            if (mode && !depthwise)
                mode->plan_packed(packed, i, &window, arena);
        } else if (count) {
            packed->forward[i] = arena_alloc(arena, blocks[0].count, sizeof(float));
            if (blocks[0].role != BLOCK_SLOPE)
                packed->bias[i] = arena_alloc(arena, blocks[0].count, sizeof(float));
        }
    }
}

void net_pack(struct net_packed *packed, const struct net *net, int node, const float *parameters)
{
    struct block blocks[4];
    const int count = net_blocks(blocks, net, node);
    assert(count == 0 || (packed->forward[node] && parameters)); /* bound to memory */
    if (count && blocks[0].role == BLOCK_WEIGHT) {
        const struct window window = net_window(net, node);
        if (kind_traits[net->nodes[node].kind].per_channel)
            memcpy(packed->forward[node], parameters, blocks[0].count * sizeof(float));
        else
            packed->kernel[node]->pack(packed->forward[node], parameters, &window);
        if (count > 1)
            memcpy(packed->bias[node], parameters + blocks[0].count, blocks[1].count * sizeof(float));
        if (packed->mode && packed->backward[node])
            packed->mode->pack(packed, node, parameters, &window);
    } else if (count && blocks[0].role == BLOCK_SLOPE) {
        memcpy(packed->forward[node], parameters, blocks[0].count * sizeof(float));
    } else if (count) {
        const size_t c = blocks[0].count;
        batchnorm_fold(packed->forward[node], packed->bias[node], parameters, parameters + c, parameters + 2 * c,
                       parameters + 3 * c, (int)c);
    }
}

uint64_t net_tensor_floats(const struct net *net, int tensor, int batch)
{
    return ((uint64_t)batch * shape_count(net->shapes[tensor]) + 15) / 16 * 16; /* whole cache lines */
}

/* Memory that tensors, or their gradients, reuse across their lifetimes. These are indices of nodes: from the one that
 * writes a tensor to the last that reads it; on the way back the last one is the first to have a part in the tensor's
 * gradient, and the writer reads it. tensors: the address of each, from index `first` on. stack: for gradients, where
 * each tensor ends that stays (net_training); else NULL. Returns the address of all. */
static float *plan_by_lifetime(float *tensors[], const uint64_t *stack, const struct net *net, const int root[],
                               int batch, struct arena *arena)
{
    const int first = stack ? 1 : 0, nodes = net->node_count;
    struct lifetime lifetimes[LIMIT_NODES + 1] = {{0}};
    for (int t = first; t <= nodes; t++) {
        struct lifetime *lifetime = &lifetimes[root[t]];
        if (root[t] == t)
            *lifetime = (struct lifetime){.size = net_tensor_floats(net, t, batch), .first = t - 1, .last = t - 1};
        for (int i = t; i < nodes; i++)
            if (node_reads(&net->nodes[i], t))
                lifetime->last = i > lifetime->last ? i : lifetime->last;
    }
    /* The logits, the probabilities and the embedding are read after the run, where the gradient of the logits begins.
     * */
    const int logits = root[net->nodes[nodes - 1].input[0]];
    lifetimes[logits].last = lifetimes[root[nodes]].last = nodes;
    if (net->embedding)
        lifetimes[root[net->embedding]].last = nodes;
    for (int i = net->kept; net->kept && i < nodes; i++)
        for (int k = 0; k < kind_traits[net->nodes[i].kind].inputs; k++)
            lifetimes[root[net->nodes[i].input[k]]].last = nodes;

    /* On the way back node i reads tensors up to i + 1; what lies above them is free by then. */
    for (int t = first; stack && t <= nodes; t++)
        lifetimes[t].floor = stack[lifetimes[t].last < nodes ? lifetimes[t].last + 1 : nodes];
    const uint64_t placed = memory_planner_place(lifetimes, nodes + 1);
    float *base = arena_alloc(arena, stack && stack[nodes] > placed ? stack[nodes] : placed, sizeof(float));
    for (int t = first; t <= nodes; t++)
        tensors[t] = base ? base + lifetimes[root[t]].offset : NULL;
    return base;
}

static size_t larger(size_t a, size_t b) { return a > b ? a : b; }

void net_run_plan(struct net_run *run, const struct net *net, const struct net_packed *packed, int batch, net_mode mode,
                  struct arena *arena)
{
    assert(net_checked(net) && batch > 0);
    memset(run, 0, sizeof *run);
    run->net = net;
    run->packed = packed;
    run->batch = batch;
    run->gemm = gemm_exact;
    run->temperature = 1;

    int root[LIMIT_NODES + 1]; /* the tensor whose memory a tensor shares */
    size_t scratch = 0;
    root[0] = 0;
    for (int i = 0; i < net->node_count; i++) {
        const struct node *node = &net->nodes[i];
        root[i + 1] = in_place(net, i) ? root[node->input[0]] : i + 1;
        size_t need = 0;
        if (node_has_weights(node->kind) && !kind_traits[node->kind].per_channel) {
            const struct window window = net_window(net, i);
            need = packed->kernel[i]->forward_scratch(batch, &window);
            if (mode)
                need = larger(need, mode->scratch(packed, i, batch, &window, node->input[0] != 0));
        }
        scratch = larger(scratch, need);
    }
    run->scratch = arena_alloc(arena, scratch, sizeof(float));

    uint64_t stack[LIMIT_NODES + 1];
    if (mode)
        mode->stack(stack, net, root, batch);
    float *base = plan_by_lifetime(mode ? run->gradient : run->tensor, mode ? stack : NULL, net, root, batch, arena);
    if (mode)
        mode->plan_run(run, root, stack, base, arena);
}
