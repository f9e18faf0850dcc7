#include "kernels/pool.h"

#include "base/contract.h"
#include "base/vec/vec.h"

#include <assert.h>
#include <string.h>

/* The part of one window that lies inside the input. */
struct span {
    int top, bottom, left, right; /* bottom and right exclusive */
};

static struct span span_of(int y, int x, const struct window *window)
{
    const int top = y * window->stride - window->pad_top, left = x * window->stride - window->pad_left;
    const int bottom = top + window->kernel_h, right = left + window->kernel_w;
    return (struct span){top < 0 ? 0 : top, bottom > window->in.h ? window->in.h : bottom, left < 0 ? 0 : left,
                         right > window->in.w ? window->in.w : right};
}

static ptrdiff_t pixel(ptrdiff_t image, int y, int x, const struct window *window)
{
    return ((image * window->in.h + y) * window->in.w + x) * window->in.c;
}

/* The maximum over a window of (h, w) pixels, for `count` vectors of channels, of which the last one has `lanes`.
 * Inlined for constant counts, so that the maxima are registers. */
static inline __attribute__((always_inline)) void window_maximum(float *out, const float *in, int h, int w,
                                                                 ptrdiff_t row, ptrdiff_t pixel, int count, int lanes)
{
    enum { VECTORS = 4 };
    vec max[VECTORS];
    VEC_UNROLL
    for (int v = 0; v < VECTORS; v++)
        if (v < count)
            max[v] = vec_load_lanes(in + v * VEC_LANES, lanes);
    for (int y = 0; y < h; y++, in += row) {
        const float *from = in;
        for (int x = 0; x < w; x++, from += pixel)
            VEC_UNROLL
        for (int v = 0; v < VECTORS; v++)
            if (v < count)
                max[v] = vec_max(vec_load_lanes(from + v * VEC_LANES, lanes), max[v]);
    }
    VEC_UNROLL
    for (int v = 0; v < VECTORS; v++)
        if (v < count)
            vec_store_lanes(out + v * VEC_LANES, max[v], lanes);
}

#ifndef NDEBUG
/* Channels stay as they are, and `to` holds nothing of `from`. */
static bool pass_valid(const float *to, struct shape to_shape, const float *from, struct shape from_shape, int n,
                       const struct window *window)
{
    return n > 0 && window_valid(window) && window->in.c == window->out.c && to && from &&
           contract_apart(to, (size_t)n * shape_count(to_shape) * sizeof(float), from,
                          (size_t)n * shape_count(from_shape) * sizeof(float));
}
#endif

void pool_max_forward(float *out, const float *in, int n, const struct window *window)
{
    assert(pass_valid(out, window->out, in, window->in, n, window));
    const int c = window->in.c;
    const ptrdiff_t row = (ptrdiff_t)window->in.w * c;
    ptrdiff_t at = 0; /* of the window in the output */
    for (ptrdiff_t image = 0; image < n; image++)
        for (int y = 0; y < window->out.h; y++)
            for (int x = 0; x < window->out.w; x++, at += c) {
                const struct span span = span_of(y, x, window);
                const float *corner = in + pixel(image, span.top, span.left, window);
                const int h = span.bottom - span.top, w = span.right - span.left;
                int k = 0;
                for (; k + 4 * VEC_LANES <= c; k += 4 * VEC_LANES)
                    window_maximum(out + at + k, corner + k, h, w, row, c, 4, VEC_LANES);
                for (; k + VEC_LANES <= c; k += VEC_LANES)
                    window_maximum(out + at + k, corner + k, h, w, row, c, 1, VEC_LANES);
                if (k < c)
                    window_maximum(out + at + k, corner + k, h, w, row, c, 1, c - k);
            }
}

void pool_max_backward(float *din, const float *dout, const float *out, const float *in, int n,
                       const struct window *window)
{
    assert(out && in && din != in && din != out);
    assert(pass_valid(din, window->in, dout, window->out, n, window));
    const int c = window->in.c;
    memset(din, 0, (size_t)n * shape_count(window->in) * sizeof(float));
    enum { BLOCK = 64 };
    ptrdiff_t at = 0; /* of the window in the output */
    for (ptrdiff_t image = 0; image < n; image++)
        for (int y = 0; y < window->out.h; y++)
            for (int x = 0; x < window->out.w; x++, at += c) {
                const struct span span = span_of(y, x, window);
                for (int start = 0; start < c; start += BLOCK) {
                    const int count = c - start < BLOCK ? c - start : BLOCK;
                    float rest[BLOCK]; /* of each channel's gradient: all of it until its maximum is met, then none */
                    memcpy(rest, dout + at + start, (size_t)count * sizeof(float));
                    for (int i = span.top; i < span.bottom; i++)
                        for (int j = span.left; j < span.right; j++) {
                            const ptrdiff_t offset = pixel(image, i, j, window) + start;
                            float *restrict to = din + offset;
                            const float *restrict from = in + offset, *restrict best = out + at + start;
                            for (int k = 0; k < count; k++) {
                                const float taken = from[k] == best[k] ? rest[k] : 0;
                                to[k] += taken;
                                rest[k] = from[k] == best[k] ? 0 : rest[k];
                            }
                        }
                }
            }
}

static float reciprocal_count(struct span span, const struct window *window)
{
    const int inside = (span.bottom - span.top) * (span.right - span.left);
    return 1.0f / (float)(window->count_padding ? window->kernel_h * window->kernel_w : inside);
}

void pool_average_forward(float *out, const float *in, int n, const struct window *window)
{
    assert(pass_valid(out, window->out, in, window->in, n, window));
    const int c = window->in.c;
    ptrdiff_t at = 0; /* of the window in the output */
    for (ptrdiff_t image = 0; image < n; image++)
        for (int y = 0; y < window->out.h; y++)
            for (int x = 0; x < window->out.w; x++, at += c) {
                const struct span span = span_of(y, x, window);
                float *restrict sum = out + at;
                memset(sum, 0, (size_t)c * sizeof(float));
                for (int i = span.top; i < span.bottom; i++)
                    for (int j = span.left; j < span.right; j++) {
                        const float *restrict from = in + pixel(image, i, j, window);
                        for (int k = 0; k < c; k++)
                            sum[k] += from[k];
                    }
                for (int k = 0; k < c; k++)
                    sum[k] *= reciprocal_count(span, window);
            }
}

void pool_average_backward(float *din, const float *dout, int n, const struct window *window)
{
    assert(pass_valid(din, window->in, dout, window->out, n, window));
    const int c = window->in.c;
    memset(din, 0, (size_t)n * shape_count(window->in) * sizeof(float));
    ptrdiff_t at = 0; /* of the window in the output */
    for (ptrdiff_t image = 0; image < n; image++)
        for (int y = 0; y < window->out.h; y++)
            for (int x = 0; x < window->out.w; x++, at += c) {
                const struct span span = span_of(y, x, window);
                const float *restrict from = dout + at;
                for (int i = span.top; i < span.bottom; i++)
                    for (int j = span.left; j < span.right; j++) {
                        float *restrict to = din + pixel(image, i, j, window);
                        for (int k = 0; k < c; k++)
                            to[k] += from[k] * reciprocal_count(span, window);
                    }
            }
}
