#include "training/unfold_batchnorm.h"

#include "kernels/batchnorm.h"
#include "training/muon.h"

#include <assert.h>
#include <math.h> /* sqrtf, which is rounded correctly everywhere */
#include <string.h>

enum { MAX_IMAGES = 128 };

static bool filters(const struct node *node) { return node_has_weights(node->kind) && node_has_window(node->kind); }

/* The node behind which the normalisation of a layer's output stands: the layer, or a maxpool that alone reads it. */
static int normalised_behind(const struct net *net, int layer, int head)
{
    for (int i = layer + 1; i < head && net->consumers[layer + 1] == 1 && net->embedding != layer + 1; i++)
        if (node_reads(&net->nodes[i], layer + 1))
            return net->nodes[i].kind == NODE_MAXPOOL ? i : layer;
    return layer;
}

/* The layer whose output a node of the unfolded net normalises. */
static int normalised_layer(const struct net *unfolded, int batchnorm)
{
    const int before = unfolded->nodes[batchnorm].input[0] - 1;
    return unfolded->nodes[before].kind == NODE_MAXPOOL ? unfolded->nodes[before].input[0] - 1 : before;
}

enum status unfold_batchnorm(struct unfolding *unfolding, const struct net *net, int from, int head)
{
    struct net *unfolded = &unfolding->net;
    int tensor[LIMIT_NODES + 1] = {0};          /* the number that a tensor of the net has in the unfolded one */
    bool normalised[LIMIT_NODES + 1] = {false}; /* whether normalisation stands behind a node */
    *unfolded = (struct net){.input = net->input};
    for (int i = 0; i < net->node_count; i++) {
        const bool of_layer = i >= from && i < head && filters(&net->nodes[i]);
        if (of_layer)
            normalised[normalised_behind(net, i, head)] = true;
        if (unfolded->node_count + 1 + normalised[i] > LIMIT_NODES)
            return STATUS_LIMIT;
        unfolding->node[i] = unfolded->node_count;
        struct node *node = &unfolded->nodes[unfolded->node_count];
        *node = net->nodes[i];
        for (int k = 0; k < kind_traits[node->kind].inputs; k++)
            node->input[k] = tensor[node->input[k]];
        node->bias = node->bias && !of_layer;
        unfolding->source[unfolded->node_count++] = i;
        if (normalised[i]) {
            unfolded->nodes[unfolded->node_count] =
                (struct node){.kind = NODE_BATCHNORM, .input = {unfolded->node_count}, .frozen = true};
            unfolding->source[unfolded->node_count++] = -1;
        }
        tensor[i + 1] = unfolded->node_count;
    }
    unfolding->node[net->node_count] = unfolded->node_count;
    unfolded->embedding = tensor[net->embedding];
    return net_check(unfolded, NULL);
}

void unfold_batchnorm_parameters(float *parameters, const struct unfolding *unfolding, const struct net *net,
                                 const float *folded)
{
    const struct net *unfolded = &unfolding->net;
    for (int i = 0; i < unfolded->node_count; i++) {
        const int source = unfolding->source[i];
        float *to = parameters + unfolded->offset[i];
        if (source >= 0) {
            memcpy(to, folded + net->offset[source], (unfolded->offset[i + 1] - unfolded->offset[i]) * sizeof(float));
            continue;
        }
        const int layer = normalised_layer(unfolded, i), before = unfolding->source[layer];
        const size_t c = (size_t)unfolded->shapes[i].c, weights = unfolded->offset[layer + 1] - unfolded->offset[layer];
        float *filter = parameters + unfolded->offset[layer], *scale = to, *shift = scale + c, *mean = shift + c,
              *variance = mean + c;
        const float size = unfolded->nodes[layer].kind == NODE_CONV2D ? muon_scale(filter, weights, (int)c) : 1;
        for (size_t k = 0; k < weights; k++)
            filter[k] *= size;
        for (size_t k = 0; k < c; k++) {
            scale[k] = 1 / size;
            shift[k] = net->nodes[before].bias ? folded[net->offset[before] + weights + k] : 0;
            mean[k] = 0;
            variance[k] = 1;
        }
    }
}

/* Mean and variance of the channels of x (rows, c). */
static void measure(float *mean, float *variance, const float *x, size_t rows, size_t c)
{
    for (size_t k = 0; k < c; k++) {
        double sum = 0, squares = 0;
        for (size_t row = 0; row < rows; row++)
            sum += (double)x[row * c + k];
        mean[k] = (float)(sum / (double)rows);
        for (size_t row = 0; row < rows; row++)
            squares += ((double)x[row * c + k] - (double)mean[k]) * ((double)x[row * c + k] - (double)mean[k]);
        variance[k] = (float)(squares / (double)rows);
    }
}

static int images_of(int count) { return count < MAX_IMAGES ? count : MAX_IMAGES; }

static void plan(struct net_packed *packed, struct net_run *run, const struct net *net, int n, struct arena *memory)
{
    net_packed_plan(packed, net, NET_INFER, memory);
    net_run_plan(run, net, packed, n, NET_INFER, memory);
}

uint64_t unfold_batchnorm_bytes(const struct net *net, int count)
{
    struct arena arena = {0};
    struct net_packed packed;
    struct net_run run;
    plan(&packed, &run, net, images_of(count), &arena);
    return arena.used;
}

void unfold_batchnorm_measure(float *parameters, const struct net *net, const struct preprocess *preprocess,
                              const struct subset *subset, gemm_function *gemm, struct arena memory)
{
    const int n = images_of(subset->count);
    assert(n > 0 && subset->images->shape.h == net->input.h && subset->images->shape.w == net->input.w);
    struct net_packed packed;
    struct net_run run;
    plan(&packed, &run, net, n, &memory);
    run.gemm = gemm;
    for (int i = 0; i < n; i++)
        image_normalise(run.tensor[0] + (size_t)i * shape_count(net->input), subset_pixels(subset, i), net->input,
                        preprocess);
    for (int i = 0; i < net->node_count - 1; i++) {
        if (net->nodes[i].kind == NODE_BATCHNORM && net->nodes[i].frozen) {
            const int in = net->nodes[i].input[0];
            const struct shape shape = net->shapes[in];
            const size_t c = (size_t)shape.c;
            float *scale = parameters + net->offset[i], *shift = scale + c, *mean = shift + c, *variance = mean + c;
            measure(mean, variance, run.tensor[in], (size_t)n * shape_count(shape) / c, c);
            for (size_t k = 0; k < c; k++) {
                shift[k] += mean[k] * scale[k];
                scale[k] *= sqrtf(variance[k] + BATCHNORM_EPSILON);
            }
        }
        net_pack(&packed, net, i, parameters + net->offset[i]);
        net_forward_node(&run, i, n);
    }
}
