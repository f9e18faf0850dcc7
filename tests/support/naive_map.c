#include "support/naive_map.h"

#include <math.h>
#include <string.h>

double map_at(const struct map *map, int c, int y, int x)
{
    const bool inside = y >= 0 && x >= 0 && y < map->h && x < map->w;
    return inside ? map->values[(c * map->h + y) * map->w + x] : 0;
}

struct map map_new(int c, int h, int w) { return (struct map){c, h, w, test_doubles((size_t)(c * h * w))}; }

struct map map_copy(const struct map *map)
{
    struct map copy = map_new(map->c, map->h, map->w);
    memcpy(copy.values, map->values, (size_t)map_count(map) * sizeof(double));
    return copy;
}

struct map map_random(int c, int h, int w, struct random *random)
{
    struct map map = map_new(c, h, w);
    for (int i = 0; i < map_count(&map); i++)
        map.values[i] = (double)(2 * random_uniform(random) - 1);
    return map;
}

struct graph_window map_window(int out[2], const struct map *in, const struct graph_window *window)
{
    struct graph_window explicit = *window;
    explicit.mode = GRAPH_EXPLICIT;
    for (int k = 0; k < 2; k++) {
        const int size = k ? in->w : in->h, stride = window->stride[k];
        const int reach = (window->kernel[k] - 1) * window->dilation[k] + 1;
        if (window->mode != GRAPH_EXPLICIT) {
            out[k] = (size + stride - 1) / stride;
            const int needed = (out[k] - 1) * stride + reach - size, all = needed > 0 ? needed : 0;
            explicit.padding[k] = window->mode == GRAPH_SAME_UPPER ? all / 2 : all - all / 2;
            explicit.padding[k + 2] = all - explicit.padding[k];
            continue;
        }
        out[k] = 0; /* windows within the padding, one after the other */
        const int end = size + window->padding[k] + window->padding[k + 2];
        while (out[k] * stride + reach <= end)
            out[k]++;
        if (window->ceil && (out[k] - 1) * stride + reach < end && out[k] * stride < size + window->padding[k])
            out[k]++;
    }
    return explicit;
}

struct map map_conv(const struct map *in, const float *weights, const float *bias, int out, int groups,
                    const struct graph_window *window)
{
    int sizes[2];
    const struct graph_window explicit = map_window(sizes, in, window);
    const int *pad = explicit.padding, *k = window->kernel, *s = window->stride, *d = window->dilation;
    const int inputs = in->c / groups;
    struct map map = map_new(out, sizes[0], sizes[1]);
    for (int o = 0; o < out; o++)
        for (int y = 0; y < map.h; y++)
            for (int x = 0; x < map.w; x++) {
                double sum = bias ? (double)bias[o] : 0;
                for (int i = 0; i < inputs; i++)
                    for (int ky = 0; ky < k[0]; ky++)
                        for (int kx = 0; kx < k[1]; kx++)
                            sum += (double)weights[((o * inputs + i) * k[0] + ky) * k[1] + kx] *
                                   map_at(in, o / (out / groups) * inputs + i, y * s[0] - pad[0] + ky * d[0],
                                          x * s[1] - pad[1] + kx * d[1]);
                map.values[(o * map.h + y) * map.w + x] = sum;
            }
    return map;
}

/* Of one window: its sum, its maximum, and how many positions it has within the input and within the padding. */
struct view {
    double sum, max;
    int inside, padded;
};

static struct view view_of(const struct map *in, int c, int top, int left, const struct graph_window *window)
{
    struct view view = {0, -INFINITY, 0, 0};
    for (int y = top; y < top + window->kernel[0]; y++)
        for (int x = left; x < left + window->kernel[1]; x++) {
            view.padded += y < in->h + window->padding[2] && x < in->w + window->padding[3];
            if (y < 0 || x < 0 || y >= in->h || x >= in->w)
                continue;
            view.inside++;
            view.sum += map_at(in, c, y, x);
            view.max = fmax(view.max, map_at(in, c, y, x));
        }
    return view;
}

static struct map pool(const struct map *in, const struct graph_window *window, bool mean)
{
    int sizes[2];
    const struct graph_window explicit = map_window(sizes, in, window);
    struct map map = map_new(in->c, sizes[0], sizes[1]);
    for (int c = 0; c < in->c; c++)
        for (int y = 0; y < map.h; y++)
            for (int x = 0; x < map.w; x++) {
                const struct view view = view_of(in, c, y * window->stride[0] - explicit.padding[0],
                                                 x * window->stride[1] - explicit.padding[1], &explicit);
                map.values[(c * map.h + y) * map.w + x] =
                    mean ? view.sum / (window->count_padding ? view.padded : view.inside) : view.max;
            }
    return map;
}

struct map map_maxpool(const struct map *in, const struct graph_window *window) { return pool(in, window, false); }

struct map map_avgpool(const struct map *in, const struct graph_window *window) { return pool(in, window, true); }

void map_affine(struct map *map, const double *factors, const double *offsets)
{
    for (int i = 0; i < map_count(map); i++)
        map->values[i] = map->values[i] * factors[i / (map->h * map->w)] + offsets[i / (map->h * map->w)];
}

void map_bend(struct map *map, double (*activation)(double))
{
    for (int i = 0; i < map_count(map); i++)
        map->values[i] = activation(map->values[i]);
}

struct map map_mean(const struct map *in)
{
    struct map map = map_new(in->c, 1, 1);
    for (int c = 0; c < in->c; c++) {
        map.values[c] = 0;
        for (int i = 0; i < in->h * in->w; i++)
            map.values[c] += in->values[c * in->h * in->w + i] / (in->h * in->w);
    }
    return map;
}

struct map map_concat(const struct map *a, const struct map *b)
{
    struct map map = map_new(a->c + b->c, a->h, a->w);
    memcpy(map.values, a->values, (size_t)map_count(a) * sizeof(double));
    memcpy(map.values + map_count(a), b->values, (size_t)map_count(b) * sizeof(double));
    return map;
}

struct map map_slice(const struct map *in, int first, int count)
{
    struct map map = map_new(count, in->h, in->w);
    memcpy(map.values, in->values + first * in->h * in->w, (size_t)map_count(&map) * sizeof(double));
    return map;
}

struct map map_shuffle(const struct map *in, int groups)
{
    struct map map = map_new(in->c, in->h, in->w);
    const int pixels = in->h * in->w, each = in->c / groups;
    for (int g = 0; g < groups; g++)
        for (int k = 0; k < each; k++)
            memcpy(map.values + (k * groups + g) * pixels, in->values + (g * each + k) * pixels,
                   (size_t)pixels * sizeof(double));
    return map;
}

static double second_of(const struct map *b, const struct map *a, int i)
{
    return b->values[b->h * b->w == 1 ? i / (a->h * a->w) : i];
}

struct map map_add(const struct map *a, const struct map *b)
{
    struct map map = map_copy(a);
    for (int i = 0; i < map_count(a); i++)
        map.values[i] += second_of(b, a, i);
    return map;
}

struct map map_multiply(const struct map *a, const struct map *b)
{
    struct map map = map_copy(a);
    for (int i = 0; i < map_count(a); i++)
        map.values[i] *= second_of(b, a, i);
    return map;
}

double *map_dense(const struct map *in, const float *weights, const float *bias, int out)
{
    double *scores = test_doubles((size_t)out);
    const int count = map_count(in);
    for (int o = 0; o < out; o++) {
        scores[o] = (double)bias[o];
        for (int i = 0; i < count; i++)
            scores[o] += (double)weights[o * count + i] * in->values[i];
    }
    return scores;
}

double naive_relu(double x) { return x > 0 ? x : 0; }

double naive_relu6(double x) { return fmin(fmax(x, 0), 6); }

double naive_sigmoid(double x) { return 1 / (1 + exp(-x)); }

double naive_hardsigmoid(double x) { return fmin(fmax(x / 6 + 0.5, 0), 1); }

double naive_hardswish(double x) { return x * naive_hardsigmoid(x); }

double naive_silu(double x) { return x * naive_sigmoid(x); }
