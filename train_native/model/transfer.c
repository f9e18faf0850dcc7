#include "model/transfer.h"

#include "base/bytes.h"
#include "model/head.h"
#include "model/layer_name.h"
#include "model/model_file.h"
#include "cli/memory.h"
#include "cli/text.h"

#include <stdlib.h>
#include <string.h>

static bool labels_equal(const struct model *model, int classes, char *const *labels)
{
    bool equal = net_classes(&model->net) == classes;
    for (int i = 0; i < classes && equal; i++) {
        char *label = model_file_label(model, i);
        equal = strcmp(label, labels[i]) == 0;
        free(label);
    }
    return equal;
}

static size_t node_count(const struct net *net, int node) { return net->offset[node + 1] - net->offset[node]; }

static bool is_kept(const struct transfer *transfer, int node) { return node < transfer->trunk || transfer->head_kept; }

/* Whether the layers that are kept fit the new input: their weights must stay as many as they are. */
static bool check_fit(struct net *net, const struct net *old, const char *path, const struct transfer *transfer,
                      struct failure *failure)
{
    static const char hint[] = "Leave --size away, or take a network that ends in a global_avgpool.";
    int failed;
    const enum status status = net_check(net, &failed);
    if (status)
        return failure_set(failure, path, hint, "with an input of %dx%d, layer %d (%s) %s", net->input.h, net->input.w,
                           failed + 1, kind_names[net->nodes[failed].kind],
                           status == STATUS_LIMIT ? "is too large" : "does not fit what comes to it");
    for (int i = 0; i < net->node_count; i++)
        if (is_kept(transfer, i) && node_count(net, i) != node_count(old, i))
            return failure_set(failure, path, hint,
                               "layer %d (%s) has %s weights; with an input of %dx%d it would need %s", i + 1,
                               kind_names[net->nodes[i].kind], format_thousands(node_count(old, i)), net->input.h,
                               net->input.w, format_thousands(node_count(net, i)));
    return true;
}

static bool is_global_pool(const struct net *net, int node)
{
    const struct node *of = &net->nodes[node];
    const struct shape in = net->shapes[of->input[0]];
    return (of->kind == NODE_MAXPOOL || of->kind == NODE_AVGPOOL) && of->kernel_h == in.h && of->kernel_w == in.w;
}

/* A pool over all of its input stays one when the input gets another size. net has been checked with the new one, as
 * far as that went. */
static void widen_global_pools(struct net *net, const struct net *old)
{
    for (int i = 0; i < net->node_count; i++) {
        struct node *node = &net->nodes[i];
        const struct shape in = net->shapes[node->input[0]];
        if (node->kind != old->nodes[i].kind || !is_global_pool(old, i) || in.h > LIMIT_KERNEL || in.w > LIMIT_KERNEL)
            continue;
        node->kernel_h = in.h;
        node->kernel_w = in.w;
        node->stride = in.h < in.w ? in.h : in.w;
        net_check(net, NULL);
    }
}

/* With the margin around it that images had, where there was one. */
static void resize_input(struct net *net, struct preprocess *preprocess, int size)
{
    const int longer = net->input.h > net->input.w ? net->input.h : net->input.w;
    net->input.h = net->input.w = size;
    if (preprocess->resize_mode != RESIZE_SHORTER_SIDE)
        return;
    const int shorter = (preprocess->shorter_side * size + longer / 2) / longer;
    preprocess->shorter_side = shorter < LIMIT_SHORTER_SIDE ? shorter : LIMIT_SHORTER_SIDE;
}

/* A layer of a factor and an offset for each number of the vector that the head reads. False: it reads none. */
static bool insert_standardizer(struct net *net, struct transfer *transfer)
{
    const int head = transfer->head, features = net->nodes[head].input[0];
    const struct shape shape = net->shapes[features];
    if (net->node_count == LIMIT_NODES || net->nodes[head].kind != NODE_DENSE || shape.h * shape.w != 1)
        return false;
    for (int i = net->node_count; i > head; i--) {
        net->nodes[i] = net->nodes[i - 1];
        for (int k = 0; k < 2; k++)
            net->nodes[i].input[k] += net->nodes[i].input[k] > head;
    }
    net->node_count++;
    net->nodes[head] = (struct node){
        .kind = NODE_DEPTHWISE, .input = {features}, .kernel_h = 1, .kernel_w = 1, .stride = 1, .bias = true};
    net->nodes[head + 1].input[0] = head + 1;
    net->embedding = net->embedding ? head + 1 : 0;
    transfer->standardizer = head;
    transfer->head = head + 1;
    return net_check(net, NULL) == STATUS_OK;
}

/* The model's net with the head and the input that are asked for. */
static bool adapt(struct transfer *transfer, struct net *net, const struct model *model,
                  const struct transfer_start *start, struct failure *failure)
{
    *net = model->net;
    const struct head head = head_find(net);
    *transfer = (struct transfer){.preprocess = model->preprocess,
                                  .head = head.last,
                                  .trunk = head.trunk,
                                  .head_kept = !start->new_head && !start->standardize &&
                                               labels_equal(model, start->classes, start->labels)};
    if (!transfer->head_kept && (transfer->head = head_replace(net, &head, start->classes)) < 0)
        return failure_set(failure, start->path, NULL,
                           "its last layer with weights is %s, which cannot be replaced for other labels",
                           kind_names[net->nodes[head.last].kind]);
    if (start->size)
        resize_input(net, &transfer->preprocess, start->size);
    net_check(net, NULL);
    widen_global_pools(net, &model->net);
    if (!check_fit(net, &model->net, start->path, transfer, failure))
        return false;
    if (net_classes(net) != start->classes)
        return failure_set(
            failure, start->path, NULL,
            "between its last layer with weights and its classes stands what cannot be replaced for other labels");
    if (start->standardize && !insert_standardizer(net, transfer))
        return failure_set(failure, start->path, "Leave out --standardize.",
                           "no layer can be put in front of its last one");
    return true;
}

bool transfer_open(struct transfer *transfer, struct net *net, const struct transfer_start *start,
                   struct failure *failure)
{
    struct model *model = allocate(1, sizeof *model);
    size_t size;
    uint8_t *bytes = model_file_load(model, &size, start->path, failure);
    const bool adapted = bytes && adapt(transfer, net, model, start, failure);
    if (adapted) {
        transfer->parameters = allocate(net_parameter_count(net), sizeof(float));
        for (int i = 0; i < net->node_count; i++)
            if (is_kept(transfer, i))
                model_parameters(transfer->parameters + net->offset[i], model, i);
        transfer->checksum =
            bytes_crc32((const uint8_t *)transfer->parameters, net_parameter_count(net) * sizeof(float));
    }
    free(bytes);
    free(model);
    return adapted;
}

void transfer_free(struct transfer *transfer) { free(transfer->parameters); }

void transfer_weights(float *parameters, const struct net *net, const struct transfer *transfer)
{
    for (int i = 0; i < net->node_count; i++)
        if (is_kept(transfer, i))
            memcpy(parameters + net->offset[i], transfer->parameters + net->offset[i],
                   node_count(net, i) * sizeof(float));
}

static struct transfer_kind kind_of(const struct net *net)
{
    const struct head head = head_find(net);
    struct transfer_kind kind = {.side = net->input.h < net->input.w ? net->input.h : net->input.w,
                                 .muon = head.trunk == head.last && net->nodes[head.last].kind == NODE_DENSE &&
                                         net->nodes[head.last + 1].kind == NODE_SCALE};
    for (int i = 0; i < head.trunk; i++)
        kind.muon &= !node_has_weights(net->nodes[i].kind) || net->nodes[i].kind == NODE_CONV2D;
    int before = head.features - 1;
    while (before > 0 && (net->nodes[before].kind == NODE_FLATTEN || net->nodes[before].kind == NODE_DROPOUT))
        before = net->nodes[before].input[0] - 1;
    kind.any_size =
        head.pooled || (before >= 0 && (net->nodes[before].kind == NODE_GLOBAL_AVGPOOL || is_global_pool(net, before)));
    return kind;
}

bool transfer_kind(struct transfer_kind *kind, const char *path, struct failure *failure)
{
    struct model *model = allocate(1, sizeof *model);
    size_t size;
    uint8_t *bytes = model_file_load(model, &size, path, failure);
    const bool loaded = bytes;
    if (loaded)
        *kind = kind_of(&model->net);
    free(bytes);
    free(model);
    return loaded;
}

int transfer_frozen_nodes(const struct net *net, const char *text)
{
    const int head = net_head(net);
    if (strcmp(text, "trunk") == 0)
        return head;
    for (int i = 0; i < head; i++)
        if (strcmp(text, layer_name(net, i, "").text) == 0)
            return i + 1;
    char *end;
    const long layers = strtol(text, &end, 10);
    if (end == text || *end || layers < 0 || layers > head)
        return -1;
    return (int)layers;
}

void transfer_learning_rate_scales(float *scales, const struct net *net, float decay)
{
    float scale = 1;
    for (int i = net->node_count - 1; i >= 0;
         i--) { /* batch normalisation has the learning rate of the layer before it */
        scales[i] = scale;
        if (node_has_weights(net->nodes[i].kind))
            scale *= decay;
    }
}
