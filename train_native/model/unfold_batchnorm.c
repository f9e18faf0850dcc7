#include "model/unfold_batchnorm.h"

#include "training/muon.h"
#include "model/net_memory.h"
#include "kernels/norm.h"
#include "cli/errors.h"
#include "cli/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_IMAGES = 128 };

static bool filters(const struct node *node)
{
    return node_has_weights(node->kind) && node_has_window(node->kind);
}

void unfold_batchnorm(struct net *net, float **parameters, int from, int *head, int *frozen_nodes)
{
    struct net new = {.input = net->input};
    int tensor[LIMIT_NODES + 1] = {0}; /* where each tensor of net stands in the new one */
    int source[LIMIT_NODES], first[LIMIT_NODES + 1];
    for (int i = 0; i < net->node_count; i++) {
        const bool normalised = i >= from && i < *head && filters(&net->nodes[i]);
        if (new.node_count + 1 + normalised > LIMIT_NODES)
            die(NULL, "Train it with --optimizer adamw.", "with batch normalisation the network would have more than %d layers", LIMIT_NODES);
        first[i] = new.node_count;
        struct node *node = &new.nodes[new.node_count];
        *node = net->nodes[i];
        for (int k = 0; k < kind_traits[node->kind].inputs; k++)
            node->input[k] = tensor[node->input[k]];
        node->bias = node->bias && !normalised;
        source[new.node_count++] = i;
        if (normalised) {
            new.nodes[new.node_count] = (struct node){.kind = NODE_BATCHNORM, .input = {new.node_count}, .frozen = true};
            source[new.node_count++] = -1;
        }
        tensor[i + 1] = new.node_count;
    }
    first[net->node_count] = new.node_count;
    const enum status status = net_check(&new, NULL);
    if (status)
        die(NULL, "Train it with --optimizer adamw.", "the network cannot be given batch normalisation: %s", status_text(status));

    float *out = allocate(net_parameter_count(&new), sizeof(float));
    for (int i = 0; i < new.node_count; i++) {
        if (source[i] >= 0) {
            memcpy(out + new.offset[i], *parameters + net->offset[source[i]], (new.offset[i + 1] - new.offset[i]) * sizeof(float));
            continue;
        }
        const size_t c = (size_t)new.shapes[i].c, weights = new.offset[i] - new.offset[i - 1];
        const float size = new.nodes[i - 1].kind == NODE_CONV2D ? muon_scale(out + new.offset[i - 1], weights, (int)c) : 1;
        for (size_t k = 0; k < weights; k++)
            out[new.offset[i - 1] + k] *= size;
        float *scale = out + new.offset[i], *shift = scale + c, *variance = shift + 2 * c;
        if (net->nodes[source[i - 1]].bias)
            memcpy(shift, *parameters + net->offset[source[i - 1]] + weights, c * sizeof(float));
        for (size_t k = 0; k < c; k++) {
            scale[k] = 1 / size;
            variance[k] = 1;
        }
    }
    free(*parameters);
    *parameters = out;
    *head = first[*head];
    *frozen_nodes = first[*frozen_nodes];
    *net = new;
}

/* Of the channels of x (rows, c). */
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

void unfold_batchnorm_measure(float *parameters, const struct net *net, const struct preprocess *preprocess, const struct dataset *dataset,
                         const int *indices, int count)
{
    const int n = count < MOST_IMAGES ? count : MOST_IMAGES;
    struct net_memory *net_memory = net_memory_new(net, n, NET_TRAIN);
    struct net_run *run = &net_memory->run;
    run->gemm = gemm_fast;
    run->parameters = parameters;
    for (int i = 0; i < n; i++)
        image_normalise(run->tensor[0] + (size_t)i * shape_count(net->input), dataset->pixels + (size_t)indices[i] * shape_count(dataset->shape),
                        net->input, preprocess);
    for (int i = 0; i < net->node_count - 1; i++) {
        if (net->nodes[i].kind == NODE_BATCHNORM && net->nodes[i].frozen) {
            const int in = net->nodes[i].input[0];
            const struct shape shape = net->shapes[in];
            const size_t c = (size_t)shape.c;
            float *scale = parameters + net->offset[i], *shift = scale + c, *mean = shift + c, *variance = mean + c;
            measure(mean, variance, run->tensor[in], (size_t)n * shape_count(shape) / c, c);
            for (size_t k = 0; k < c; k++) {
                shift[k] += mean[k] * scale[k];
                scale[k] *= sqrtf(variance[k] + BATCHNORM_EPSILON);
            }
        }
        net_pack(&net_memory->packed, net, i, parameters + net->offset[i]);
        net_forward_training_node(run, i, n);
    }
    net_memory_free(net_memory);
}
