#include "explain.h"

#include "net/model.h"
#include "net/net_gradient.h"

#include <assert.h>
#include <math.h> /* sqrtf, which is rounded correctly everywhere */

/* Rows and columns that the finer map has at least: coarser ones are worse, finer ones see less of what things are. */
enum { FINE_SIDE = 14 };

struct eyelet_explainer {
    struct model *model;
    float *unpacked; /* one node's parameters, on their way into packed */
    struct net_packed packed;
    struct net_run run;
    int last;       /* the last feature map, a tensor; the finer one is the net's `kept` */
    float *weights; /* (c) of the last feature map's channels */
    float *coarse;  /* (h, w) of the last feature map */
    float *spread;  /* the same, resized to the map */
    float *map;     /* (h, w) */
};

static struct shape map_shape(const struct model *model) { return model->net.shapes[model->net.kept]; }

static size_t pixel_count(struct shape shape) { return (size_t)shape.h * (size_t)shape.w; }

/* Lays out everything behind *explainer. With arena->base == NULL it only measures: the same calls as for real. */
static void plan(struct eyelet_explainer *explainer, const struct model *model, struct arena *arena)
{
    const struct net *net = &model->net;
    explainer->last = net_last_map(net);
    const struct shape map = map_shape(model), last = net->shapes[explainer->last];
    size_t max_parameters = 0;
    for (int i = 0; i < net->node_count; i++) {
        const size_t count = net->offset[i + 1] - net->offset[i];
        max_parameters = count > max_parameters ? count : max_parameters;
    }
    explainer->weights = arena_alloc(arena, (uint64_t)last.c, sizeof(float));
    explainer->coarse = arena_alloc(arena, pixel_count(last), sizeof(float));
    explainer->spread = arena_alloc(arena, pixel_count(map), sizeof(float));
    explainer->map = arena_alloc(arena, pixel_count(map), sizeof(float));
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
    model->net.kept = net_feature_map(&model->net, FINE_SIDE);
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

/* ---- Resizing ---- */

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

/* Bilinear between the centres of cells: resized (height, width) from map (shape.h, shape.w). */
static void resize(float *resized, int height, int width, const float *map, struct shape shape)
{
    for (int y = 0; y < height; y++) {
        const struct position down = position_of(y, height, shape.h);
        const float *upper = map + down.cell * shape.w;
        const float *lower = down.fraction > 0 ? upper + shape.w : upper;
        for (int x = 0; x < width; x++) {
            const struct position across = position_of(x, width, shape.w);
            const int left = across.cell, right = across.fraction > 0 ? left + 1 : left;
            *resized++ = between(between(upper[left], upper[right], across.fraction),
                                 between(lower[left], lower[right], across.fraction), down.fraction);
        }
    }
}

/* ---- The map ---- */

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

static void divide_by_max(float *map, size_t count)
{
    float max = 0;
    for (size_t i = 0; i < count; i++)
        max = map[i] > max ? map[i] : max;
    for (size_t i = 0; i < count && max > 0; i++)
        map[i] /= max;
}

/* The weighted sums over the channels, cut off at 0, from 0 to 1; the weights of a pixel are `step` behind those of the
 * one before. False: one is not finite. */
static bool weighted_sums(float *map, const float *weights, int step, const float *features, struct shape shape)
{
    const size_t count = pixel_count(shape);
    for (size_t i = 0; i < count; i++, features += shape.c, weights += step) {
        float sum = 0;
        for (int k = 0; k < shape.c; k++)
            sum += weights[k] * features[k];
        if (!(sum - sum == 0))
            return false;
        map[i] = sum > 0 ? sum : 0;
    }
    divide_by_max(map, count);
    return true;
}

enum status eyelet_explainer_run(struct eyelet_explainer *explainer, const uint8_t *pixels, int class)
{
    const struct net *net = &explainer->model->net;
    struct net_run *run = &explainer->run;
    const struct shape fine = net->shapes[net->kept], last = net->shapes[explainer->last];
    assert(class >= 0 && class < net_classes(net));
    image_normalise(run->tensor[0], pixels, net->input, &explainer->model->preprocess);
    net_forward(run, 1);
    const float *gradient = net_gradient(run, class);
    channel_weights(explainer->weights, run->gradient[explainer->last], last);
    if (!weighted_sums(explainer->coarse, explainer->weights, 0, run->tensor[explainer->last], last) ||
        !weighted_sums(explainer->map, gradient, fine.c, run->tensor[net->kept], fine))
        return STATUS_NOT_FINITE;
    resize(explainer->spread, fine.h, fine.w, explainer->coarse, last);
    for (size_t i = 0; i < pixel_count(fine); i++)
        explainer->map[i] = sqrtf(explainer->map[i] * explainer->spread[i]);
    divide_by_max(explainer->map, pixel_count(fine));
    return STATUS_OK;
}

void eyelet_explainer_grid(const struct eyelet_explainer *explainer, int *height, int *width)
{
    *height = map_shape(explainer->model).h;
    *width = map_shape(explainer->model).w;
}

const float *eyelet_explainer_map(const struct eyelet_explainer *explainer) { return explainer->map; }

void eyelet_explainer_heat(float *heat, const struct eyelet_explainer *explainer, int height, int width)
{
    resize(heat, height, width, explainer->map, map_shape(explainer->model));
}
