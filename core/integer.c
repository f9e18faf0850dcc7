#include "integer.h"

#include "integer_sums.h"

/* ---- Borders ---- */

/* The input with its borders, as far as the window reaches. */
static struct shape padded_shape(const struct window *window)
{
    return (struct shape){(window->out.h - 1) * window->stride + window->kernel_h,
                          (window->out.w - 1) * window->stride + window->kernel_w, window->in.c};
}

static bool needs_padding(const struct window *window)
{
    const struct shape padded = padded_shape(window);
    return window->pad_top || window->pad_left || padded.h > window->in.h || padded.w > window->in.w;
}

static size_t padded_bytes(const struct window *window)
{
    const size_t bytes = needs_padding(window) ? shape_count(padded_shape(window)) * sizeof(int16_t) + INTEGER_SLACK : 0;
    return (bytes + INTEGER_SLACK - 1) / INTEGER_SLACK * INTEGER_SLACK;
}

/* The input where its borders are there to read: in place or, copied between zeros, in scratch. */
static const int16_t *with_borders(struct shape *shape, const int16_t *in, int16_t *scratch, const struct window *window)
{
    *shape = window->in;
    if (!needs_padding(window))
        return in;
    *shape = padded_shape(window);
    const ptrdiff_t c = shape->c, left = window->pad_left;
    const ptrdiff_t w = left + window->in.w < shape->w ? window->in.w : shape->w - left, right = shape->w - left - w;
    for (int y = 0; y < shape->h; y++, scratch += shape->w * c) {
        const int from = y - window->pad_top;
        if (from < 0 || from >= window->in.h) {
            memset(scratch, 0, (size_t)(shape->w * c) * sizeof *scratch);
            continue;
        }
        memset(scratch, 0, (size_t)(left * c) * sizeof *scratch);
        memcpy(scratch + left * c, in + (ptrdiff_t)from * window->in.w * c, (size_t)(w * c) * sizeof *scratch);
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
    const int columns = window->out.w / 2, step = window->stride * shape.c, row = window->stride * shape.w * shape.c;
    const int count = window->out.h * window->out.w;
    for (int i = 0; i < tile_count(window, pool) * INTEGER_ROWS; i++) {
        const int window_of = i / INTEGER_ROWS, at = i < count ? i : count - 1;
        const int y = pool ? window_of / columns * 2 + i % INTEGER_ROWS / 2 : at / window->out.w;
        const int x = pool ? window_of % columns * 2 + i % 2 : at % window->out.w;
        places[i] = y * row + x * step;
    }
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
            if (tile * INTEGER_ROWS + INTEGER_ROWS <= pixels && c - first >= INTEGER_PANEL) {
                VEC_UNROLL
                for (int i = 0; i < INTEGER_ROWS; i++)
                    whole_store(to + i * c, integer_finish(sum[i][0], sum[i][1], factor, least, most));
            } else {
                for (int i = 0; i < INTEGER_ROWS && tile * INTEGER_ROWS + i < pixels; i++)
                    integer_store(to + i * c, integer_finish(sum[i][0], sum[i][1], factor, least, most), c - first);
            }
            to += INTEGER_ROWS * c;
        }
    }
}

/* ---- Depthwise convolution ---- */

/* Taps are taken in pairs, two pixels' channels interleaved; the last of an odd number is paired with itself and a weight of zero. */
enum { MOST_TAPS = 11 * 11 + 1, DEPTHWISE_TILE = 4 };

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
    for (int i = 0; i < count; i++) {
        sum[i][0] = whole_load(bias);
        sum[i][1] = whole_load(bias + VEC_LANES);
    }
    for (; pairs > 0; pairs--, places += 2, weights += 2 * INTEGER_PANEL) {
        const int16_t *first = in + places[0], *second = in + places[1];
        const wholes low = whole_load(weights), high = whole_load(weights + INTEGER_PANEL);
        VEC_UNROLL
        for (int i = 0; i < count; i++) {
            const wholes a = whole_load(first + i * step), b = whole_load(second + i * step);
            sum[i][0] = whole_add(sum[i][0], whole_dot(whole_low(a, b), low));
            sum[i][1] = whole_add(sum[i][1], whole_dot(whole_high(a, b), high));
        }
    }
    VEC_UNROLL
    for (int i = 0; i < count; i++)
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
            int16_t *restrict best = out;
            memcpy(best, from, (size_t)c * sizeof *best);
            for (int i = 0; i < rows.count; i++)
                for (int k = 0; k < columns.count; k++) {
                    const int16_t *restrict pixel = from + ((ptrdiff_t)i * window->in.w + k) * c;
                    for (int channel = 0; channel < c; channel++)
                        best[channel] = pixel[channel] > best[channel] ? pixel[channel] : best[channel];
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

void integer_add(int16_t *out, const int16_t *a, const int16_t *b, int32_t factor_a, int32_t factor_b, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const int32_t sum = a[i] * factor_a + b[i] * factor_b + (1 << (INTEGER_ADD_FRACTION - 1)), x = sum >> INTEGER_ADD_FRACTION;
        const int32_t floored = x < -INTEGER_MOST ? -INTEGER_MOST : x;
        out[i] = (int16_t)(floored > INTEGER_MOST ? INTEGER_MOST : floored);
    }
}

void integer_clamp(int16_t *out, const int16_t *in, int16_t least, int16_t most, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const int16_t x = in[i] < least ? least : in[i];
        out[i] = x > most ? most : x;
    }
}

void integer_look_up(int16_t *out, const int16_t *in, const int16_t *table, size_t count)
{
    for (size_t i = 0; i < count; i++)
        out[i] = table[INTEGER_MOST + in[i]];
}
