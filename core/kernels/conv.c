#include "kernels/conv.h"

#include "base/contract.h"

#include <assert.h>
#include <string.h>

/* The output's gradient, dilated (stride - 1 zeros between its pixels) and padded, so that the input's gradient is a
 * convolution of it with stride 1. */
static struct shape spread_shape(const struct window *window)
{
    return (struct shape){window->in.h + window_reach(window->kernel_h, window->dilation) - 1,
                          window->in.w + window_reach(window->kernel_w, window->dilation) - 1, window->out.c};
}

static bool needs_spreading(const struct window *window)
{
    return window->kernel_h > 1 || window->kernel_w > 1 || window->stride > 1;
}

/* A group is a convolution of its own, of some channels of the input to some of the output. */
static int group_inputs(const struct window *window) { return window->in.c / window->groups; }

static int group_outputs(const struct window *window) { return window->out.c / window->groups; }

static int tap_count(const struct window *window) { return window->kernel_h * window->kernel_w; }

static size_t group_packed_count(const struct window *window)
{
    return gemm_packed_count(tap_count(window) * group_inputs(window), group_outputs(window));
}

static size_t group_packed_backward_count(const struct window *window)
{
    return gemm_packed_count(tap_count(window) * group_outputs(window), group_inputs(window));
}

size_t conv_packed_count(const struct window *window)
{
    assert(window_valid(window));
    return (size_t)window->groups * group_packed_count(window);
}

size_t conv_packed_backward_count(const struct window *window)
{
    assert(window_valid(window));
    return (size_t)window->groups * group_packed_backward_count(window);
}

/* Groups one behind the other. */
void conv_pack(float *packed, const float *weights, const struct window *window)
{
    assert(window_valid(window));
    const int columns = group_outputs(window);
    for (int group = 0; group < window->groups; group++, packed += group_packed_count(window), weights += columns)
        gemm_pack(packed, weights, axis_line(tap_count(window) * group_inputs(window), window->out.c), 1, columns);
}

/* Of each group: depth (ky, kx, its outputs) with the kernel turned by 180 degrees, columns its inputs. */
void conv_pack_backward(float *packed, const float *weights, const struct window *window)
{
    assert(window_valid(window));
    const ptrdiff_t tap = (ptrdiff_t)group_inputs(window) * window->out.c, row = tap * window->kernel_w;
    const struct axis depth = {{window->kernel_h, window->kernel_w, group_outputs(window)}, {-row, -tap, 1}};
    weights += row * (window->kernel_h - 1) + tap * (window->kernel_w - 1);
    for (int group = 0; group < window->groups;
         group++, packed += group_packed_backward_count(window), weights += depth.count[2])
        gemm_pack(packed, weights, depth, window->out.c, group_inputs(window));
}

size_t conv_forward_scratch(int n, const struct window *window)
{
    assert(n > 0 && window_valid(window));
    return window_needs_padding(window) ? (size_t)n * shape_count(window_padded(window)) : 0;
}

/* Images whose packed gradients, DEPTH rows or so, stay in the L2 cache. */
static int images_of_block(int n, const struct window *window)
{
    enum { DEPTH = 1024 };
    const int images = DEPTH / (window->out.h * window->out.w);
    return images < 1 ? 1 : images > n ? n : images;
}

size_t conv_backward_input_scratch(int n, const struct window *window)
{
    assert(n > 0 && window_valid(window));
    return needs_spreading(window) ? (size_t)n * shape_count(spread_shape(window)) : 0;
}

size_t conv_backward_weights_scratch(int n, const struct window *window)
{
    assert(n > 0 && window_valid(window));
    return conv_forward_scratch(n, window) +
           gemm_packed_count(images_of_block(n, window) * window->out.h * window->out.w, group_outputs(window));
}

/* Copies in (n, from.h, from.w, from.c) into padded: input (y, x) to (top + y*step, left + x*step), zeros elsewhere.
 * What would lie outside of padded is left out. */
static void pad(float *padded, struct shape to, const float *in, struct shape from, int top, int left, int step, int n)
{
    memset(padded, 0, (size_t)n * shape_count(to) * sizeof(float));
    const int c = from.c, rows = (to.h - 1 - top) / step + 1, columns = (to.w - 1 - left) / step + 1;
    const int h = from.h < rows ? from.h : rows, w = from.w < columns ? from.w : columns;
    for (int i = 0; i < n; i++, padded += shape_count(to), in += shape_count(from))
        for (int y = 0; y < h; y++) {
            float *row = padded + ((ptrdiff_t)(top + y * step) * to.w + left) * c;
            const float *source = in + (ptrdiff_t)y * from.w * c;
            if (step == 1)
                memcpy(row, source, (size_t)w * (size_t)c * sizeof(float));
            else
                for (int x = 0; x < w; x++)
                    memcpy(row + (ptrdiff_t)x * step * c, source + (ptrdiff_t)x * c, (size_t)c * sizeof(float));
        }
}

/* The im2col matrix as A, in place: output pixels along its rows, kernel taps along its depth. */
struct patches {
    const float *a;
    struct axis pixels, taps;
};

/* The taps of one group over images of `c` channels, of which it reads `channels`. Where it reads all of them and the
 * taps are neighbours, a row of taps is contiguous in NHWC. */
static struct axis taps_of(const struct window *window, ptrdiff_t row, int c, int channels)
{
    const int step = window->dilation;
    return step == 1 && channels == c
               ? (struct axis){{1, window->kernel_h, window->kernel_w * c}, {0, row, 1}}
               : (struct axis){{window->kernel_h, window->kernel_w, channels}, {row * step, (ptrdiff_t)c * step, 1}};
}

static struct patches patches_of(const float *in, float *scratch, int n, const struct window *window)
{
    struct shape shape = window->in;
    if (window_needs_padding(window)) {
        shape = window_padded(window);
        pad(scratch, shape, in, window->in, window->pad_top, window->pad_left, 1, n);
        in = scratch;
    }
    const ptrdiff_t row = (ptrdiff_t)shape.w * shape.c, image = row * shape.h;
    return (struct patches){
        in,
        {{n, window->out.h, window->out.w}, {image, row * window->stride, (ptrdiff_t)shape.c * window->stride}},
        taps_of(window, row, shape.c, group_inputs(window)),
    };
}

void conv_forward(float *out, const float *in, const float *packed, const float *bias, float ceiling, float *scratch,
                  int n, const struct window *window, gemm_function *gemm)
{
    assert(n > 0 && window_valid(window) && out && packed && ceiling >= 0);
    assert(contract_pass(out, (size_t)n * shape_count(window->out), in, (size_t)n * shape_count(window->in), scratch,
                         conv_forward_scratch(n, window)));
    const struct patches patches = patches_of(in, scratch, n, window);
    const int columns = group_outputs(window);
    for (int group = 0; group < window->groups; group++)
        gemm(&(struct gemm){.a = patches.a + group * group_inputs(window),
                            .rows = patches.pixels,
                            .depth = patches.taps,
                            .b = packed + (size_t)group * group_packed_count(window),
                            .columns = columns,
                            .c = out + group * columns,
                            .c_stride = window->out.c,
                            .bias = bias ? bias + group * columns : NULL,
                            .ceiling = ceiling});
}

void conv_backward_input(float *din, const float *dout, const float *packed_backward, float *scratch, int n,
                         const struct window *window, gemm_function *gemm)
{
    assert(n > 0 && window_valid(window) && din && packed_backward);
    assert(contract_pass(din, (size_t)n * shape_count(window->in), dout, (size_t)n * shape_count(window->out), scratch,
                         conv_backward_input_scratch(n, window)));
    struct shape shape = window->out;
    if (needs_spreading(window)) {
        shape = spread_shape(window);
        pad(scratch, shape, dout, window->out, window_reach(window->kernel_h, window->dilation) - 1 - window->pad_top,
            window_reach(window->kernel_w, window->dilation) - 1 - window->pad_left, window->stride, n);
        dout = scratch;
    }
    const ptrdiff_t row = (ptrdiff_t)shape.w * shape.c, image = row * shape.h;
    const int columns = group_inputs(window);
    for (int group = 0; group < window->groups; group++)
        gemm(&(struct gemm){.a = dout + group * group_outputs(window),
                            .rows = {{n, window->in.h, window->in.w}, {image, row, shape.c}},
                            .depth = taps_of(window, row, shape.c, group_outputs(window)),
                            .b = packed_backward + (size_t)group * group_packed_backward_count(window),
                            .columns = columns,
                            .c = din + group * columns,
                            .c_stride = window->in.c});
}

void conv_backward_weights(float *dweights, const float *dout, const float *in, float *scratch, int n,
                           const struct window *window, gemm_function *gemm)
{
    assert(n > 0 && window_valid(window) && dweights && dout && in != dout);
    assert(contract_pass(dweights, 0, in, (size_t)n * shape_count(window->in), scratch,
                         conv_backward_weights_scratch(n, window)));
    const int c = window->out.c, columns = group_outputs(window), block = images_of_block(n, window);
    struct patches patches = patches_of(in, scratch, n, window);
    float *packed = scratch + conv_forward_scratch(n, window);
    for (int first = 0; first < n; first += block) {
        patches.pixels.count[0] = n - first < block ? n - first : block;
        const int pixels = axis_count(&patches.pixels);
        for (int group = 0; group < window->groups; group++) {
            gemm_pack(packed, dout + (size_t)first * shape_count(window->out) + group * columns, axis_line(pixels, c),
                      1, columns);
            gemm(&(struct gemm){.a = patches.a + first * patches.pixels.stride[0] + group * group_inputs(window),
                                .rows = patches.taps,
                                .depth = patches.pixels,
                                .b = packed,
                                .columns = columns,
                                .c = dweights + group * columns,
                                .c_stride = c,
                                .accumulate = true});
        }
    }
}

void conv_backward_bias(float *dbias, const float *dout, int n, const struct window *window)
{
    assert(n > 0 && window_valid(window) && dbias && dout);
    const int pixels = n * window->out.h * window->out.w, c = window->out.c;
    for (int i = 0; i < pixels; i++)
        for (int k = 0; k < c; k++)
            dbias[k] += dout[(ptrdiff_t)i * c + k];
}
