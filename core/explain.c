#include "explain.h"

#include "net/model.h"
#include "net/net_gradient.h"

#include <assert.h>

struct eyelet_explainer {
    struct model *model;
    float *unpacked; /* one node's parameters, on their way into packed */
    struct net_packed packed;
    struct net_run run;
    float *weights; /* (c) of the feature map's channels */
    float *map;     /* (h, w) */
};

static struct shape map_shape(const struct model *model) { return model->net.shapes[model->net.kept]; }

/* Lays out everything behind *explainer. With arena->base == NULL it only measures: the same calls as for real. */
static void plan(struct eyelet_explainer *explainer, const struct model *model, struct arena *arena)
{
    const struct net *net = &model->net;
    const struct shape map = map_shape(model);
    size_t max_parameters = 0;
    for (int i = 0; i < net->node_count; i++) {
        const size_t count = net->offset[i + 1] - net->offset[i];
        max_parameters = count > max_parameters ? count : max_parameters;
    }
    explainer->weights = arena_alloc(arena, (uint64_t)map.c, sizeof(float));
    explainer->map = arena_alloc(arena, (uint64_t)map.h * (uint64_t)map.w, sizeof(float));
    net_packed_plan(&explainer->packed, net, NET_INFER, arena);
    net_run_plan(&explainer->run, net, &explainer->packed, 1, NET_INFER, arena);
    net_gradient_plan(&explainer->run, &explainer->packed, arena);
    explainer->unpacked = arena_alloc(arena, max_parameters, sizeof(float));
}

/* Parses the model and lays it out; with *bytes how much memory that takes. Nothing is trimmed (net_trim): the map is
 * of the whole picture. */
static enum status parse_and_measure(struct model *model, uint64_t *bytes, const void *model_bytes, size_t size)
{
    const enum status status = model_parse(model, model_bytes, size);
    if (status)
        return status;
    model->net.kept = net_last_map(&model->net);
    if (!model->net.kept)
        return STATUS_NO_FEATURE_MAP;
    struct eyelet_explainer measured;
    struct arena arena = {0};
    arena_alloc(&arena, 1, sizeof measured);
    arena_alloc(&arena, 1, sizeof *model);
    plan(&measured, model, &arena);
    *bytes = arena.used;
    return arena.used > LIMIT_WORKSPACE_BYTES ? STATUS_LIMIT : STATUS_OK;
}

enum status eyelet_explainer_bytes(size_t *workspace_bytes, const void *model_bytes, size_t size)
{
    struct model model;
    uint64_t bytes = 0;
    const enum status status = parse_and_measure(&model, &bytes, model_bytes, size);
    *workspace_bytes = status ? 0 : (size_t)bytes;
    return status;
}

enum status eyelet_explainer_open(struct eyelet_explainer **opened, void *workspace, const void *model_bytes,
                                  size_t size)
{
    assert((uintptr_t)workspace % ARENA_ALIGNMENT == 0);
    struct model model;
    uint64_t bytes;
    enum status status = parse_and_measure(&model, &bytes, model_bytes, size);
    if (!status)
        status = model_check_sum(model_bytes, size);
    if (!status)
        status = model_check_weights(&model);
    if (status)
        return status;

    struct arena arena = {.base = workspace, .size = bytes};
    struct eyelet_explainer *explainer = arena_alloc(&arena, 1, sizeof *explainer);
    explainer->model = arena_alloc(&arena, 1, sizeof model);
    *explainer->model = model;
    const struct net *net = &explainer->model->net;
    plan(explainer, explainer->model, &arena);
    for (int i = 0; i < net->node_count; i++) {
        model_parameters(explainer->unpacked, explainer->model, i);
        net_pack(&explainer->packed, net, i, explainer->unpacked);
        net_gradient_pack(&explainer->packed, net, i, explainer->unpacked);
    }
    *opened = explainer;
    return STATUS_OK;
}

/* The mean of the gradient over the pixels, channel by channel. */
static void channel_weights(float *weights, const float *gradient, struct shape shape)
{
    const int pixels = shape.h * shape.w;
    for (int k = 0; k < shape.c; k++)
        weights[k] = 0;
    for (int i = 0; i < pixels; i++, gradient += shape.c)
        for (int k = 0; k < shape.c; k++)
            weights[k] += gradient[k];
    for (int k = 0; k < shape.c; k++)
        weights[k] /= (float)pixels;
}

/* The weighted sums, cut off at 0; *max is the largest. False: one is not finite. */
static bool weighted_sums(float *map, float *max, const float *weights, const float *features, struct shape shape)
{
    *max = 0;
    for (int i = 0; i < shape.h * shape.w; i++, features += shape.c) {
        float sum = 0;
        for (int k = 0; k < shape.c; k++)
            sum += weights[k] * features[k];
        if (!(sum - sum == 0))
            return false;
        map[i] = sum > 0 ? sum : 0;
        *max = map[i] > *max ? map[i] : *max;
    }
    return true;
}

enum status eyelet_explainer_run(struct eyelet_explainer *explainer, const uint8_t *pixels, int class)
{
    const struct model *model = explainer->model;
    const struct shape shape = map_shape(model);
    assert(class >= 0 && class < net_classes(&model->net));
    image_normalise(explainer->run.tensor[0], pixels, model->net.input, &model->preprocess);
    net_forward(&explainer->run, 1);
    channel_weights(explainer->weights, net_gradient(&explainer->run, class), shape);
    float max;
    if (!weighted_sums(explainer->map, &max, explainer->weights, explainer->run.tensor[model->net.kept], shape))
        return STATUS_NOT_FINITE;
    for (int i = 0; i < shape.h * shape.w && max > 0; i++)
        explainer->map[i] /= max;
    return STATUS_OK;
}

void eyelet_explainer_grid(const struct eyelet_explainer *explainer, int *height, int *width)
{
    *height = map_shape(explainer->model).h;
    *width = map_shape(explainer->model).w;
}

const float *eyelet_explainer_map(const struct eyelet_explainer *explainer) { return explainer->map; }

/* Where the centre of pixel `i` of `size` lies between the centres of `cells`: behind which one, and how far. */
struct position {
    int cell;
    float fraction;
};
static struct position position_of(int i, int size, int cells)
{
    const double at = (i + 0.5) * cells / size - 0.5;
    if (at <= 0)
        return (struct position){0, 0};
    if (at >= cells - 1)
        return (struct position){cells - 1, 0};
    return (struct position){(int)at, (float)(at - (int)at)};
}

static float between(float a, float b, float fraction) { return a + (b - a) * fraction; }

void eyelet_explainer_heat(float *heat, const struct eyelet_explainer *explainer, int height, int width)
{
    const struct shape shape = map_shape(explainer->model);
    for (int y = 0; y < height; y++) {
        const struct position down = position_of(y, height, shape.h);
        const float *upper = explainer->map + down.cell * shape.w;
        const float *lower = down.fraction > 0 ? upper + shape.w : upper;
        for (int x = 0; x < width; x++) {
            const struct position across = position_of(x, width, shape.w);
            const int left = across.cell, right = across.fraction > 0 ? left + 1 : left;
            *heat++ = between(between(upper[left], upper[right], across.fraction),
                              between(lower[left], lower[right], across.fraction), down.fraction);
        }
    }
}
