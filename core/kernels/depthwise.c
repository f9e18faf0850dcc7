#include "kernels/depthwise.h"

#include "base/contract.h"
#include "base/vec/vec.h"

#include <assert.h>
#include <stdbool.h>

/* The one loop of all three passes: sums of products over rows and columns, each a vector of channels.
 *
 *     to[i] = start[i] + sum over row, column of a[i, row, column] * b[i, row, column]        0 <= i < count
 *
 * Forward and for the input's gradient, i counts pixels of a row. The filter, b, is the same for all of them: a
 * register tile of them loads each vector of weights once, and as no sum waits for another one, additions overlap. 4
 * sums + 1 weight + 1 product also fit into the registers where V8 has only 16. For the weights' gradient i counts
 * vectors of channels. */
enum { TILE = 4 };

struct sums {
    float *to;
    const float *start; /* NULL: zeros */
    const float *a, *b;
    int rows, columns;
    ptrdiff_t to_step, start_step, a_step; /* from one i to the next */
    ptrdiff_t a_row, a_column, b_row, b_column;
    float ceiling; /* as in depthwise_forward */
};

/* For channels k .. k + lanes. Inlined for constant counts, so that the sums are registers; loops up to `count`
 * itself clang would not unroll in time, and keep the sums in memory at two thirds of the speed. */
static inline __attribute__((always_inline)) void accumulate(const struct sums *sums, ptrdiff_t k, int count,
                                                             ptrdiff_t b_step, int lanes)
{
    const vec zero = vec_zero();
    vec sum[TILE];
    VEC_UNROLL
    for (int i = 0; i < TILE; i++)
        sum[i] = i < count && sums->start ? vec_load_lanes(sums->start + i * sums->start_step + k, lanes) : zero;
    for (int row = 0; row < sums->rows; row++) {
        ptrdiff_t a = row * sums->a_row + k, b = row * sums->b_row + k;
        for (int column = sums->columns; column > 0; column--, a += sums->a_column, b += sums->b_column) {
            VEC_UNROLL
            for (int i = 0; i < TILE; i++)
                if (i < count)
                    sum[i] = vec_add(sum[i], vec_mul(vec_load_lanes(sums->a + a + i * sums->a_step, lanes),
                                                     vec_load_lanes(sums->b + b + i * b_step, lanes)));
        }
    }
    const vec ceiling = vec_set1(sums->ceiling);
    VEC_UNROLL
    for (int i = 0; i < TILE; i++)
        if (i < count)
            vec_store_lanes(sums->to + i * sums->to_step + k,
                            sums->ceiling > 0 ? vec_min(vec_max(sum[i], zero), ceiling) : sum[i], lanes);
}

/* All channels of TILE pixels or of one. */
static void accumulate_pixels(const struct sums *sums, bool tile, int c)
{
    int k = 0;
    if (tile)
        for (; k + VEC_LANES <= c; k += VEC_LANES)
            accumulate(sums, k, TILE, 0, VEC_LANES);
    else
        for (; k + VEC_LANES <= c; k += VEC_LANES)
            accumulate(sums, k, 1, 0, VEC_LANES);
    if (k == c)
        return;
    struct sums one = *sums;
    for (int i = 0; i < (tile ? TILE : 1); i++, one.a += one.a_step, one.to += one.to_step)
        accumulate(&one, k, 1, 0, c - k);
}

/* TILE pixels under a filter of three columns, whose windows overlap: each vector of the input is loaded once for
 * all of them. `left`, `right`: whether the first or the last of the columns that they see lies outside; sums->a is
 * the first one inside. */
static inline __attribute__((always_inline)) void accumulate_overlapping(const struct sums *sums, ptrdiff_t k,
                                                                         int stride, bool left, bool right)
{
    const int columns = (TILE - 1) * stride + 3;
    const vec zero = vec_zero(), ceiling = vec_set1(sums->ceiling);
    vec sum[TILE];
    VEC_UNROLL
    for (int i = 0; i < TILE; i++)
        sum[i] = sums->start ? vec_load(sums->start + k) : zero;
    const float *a = sums->a + k, *b = sums->b + k;
    for (int row = sums->rows; row > 0; row--, a += sums->a_row, b += sums->b_row) {
        const vec taps[3] = {vec_load(b), vec_load(b + sums->b_column), vec_load(b + 2 * sums->b_column)};
        VEC_UNROLL
        for (int column = 0; column < columns; column++) {
            if ((column == 0 && left) || (column == columns - 1 && right))
                continue;
            const vec x = vec_load(a + (column - left) * sums->a_column);
            VEC_UNROLL
            for (int i = 0; i < TILE; i++)
                if (column >= i * stride && column < i * stride + 3)
                    sum[i] = vec_add(sum[i], vec_mul(x, taps[column - i * stride]));
        }
    }
    VEC_UNROLL
    for (int i = 0; i < TILE; i++)
        vec_store(sums->to + i * sums->to_step + k,
                  sums->ceiling > 0 ? vec_min(vec_max(sum[i], zero), ceiling) : sum[i]);
}

/* What the sum of one pixel reads along an axis: from pixel `first` of the source and tap `tap` on, `count` of each. */
struct reach {
    int first, tap, count;
};

/* Forward, `at` of the output: upwards in the input. */
static struct reach reach_forward(int at, int size, int kernel, int stride, int pad)
{
    const int start = at * stride - pad, tap = start < 0 ? -start : 0;
    const int end = size - start < kernel ? size - start : kernel;
    return (struct reach){start + tap, tap, end - tap};
}

/* Backward, `at` of the input: downwards in the output, whose next lower one is met `stride` taps later. */
static struct reach reach_backward(int at, int size, int kernel, int stride, int pad)
{
    int first = (at + pad) / stride, tap = (at + pad) % stride;
    if (first >= size) {
        tap += (first - (size - 1)) * stride;
        first = size - 1;
    }
    const int taps = (kernel - tap + stride - 1) / stride;
    return tap < kernel ? (struct reach){first, tap, taps < first + 1 ? taps : first + 1} : (struct reach){0, 0, 0};
}

/* A tile that begins at pixel x of a row, if accumulate_overlapping fits it; false if not. sums->a: the row's first
 * pixel. */
static bool convolve_overlapping(struct sums sums, int x, const struct window *window)
{
    const int stride = window->stride, c = window->in.c;
    const int first = x * stride - window->pad_left, last = first + (TILE - 1) * stride + 2;
    if (window->kernel_w != 3 || stride > 2 || c < VEC_LANES || x + TILE > window->out.w || first < -1 ||
        last > window->in.w)
        return false;
    const bool left = first < 0, right = last == window->in.w;
    sums.a += (first + left) * c;
    for (int k = 0; k < c; k += VEC_LANES) {
        const int from = k + VEC_LANES <= c ? k : c - VEC_LANES; /* the last overlaps the one before */
        if (stride == 1)
            accumulate_overlapping(&sums, from, 1, left, right);
        else
            accumulate_overlapping(&sums, from, 2, left, right);
    }
    return true;
}

/* The filters over `from`: forward over the input or, turned by 180 degrees, over the output's gradient. Backward only
 * pixels `stride` apart have the same taps; forward all have that are not clipped. */
static void convolve(float *to, const float *from, const float *weights, const float *bias, float ceiling, int n,
                     const struct window *window, bool backward)
{
    struct reach (*const reach)(int, int, int, int, int) = backward ? reach_backward : reach_forward;
    const struct shape out = backward ? window->in : window->out, in = backward ? window->out : window->in;
    const int apart = backward ? window->stride : 1, direction = backward ? -1 : 1, stride = window->stride;
    const ptrdiff_t c = in.c, row = in.w * c, weight_row = window->kernel_w * c;
    struct sums sums = {.start = bias,
                        .ceiling = ceiling,
                        .to_step = apart * c,
                        .a_step = (backward ? 1 : stride) * c,
                        .a_row = direction * row,
                        .a_column = direction * c,
                        .b_row = apart * weight_row,
                        .b_column = apart * c};
    for (int i = 0; i < n; i++, from += shape_count(in), to += shape_count(out))
        for (int y = 0; y < out.h; y++) {
            const struct reach rows = reach(y, in.h, window->kernel_h, stride, window->pad_top);
            sums.rows = rows.count;
            for (int phase = 0; phase < apart; phase++)
                for (int x = phase, count; x < out.w; x += count * apart) {
                    sums.to = to + ((ptrdiff_t)y * out.w + x) * c;
                    sums.a = from + rows.first * row;
                    sums.b = weights + rows.tap * weight_row;
                    if (!backward && convolve_overlapping(sums, x, window)) {
                        count = TILE;
                        continue;
                    }
                    const int last_x = x + (TILE - 1) * apart;
                    const struct reach columns = reach(x, in.w, window->kernel_w, stride, window->pad_left);
                    const struct reach last = reach(last_x, in.w, window->kernel_w, stride, window->pad_left);
                    /* Where the first and the last of a tile have the same taps, so have those between them. */
                    const bool tile = last_x < out.w && last.tap == columns.tap && last.count == columns.count;
                    count = tile ? TILE : 1;
                    sums.columns = columns.count;
                    sums.a += columns.first * c;
                    sums.b += columns.tap * c;
                    accumulate_pixels(&sums, tile, in.c);
                }
        }
}

#ifndef NDEBUG
/* One filter a channel, and `to` holds nothing of `from`. */
static bool pass_valid(const float *to, size_t to_count, const float *from, size_t from_count, const float *weights,
                       int n, const struct window *window)
{
    return n > 0 && window_valid(window) && window->in.c == window->out.c && to && from && weights &&
           contract_apart(to, (size_t)n * to_count * sizeof(float), from, (size_t)n * from_count * sizeof(float));
}
#endif

void depthwise_forward(float *out, const float *in, const float *weights, const float *bias, float ceiling, int n,
                       const struct window *window)
{
    assert(pass_valid(out, shape_count(window->out), in, shape_count(window->in), weights, n, window) && ceiling >= 0);
    convolve(out, in, weights, bias, ceiling, n, window, false);
}

void depthwise_backward_input(float *din, const float *dout, const float *weights, int n, const struct window *window)
{
    assert(pass_valid(din, shape_count(window->in), dout, shape_count(window->out), weights, n, window));
    convolve(din, dout, weights, NULL, 0, n, window, true);
}

/* The outputs that see tap `tap` inside of the input; none where count is not above 0. */
static struct reach reach_of_tap(int tap, int size, int outputs, int stride, int pad)
{
    const int first = tap < pad ? (pad - tap + stride - 1) / stride : 0, end = (size + pad - tap + stride - 1) / stride;
    return (struct reach){first, tap, (end < outputs ? end : outputs) - first};
}

void depthwise_backward_weights(float *dweights, const float *dout, const float *in, int n, const struct window *window)
{
    assert(pass_valid(dweights, 0, dout, shape_count(window->out), in, n, window));
    const struct shape from = window->in, to = window->out;
    const int stride = window->stride;
    const ptrdiff_t c = from.c, row = from.w * c;
    struct sums sums = {.to_step = VEC_LANES,
                        .start_step = VEC_LANES,
                        .a_step = VEC_LANES,
                        .a_row = stride * row,
                        .a_column = stride * c,
                        .b_row = to.w * c,
                        .b_column = c};
    for (int i = 0; i < n; i++, in += shape_count(from), dout += shape_count(to))
        for (int k = 0, channels; k < from.c; k += channels) {
            const int rest = from.c - k;
            channels = rest >= TILE * VEC_LANES ? TILE * VEC_LANES : rest < VEC_LANES ? rest : VEC_LANES;
            for (int tap = 0; tap < window->kernel_h * window->kernel_w; tap++) {
                const struct reach rows = reach_of_tap(tap / window->kernel_w, from.h, to.h, stride, window->pad_top);
                const struct reach columns =
                    reach_of_tap(tap % window->kernel_w, from.w, to.w, stride, window->pad_left);
                if (rows.count <= 0 || columns.count <= 0)
                    continue;
                sums.rows = rows.count;
                sums.columns = columns.count;
                sums.start = sums.to = dweights + tap * c;
                sums.a = in + (rows.first * stride + rows.tap - window->pad_top) * row +
                         (columns.first * stride + columns.tap - window->pad_left) * c;
                sums.b = dout + (rows.first * (ptrdiff_t)to.w + columns.first) * c;
                if (channels == TILE * VEC_LANES)
                    accumulate(&sums, k, TILE, VEC_LANES, VEC_LANES);
                else if (channels == VEC_LANES)
                    accumulate(&sums, k, 1, 0, VEC_LANES);
                else
                    accumulate(&sums, k, 1, 0, channels);
            }
        }
}
