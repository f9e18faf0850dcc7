#include "int8/int8_tile.h"

/* ---- Borders ---- */

static size_t padded_bytes(const struct window *window)
{
    const size_t bytes = window_needs_padding(window) ? shape_count(window_padded(window)) * sizeof(int16_t) + INTEGER_SLACK : 0;
    return (bytes + INTEGER_SLACK - 1) / INTEGER_SLACK * INTEGER_SLACK;
}

/* memcpy in vectors: that of WebAssembly goes by 4 bytes. The maximum changes nothing, or clang would make a call of memcpy again. */
static void copy(int16_t *to, const int16_t *from, ptrdiff_t count)
{
    const wholes least = whole_set1_16(-INTEGER_MOST);
    for (ptrdiff_t k = 0; k < count; k += INTEGER_PANEL)
        integer_store(to + k, whole_max16(whole_load(from + k), least), (int)(count - k));
}

/* The input where its borders are there to read: in place or, copied between zeros, in scratch. */
static const int16_t *with_borders(struct shape *shape, const int16_t *in, int16_t *scratch, const struct window *window)
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

/* A row of taps is contiguous: its inputs are taken in pairs, the last one with whatever stands behind it and a weight of zero. */
static int row_pairs(const struct window *window)
{
    return (window->kernel_w * window->in.c + 1) / 2;
}

size_t integer_conv_packed(const struct window *window)
{
    return (size_t)(window->kernel_h * row_pairs(window)) * 2 * (size_t)integer_padded(window->out.c);
}

/* Panel after panel (kernel_h, pairs, INTEGER_PANEL, 2). */
void integer_conv_pack(void *packed, const int8_t *weights, const struct window *window)
{
    int8_t *to = packed;
    const int row = window->kernel_w * window->in.c, c = window->out.c;
    for (int first = 0; first < c; first += INTEGER_PANEL)
        for (int y = 0; y < window->kernel_h; y++)
            for (int k = 0; k < 2 * row_pairs(window); k += 2)
                for (int i = first; i < first + INTEGER_PANEL; i++) {
                    const int8_t *from = weights + ((ptrdiff_t)y * row + k) * c + integer_channel(i);
                    *to++ = integer_channel(i) < c ? from[0] : 0;
                    *to++ = integer_channel(i) < c && k + 1 < row ? from[c] : 0;
                }
}

/* How many tiles of INTEGER_ROWS pixels; pooled, each is one window. */
static int tile_count(const struct window *window, bool pool)
{
    const int pixels = window->out.h * window->out.w;
    return pool ? (window->out.h / 2) * (window->out.w / 2) : (pixels + INTEGER_ROWS - 1) / INTEGER_ROWS;
}

size_t integer_conv_scratch(const struct window *window)
{
    return padded_bytes(window) + (size_t)tile_count(window, false) * INTEGER_ROWS * sizeof(int32_t);
}

/* Where in the input the pixels of all tiles begin. After the last one come repetitions of it. */
static void find_pixels(int32_t *places, struct shape shape, const struct window *window, bool pool)
{
    const int step = window->stride * shape.c, row = window->stride * shape.w * shape.c, side = pool ? 2 : 1;
    int32_t *to = places;
    for (int y = 0; y + side <= window->out.h; y += side)
        for (int x = 0; x + side <= window->out.w; x += side)
            for (int i = 0; i < side * side; i++)
                *to++ = (y + i / 2) * row + (x + i % 2) * step;
    for (; (to - places) % INTEGER_ROWS; to++)
        *to = to[-1];
}

void integer_conv(int16_t *out, const int16_t *in, const struct integer_layer *layer, void *scratch, const struct window *window)
{
    struct shape shape;
    in = with_borders(&shape, in, scratch, window);
    int32_t *places = (int32_t *)(void *)((unsigned char *)scratch + padded_bytes(window));
    find_pixels(places, shape, window, layer->pool);

    const int c = window->out.c, tiles = tile_count(window, layer->pool), pixels = window->out.h * window->out.w;
    const struct integer_runs runs = {window->kernel_h, row_pairs(window), (ptrdiff_t)shape.w * shape.c};
    const wholes least = whole_set1_16(layer->least), most = whole_set1_16(layer->most);
    const int8_t *panel = layer->weights;
    for (int first = 0; first < c; first += INTEGER_PANEL, panel += (ptrdiff_t)runs.count * runs.pairs * 2 * INTEGER_PANEL) {
        const int32_t *bias = layer->bias + first, *factor = layer->factor + first;
        int16_t *to = out + first;
        for (int tile = 0; tile < tiles; tile++) {
            wholes sum[INTEGER_ROWS][2];
            const int16_t *rows[INTEGER_ROWS];
            for (int i = 0; i < INTEGER_ROWS; i++)
                rows[i] = in + places[tile * INTEGER_ROWS + i];
            VEC_UNROLL
            for (int i = 0; i < INTEGER_ROWS; i++) {
                sum[i][0] = whole_load(bias);
                sum[i][1] = whole_load(bias + VEC_LANES);
            }
            integer_sums(sum, rows, &runs, panel, true);
            if (layer->pool) { /* the factor is above 0: the largest sum becomes the largest number */
                const wholes low = whole_max(whole_max(sum[0][0], sum[1][0]), whole_max(sum[2][0], sum[3][0]));
                const wholes high = whole_max(whole_max(sum[0][1], sum[1][1]), whole_max(sum[2][1], sum[3][1]));
                integer_store(to, integer_finish(low, high, factor, least, most), c - first);
                to += c;
                continue;
            }
            VEC_UNROLL
            for (int i = 0; i < INTEGER_ROWS; i++)
                if (tile * INTEGER_ROWS + i < pixels)
                    integer_store(to + i * c, integer_finish(sum[i][0], sum[i][1], factor, least, most), c - first);
            to += INTEGER_ROWS * c;
        }
    }
}

/* ---- Depthwise convolution ---- */

/* Taps are taken in pairs, two pixels' channels interleaved; the last of an odd number is paired with itself and a weight of zero. */
enum { MOST_TAPS = 11 * 11 + 1, DEPTHWISE_TILE = 2 };

static int tap_pairs(const struct window *window)
{
    return (window->kernel_h * window->kernel_w + 1) / 2;
}

size_t integer_depthwise_packed(const struct window *window)
{
    return (size_t)tap_pairs(window) * 2 * sizeof(int16_t) * (size_t)integer_padded(window->in.c);
}

size_t integer_depthwise_scratch(const struct window *window)
{
    return padded_bytes(window);
}

/* Panel after panel (pairs, INTEGER_PANEL, 2). */
void integer_depthwise_pack(void *packed, const int8_t *weights, const struct window *window)
{
    int16_t *to = packed;
    const int c = window->in.c, taps = window->kernel_h * window->kernel_w;
    for (int first = 0; first < c; first += INTEGER_PANEL)
        for (int tap = 0; tap < taps; tap += 2)
            for (int i = first; i < first + INTEGER_PANEL; i++) {
                const int8_t *from = weights + (ptrdiff_t)tap * c + integer_channel(i);
                *to++ = integer_channel(i) < c ? from[0] : 0;
                *to++ = integer_channel(i) < c && tap + 1 < taps ? from[c] : 0;
            }
}

/* A panel of `count` pixels, `step` apart in the input. */
static inline __attribute__((always_inline)) void filter_pixels(int16_t *out, const int16_t *in, const int32_t *places, int pairs,
                                                                int step, int count, const int16_t *weights, const int32_t *bias,
                                                                const int32_t *factor, wholes least, wholes most, int c, int channels)
{
    wholes sum[DEPTHWISE_TILE][2];
    VEC_UNROLL
    for (int i = 0; i < DEPTHWISE_TILE; i++) {
        sum[i][0] = whole_load(bias);
        sum[i][1] = whole_load(bias + VEC_LANES);
    }
    for (; pairs > 0; pairs--, places += 2, weights += 2 * INTEGER_PANEL) {
        const int16_t *first = in + places[0], *second = in + places[1];
        const wholes low = whole_load(weights), high = whole_load(weights + INTEGER_PANEL);
        VEC_UNROLL
        for (int i = 0; i < DEPTHWISE_TILE; i++) {
            if (i >= count)
                continue;
            const wholes a = whole_load(first + i * step), b = whole_load(second + i * step);
            sum[i][0] = whole_add(sum[i][0], whole_dot(whole_low(a, b), low));
            sum[i][1] = whole_add(sum[i][1], whole_dot(whole_high(a, b), high));
        }
    }
    VEC_UNROLL
    for (int i = 0; i < DEPTHWISE_TILE; i++)
        if (i < count)
            integer_store(out + i * c, integer_finish(sum[i][0], sum[i][1], factor, least, most), channels);
}

void integer_depthwise(int16_t *out, const int16_t *in, const struct integer_layer *layer, void *scratch, const struct window *window)
{
    struct shape shape;
    in = with_borders(&shape, in, scratch, window);
    const int c = shape.c, taps = window->kernel_h * window->kernel_w, pairs = tap_pairs(window), step = window->stride * c;
    int32_t places[MOST_TAPS];
    for (int tap = 0; tap < 2 * pairs; tap++) {
        const int at = tap < taps ? tap : taps - 1;
        places[tap] = (at / window->kernel_w * shape.w + at % window->kernel_w) * c;
    }
    const wholes least = whole_set1_16(layer->least), most = whole_set1_16(layer->most);
    for (int y = 0; y < window->out.h; y++) {
        const int16_t *weights = layer->weights, *row = in + (ptrdiff_t)y * window->stride * shape.w * c;
        int16_t *to = out + (ptrdiff_t)y * window->out.w * c;
        for (int first = 0; first < c; first += INTEGER_PANEL, weights += (ptrdiff_t)pairs * 2 * INTEGER_PANEL) {
            const int32_t *bias = layer->bias + first, *factor = layer->factor + first;
            int x = 0;
            for (; x + DEPTHWISE_TILE <= window->out.w; x += DEPTHWISE_TILE)
                filter_pixels(to + x * c + first, row + x * step + first, places, pairs, step, DEPTHWISE_TILE, weights, bias, factor,
                              least, most, c, c - first);
            for (; x < window->out.w; x++)
                filter_pixels(to + x * c + first, row + x * step + first, places, pairs, step, 1, weights, bias, factor, least,
                              most, c, c - first);
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

void integer_maxpool(int16_t *out, const int16_t *in, const struct window *window)
{
    const int c = window->in.c;
    for (int y = 0; y < window->out.h; y++)
        for (int x = 0; x < window->out.w; x++, out += c) {
            const struct span rows = span_of(y, window->kernel_h, window->stride, window->pad_top, window->in.h);
            const struct span columns = span_of(x, window->kernel_w, window->stride, window->pad_left, window->in.w);
            const int16_t *from = in + ((ptrdiff_t)rows.first * window->in.w + columns.first) * c;
            for (int k = 0; k < c; k += INTEGER_PANEL) {
                wholes best = whole_load(from + k);
                for (int i = 0; i < rows.count; i++)
                    for (int j = 0; j < columns.count; j++)
                        best = whole_max16(best, whole_load(from + ((ptrdiff_t)i * window->in.w + j) * c + k));
                integer_store(out + k, best, c - k);
            }
        }
}

static int16_t clamp(int64_t x)
{
    return (int16_t)(x < -INTEGER_MOST ? -INTEGER_MOST : x > INTEGER_MOST ? INTEGER_MOST : x);
}

void integer_avgpool(int16_t *out, const int16_t *in, const int64_t *factor, const struct window *window)
{
    enum { BLOCK = 64 };
    const int c = window->in.c;
    for (int y = 0; y < window->out.h; y++)
        for (int x = 0; x < window->out.w; x++, out += c) {
            const struct span rows = span_of(y, window->kernel_h, window->stride, window->pad_top, window->in.h);
            const struct span columns = span_of(x, window->kernel_w, window->stride, window->pad_left, window->in.w);
            const int64_t share = factor[window->kernel_h * window->kernel_w - rows.count * columns.count];
            for (int start = 0; start < c; start += BLOCK) {
                const int count = c - start < BLOCK ? c - start : BLOCK;
                int32_t sum[BLOCK] = {0};
                for (int i = 0; i < rows.count; i++)
                    for (int k = 0; k < columns.count; k++) {
                        const int16_t *from = in + ((ptrdiff_t)(rows.first + i) * window->in.w + columns.first + k) * c + start;
                        for (int channel = 0; channel < count; channel++)
                            sum[channel] += from[channel];
                    }
                for (int channel = 0; channel < count; channel++)
                    out[start + channel] = clamp((sum[channel] * share + (1 << (INTEGER_FRACTION - 1))) >> INTEGER_FRACTION);
            }
        }
}

/* How many numbers a panel at place i takes. */
static int left_of(size_t count, size_t i)
{
    return count - i < INTEGER_PANEL ? (int)(count - i) : INTEGER_PANEL;
}

/* Each pair of numbers times the pair of factors. */
void integer_add(int16_t *out, const int16_t *a, const int16_t *b, int16_t factor_a, int16_t factor_b, size_t count)
{
    const int16_t pair[2] = {factor_a, factor_b};
    const wholes factors = whole_pairs(pair), unit = whole_set1(1 << (32 - INTEGER_ADD_FRACTION));
    const wholes least = whole_set1_16(-INTEGER_MOST), most = whole_set1_16(INTEGER_MOST);
    for (size_t i = 0; i < count; i += INTEGER_PANEL) {
        const wholes x = whole_load(a + i), y = whole_load(b + i);
        const wholes low = whole_scale(whole_dot(whole_low(x, y), factors), unit);
        const wholes high = whole_scale(whole_dot(whole_high(x, y), factors), unit);
        integer_store(out + i, whole_min16(whole_max16(whole_narrow(low, high), least), most), left_of(count, i));
    }
}

void integer_clamp(int16_t *out, const int16_t *in, int16_t least, int16_t most, size_t count)
{
    for (size_t i = 0; i < count; i += INTEGER_PANEL)
        integer_store(out + i, whole_min16(whole_max16(whole_load(in + i), whole_set1_16(least)), whole_set1_16(most)), left_of(count, i));
}

void integer_look_up(int16_t *out, const int16_t *in, const int16_t *table, size_t count)
{
    for (size_t i = 0; i < count; i++)
        out[i] = table[INTEGER_MOST + in[i]];
}
