#include "int8/int8_kernels.h"

#include "base/bounds.h"
#include "base/contract.h"
#include "int8/int8_tile.h"

#include <assert.h>

#ifndef NDEBUG
/* What convolutions ask of a packed layer and of memory: `out` is apart from `in`, scratch from both. */
static bool layer_valid(const int16_t *out, const int16_t *in, const struct int8_layer *layer, const void *scratch,
                        size_t scratch_bytes, const struct window *window)
{
    const size_t in_bytes = shape_count(window->in) * sizeof *in;
    const size_t out_bytes = int8_stored(window, layer) * sizeof *out;
    return out && in && layer->weights && layer->bias && layer->factor && layer->min <= layer->max &&
           layer->min >= -ACTIVATION_MAX && layer->max <= ACTIVATION_MAX && (scratch || !scratch_bytes) &&
           contract_aligned(scratch, sizeof(int32_t)) && contract_apart(out, out_bytes, in, in_bytes) &&
           contract_apart(scratch, scratch_bytes, out, out_bytes) &&
           contract_apart(scratch, scratch_bytes, in, in_bytes);
}

static bool pool_valid(const int16_t *out, const int16_t *in, const struct window *window)
{
    return out && in && window_valid(window) && window->in.c == window->out.c &&
           contract_apart(out, shape_count(window->out) * sizeof *out, in, shape_count(window->in) * sizeof *in);
}
#endif

/* ---- Padding ---- */

static size_t padded_bytes(const struct window *window)
{
    const size_t bytes =
        window_needs_padding(window) ? shape_count(window_padded(window)) * sizeof(int16_t) + INT8_SLACK : 0;
    return (bytes + INT8_SLACK - 1) / INT8_SLACK * INT8_SLACK;
}

/* memcpy in vectors: WebAssembly's copies 4 bytes at a time. The maximum changes nothing, or clang would make a call
 * of memcpy again. */
static void copy(int16_t *to, const int16_t *from, ptrdiff_t count)
{
    const ivec min = ivec_set1_16(-ACTIVATION_MAX);
    for (ptrdiff_t k = 0; k < count; k += INT8_PANEL)
        int8_store(to + k, ivec_max16(ivec_load(from + k), min), (int)(count - k));
}

/* The input with its padding: in place if there is none, else a padded copy in scratch. */
static const int16_t *padded_input(struct shape *shape, const int16_t *in, int16_t *scratch,
                                   const struct window *window)
{
    *shape = window->in;
    if (!window_needs_padding(window))
        return in;
    *shape = window_padded(window);
    const ptrdiff_t c = shape->c, left = window->pad_left;
    const ptrdiff_t w = left + window->in.w < shape->w ? window->in.w : shape->w - left, right = shape->w - left - w;
    for (int y = 0; y < shape->h; y++, scratch += shape->w * c) {
        const int from = y - window->pad_top;
        if (from < 0 || from >= window->in.h) {
            memset(scratch, 0, (size_t)(shape->w * c) * sizeof *scratch);
            continue;
        }
        memset(scratch, 0, (size_t)(left * c) * sizeof *scratch);
        copy(scratch + left * c, in + (ptrdiff_t)from * window->in.w * c, w * c);
        memset(scratch + (left + w) * c, 0, (size_t)(right * c) * sizeof *scratch);
    }
    return scratch - shape_count(*shape);
}

/* ---- Convolution ---- */

/* Register tiles of INT8_ROWS pixels; pooled, each is one window. */
static int tile_count(const struct window *window, bool pool)
{
    const int pixels = window->out.h * window->out.w;
    return pool ? (window->out.h / 2) * (window->out.w / 2) : (pixels + INT8_ROWS - 1) / INT8_ROWS;
}

size_t int8_conv_scratch(const struct window *window)
{
    assert(window_valid(window));
    return padded_bytes(window) + (size_t)tile_count(window, false) * INT8_ROWS * sizeof(int32_t);
}

/* Offsets in the input of the pixels of all tiles. After the last one come repetitions of it. */
static void find_offsets(int32_t *offsets, struct shape shape, const struct window *window, bool pool)
{
    const int step = window->stride * shape.c, row = window->stride * shape.w * shape.c, side = pool ? 2 : 1;
    int32_t *to = offsets;
    for (int y = 0; y + side <= window->out.h; y += side)
        for (int x = 0; x + side <= window->out.w; x += side)
            for (int i = 0; i < side * side; i++)
                *to++ = (y + i / 2) * row + (x + i % 2) * step;
    for (; (to - offsets) % INT8_ROWS; to++)
        *to = to[-1];
}

void int8_conv(int16_t *out, const int16_t *in, const struct int8_layer *layer, void *scratch,
               const struct window *window)
{
    assert(window_valid(window) && layer_valid(out, in, layer, scratch, int8_conv_scratch(window), window));
    struct shape shape;
    in = padded_input(&shape, in, scratch, window);
    int32_t *offsets = (int32_t *)(void *)((unsigned char *)scratch + padded_bytes(window));
    find_offsets(offsets, shape, window, layer->pool);

    const int c = window->out.c, tiles = tile_count(window, layer->pool), pixels = window->out.h * window->out.w;
    const struct int8_runs runs = {window->kernel_h, int8_row_pairs(window), (ptrdiff_t)shape.w * shape.c};
    const ivec min = ivec_set1_16(layer->min), max = ivec_set1_16(layer->max);
    const int8_t *panel = layer->weights;
    for (int first = 0; first < c; first += INT8_PANEL, panel += (ptrdiff_t)runs.count * runs.pairs * 2 * INT8_PANEL) {
        const int32_t *bias = layer->bias + first, *factor = layer->factor + first;
        int16_t *to = out + first;
        for (int tile = 0; tile < tiles; tile++) {
            ivec sum[INT8_ROWS][2];
            const int16_t *rows[INT8_ROWS];
            for (int i = 0; i < INT8_ROWS; i++)
                rows[i] = in + offsets[tile * INT8_ROWS + i];
            VEC_UNROLL
            for (int i = 0; i < INT8_ROWS; i++) {
                sum[i][0] = ivec_load(bias);
                sum[i][1] = ivec_load(bias + VEC_LANES);
            }
            int8_sums(sum, rows, &runs, panel, true);
            if (layer->pool) { /* the factor is above 0: the maximum of the sums becomes that of the outputs */
                const ivec low = ivec_max(ivec_max(sum[0][0], sum[1][0]), ivec_max(sum[2][0], sum[3][0]));
                const ivec high = ivec_max(ivec_max(sum[0][1], sum[1][1]), ivec_max(sum[2][1], sum[3][1]));
                int8_store(to, int8_finish(low, high, factor, min, max), c - first);
                to += c;
                continue;
            }
            VEC_UNROLL
            for (int i = 0; i < INT8_ROWS; i++)
                if (tile * INT8_ROWS + i < pixels)
                    int8_store(to + i * c, int8_finish(sum[i][0], sum[i][1], factor, min, max), c - first);
            to += INT8_ROWS * c;
        }
    }
}

/* ---- Depthwise convolution ---- */

/* Taps are taken in pairs, two pixels' channels interleaved; the last of an odd number is paired with itself and a
 * weight of zero. */
enum { MAX_TAPS = LIMIT_KERNEL * LIMIT_KERNEL + 1, DEPTHWISE_TILE = 2 };

size_t int8_depthwise_scratch(const struct window *window)
{
    assert(int8_depthwise_valid(window));
    return padded_bytes(window);
}

/* One panel of channels of `count` pixels, `step` apart in the input. */
static inline __attribute__((always_inline)) void filter_pixels(int16_t *out, const int16_t *in, const int32_t *offsets,
                                                                int pairs, int step, int count, const int16_t *weights,
                                                                const int32_t *bias, const int32_t *factor, ivec min,
                                                                ivec max, int c, int channels)
{
    ivec sum[DEPTHWISE_TILE][2];
    VEC_UNROLL
    for (int i = 0; i < DEPTHWISE_TILE; i++) {
        sum[i][0] = ivec_load(bias);
        sum[i][1] = ivec_load(bias + VEC_LANES);
    }
    for (; pairs > 0; pairs--, offsets += 2, weights += 2 * INT8_PANEL) {
        const int16_t *first = in + offsets[0], *second = in + offsets[1];
        const ivec low = ivec_load(weights), high = ivec_load(weights + INT8_PANEL);
        VEC_UNROLL
        for (int i = 0; i < DEPTHWISE_TILE; i++) {
            if (i >= count)
                continue;
            const ivec a = ivec_load(first + i * step), b = ivec_load(second + i * step);
            sum[i][0] = ivec_add(sum[i][0], ivec_dot(ivec_low(a, b), low));
            sum[i][1] = ivec_add(sum[i][1], ivec_dot(ivec_high(a, b), high));
        }
    }
    VEC_UNROLL
    for (int i = 0; i < DEPTHWISE_TILE; i++)
        if (i < count)
            int8_store(out + i * c, int8_finish(sum[i][0], sum[i][1], factor, min, max), channels);
}

void int8_depthwise(int16_t *out, const int16_t *in, const struct int8_layer *layer, void *scratch,
                    const struct window *window)
{
    assert(int8_depthwise_valid(window) && !layer->pool &&
           layer_valid(out, in, layer, scratch, int8_depthwise_scratch(window), window));
    struct shape shape;
    in = padded_input(&shape, in, scratch, window);
    const int c = shape.c, taps = window->kernel_h * window->kernel_w, pairs = int8_tap_pairs(window),
              step = window->stride * c;
    int32_t offsets[MAX_TAPS];
    for (int tap = 0; tap < 2 * pairs; tap++) {
        const int at = tap < taps ? tap : taps - 1;
        offsets[tap] = (at / window->kernel_w * shape.w + at % window->kernel_w) * c;
    }
    const ivec min = ivec_set1_16(layer->min), max = ivec_set1_16(layer->max);
    for (int y = 0; y < window->out.h; y++) {
        const int16_t *weights = layer->weights, *row = in + (ptrdiff_t)y * window->stride * shape.w * c;
        int16_t *to = out + (ptrdiff_t)y * window->out.w * c;
        for (int first = 0; first < c; first += INT8_PANEL, weights += (ptrdiff_t)pairs * 2 * INT8_PANEL) {
            const int32_t *bias = layer->bias + first, *factor = layer->factor + first;
            int x = 0;
            for (; x + DEPTHWISE_TILE <= window->out.w; x += DEPTHWISE_TILE)
                filter_pixels(to + x * c + first, row + x * step + first, offsets, pairs, step, DEPTHWISE_TILE, weights,
                              bias, factor, min, max, c, c - first);
            for (; x < window->out.w; x++)
                filter_pixels(to + x * c + first, row + x * step + first, offsets, pairs, step, 1, weights, bias,
                              factor, min, max, c, c - first);
        }
    }
}

/* ---- Layers without weights ---- */

/* The part of a window that lies inside the input. */
struct span {
    int first, count;
};

static struct span span_of(int at, int kernel, int stride, int pad, int size)
{
    const int start = at * stride - pad, first = start < 0 ? 0 : start;
    return (struct span){first, (start + kernel < size ? start + kernel : size) - first};
}

void int8_maxpool(int16_t *out, const int16_t *in, const struct window *window)
{
    assert(pool_valid(out, in, window));
    const int c = window->in.c;
    for (int y = 0; y < window->out.h; y++)
        for (int x = 0; x < window->out.w; x++, out += c) {
            const struct span rows = span_of(y, window->kernel_h, window->stride, window->pad_top, window->in.h);
            const struct span columns = span_of(x, window->kernel_w, window->stride, window->pad_left, window->in.w);
            const int16_t *from = in + ((ptrdiff_t)rows.first * window->in.w + columns.first) * c;
            for (int k = 0; k < c; k += INT8_PANEL) {
                ivec best = ivec_load(from + k);
                for (int i = 0; i < rows.count; i++)
                    for (int j = 0; j < columns.count; j++)
                        best = ivec_max16(best, ivec_load(from + ((ptrdiff_t)i * window->in.w + j) * c + k));
                int8_store(out + k, best, c - k);
            }
        }
}

static int16_t clamp(int64_t x)
{
    return (int16_t)(x < -ACTIVATION_MAX ? -ACTIVATION_MAX : x > ACTIVATION_MAX ? ACTIVATION_MAX : x);
}

void int8_avgpool(int16_t *out, const int16_t *in, const int64_t *factor, const struct window *window)
{
    assert(pool_valid(out, in, window) && factor);
    enum { BLOCK = 64 };
    const int c = window->in.c;
    for (int y = 0; y < window->out.h; y++)
        for (int x = 0; x < window->out.w; x++, out += c) {
            const struct span rows = span_of(y, window->kernel_h, window->stride, window->pad_top, window->in.h);
            const struct span columns = span_of(x, window->kernel_w, window->stride, window->pad_left, window->in.w);
            const int64_t multiplier = factor[window->kernel_h * window->kernel_w - rows.count * columns.count];
            for (int start = 0; start < c; start += BLOCK) {
                const int count = c - start < BLOCK ? c - start : BLOCK;
                int32_t sum[BLOCK] = {0};
                for (int i = 0; i < rows.count; i++)
                    for (int k = 0; k < columns.count; k++) {
                        const int16_t *from =
                            in + ((ptrdiff_t)(rows.first + i) * window->in.w + columns.first + k) * c + start;
                        for (int channel = 0; channel < count; channel++)
                            sum[channel] += from[channel];
                    }
                VEC_KEEP_SMALL
                for (int channel = 0; channel < count; channel++)
                    out[start + channel] =
                        clamp((sum[channel] * multiplier + (1 << (INT8_FRACTION - 1))) >> INT8_FRACTION);
            }
        }
}

/* How many values of the panel from index i on are left. */
static int panel_count(size_t count, size_t i) { return count - i < INT8_PANEL ? (int)(count - i) : INT8_PANEL; }

/* Each pair of values times the pair of factors. */
void int8_add(int16_t *out, const int16_t *a, const int16_t *b, int16_t factor_a, int16_t factor_b, size_t count)
{
    assert(factor_a >= 0 && factor_b >= 0 && contract_in_place_or_apart(out, a, count * sizeof *a) &&
           contract_in_place_or_apart(out, b, count * sizeof *b));
    const int16_t pair[2] = {factor_a, factor_b};
    const ivec factors = ivec_pairs(pair), unit = ivec_set1(1 << (32 - INT8_ADD_FRACTION));
    const ivec min = ivec_set1_16(-ACTIVATION_MAX), max = ivec_set1_16(ACTIVATION_MAX);
    for (size_t i = 0; i < count; i += INT8_PANEL) {
        const ivec x = ivec_load(a + i), y = ivec_load(b + i);
        const ivec low = ivec_scale(ivec_dot(ivec_low(x, y), factors), unit);
        const ivec high = ivec_scale(ivec_dot(ivec_high(x, y), factors), unit);
        int8_store(out + i, ivec_min16(ivec_max16(ivec_narrow(low, high), min), max), panel_count(count, i));
    }
}

/* Of the pairs of a value and 0 the products are those of the values. */
void int8_multiply(int16_t *out, const int16_t *a, const int16_t *b, int32_t factor, size_t count)
{
    assert(factor > 0 && contract_in_place_or_apart(out, a, count * sizeof *a) &&
           contract_in_place_or_apart(out, b, count * sizeof *b));
    const ivec zero = ivec_set1(0), scale = ivec_set1(factor);
    const ivec min = ivec_set1_16(-ACTIVATION_MAX), max = ivec_set1_16(ACTIVATION_MAX);
    for (size_t i = 0; i < count; i += INT8_PANEL) {
        const ivec x = ivec_load(a + i), y = ivec_load(b + i);
        const ivec low = ivec_scale(ivec_dot(ivec_low(x, zero), ivec_low(y, zero)), scale);
        const ivec high = ivec_scale(ivec_dot(ivec_high(x, zero), ivec_high(y, zero)), scale);
        int8_store(out + i, ivec_min16(ivec_max16(ivec_narrow(low, high), min), max), panel_count(count, i));
    }
}

void int8_clamp(int16_t *out, const int16_t *in, int16_t min, int16_t max, size_t count)
{
    assert(min <= max && contract_in_place_or_apart(out, in, count * sizeof *in));
    for (size_t i = 0; i < count; i += INT8_PANEL)
        int8_store(out + i, ivec_min16(ivec_max16(ivec_load(in + i), ivec_set1_16(min)), ivec_set1_16(max)),
                   panel_count(count, i));
}

void int8_look_up(int16_t *out, const int16_t *in, const int16_t *table, size_t count)
{
    assert(table && contract_in_place_or_apart(out, in, count * sizeof *in));
    for (size_t i = 0; i < count; i++)
        out[i] = table[ACTIVATION_MAX + in[i]];
}
