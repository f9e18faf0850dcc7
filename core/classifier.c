#include "classifier.h"

#include "image/resizer.h"
#include "net/model.h"

#include <assert.h>
#include <string.h>

struct eyelet_classifier {
    struct model *model;
    char **labels; /* (classes), zero-terminated */
    char *text;    /* the labels' and the notes' memory */
    char *notes;
    float *unpacked; /* one node's parameters, or the scales and biases of a quantized one, on their way into packed */
    uint8_t *pixels; /* (input.h, input.w, 3) */
    int width, height; /* of the picture that they are of */
    struct resizer resizer;
    union {
        struct {
            struct net_packed packed;
            struct net_run run;
        };
        struct net_int8 quantized;
    };
};

static bool is_quantized(const struct model *model) { return model->type == WEIGHTS_QUANTIZED; }

/* Lays out everything behind *classifier. With arena->base == NULL it only measures: the same calls as for real. */
static void plan(struct eyelet_classifier *classifier, const struct model *model, struct arena *arena)
{
    const struct net *net = &model->net;
    const uint64_t classes = (uint64_t)net_classes(net);
    size_t max_parameters = 0, max_channels = 0;
    for (int i = 0; i < net->node_count; i++) {
        const size_t count = net->offset[i + 1] - net->offset[i], channels = (size_t)net->shapes[i + 1].c;
        max_parameters = count > max_parameters ? count : max_parameters;
        max_channels = count && channels > max_channels ? channels : max_channels;
    }

    classifier->labels = arena_alloc(arena, classes, sizeof(char *));
    /* The notes stand behind the labels in the file, whose length bytes make room for the zeros here. */
    classifier->text =
        arena_alloc(arena, (uint64_t)(model->notes + model->notes_length - (const char *)model->labels) + 1, 1);
    classifier->pixels = arena_alloc(arena, (uint64_t)net->input.h * (uint64_t)net->input.w, 3);
    if (is_quantized(model)) {
        classifier->unpacked = arena_alloc(arena, 2 * max_channels, sizeof(float));
        net_int8_plan(&classifier->quantized, net, arena);
        return;
    }
    net_packed_plan(&classifier->packed, net, NET_INFER, arena);

    struct arena before = *arena; /* unpacked parameters are needed while opening only: the tensors overlay them */
    classifier->unpacked = arena_alloc(&before, max_parameters, sizeof(float));
    net_run_plan(&classifier->run, net, &classifier->packed, 1, NET_INFER, arena);
    if (before.used > arena->used)
        arena->used = before.used;
}

/* Parses the model and lays it out as far as it is used; with *bytes how much memory that takes. */
static enum status parse_and_measure(struct model *model, uint64_t *bytes, const void *model_bytes, size_t size)
{
    const enum status status = model_parse(model, model_bytes, size);
    if (status)
        return status;
    net_trim(&model->net);
    struct eyelet_classifier measured;
    struct arena arena = {0};
    arena_alloc(&arena, 1, sizeof measured);
    arena_alloc(&arena, 1, sizeof *model);
    plan(&measured, model, &arena);
    *bytes = arena.used;
    return arena.used > LIMIT_WORKSPACE_BYTES ? STATUS_LIMIT : STATUS_OK;
}

enum status eyelet_classifier_bytes(size_t *workspace_bytes, const void *model_bytes, size_t size)
{
    struct model model;
    uint64_t bytes = 0;
    const enum status status = parse_and_measure(&model, &bytes, model_bytes, size);
    *workspace_bytes = status ? 0 : (size_t)bytes;
    return status;
}

static char *copy_text(char **next, const char *text, int length)
{
    char *copy = *next;
    memcpy(copy, text, (size_t)length);
    copy[length] = 0;
    *next += length + 1;
    return copy;
}

/* The weights are checked as they are unpacked: reading them takes as long as computing with them. */
static enum status pack(struct eyelet_classifier *classifier)
{
    const struct model *model = classifier->model;
    for (int i = 0; i < model->net.node_count; i++) {
        if (!model_parameters(classifier->unpacked, model, i))
            return STATUS_NOT_FINITE;
        net_pack(&classifier->packed, &model->net, i, classifier->unpacked);
    }
    classifier->run.temperature = model->temperature;
    return STATUS_OK;
}

static enum status pack_quantized(struct eyelet_classifier *classifier)
{
    struct model *model = classifier->model;
    const enum status status = model_check_weights(model);
    if (status)
        return status;
    int8_scales(classifier->quantized.scale, &model->net, model->scale, &model->preprocess);
    net_int8_pack_pixels(&classifier->quantized, &model->preprocess);
    for (int i = 0; i < model->net.node_count; i++) {
        struct int8_weights weights = {0};
        if (model->net.offset[i + 1] > model->net.offset[i])
            model_quantized(&weights, classifier->unpacked, model, i);
        net_int8_pack(&classifier->quantized, i, &weights);
    }
    return STATUS_OK;
}

enum status eyelet_classifier_open(struct eyelet_classifier **opened, void *workspace, const void *model_bytes,
                                   size_t size)
{
    assert((uintptr_t)workspace % ARENA_ALIGNMENT == 0);
    struct model model;
    uint64_t bytes;
    enum status status = parse_and_measure(&model, &bytes, model_bytes, size);
    if (!status)
        status = model_check_sum(model_bytes, size);
    if (!status)
        status = model_check_examples(&model);
    if (status)
        return status;

    struct arena arena = {.base = workspace, .size = bytes};
    struct eyelet_classifier *classifier = arena_alloc(&arena, 1, sizeof *classifier);
    classifier->model = arena_alloc(&arena, 1, sizeof model);
    *classifier->model = model;
    plan(classifier, classifier->model, &arena);

    char *text = classifier->text;
    const uint8_t *label = model.labels;
    for (int i = 0; i < net_classes(&model.net); i++, label += 1 + *label)
        classifier->labels[i] = copy_text(&text, (const char *)label + 1, *label);
    classifier->notes = copy_text(&text, model.notes, model.notes_length);
    status = is_quantized(&model) ? pack_quantized(classifier) : pack(classifier);
    if (!status)
        *opened = classifier;
    return status;
}

/* 0 is for what is not accepted, and a picture of the right size needs none. */
size_t eyelet_classifier_scratch_bytes(const struct eyelet_classifier *classifier, int width, int height)
{
    struct arena arena = {0};
    struct resizer resizer;
    if (image_check(width, height))
        return 0;
    resizer_plan(&resizer, width, height, classifier->model->net.input, &classifier->model->preprocess, &arena);
    return (size_t)arena.used + ARENA_ALIGNMENT;
}

size_t eyelet_classifier_stored_bytes(const struct eyelet_classifier *classifier, int width, int height,
                                      int orientation)
{
    struct arena arena = {0};
    struct resizer resizer;
    if (image_check(width, height) || orientation < 1 || orientation > 8)
        return 0;
    resizer_plan_stored(&resizer, (struct stored_picture){width, height, orientation}, classifier->model->net.input,
                        &classifier->model->preprocess, &arena);
    return (size_t)arena.used + ARENA_ALIGNMENT;
}

enum status eyelet_classifier_begin(struct eyelet_classifier *classifier, int width, int height, int orientation,
                                    void *scratch)
{
    const bool exchanges = orientation_exchanges(orientation);
    struct arena arena = {.base = scratch,
                          .size = eyelet_classifier_stored_bytes(classifier, width, height, orientation)};
    if (!arena.size)
        return STATUS_IMAGE_SIZE;
    classifier->width = exchanges ? height : width;
    classifier->height = exchanges ? width : height;
    resizer_plan_stored(&classifier->resizer, (struct stored_picture){width, height, orientation},
                        classifier->model->net.input, &classifier->model->preprocess, &arena);
    resizer_start(&classifier->resizer, classifier->pixels);
    return STATUS_OK;
}

void eyelet_classifier_row(struct eyelet_classifier *classifier, int y, const uint8_t *rgba)
{
    resizer_row(&classifier->resizer, y, rgba);
}

enum status eyelet_classifier_finish(struct eyelet_classifier *classifier)
{
    resizer_finish(&classifier->resizer);
    return eyelet_classifier_run_pixels(classifier, classifier->pixels);
}

enum status eyelet_classifier_run(struct eyelet_classifier *classifier, const uint8_t *rgba, int width, int height,
                                  void *scratch)
{
    struct arena arena = {.base = scratch, .size = eyelet_classifier_scratch_bytes(classifier, width, height)};
    if (!arena.size)
        return STATUS_IMAGE_SIZE;
    classifier->width = width;
    classifier->height = height;
    image_resize(classifier->pixels, rgba, width, height, classifier->model->net.input, &classifier->model->preprocess,
                 &arena);
    return eyelet_classifier_run_pixels(classifier, classifier->pixels);
}

enum status eyelet_classifier_run_pixels(struct eyelet_classifier *classifier, const uint8_t *pixels)
{
    const struct model *model = classifier->model;
    if (is_quantized(model)) {
        net_int8_run(&classifier->quantized, pixels, model->temperature);
    } else {
        image_normalise(classifier->run.tensor[0], pixels, model->net.input, &model->preprocess);
        net_forward(&classifier->run, 1);
    }
    const float *logits = eyelet_classifier_logits(classifier);
    for (int i = 0; i < eyelet_classifier_classes(classifier); i++)
        if (!(logits[i] - logits[i] == 0)) /* finite weights can still overflow */
            return STATUS_NOT_FINITE;
    return STATUS_OK;
}

const uint8_t *eyelet_classifier_pixels(const struct eyelet_classifier *classifier) { return classifier->pixels; }

void eyelet_classifier_part(double part[4], const struct eyelet_classifier *classifier)
{
    const struct model *model = classifier->model;
    const struct image_part shown =
        image_part_shown(classifier->width, classifier->height, model->net.input, &model->preprocess);
    part[0] = shown.x;
    part[1] = shown.y;
    part[2] = shown.width;
    part[3] = shown.height;
}

const float *eyelet_classifier_logits(const struct eyelet_classifier *classifier)
{
    return is_quantized(classifier->model) ? classifier->quantized.logits : net_logits(&classifier->run);
}

const float *eyelet_classifier_probabilities(const struct eyelet_classifier *classifier)
{
    return is_quantized(classifier->model) ? classifier->quantized.probabilities : net_probabilities(&classifier->run);
}

int eyelet_classifier_embedding_count(const struct eyelet_classifier *classifier)
{
    return model_embedding_count(classifier->model);
}

void eyelet_classifier_embedding(float *embedding, const struct eyelet_classifier *classifier)
{
    const struct model *model = classifier->model;
    const int tensor = model->net.embedding, count = model_embedding_count(model);
    for (int k = 0; k < count; k++)
        embedding[k] = is_quantized(model)
                           ? (float)classifier->quantized.tensor[tensor][k] * classifier->quantized.scale[tensor]
                           : classifier->run.tensor[tensor][k];
}

int eyelet_classifier_classes(const struct eyelet_classifier *classifier)
{
    return net_classes(&classifier->model->net);
}

void eyelet_classifier_input(const struct eyelet_classifier *classifier, int *height, int *width, int *channels)
{
    const struct shape input = classifier->model->net.input;
    *height = input.h;
    *width = input.w;
    *channels = input.c;
}

const char *eyelet_classifier_label(const struct eyelet_classifier *classifier, int index)
{
    assert(index >= 0 && index < eyelet_classifier_classes(classifier));
    return classifier->labels[index];
}

const char *eyelet_classifier_notes(const struct eyelet_classifier *classifier) { return classifier->notes; }
