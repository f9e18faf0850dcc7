/* Blocks of tiles go through the input transform, then panel after panel of output channels through the products and
 * the output transform, so that the sums of a panel stay in the L1 cache and a block's transformed tiles in the L2
 * cache. */
#include "int8/int8_winograd.h"

#include "base/contract.h"
#include "int8/int8_tile.h"

#include <assert.h>

enum {
    TILE = 2,
    PATCH = 4,
    POINTS = PATCH * PATCH,
    BIAS_POINT = 5, /* of coefficient 1 in all four outputs */
    LINE = 32       /* int16 of a cache line: points lie one further apart, or they would fall into the same sets */
};

bool int8_winograd_computes(const struct window *window)
{
    return window->kernel_h == 3 && window->kernel_w == 3 && window->stride == 1 && window->dilation == 1 &&
           window->groups == 1;
}

static int pairs_of(const struct window *window) { return (window->in.c + 1) / 2; }

size_t int8_winograd_packed(const struct window *window)
{
    assert(window_valid(window) && int8_winograd_computes(window));
    return POINTS * (size_t)pairs_of(window) * 2 * sizeof(int16_t) * (size_t)int8_padded(window->out.c);
}

/* 2G x: 3 to 4. */
static void filter_line(int out[], const int in[], int stride)
{
    const int first = in[0], middle = in[stride], last = in[2 * stride];
    out[0] = 2 * first;
    out[stride] = first + middle + last;
    out[2 * stride] = first - middle + last;
    out[3 * stride] = 2 * last;
}

/* Panel after panel (POINTS, pairs, INT8_PANEL, 2). */
void int8_winograd_pack(void *packed, const int8_t *weights, const struct window *window)
{
    assert(window_valid(window) && int8_winograd_computes(window) && packed && weights);
    int16_t *to = packed;
    const int in = window->in.c, out = window->out.c;
    const ptrdiff_t point_stride = (ptrdiff_t)pairs_of(window) * 2 * INT8_PANEL;
    for (int first = 0; first < out; first += INT8_PANEL, to += (POINTS - 1) * point_stride)
        for (int k = 0; k < 2 * pairs_of(window); k += 2)
            for (int i = 0; i < 2 * INT8_PANEL; i++, to++) {
                const int channel = k + i % 2, o = int8_channel(first + i / 2);
                int tile[POINTS] = {0};
                for (int tap = 0; tap < 9 && channel < in && o < out; tap++)
                    tile[tap / 3 * PATCH + tap % 3] = weights[((ptrdiff_t)tap * in + channel) * out + o];
                for (int x = 0; x < 3; x++)
                    filter_line(tile + x, tile + x, PATCH);
                for (int y = 0; y < PATCH; y++)
                    filter_line(tile + y * PATCH, tile + y * PATCH, 1);
                for (int point = 0; point < POINTS; point++)
                    to[point * point_stride] = (int16_t)tile[point];
            }
}

/* ---- Tiles ---- */

enum { MAX_TILES = 64 };

static int tiles_down(const struct window *window, bool pool) { return (window->out.h + (pool ? 0 : 1)) / TILE; }

static int tiles_across(const struct window *window, bool pool) { return (window->out.w + (pool ? 0 : 1)) / TILE; }

/* Tiles of a block, a multiple of the register tile. */
static int max_tiles(const struct window *window)
{
    const int tiles = tiles_down(window, false) * tiles_across(window, false);
    return (tiles < MAX_TILES ? tiles + INT8_ROWS - 1 : MAX_TILES) / INT8_ROWS * INT8_ROWS;
}

static ptrdiff_t point_stride(int tiles, const struct window *window)
{
    return (ptrdiff_t)tiles * int8_padded(window->in.c) + LINE;
}

/* Zeros for pixels outside, transformed tiles, and the sums of a panel. */
size_t int8_winograd_scratch(const struct window *window)
{
    assert(window_valid(window) && int8_winograd_computes(window));
    const size_t tiles = (size_t)max_tiles(window);
    return ((size_t)int8_padded(window->in.c) + (size_t)(POINTS * point_stride((int)tiles, window))) * sizeof(int16_t) +
           INT8_SLACK + POINTS * tiles * INT8_PANEL * sizeof(int32_t);
}

/* B' x: 4 to 4. */
static inline void input_line(ivec *out, const ivec *in, int stride)
{
    const ivec a = in[0], b = in[stride], c = in[2 * stride], d = in[3 * stride];
    out[0] = ivec_sub16(a, c);
    out[stride] = ivec_add16(b, c);
    out[2 * stride] = ivec_sub16(c, b);
    out[3 * stride] = ivec_sub16(b, d);
}

static void transform_tile(int16_t *to, ptrdiff_t stride, const int16_t *const pixels[POINTS], int channels)
{
    for (int k = 0; k < channels; k += INT8_PANEL) {
        ivec tile[POINTS];
        VEC_UNROLL
        for (int i = 0; i < POINTS; i++)
            tile[i] = ivec_load(pixels[i] + k);
        VEC_UNROLL
        for (int x = 0; x < PATCH; x++)
            input_line(tile + x, tile + x, PATCH);
        VEC_UNROLL
        for (int y = 0; y < PATCH; y++)
            input_line(tile + y * PATCH, tile + y * PATCH, 1);
        VEC_UNROLL
        for (int i = 0; i < POINTS; i++)
            ivec_store(to + i * stride + k, tile[i]);
    }
}

/* to (POINTS, count, int8_padded(in.c)) = B' in B for the tiles from first on. */
static void transform_input(int16_t *to, ptrdiff_t stride, const int16_t *in, const int16_t *zeros, int first,
                            int count, int across, const struct window *window)
{
    const struct shape shape = window->in;
    for (int t = first; t < first + count; t++, to += int8_padded(shape.c)) {
        const int top = t / across * TILE - window->pad_top, left = t % across * TILE - window->pad_left;
        const int16_t *pixels[POINTS];
        for (int i = 0; i < POINTS; i++) {
            const int y = top + i / PATCH, x = left + i % PATCH;
            const bool inside = y >= 0 && y < shape.h && x >= 0 && x < shape.w;
            pixels[i] = inside ? in + ((ptrdiff_t)y * shape.w + x) * shape.c : zeros;
        }
        transform_tile(to, stride, pixels, shape.c);
    }
}

/* A' x A of one half of a panel's channels: out (2, 2). */
static inline void output_tile(ivec out[TILE * TILE], const int32_t *sums, ptrdiff_t stride)
{
    ivec lines[TILE][PATCH];
    VEC_UNROLL
    for (int x = 0; x < PATCH; x++) {
        const ivec a = ivec_load(sums + x * stride), b = ivec_load(sums + (PATCH + x) * stride);
        const ivec c = ivec_load(sums + (2 * PATCH + x) * stride), d = ivec_load(sums + (3 * PATCH + x) * stride);
        lines[0][x] = ivec_add(ivec_add(a, b), c);
        lines[1][x] = ivec_sub(ivec_sub(b, c), d);
    }
    VEC_UNROLL
    for (int y = 0; y < TILE; y++) {
        out[y * TILE] = ivec_add(ivec_add(lines[y][0], lines[y][1]), lines[y][2]);
        out[y * TILE + 1] = ivec_sub(ivec_sub(lines[y][1], lines[y][2]), lines[y][3]);
    }
}

/* One panel's channels of the tiles from first on, from sums (POINTS, tiles, INT8_PANEL). */
static void transform_output(int16_t *out, const int32_t *sums, ptrdiff_t stride, const int32_t *factor, int channels,
                             const struct int8_layer *layer, int first, int count, int across,
                             const struct window *window)
{
    const ivec min = ivec_set1_16(layer->min), max = ivec_set1_16(layer->max);
    const int c = window->out.c;
    for (int t = first; t < first + count; t++, sums += INT8_PANEL) {
        ivec low[TILE * TILE], high[TILE * TILE];
        output_tile(low, sums, stride);
        output_tile(high, sums + VEC_LANES, stride);
        if (layer->pool) { /* the factor is above 0: the maximum of the sums becomes that of the outputs */
            const ivec max_low = ivec_max(ivec_max(low[0], low[1]), ivec_max(low[2], low[3]));
            const ivec max_high = ivec_max(ivec_max(high[0], high[1]), ivec_max(high[2], high[3]));
            int8_store(out + (ptrdiff_t)t * c, int8_finish(max_low, max_high, factor, min, max), channels);
            continue;
        }
        const int top = t / across * TILE, left = t % across * TILE;
        VEC_UNROLL
        for (int i = 0; i < TILE * TILE; i++) {
            const int y = top + i / TILE, x = left + i % TILE;
            if (y < window->out.h && x < window->out.w)
                int8_store(out + ((ptrdiff_t)y * window->out.w + x) * c, int8_finish(low[i], high[i], factor, min, max),
                           channels);
        }
    }
}

/* sums (POINTS, tiles, INT8_PANEL) of one panel. */
static void multiply(int32_t *sums, const int16_t *tiles, ptrdiff_t stride, const int16_t *panel, const int32_t *bias,
                     int count, const struct window *window)
{
    const struct int8_runs runs = {1, pairs_of(window), 0};
    const ptrdiff_t c = int8_padded(window->in.c);
    for (int point = 0; point < POINTS; point++, tiles += stride, panel += (ptrdiff_t)runs.pairs * 2 * INT8_PANEL)
        for (int t = 0; t < count; t += INT8_ROWS, sums += INT8_ROWS * INT8_PANEL) {
            ivec sum[INT8_ROWS][2];
            const int16_t *rows[INT8_ROWS];
            VEC_UNROLL
            for (int i = 0; i < INT8_ROWS; i++) {
                rows[i] = tiles + (t + i) * c;
                sum[i][0] = point == BIAS_POINT ? ivec_load(bias) : ivec_set1(0);
                sum[i][1] = point == BIAS_POINT ? ivec_load(bias + VEC_LANES) : ivec_set1(0);
            }
            int8_sums(sum, rows, &runs, panel, false);
            VEC_UNROLL
            for (int i = 0; i < INT8_ROWS; i++) {
                ivec_store(sums + i * INT8_PANEL, sum[i][0]);
                ivec_store(sums + i * INT8_PANEL + VEC_LANES, sum[i][1]);
            }
        }
}

void int8_winograd(int16_t *out, const int16_t *in, const struct int8_layer *layer, void *scratch,
                   const struct window *window)
{
    assert(window_valid(window) && int8_winograd_computes(window) && out && in && scratch && layer->weights &&
           layer->bias && layer->factor);
    assert(layer->min <= layer->max && contract_aligned(scratch, sizeof(int32_t)));
    assert(contract_apart(scratch, int8_winograd_scratch(window), in, shape_count(window->in) * sizeof *in));
    assert(contract_apart(out, int8_stored(window, layer) * sizeof *out, in, shape_count(window->in) * sizeof *in));
    const int max = max_tiles(window), across = tiles_across(window, layer->pool);
    const int all = tiles_down(window, layer->pool) * across, c = int8_padded(window->in.c);
    int16_t *zeros = scratch, *tiles = zeros + c;
    memset(zeros, 0, (size_t)c * sizeof *zeros);
    const ptrdiff_t stride = point_stride(max, window), panel = POINTS * (ptrdiff_t)pairs_of(window) * 2 * INT8_PANEL;
    int32_t *sums = (int32_t *)(void *)(tiles + POINTS * stride + INT8_SLACK / (ptrdiff_t)sizeof *tiles);
    for (int first = 0, count; first < all; first += count) {
        count = all - first < max ? all - first : max;
        const int rows = (count + INT8_ROWS - 1) / INT8_ROWS * INT8_ROWS; /* behind the last tile: anything */
        transform_input(tiles, stride, in, zeros, first, count, across, window);
        const int16_t *weights = layer->weights;
        for (int o = 0; o < window->out.c; o += INT8_PANEL, weights += panel) {
            multiply(sums, tiles, stride, weights, layer->bias + o, rows, window);
            transform_output(out + o, sums, (ptrdiff_t)rows * INT8_PANEL, layer->factor + o, window->out.c - o, layer,
                             first, count, across, window);
        }
    }
}
