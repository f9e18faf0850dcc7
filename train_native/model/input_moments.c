#include "model/input_moments.h"

#include "base/random.h"
#include "cli/memory.h"

#include <stdlib.h>
#include <string.h>

/* PART_ROWS bounds the memory: four bytes for each pair of rows. PIXELS: of an image, at most. */
enum { PART_ROWS = 512, PIXELS = 16 };

struct input_moments {
    const struct net *net;
    float *sums[LIMIT_NODES];  /* of each part: rows sums, then rows * rows products */
    double count[LIMIT_NODES]; /* observations */
    uint64_t images;           /* seen before */
    int drawn;                 /* images at hand */
};

static bool is_depthwise(const struct net *net, int node) { return kind_traits[net->nodes[node].kind].per_channel; }

/* Inputs that an output is a sum of; of a depthwise layer, for all channels. */
static int inputs_of(const struct net *net, int node)
{
    const struct window window = net_window(net, node);
    return window.kernel_h * window.kernel_w * window.in.c;
}

int input_moments_parts(const struct input_moments *moments, int node)
{
    const struct net *net = moments->net;
    if (!node_has_weights(net->nodes[node].kind))
        return 0;
    return is_depthwise(net, node) ? net->shapes[node + 1].c : (inputs_of(net, node) + PART_ROWS - 1) / PART_ROWS;
}

struct moments_part input_moments_part(const struct input_moments *moments, int node, int index)
{
    const struct net *net = moments->net;
    const int channels = net->shapes[node + 1].c, inputs = inputs_of(net, node);
    struct moments_part part = {.node = node, .stride = (size_t)channels, .count = moments->count[node]};
    if (is_depthwise(net, node)) {
        part.rows = inputs / channels;
        part.columns = 1;
        part.first = (size_t)index;
        part.input = index;
        part.sums = (size_t)index * (size_t)part.rows * (size_t)(part.rows + 1);
        return part;
    }
    part.input = index * PART_ROWS;
    part.rows = inputs - part.input < PART_ROWS ? inputs - part.input : PART_ROWS;
    part.columns = channels;
    part.first = (size_t)part.input * part.stride;
    part.sums = (size_t)index * PART_ROWS * (PART_ROWS + 1);
    return part;
}

struct input_moments *input_moments_new(const struct net *net)
{
    struct input_moments *moments = allocate(1, sizeof *moments);
    moments->net = net;
    for (int i = 0; i < net->node_count; i++) {
        const int parts = input_moments_parts(moments, i);
        if (!parts)
            continue;
        const struct moments_part last = input_moments_part(moments, i, parts - 1);
        moments->sums[i] = allocate(last.sums + (size_t)last.rows * (size_t)(last.rows + 1), sizeof(float));
    }
    return moments;
}

void input_moments_free(struct input_moments *moments)
{
    for (int i = 0; i < moments->net->node_count; i++)
        free(moments->sums[i]);
    free(moments);
}

/* patch (kernel_h, kernel_w, in): what output pixel (y, x) of an image reads; zeros outside of it. */
static void read_patch(float *patch, const float *image, const struct window *window, int y, int x)
{
    const int c = window->in.c;
    for (int ky = 0; ky < window->kernel_h; ky++)
        for (int kx = 0; kx < window->kernel_w; kx++, patch += c) {
            const int from_y = y * window->stride - window->pad_top + ky,
                      from_x = x * window->stride - window->pad_left + kx;
            const bool inside = from_y >= 0 && from_y < window->in.h && from_x >= 0 && from_x < window->in.w;
            if (inside)
                memcpy(patch, image + ((size_t)from_y * (size_t)window->in.w + (size_t)from_x) * (size_t)c,
                       (size_t)c * sizeof *patch);
            else
                memset(patch, 0, (size_t)c * sizeof *patch);
        }
}

/* What is added to a part's sums: of so many patches (patches, inputs) of its layer. */
static void add_sums(float *sums, const struct moments_part *part, const float *patches, int count, int inputs)
{
    for (int k = 0; k < count; k++)
        for (int r = 0; r < part->rows; r++)
            sums[r] += patches[(size_t)k * (size_t)inputs + (size_t)(part->input + r)];
}

/* products += patches^T patches */
static void add_products(float *products, const struct moments_part *part, const float *patches, int count, int inputs)
{
    const float *x = patches + part->input;
    float *packed = allocate(gemm_packed_count(count, part->rows), sizeof *packed);
    gemm_pack(packed, x, axis_line(count, inputs), 1, part->rows);
    gemm_exact(&(struct gemm){.a = x,
                              .rows = axis_line(part->rows, 1),
                              .depth = axis_line(count, inputs),
                              .b = packed,
                              .columns = part->rows,
                              .c = products,
                              .c_stride = part->rows,
                              .accumulate = true});
    free(packed);
}

/* Of a depthwise layer's channel, whose inputs stand `channels` apart. */
static void add_taps(float *sums, const struct moments_part *part, const float *patches, int count, int channels)
{
    const int rows = part->rows;
    for (int k = 0; k < count; k++) {
        const float *x = patches + (size_t)k * (size_t)rows * (size_t)channels + part->input;
        for (int r = 0; r < rows; r++) {
            sums[r] += x[r * channels];
            for (int other = r; other < rows; other++)
                sums[rows * (r + 1) + other] += x[r * channels] * x[other * channels];
        }
    }
}

/* patches (n * pixels, inputs): of each image one pixel of each of so many equal stretches of the map. */
static void draw_patches(float *patches, const struct input_moments *moments, const struct net_run *run, int node,
                         int pixels)
{
    const struct window window = net_window(moments->net, node);
    const int all = window.out.h * window.out.w, inputs = inputs_of(moments->net, node);
    const float *images = run->tensor[moments->net->nodes[node].input[0]];
    for (int i = 0; i < moments->drawn; i++)
        for (int k = 0; k < pixels; k++, patches += inputs) {
            const uint64_t number = random_at(moments->images + (uint64_t)i, (uint64_t)node, (uint64_t)k);
            const int from = (int)((int64_t)all * k / pixels), count = (int)((int64_t)all * (k + 1) / pixels) - from;
            const int pixel = from + (int)(number % (uint64_t)count);
            read_patch(patches, images + (size_t)i * shape_count(window.in), &window, pixel / window.out.w,
                       pixel % window.out.w);
        }
}

static void observe_node(struct input_moments *moments, const struct net_run *run, int node)
{
    const struct net *net = moments->net;
    const struct shape out = net->shapes[node + 1];
    const int all = out.h * out.w, pixels = all < PIXELS ? all : PIXELS, count = moments->drawn * pixels;
    const int inputs = inputs_of(net, node), parts = input_moments_parts(moments, node);
    float *patches = allocate((size_t)count * (size_t)inputs, sizeof *patches);
    draw_patches(patches, moments, run, node, pixels);
    for (int p = 0; p < parts; p++) {
        const struct moments_part part = input_moments_part(moments, node, p);
        float *sums = moments->sums[node] + part.sums;
        if (is_depthwise(net, node)) {
            add_taps(sums, &part, patches, count, out.c);
            continue;
        }
        add_sums(sums, &part, patches, count, inputs);
        add_products(sums + part.rows, &part, patches, count, inputs);
    }
    moments->count[node] += (double)count;
    free(patches);
}

void input_moments_observe(struct input_moments *moments, const struct net_run *run, int n)
{
    moments->drawn = n;
    for (int i = 0; i < moments->net->node_count; i++)
        if (moments->sums[i])
            observe_node(moments, run, i);
    moments->images += (uint64_t)n;
}

/* ---- What they are ---- */

static const float *sums_of(const struct input_moments *moments, const struct moments_part *part)
{
    return moments->sums[part->node] + part->sums;
}

double input_moments_mean(const struct input_moments *moments, const struct moments_part *part, int row)
{
    return (double)sums_of(moments, part)[row] / part->count;
}

double input_moments_covariance(const struct input_moments *moments, const struct moments_part *part, int row,
                                int other)
{
    const float product = sums_of(moments, part)[(size_t)part->rows * (size_t)(row + 1) + (size_t)other];
    return (double)product / part->count -
           input_moments_mean(moments, part, row) * input_moments_mean(moments, part, other);
}
