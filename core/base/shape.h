/* Shapes. Every tensor in this project is dense, float (in int8_kernels.h int16_t) and NHWC: (image, row, column,
 * channel), channel fastest. A flattened tensor or a vector of class scores is (n, 1, 1, c). */
#ifndef SHAPE_H
#define SHAPE_H

#include <stdbool.h>
#include <stddef.h>

struct shape {
    int h, w, c; /* of one image; the batch size n is passed beside it */
};

static inline size_t shape_count(struct shape shape) { return (size_t)shape.h * (size_t)shape.w * (size_t)shape.c; }

/* The geometry of a layer that slides a window over its input: convolution and pooling. */
struct window {
    struct shape in, out;
    int kernel_h, kernel_w, stride;
    int pad_top, pad_left; /* rows and columns of padding before the input; those behind it follow from the rest */
    int dilation;          /* convolution: pixels from one tap to the next; else 1 */
    int groups;            /* convolution: parts of the channels, each convolved with itself; else 1 */
    bool count_padding;    /* average pools: the mean is over all of the window, where padding counts as zeros */
};

/* Rows or columns that the window covers. */
static inline int window_reach(int kernel, int dilation) { return (kernel - 1) * dilation + 1; }

/* What kernels assert of a window: sizes above 0, padding within what it covers, a pixel of the input under each
 * position of it, and groups of equal size. */
static inline bool window_valid(const struct window *window)
{
    const struct shape in = window->in, out = window->out;
    return in.h > 0 && in.w > 0 && in.c > 0 && out.h > 0 && out.w > 0 && out.c > 0 && window->kernel_h > 0 &&
           window->kernel_w > 0 && window->stride > 0 && window->dilation > 0 && window->pad_top >= 0 &&
           window->pad_left >= 0 && window->pad_top < window_reach(window->kernel_h, window->dilation) &&
           window->pad_left < window_reach(window->kernel_w, window->dilation) &&
           (out.h - 1) * window->stride - window->pad_top < in.h &&
           (out.w - 1) * window->stride - window->pad_left < in.w && window->groups > 0 && in.c % window->groups == 0 &&
           out.c % window->groups == 0;
}

/* The input with its borders, as far as the window reaches. */
static inline struct shape window_padded(const struct window *window)
{
    return (struct shape){(window->out.h - 1) * window->stride + window_reach(window->kernel_h, window->dilation),
                          (window->out.w - 1) * window->stride + window_reach(window->kernel_w, window->dilation),
                          window->in.c};
}

/* Whether some of that lies outside of the input. */
static inline bool window_needs_padding(const struct window *window)
{
    const struct shape padded = window_padded(window);
    return window->pad_top || window->pad_left || padded.h > window->in.h || padded.w > window->in.w;
}

#endif
