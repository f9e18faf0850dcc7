#include "classifier.h"

#include "net/model.h"

#include <assert.h>
#include <string.h>

struct classifier {
    struct model model;
    struct net_packed packed; /* of a model in floats */
    struct net_run run;
    struct net_int8 whole; /* of a model in whole numbers */
    char **labels; /* (classes), zero-terminated */
    char *text;    /* the labels' and the notes' memory */
    char *notes;
    float *unpacked;  /* one node's parameters, or the scales and biases of whole numbers, on their way into packed */
    uint8_t *pixels; /* (input.h, input.w, 3) */
};

static bool is_whole(const struct model *model)
{
    return model->type == WEIGHTS_QUANTIZED;
}

/* Lays out everything behind *classifier. With arena->base == NULL it only measures: the same calls as for real. */
static void plan(struct classifier *classifier, const struct model *model, struct arena *arena)
{
    const struct net *net = &model->net;
    const uint64_t classes = (uint64_t)net_classes(net);
    size_t largest = 0, widest = 0;
    uint64_t text = (uint64_t)model->notes_length + 1;
    for (int i = 0, length; i < net_classes(net); i++) {
        model_label(&length, model, i);
        text += (uint64_t)length + 1;
    }
    for (int i = 0; i < net->node_count; i++) {
        const size_t count = net->offset[i + 1] - net->offset[i], channels = (size_t)net->shapes[i + 1].c;
        largest = count > largest ? count : largest;
        widest = count && channels > widest ? channels : widest;
    }

    classifier->labels = arena_alloc(arena, classes, sizeof(char *));
    classifier->text = arena_alloc(arena, text, 1);
    classifier->pixels = arena_alloc(arena, (uint64_t)net->input.h * (uint64_t)net->input.w, 3);
    if (is_whole(model)) {
        classifier->unpacked = arena_alloc(arena, 2 * widest, sizeof(float));
        net_int8_plan(&classifier->whole, net, arena);
        return;
    }
    net_packed_plan(&classifier->packed, net, NET_INFER, arena);

    struct arena before = *arena; /* unpacked parameters are needed while opening only: the tensors overlay them */
    classifier->unpacked = arena_alloc(&before, largest, sizeof(float));
    net_run_plan(&classifier->run, net, &classifier->packed, 1, NET_INFER, arena);
    if (before.used > arena->used)
        arena->used = before.used;
}

/* The last step of the check, and the first of opening: how much memory this model takes. */
static enum status measure(uint64_t *bytes, const struct model *model)
{
    struct classifier measured;
    struct arena arena = {0};
    arena_alloc(&arena, 1, sizeof measured);
    plan(&measured, model, &arena);
    *bytes = arena.used;
    return arena.used > LIMIT_WORKSPACE_BYTES ? STATUS_LIMIT : STATUS_OK;
}

static enum status read_trimmed(struct model *model, const void *bytes, size_t size)
{
    const enum status status = model_read(model, bytes, size);
    if (!status)
        net_trim(&model->net);
    return status;
}

enum status classifier_bytes(size_t *workspace_bytes, const void *model_bytes, size_t size)
{
    struct model model;
    uint64_t bytes = 0;
    enum status status = read_trimmed(&model, model_bytes, size);
    if (!status)
        status = measure(&bytes, &model);
    *workspace_bytes = status ? 0 : (size_t)bytes;
    return status;
}

static char *copy_text(char **place, const char *text, int length)
{
    char *copy = *place;
    memcpy(copy, text, (size_t)length);
    copy[length] = 0;
    *place += length + 1;
    return copy;
}

static void pack(struct classifier *classifier)
{
    const struct model *model = &classifier->model;
    for (int i = 0; i < model->net.node_count; i++) {
        model_parameters(classifier->unpacked, model, i);
        net_pack(&classifier->packed, &model->net, i, classifier->unpacked);
    }
    classifier->run.temperature = model->temperature;
}

static void pack_whole(struct classifier *classifier)
{
    const struct model *model = &classifier->model;
    int8_scales(classifier->whole.scale, &model->net, model->scale, &model->preprocess);
    net_int8_pack_pixels(&classifier->whole, &model->preprocess);
    for (int i = 0; i < model->net.node_count; i++) {
        struct int8_weights weights = {0};
        if (model->net.offset[i + 1] > model->net.offset[i])
            model_quantized(&weights, classifier->unpacked, model, i);
        net_int8_pack(&classifier->whole, i, &weights);
    }
}

enum status classifier_open(struct classifier **opened, void *workspace, const void *model_bytes, size_t size)
{
    assert((uintptr_t)workspace % ARENA_ALIGNMENT == 0);
    struct model model;
    uint64_t bytes;
    enum status status = read_trimmed(&model, model_bytes, size);
    if (!status)
        status = measure(&bytes, &model);
    if (status)
        return status;

    struct arena arena = {.base = workspace, .size = bytes};
    struct classifier *classifier = arena_alloc(&arena, 1, sizeof *classifier);
    classifier->model = model;
    plan(classifier, &classifier->model, &arena);

    char *text = classifier->text;
    for (int i = 0; i < net_classes(&model.net); i++) {
        int length;
        const char *label = model_label(&length, &model, i);
        classifier->labels[i] = copy_text(&text, label, length);
    }
    classifier->notes = copy_text(&text, model.notes, model.notes_length);
    (is_whole(&model) ? pack_whole : pack)(classifier);
    *opened = classifier;
    return STATUS_OK;
}

size_t classifier_scratch_bytes(const struct classifier *classifier, int width, int height)
{
    if (image_check(width, height))
        return 0;
    struct arena arena = {0};
    image_resize(NULL, NULL, width, height, classifier->model.net.input, &classifier->model.preprocess, &arena);
    return arena.used ? (size_t)arena.used : ARENA_ALIGNMENT; /* 0 is for what is not accepted */
}

enum status classifier_run(struct classifier *classifier, const uint8_t *rgba, int width, int height, void *scratch)
{
    enum status status = image_check(width, height);
    if (status)
        return status;
    struct arena arena = {.base = scratch, .size = classifier_scratch_bytes(classifier, width, height)};
    image_resize(classifier->pixels, rgba, width, height, classifier->model.net.input, &classifier->model.preprocess,
              &arena);
    return classifier_run_fitted(classifier, classifier->pixels);
}

enum status classifier_run_fitted(struct classifier *classifier, const uint8_t *pixels)
{
    if (is_whole(&classifier->model)) {
        net_int8_run(&classifier->whole, pixels, classifier->model.temperature);
    } else {
        image_normalise(classifier->run.tensor[0], pixels, classifier->model.net.input, &classifier->model.preprocess);
        net_forward(&classifier->run, 1);
    }
    const float *logits = classifier_logits(classifier);
    for (int i = 0; i < classifier_classes(classifier); i++)
        if (!(logits[i] - logits[i] == 0)) /* finite weights can still overflow */
            return STATUS_NOT_FINITE;
    return STATUS_OK;
}

const float *classifier_logits(const struct classifier *classifier)
{
    return is_whole(&classifier->model) ? classifier->whole.logits : net_logits(&classifier->run);
}

const float *classifier_probabilities(const struct classifier *classifier)
{
    return is_whole(&classifier->model) ? classifier->whole.probabilities : net_probabilities(&classifier->run);
}

int classifier_classes(const struct classifier *classifier)
{
    return net_classes(&classifier->model.net);
}

void classifier_input(const struct classifier *classifier, int *height, int *width, int *channels)
{
    *height = classifier->model.net.input.h;
    *width = classifier->model.net.input.w;
    *channels = classifier->model.net.input.c;
}

const char *classifier_label(const struct classifier *classifier, int index)
{
    assert(index >= 0 && index < classifier_classes(classifier));
    return classifier->labels[index];
}

const char *classifier_notes(const struct classifier *classifier)
{
    return classifier->notes;
}
