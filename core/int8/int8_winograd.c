/* Tiles go in blocks through the transform, then panel after panel of output channels through products and the transform back, so that
 * the sums of a panel stay in the first-level cache and a block's transformed tiles in the second. */
#include "int8/int8_winograd.h"

#include "int8/int8_tile.h"

enum { TILE = 2, PATCH = 4, POINTS = PATCH * PATCH, BIAS_POINT = 5, /* of coefficient 1 in all four outputs */
       LINE = 32 /* numbers in a line of the cache, which keeps the points' places apart */ };

bool integer_winograd_computes(const struct window *window)
{
    return window->kernel_h == 3 && window->kernel_w == 3 && window->stride == 1;
}

static int pairs_of(const struct window *window)
{
    return (window->in.c + 1) / 2;
}

size_t integer_winograd_packed(const struct window *window)
{
    return POINTS * (size_t)pairs_of(window) * 2 * sizeof(int16_t) * (size_t)integer_padded(window->out.c);
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

/* Panel after panel (POINTS, pairs, INTEGER_PANEL, 2). */
void integer_winograd_pack(void *packed, const int8_t *weights, const struct window *window)
{
    int16_t *to = packed;
    const int in = window->in.c, out = window->out.c;
    const ptrdiff_t point_stride = (ptrdiff_t)pairs_of(window) * 2 * INTEGER_PANEL;
    for (int first = 0; first < out; first += INTEGER_PANEL, to += (POINTS - 1) * point_stride)
        for (int k = 0; k < 2 * pairs_of(window); k += 2)
            for (int i = 0; i < 2 * INTEGER_PANEL; i++, to++) {
                const int channel = k + i % 2, o = integer_channel(first + i / 2);
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

enum { MOST_TILES = 64 };

static int tiles_down(const struct window *window, bool pool)
{
    return (window->out.h + (pool ? 0 : 1)) / TILE;
}

static int tiles_across(const struct window *window, bool pool)
{
    return (window->out.w + (pool ? 0 : 1)) / TILE;
}

/* Tiles of a block, in whole rows of integer_sums. */
static int most_tiles(const struct window *window)
{
    const int tiles = tiles_down(window, false) * tiles_across(window, false);
    return (tiles < MOST_TILES ? tiles + INTEGER_ROWS - 1 : MOST_TILES) / INTEGER_ROWS * INTEGER_ROWS;
}

static ptrdiff_t point_stride(int tiles, const struct window *window)
{
    return (ptrdiff_t)tiles * integer_padded(window->in.c) + LINE;
}

/* Zeros for pixels outside, transformed tiles, and the sums of a panel. */
size_t integer_winograd_scratch(const struct window *window)
{
    const size_t tiles = (size_t)most_tiles(window);
    return ((size_t)integer_padded(window->in.c) + (size_t)(POINTS * point_stride((int)tiles, window))) * sizeof(int16_t) + INTEGER_SLACK +
           POINTS * tiles * INTEGER_PANEL * sizeof(int32_t);
}

/* B' x: 4 to 4. */
static inline void input_line(wholes *out, const wholes *in, int stride)
{
    const wholes a = in[0], b = in[stride], c = in[2 * stride], d = in[3 * stride];
    out[0] = whole_sub16(a, c);
    out[stride] = whole_add16(b, c);
    out[2 * stride] = whole_sub16(c, b);
    out[3 * stride] = whole_sub16(b, d);
}

static void transform_tile(int16_t *to, ptrdiff_t stride, const int16_t *const pixels[POINTS], int channels)
{
    for (int k = 0; k < channels; k += INTEGER_PANEL) {
        wholes tile[POINTS];
        VEC_UNROLL
        for (int i = 0; i < POINTS; i++)
            tile[i] = whole_load(pixels[i] + k);
        VEC_UNROLL
        for (int x = 0; x < PATCH; x++)
            input_line(tile + x, tile + x, PATCH);
        VEC_UNROLL
        for (int y = 0; y < PATCH; y++)
            input_line(tile + y * PATCH, tile + y * PATCH, 1);
        VEC_UNROLL
        for (int i = 0; i < POINTS; i++)
            whole_store(to + i * stride + k, tile[i]);
    }
}

/* to (POINTS, count, integer_padded(in.c)) = B' in B for the tiles from first on. */
static void transform_input(int16_t *to, ptrdiff_t stride, const int16_t *in, const int16_t *zeros, int first, int count, int across,
                            const struct window *window)
{
    const struct shape shape = window->in;
    for (int t = first; t < first + count; t++, to += integer_padded(shape.c)) {
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
static inline void output_tile(wholes out[TILE * TILE], const int32_t *sums, ptrdiff_t stride)
{
    wholes lines[TILE][PATCH];
    VEC_UNROLL
    for (int x = 0; x < PATCH; x++) {
        const wholes a = whole_load(sums + x * stride), b = whole_load(sums + (PATCH + x) * stride);
        const wholes c = whole_load(sums + (2 * PATCH + x) * stride), d = whole_load(sums + (3 * PATCH + x) * stride);
        lines[0][x] = whole_add(whole_add(a, b), c);
        lines[1][x] = whole_sub(whole_sub(b, c), d);
    }
    VEC_UNROLL
    for (int y = 0; y < TILE; y++) {
        out[y * TILE] = whole_add(whole_add(lines[y][0], lines[y][1]), lines[y][2]);
        out[y * TILE + 1] = whole_sub(whole_sub(lines[y][1], lines[y][2]), lines[y][3]);
    }
}

/* One panel's channels of the tiles from first on, from sums (POINTS, tiles, INTEGER_PANEL). */
static void transform_output(int16_t *out, const int32_t *sums, ptrdiff_t stride, const int32_t *factor, int channels,
                             const struct integer_layer *layer, int first, int count, int across, const struct window *window)
{
    const wholes least = whole_set1_16(layer->least), most = whole_set1_16(layer->most);
    const int c = window->out.c;
    for (int t = first; t < first + count; t++, sums += INTEGER_PANEL) {
        wholes low[TILE * TILE], high[TILE * TILE];
        output_tile(low, sums, stride);
        output_tile(high, sums + VEC_LANES, stride);
        if (layer->pool) { /* the factor is above 0: the largest sum becomes the largest number */
            const wholes largest_low = whole_max(whole_max(low[0], low[1]), whole_max(low[2], low[3]));
            const wholes largest_high = whole_max(whole_max(high[0], high[1]), whole_max(high[2], high[3]));
            integer_store(out + (ptrdiff_t)t * c, integer_finish(largest_low, largest_high, factor, least, most), channels);
            continue;
        }
        const int top = t / across * TILE, left = t % across * TILE;
        VEC_UNROLL
        for (int i = 0; i < TILE * TILE; i++) {
            const int y = top + i / TILE, x = left + i % TILE;
            if (y < window->out.h && x < window->out.w)
                integer_store(out + ((ptrdiff_t)y * window->out.w + x) * c, integer_finish(low[i], high[i], factor, least, most),
                              channels);
        }
    }
}

/* sums (POINTS, tiles, INTEGER_PANEL) of one panel. */
static void multiply(int32_t *sums, const int16_t *tiles, ptrdiff_t stride, const int16_t *panel, const int32_t *bias, int count,
                     const struct window *window)
{
    const struct integer_runs runs = {1, pairs_of(window), 0};
    const ptrdiff_t c = integer_padded(window->in.c);
    for (int point = 0; point < POINTS; point++, tiles += stride, panel += (ptrdiff_t)runs.pairs * 2 * INTEGER_PANEL)
        for (int t = 0; t < count; t += INTEGER_ROWS, sums += INTEGER_ROWS * INTEGER_PANEL) {
            wholes sum[INTEGER_ROWS][2];
            const int16_t *rows[INTEGER_ROWS];
            VEC_UNROLL
            for (int i = 0; i < INTEGER_ROWS; i++) {
                rows[i] = tiles + (t + i) * c;
                sum[i][0] = point == BIAS_POINT ? whole_load(bias) : whole_set1(0);
                sum[i][1] = point == BIAS_POINT ? whole_load(bias + VEC_LANES) : whole_set1(0);
            }
            integer_sums(sum, rows, &runs, panel, false);
            VEC_UNROLL
            for (int i = 0; i < INTEGER_ROWS; i++) {
                whole_store(sums + i * INTEGER_PANEL, sum[i][0]);
                whole_store(sums + i * INTEGER_PANEL + VEC_LANES, sum[i][1]);
            }
        }
}

void integer_winograd(int16_t *out, const int16_t *in, const struct integer_layer *layer, void *scratch, const struct window *window)
{
    const int most = most_tiles(window), across = tiles_across(window, layer->pool);
    const int all = tiles_down(window, layer->pool) * across, c = integer_padded(window->in.c);
    int16_t *zeros = scratch, *tiles = zeros + c;
    memset(zeros, 0, (size_t)c * sizeof *zeros);
    const ptrdiff_t stride = point_stride(most, window), panel = POINTS * (ptrdiff_t)pairs_of(window) * 2 * INTEGER_PANEL;
    int32_t *sums = (int32_t *)(void *)(tiles + POINTS * stride + INTEGER_SLACK / (ptrdiff_t)sizeof *tiles);
    for (int first = 0, count; first < all; first += count) {
        count = all - first < most ? all - first : most;
        const int rows = (count + INTEGER_ROWS - 1) / INTEGER_ROWS * INTEGER_ROWS; /* those behind the last tile hold anything */
        transform_input(tiles, stride, in, zeros, first, count, across, window);
        const int16_t *weights = layer->weights;
        for (int o = 0; o < window->out.c; o += INTEGER_PANEL, weights += panel) {
            multiply(sums, tiles, stride, weights, layer->bias + o, rows, window);
            transform_output(out + o, sums, (ptrdiff_t)rows * INTEGER_PANEL, layer->factor + o, window->out.c - o, layer, first, count,
                             across, window);
        }
    }
}
