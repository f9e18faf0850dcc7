#include "training/tail.h"

#include "net/int8_factors.h"
#include "net/model_fields.h"
#include "training/quantize.h"

#include <assert.h>
#include <string.h>

static bool is_linear(const struct net *net, int i)
{
    const struct node *node = &net->nodes[i];
    const struct shape out = net->shapes[i + 1];
    return node->kind == NODE_DENSE || (node->kind == NODE_CONV2D && node->kernel_h == 1 && node->kernel_w == 1 &&
                                        node->groups <= 1 && out.h == 1 && out.w == 1);
}

enum status tail_find(int *head, float *factor, const struct net *net)
{
    *head = net_head(net);
    *factor = 1;
    if (!net->embedding || *head < net->embedding || !is_linear(net, *head))
        return STATUS_NO_HEAD;
    for (int i = net->embedding; i < net->node_count; i++) {
        const struct node *node = &net->nodes[i];
        const bool passes = node->kind == NODE_FLATTEN || node->kind == NODE_DROPOUT || node->kind == NODE_SCALE ||
                            node->kind == NODE_SOFTMAX;
        if (node->input[0] != i || (i != *head && !passes))
            return STATUS_NO_HEAD;
        if (node->kind == NODE_SCALE)
            *factor *= node->rate;
    }
    return STATUS_OK;
}

enum status tail_replace(int *head, float *factor, struct net *net)
{
    const int first = net->embedding, classes = net_classes(net);
    if (!first || first > LIMIT_NODES - 2)
        return STATUS_NO_HEAD;
    memset(net->nodes + first, 0, (size_t)(LIMIT_NODES - first) * sizeof *net->nodes);
    net->nodes[first] = (struct node){.kind = NODE_DENSE, .input = {first}, .channels = classes, .bias = true};
    net->nodes[first + 1] = (struct node){.kind = NODE_SOFTMAX, .input = {first + 1}};
    net->node_count = first + 2;
    return net_check(net, NULL) ? STATUS_NO_HEAD : tail_find(head, factor, net);
}

static bool is_quantized(const struct tail *tail) { return tail->model->type == WEIGHTS_QUANTIZED; }

/* The tail's net; that it is valid follows from the whole net's. */
static void cut(struct tail *tail, const struct model *model, int classes)
{
    const struct net *whole = &model->net;
    const int first = whole->embedding;
    *tail->model = *model;
    struct net *net = &tail->model->net;
    memset(net, 0, sizeof *net);
    net->input = whole->shapes[first];
    net->node_count = whole->node_count - first;
    tail->head = net_head(whole) - first;
    for (int i = 0; i < net->node_count; i++) {
        net->nodes[i] = whole->nodes[first + i];
        net->nodes[i].input[0] = i;
    }
    net->nodes[tail->head].channels = classes;
    net->nodes[tail->head].bias = true;
    const enum status status = net_check_tail(net);
    assert(!status);
    (void)status;
    tail->model->examples = (struct examples){0};
    memset(tail->model->scale, 0, sizeof tail->model->scale);
}

void tail_plan(struct tail *tail, const struct model *model, int classes, struct arena *arena)
{
    assert(classes >= 1 && classes <= LIMIT_CHANNELS);
    static const struct tail nothing;
    const bool measuring = !arena->base;
    *tail = nothing;
    tail->model = arena_alloc(arena, 1, sizeof *tail->model);
    struct model measured;
    if (measuring)
        tail->model = &measured;
    cut(tail, model, classes);
    const struct net *net = &tail->model->net;
    tail->stored_bytes = (size_t)model_parameter_bytes(tail->model, tail->head);
    tail->stored = arena_alloc(arena, tail->stored_bytes, 1);
    tail->unpacked = arena_alloc(arena, net_parameter_count(net), sizeof(float));
    tail->numbers = arena_alloc(arena, (uint64_t)net->input.c, sizeof *tail->numbers);
    tail->model->weights = tail->stored;
    if (is_quantized(tail)) {
        net_int8_plan(&tail->quantized, net, arena);
        return;
    }
    net_packed_plan(&tail->packed, net, NET_INFER, arena);
    net_run_plan(&tail->run, net, &tail->packed, 1, NET_INFER, arena);
}

/* The scales of the tail's tensors, from the embedding's, which is the whole model's, to that of tensor `last`. */
static void find_scales(struct tail *tail, int last)
{
    const struct net *net = &tail->model->net;
    float *scale = tail->quantized.scale;
    scale[0] = tail->embedding_scale;
    for (int i = 0; i < last; i++) {
        const float factor = net->nodes[i].kind == NODE_SCALE ? net->nodes[i].rate : 1;
        scale[i + 1] = i == tail->head ? tail->model->scale[i] : scale[i] * factor;
    }
}

/* Takes what is stored into what is computed with. */
static bool pack(struct tail *tail)
{
    struct model *model = tail->model;
    if (is_quantized(tail))
        find_scales(tail, model->net.node_count);
    for (int i = 0; i < model->net.node_count; i++) {
        if (is_quantized(tail)) {
            struct int8_weights stored = {0};
            if (i == tail->head)
                model_quantized(&stored, tail->unpacked, model, i);
            net_int8_pack(&tail->quantized, i, &stored);
        } else {
            if (!model_parameters(tail->unpacked, model, i))
                return false;
            net_pack(&tail->packed, &model->net, i, tail->unpacked);
        }
    }
    return true;
}

static bool are_finite(const float *numbers, uint64_t count)
{
    bool finite = true;
    for (uint64_t k = 0; k < count; k++)
        finite = finite && numbers[k] - numbers[k] == 0;
    return finite;
}

bool tail_set(struct tail *tail, const float *weights, float range)
{
    static const float none[LIMIT_NODES + 1];
    struct model *model = tail->model;
    if (!are_finite(weights, net_parameter_count(&model->net)) || !are_finite(&range, 1))
        return false;
    if (is_quantized(tail)) {
        find_scales(tail, tail->head);
        model->scale[tail->head] = quantize_scale(&model->net, tail->head, weights, range, tail->quantized.scale);
        find_scales(tail, tail->head + 1);
    }
    memset(tail->stored, 0, tail->stored_bytes);
    model_encode(tail->stored, model, tail->head, weights, is_quantized(tail) ? tail->quantized.scale : none);
    return pack(tail);
}

bool tail_take(struct tail *tail, const uint8_t *stored, float scale)
{
    memcpy(tail->stored, stored, tail->stored_bytes);
    tail->model->scale[tail->head] = scale;
    return pack(tail);
}

void tail_run(struct tail *tail, const float *embedding)
{
    const int features = tail_features(tail);
    const float temperature = tail->model->temperature;
    if (is_quantized(tail)) {
        for (int k = 0; k < features; k++) /* an integer times the scale: this gives the integer back */
            tail->numbers[k] = (int16_t)int8_nearest((double)embedding[k] / (double)tail->embedding_scale);
        net_int8_run_numbers(&tail->quantized, tail->numbers, temperature);
        return;
    }
    memcpy(tail->run.tensor[0], embedding, (size_t)features * sizeof *embedding);
    tail->run.temperature = temperature;
    net_forward(&tail->run, 1);
}

const float *tail_logits(const struct tail *tail)
{
    return is_quantized(tail) ? tail->quantized.logits : net_logits(&tail->run);
}

const float *tail_probabilities(const struct tail *tail)
{
    return is_quantized(tail) ? tail->quantized.probabilities : net_probabilities(&tail->run);
}
