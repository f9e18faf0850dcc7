/* Shapes. Every tensor in this project is dense, float (in int8_kernels.h int16_t) and NHWC: (image, row, column, channel), channel fastest.
 * A flattened tensor or a vector of class scores is (n, 1, 1, c). */
#ifndef SHAPE_H
#define SHAPE_H

#include <stdbool.h>
#include <stddef.h>

struct shape {
    int h, w, c; /* of one image; the batch size n is passed beside it */
};

static inline size_t shape_count(struct shape shape)
{
    return (size_t)shape.h * (size_t)shape.w * (size_t)shape.c;
}

/* The geometry of a layer that slides a window over its input: convolution and pooling. */
struct window {
    struct shape in, out;
    int kernel_h, kernel_w, stride;
    int pad_top, pad_left; /* rows and columns of padding before the input; those behind it follow from the rest */
};

/* The input with its borders, as far as the window reaches. */
static inline struct shape window_padded(const struct window *window)
{
    return (struct shape){(window->out.h - 1) * window->stride + window->kernel_h,
                          (window->out.w - 1) * window->stride + window->kernel_w, window->in.c};
}

/* Whether some of that lies outside of the input. */
static inline bool window_needs_padding(const struct window *window)
{
    const struct shape padded = window_padded(window);
    return window->pad_top || window->pad_left || padded.h > window->in.h || padded.w > window->in.w;
}

#endif
