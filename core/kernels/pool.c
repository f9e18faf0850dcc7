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

/* The loops that all four functions share: BODY sees `span`, and `place`, the window's place in the output. */
#define FOR_EACH_WINDOW(n, window, image, span, place)                                                                 \
    for (ptrdiff_t place = 0, image = 0; image < (n); image++)                                                         \
        for (int y_ = 0; y_ < (window)->out.h; y_++)                                                                   \
            for (int x_ = 0; x_ < (window)->out.w; x_++, place += (window)->out.c)                                     \
                for (struct span span = span_of(y_, x_, window), *once_ = &span; once_; once_ = NULL)

static ptrdiff_t pixel(ptrdiff_t image, int y, int x, const struct window *window)
{
    return ((image * window->in.h + y) * window->in.w + x) * window->in.c;
}

/* The maximum over a window of (h, w) pixels, for `count` vectors of channels, of which the last one has `lanes`. Inlined for
 * constant counts, so that the maxima are registers. */
static inline __attribute__((always_inline)) void window_maximum(float *out, const float *in, int h, int w, ptrdiff_t row,
                                                                 ptrdiff_t pixel, int count, int lanes)
{
    enum { MOST = 4 };
    vec most[MOST];
    VEC_UNROLL
    for (int v = 0; v < MOST; v++)
        if (v < count)
            most[v] = vec_load_lanes(in + v * VEC_LANES, lanes);
    for (int y = 0; y < h; y++, in += row) {
        const float *from = in;
        for (int x = 0; x < w; x++, from += pixel)
            VEC_UNROLL
            for (int v = 0; v < MOST; v++)
                if (v < count)
                    most[v] = vec_max(vec_load_lanes(from + v * VEC_LANES, lanes), most[v]);
    }
    VEC_UNROLL
    for (int v = 0; v < MOST; v++)
        if (v < count)
            vec_store_lanes(out + v * VEC_LANES, most[v], lanes);
}

#ifndef NDEBUG
/* Channels stay as they are, and `to` holds nothing of `from`. */
static bool pass_valid(const float *to, struct shape to_shape, const float *from, struct shape from_shape, int n,
                       const struct window *window)
{
    return n > 0 && window_valid(window) && window->in.c == window->out.c && to && from &&
           contract_apart(to, (size_t)n * shape_count(to_shape) * sizeof(float), from, (size_t)n * shape_count(from_shape) * sizeof(float));
}
#endif

void maxpool_forward(float *out, const float *in, int n, const struct window *window)
{
    assert(pass_valid(out, window->out, in, window->in, n, window));
    const int c = window->in.c;
    const ptrdiff_t row = (ptrdiff_t)window->in.w * c;
    FOR_EACH_WINDOW(n, window, image, span, place)
    {
        const float *corner = in + pixel(image, span.top, span.left, window);
        const int h = span.bottom - span.top, w = span.right - span.left;
        int k = 0;
        for (; k + 4 * VEC_LANES <= c; k += 4 * VEC_LANES)
            window_maximum(out + place + k, corner + k, h, w, row, c, 4, VEC_LANES);
        for (; k + VEC_LANES <= c; k += VEC_LANES)
            window_maximum(out + place + k, corner + k, h, w, row, c, 1, VEC_LANES);
        if (k < c)
            window_maximum(out + place + k, corner + k, h, w, row, c, 1, c - k);
    }
}

void maxpool_backward(float *din, const float *dout, const float *out, const float *in, int n,
                      const struct window *window)
{
    assert(out && in && din != in && din != out);
    assert(pass_valid(din, window->in, dout, window->out, n, window));
    const int c = window->in.c;
    memset(din, 0, (size_t)n * shape_count(window->in) * sizeof(float));
    enum { BLOCK = 64 };
    FOR_EACH_WINDOW(n, window, image, span, place)
    {
        for (int start = 0; start < c; start += BLOCK) {
            const int count = c - start < BLOCK ? c - start : BLOCK;
            float left[BLOCK]; /* of each channel's gradient: all of it until its maximum is met, then none */
            memcpy(left, dout + place + start, (size_t)count * sizeof(float));
            for (int y = span.top; y < span.bottom; y++)
                for (int x = span.left; x < span.right; x++) {
                    const ptrdiff_t at = pixel(image, y, x, window) + start;
                    float *restrict to = din + at;
                    const float *restrict from = in + at, *restrict best = out + place + start;
                    for (int k = 0; k < count; k++) {
                        const float taken = from[k] == best[k] ? left[k] : 0;
                        to[k] += taken;
                        left[k] = from[k] == best[k] ? 0 : left[k];
                    }
                }
        }
    }
}

static float share(struct span span)
{
    return 1.0f / (float)((span.bottom - span.top) * (span.right - span.left));
}

void avgpool_forward(float *out, const float *in, int n, const struct window *window)
{
    assert(pass_valid(out, window->out, in, window->in, n, window));
    const int c = window->in.c;
    FOR_EACH_WINDOW(n, window, image, span, place)
    {
        float *restrict sum = out + place;
        memset(sum, 0, (size_t)c * sizeof(float));
        for (int y = span.top; y < span.bottom; y++)
            for (int x = span.left; x < span.right; x++) {
                const float *restrict from = in + pixel(image, y, x, window);
                for (int k = 0; k < c; k++)
                    sum[k] += from[k];
            }
        for (int k = 0; k < c; k++)
            sum[k] *= share(span);
    }
}

void avgpool_backward(float *din, const float *dout, int n, const struct window *window)
{
    assert(pass_valid(din, window->in, dout, window->out, n, window));
    const int c = window->in.c;
    memset(din, 0, (size_t)n * shape_count(window->in) * sizeof(float));
    FOR_EACH_WINDOW(n, window, image, span, place)
    {
        const float *restrict from = dout + place;
        for (int y = span.top; y < span.bottom; y++)
            for (int x = span.left; x < span.right; x++) {
                float *restrict to = din + pixel(image, y, x, window);
                for (int k = 0; k < c; k++)
                    to[k] += from[k] * share(span);
            }
    }
}
