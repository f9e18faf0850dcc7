#include "training/unfold_batchnorm.h"

#include "kernels/batchnorm.h"
#include "training/muon.h"

#include <assert.h>
#include <math.h> /* sqrtf, which is rounded correctly everywhere */
#include <string.h>

enum { MAX_IMAGES = 128 };

static bool filters(const struct node *node) { return node_has_weights(node->kind) && node_has_window(node->kind); }

enum status unfold_batchnorm(struct unfolding *unfolding, const struct net *net, int from, int head)
{
    struct net *unfolded = &unfolding->net;
    int tensor[LIMIT_NODES + 1] = {0}; /* the number that a tensor of the net has in the unfolded one */
    *unfolded = (struct net){.input = net->input};
    for (int i = 0; i < net->node_count; i++) {
        const bool normalised = i >= from && i < head && filters(&net->nodes[i]);
        if (unfolded->node_count + 1 + normalised > LIMIT_NODES)
            return STATUS_LIMIT;
        unfolding->node[i] = unfolded->node_count;
        struct node *node = &unfolded->nodes[unfolded->node_count];
        *node = net->nodes[i];
        for (int k = 0; k < kind_traits[node->kind].inputs; k++)
            node->input[k] = tensor[node->input[k]];
        node->bias = node->bias && !normalised;
        unfolding->source[unfolded->node_count++] = i;
        if (normalised) {
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
        const int before = unfolding->source[i - 1];
        const size_t c = (size_t)unfolded->shapes[i].c, weights = unfolded->offset[i] - unfolded->offset[i - 1];
        float *filter = parameters + unfolded->offset[i - 1], *scale = to, *shift = scale + c, *mean = shift + c,
              *variance = mean + c;
        const float size = unfolded->nodes[i - 1].kind == NODE_CONV2D ? muon_scale(filter, weights, (int)c) : 1;
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
    net_packed_plan(packed, net, NET_TRAIN, memory);
    net_run_plan(run, net, packed, n, NET_TRAIN, memory);
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
    run.parameters = parameters;
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
        net_forward_training_node(&run, i, n);
    }
}
