/* Images are cut into tiles, and blocks of tiles go through transform, products and transform back, so that a block's
 * transformed tiles stay in the cache. They are stored place by place, (POINTS, tiles, c), and so are the filters, each place a
 * line of the cache apart from the next: strides of whole pages would fall on the same lines. */
#include "kernels/winograd.h"

#include "base/contract.h"
#include "kernels/winograd_transform.h"

#include <assert.h>
#include <string.h>

enum { POINTS = PATCH * PATCH, PIXELS = TILE * TILE };

/* Both dimensions of a tile: its columns, then its rows, (from, from) to (to, to). `load` is the expression for number i of the
 * tile, `store` the statement that takes number i of the result, `value`. */
#define TRANSFORM(line, from, to, load, store)                                                                         \
    do {                                                                                                               \
        vec before[PATCH], between[PATCH][PATCH], after[PATCH];                                                        \
        for (int x_ = 0; x_ < (from); x_++) {                                                                          \
            VEC_UNROLL                                                                                                 \
            for (int y_ = 0; y_ < (from); y_++) {                                                                      \
                const int i = y_ * (from) + x_;                                                                        \
                before[y_] = load;                                                                                     \
            }                                                                                                          \
            line(after, before);                                                                                       \
            VEC_UNROLL                                                                                                 \
            for (int y_ = 0; y_ < (to); y_++)                                                                          \
                between[y_][x_] = after[y_];                                                                           \
        }                                                                                                              \
        for (int y_ = 0; y_ < (to); y_++) {                                                                            \
            line(after, between[y_]);                                                                                  \
            VEC_UNROLL                                                                                                 \
            for (int x_ = 0; x_ < (to); x_++) {                                                                        \
                const int i = y_ * (to) + x_;                                                                          \
                const vec value = after[x_];                                                                           \
                store;                                                                                                 \
            }                                                                                                          \
        }                                                                                                              \
    } while (0)

/* ---- Filters ---- */

bool winograd_computes(const struct window *window)
{
    return window->kernel_h == 3 && window->kernel_w == 3 && window->stride == 1 && window->in.c >= WINOGRAD_LEAST &&
           window->out.c >= WINOGRAD_LEAST;
}

size_t winograd_packed_count(const struct window *window)
{
    assert(window_valid(window) && winograd_computes(window));
    return POINTS * matrix_stride(window->in.c, window->out.c);
}

size_t winograd_packed_backward_count(const struct window *window)
{
    assert(window_valid(window) && winograd_computes(window));
    return POINTS * matrix_stride(whole_panels(window->out.c), window->in.c);
}

/* G w G' of up to VEC_LANES filters: input channel `channel`, output channels o .. */
static void load_filter(vec tile[POINTS], const float *weights, int channel, int o, const struct window *window)
{
    const float *from = weights + (ptrdiff_t)channel * window->out.c + o;
    const ptrdiff_t tap = (ptrdiff_t)window->in.c * window->out.c;
    const int lanes = lanes_of(window->out.c, o);
    TRANSFORM(filter_line, 3, PATCH, vec_load_lanes(from + i * tap, lanes), tile[i] = value);
}

void winograd_pack(float *packed, const float *weights, const struct window *window)
{
    assert(window_valid(window) && winograd_computes(window) && packed && weights);
    const int in = window->in.c, out = window->out.c;
    const size_t matrix = matrix_stride(in, out);
    for (int o = 0; o < whole_panels(out); o += VEC_LANES) {
        float *to = packed + o / GEMM_PANEL * in * GEMM_PANEL + o % GEMM_PANEL;
        for (int i = 0; i < in; i++, to += GEMM_PANEL) {
            vec tile[POINTS] = {vec_zero()};
            if (o < out)
                load_filter(tile, weights, i, o, window);
            for (int point = 0; point < POINTS; point++)
                vec_store(to + (size_t)point * matrix, o < out ? tile[point] : vec_zero());
        }
    }
}

/* Depth out.c, in whole panels as the gradients come, columns in.c. */
void winograd_pack_backward(float *packed, const float *weights, const struct window *window)
{
    assert(window_valid(window) && winograd_computes(window) && packed && weights);
    const int in = window->in.c, out = window->out.c, depth = whole_panels(out);
    const size_t matrix = matrix_stride(depth, in);
    memset(packed, 0, POINTS * matrix * sizeof(float));
    for (int i = 0; i < in; i++)
        for (int o = 0; o < out; o += VEC_LANES) {
            vec tile[POINTS];
            float lanes[VEC_LANES];
            load_filter(tile, weights, i, o, window);
            float *to = packed + (i / GEMM_PANEL * depth + o) * GEMM_PANEL + i % GEMM_PANEL;
            for (int point = 0; point < POINTS; point++) {
                vec_store(lanes, tile[point]);
                for (int k = 0; k < lanes_of(out, o); k++)
                    to[(size_t)point * matrix + (size_t)(k * GEMM_PANEL)] = lanes[k];
            }
        }
}

/* dweights += G' gradient G, gradient (POINTS, in.c, out.c). */
static void unpack_gradient(float *dweights, const float *gradient, const struct window *window)
{
    const int in = window->in.c, out = window->out.c;
    const ptrdiff_t matrix = (ptrdiff_t)in * out;
    for (int channel = 0; channel < in; channel++)
        for (int o = 0; o < out; o += VEC_LANES) {
            const int lanes = lanes_of(out, o);
            const ptrdiff_t at = (ptrdiff_t)channel * out + o;
            const float *from = gradient + at;
            float *to = dweights + at;
            TRANSFORM(filter_line_adjoint, PATCH, 3, vec_load_lanes(from + i * matrix, lanes),
                      vec_store_lanes(to + i * matrix, vec_add(vec_load_lanes(to + i * matrix, lanes), value), lanes));
        }
}

/* ---- Tiles ---- */

/* How the tiles of n images are worked through. */
struct blocks {
    int down, across; /* tiles of an image */
    int tiles;        /* of all images */
    int at_once;      /* in a block */
    int most;         /* in a block of these or of fewer images: what scratch is measured for */
};

/* A block's transformed tiles take about this many floats, but are enough for the filters to be read often. */
enum { BLOCK_FLOATS = 1 << 18, LEAST_TILES = 96 };

static struct blocks blocks_of(int n, const struct window *window)
{
    struct blocks blocks = {(window->out.h + TILE - 1) / TILE, (window->out.w + TILE - 1) / TILE, 0, 0, 0};
    blocks.tiles = n * blocks.down * blocks.across;
    const int fitting = BLOCK_FLOATS / (POINTS * (window->in.c + window->out.c));
    const int wanted = fitting > LEAST_TILES ? fitting : LEAST_TILES;
    const int count = (blocks.tiles + wanted - 1) / wanted;
    blocks.most = wanted < blocks.tiles ? wanted : blocks.tiles;
    blocks.at_once = (blocks.tiles + count - 1) / count; /* evenly */
    return blocks;
}

/* From one place of the transformed tiles to the next. */
static ptrdiff_t point_stride(int tiles, int c)
{
    return (ptrdiff_t)tiles * c + LINE;
}

/* Where the pixels of a tile stand, (side, side) of them; those outside the image get a place of their own. */
static void find_pixels(ptrdiff_t *indices, int tile, int side, const struct blocks *blocks, struct shape shape,
                        int pad_top, int pad_left)
{
    const int image = tile / (blocks->down * blocks->across), left_over = tile % (blocks->down * blocks->across);
    const int top = left_over / blocks->across * TILE - pad_top, left = left_over % blocks->across * TILE - pad_left;
    for (int y = top; y < top + side; y++)
        for (int x = left; x < left + side; x++)
            *indices++ = y >= 0 && y < shape.h && x >= 0 && x < shape.w
                            ? (((ptrdiff_t)image * shape.h + y) * shape.w + x) * shape.c
                            : -1;
}

/* to (POINTS, count, in.c) = B' in B for the tiles from first on. */
static void transform_input(float *to, const float *in, int first, int count, const struct blocks *blocks,
                            const struct window *window)
{
    const int c = window->in.c;
    const ptrdiff_t stride = point_stride(count, c);
    for (int t = 0; t < count; t++, to += c) {
        ptrdiff_t indices[POINTS];
        find_pixels(indices, first + t, PATCH, blocks, window->in, window->pad_top, window->pad_left);
        for (int next = 0; next < c; next += VEC_LANES) {
            const int k = vector_at(next, c);
            TRANSFORM(input_line, PATCH, PATCH, indices[i] < 0 ? vec_zero() : vec_load(in + indices[i] + k),
                      vec_store(to + i * stride + k, value));
        }
    }
}

/* out = A' from A + bias, from (POINTS, count, out.c). */
static void transform_output(float *out, const float *from, const float *bias, float ceiling, int first, int count,
                             const struct blocks *blocks, const struct window *window)
{
    const int c = window->out.c;
    const ptrdiff_t stride = point_stride(count, c);
    const vec zero = vec_zero(), most = vec_set1(ceiling);
    for (int t = 0; t < count; t++, from += c) {
        ptrdiff_t indices[PIXELS];
        find_pixels(indices, first + t, TILE, blocks, window->out, 0, 0);
        for (int next = 0; next < c; next += VEC_LANES) {
            const int k = vector_at(next, c);
            const vec start = bias ? vec_load(bias + k) : vec_zero();
            TRANSFORM(output_line, PATCH, TILE, vec_load(from + i * stride + k), {
                const vec sum = vec_add(value, start);
                if (indices[i] >= 0)
                    vec_store(out + indices[i] + k, ceiling > 0 ? vec_min(vec_max(sum, zero), most) : sum);
            });
        }
    }
}

/* The transforms of gradients work a vector of channels at a time, the last one with less than VEC_LANES of them. */
#define FOR_EACH_VECTOR(c, call)                                                                                       \
    do {                                                                                                               \
        int k = 0;                                                                                                     \
        for (const int lanes = VEC_LANES; k + lanes <= (c); k += lanes)                                                \
            call;                                                                                                      \
        for (const int lanes = (c) - k; k < (c); k += lanes)                                                           \
            call;                                                                                                      \
    } while (0)

static inline void transform_output_gradient_vector(float *panel, ptrdiff_t stride, const float *dout,
                                                    const ptrdiff_t *indices, int lanes)
{
    TRANSFORM(output_line_adjoint, TILE, PATCH, indices[i] < 0 ? vec_zero() : vec_load_lanes(dout + indices[i], lanes),
              vec_store(panel + i * stride, value));
}

/* to (POINTS, panels of out.c, count, GEMM_PANEL) = A dout A': what gemm reads as A through axes and as packed B. */
static void transform_output_gradient(float *to, const float *dout, int first, int count, const struct blocks *blocks,
                                      const struct window *window)
{
    const int c = window->out.c, columns = whole_panels(c);
    const ptrdiff_t stride = point_stride(count, columns);
#define PANEL(k) (to + (ptrdiff_t)((k) / GEMM_PANEL) * count * GEMM_PANEL + (k) % GEMM_PANEL)
    for (int t = 0; t < count; t++, to += GEMM_PANEL) {
        ptrdiff_t indices[PIXELS];
        find_pixels(indices, first + t, TILE, blocks, window->out, 0, 0);
        FOR_EACH_VECTOR(c, transform_output_gradient_vector(PANEL(k), stride, dout + k, indices, lanes));
        for (int k = (c + VEC_LANES - 1) / VEC_LANES * VEC_LANES; k < columns; k += VEC_LANES)
            for (int i = 0; i < POINTS; i++)
                vec_store(PANEL(k) + i * stride, vec_zero());
    }
#undef PANEL
}

static inline void transform_input_gradient_vector(float *din, const ptrdiff_t *indices, const float *from, ptrdiff_t stride,
                                                   int lanes)
{
    TRANSFORM(input_line_adjoint, PATCH, PATCH, vec_load_lanes(from + i * stride, lanes), {
        if (indices[i] >= 0)
            vec_store_lanes(din + indices[i], vec_add(vec_load_lanes(din + indices[i], lanes), value), lanes);
    });
}

/* din += B from B', from (POINTS, count, in.c). */
static void transform_input_gradient(float *din, const float *from, int first, int count, const struct blocks *blocks,
                                     const struct window *window)
{
    const int c = window->in.c;
    const ptrdiff_t stride = point_stride(count, c);
    for (int t = 0; t < count; t++, from += c) {
        ptrdiff_t indices[POINTS];
        find_pixels(indices, first + t, PATCH, blocks, window->in, window->pad_top, window->pad_left);
        FOR_EACH_VECTOR(c, transform_input_gradient_vector(din + k, indices, from + k, stride, lanes));
    }
}

/* ---- Passes ---- */

_Static_assert(WINOGRAD_LEAST >= VEC_LANES, "the fewest channels fill a vector");

#ifndef NDEBUG
/* `to` holds nothing of `from`; scratch is apart from both. */
static bool tensors_valid(const float *to, struct shape to_shape, const float *from, struct shape from_shape, const float *scratch,
                          size_t scratch_count, int n)
{
    const size_t to_bytes = (size_t)n * shape_count(to_shape) * sizeof(float), bytes = scratch_count * sizeof(float);
    const size_t from_bytes = (size_t)n * shape_count(from_shape) * sizeof(float);
    return n > 0 && from && scratch && contract_apart(to, to_bytes, from, from_bytes) && contract_apart(scratch, bytes, to, to_bytes) &&
           contract_apart(scratch, bytes, from, from_bytes);
}
#endif

size_t winograd_forward_scratch(int n, const struct window *window)
{
    assert(n > 0 && window_valid(window) && winograd_computes(window));
    const int tiles = blocks_of(n, window).most;
    return (size_t)(POINTS * (point_stride(tiles, window->in.c) + point_stride(tiles, window->out.c)));
}

size_t winograd_backward_scratch(int n, const struct window *window)
{
    assert(n > 0 && window_valid(window) && winograd_computes(window));
    const int tiles = blocks_of(n, window).most;
    return (size_t)(POINTS * (point_stride(tiles, window->in.c) + point_stride(tiles, whole_panels(window->out.c)) +
                              (ptrdiff_t)window->in.c * window->out.c));
}

void winograd_forward(float *out, const float *in, const float *packed, const float *bias, float ceiling, float *scratch,
                      int n, const struct window *window, gemm_function *gemm)
{
    assert(window_valid(window) && winograd_computes(window) && out && packed && ceiling >= 0);
    assert(tensors_valid(out, window->out, in, window->in, scratch, winograd_forward_scratch(n, window), n));
    const struct blocks blocks = blocks_of(n, window);
    const int from = window->in.c, to = window->out.c;
    for (int first = 0, count; first < blocks.tiles; first += count) {
        count = blocks.tiles - first < blocks.at_once ? blocks.tiles - first : blocks.at_once;
        float *products = scratch + POINTS * point_stride(count, from);
        transform_input(scratch, in, first, count, &blocks, window);
        for (int point = 0; point < POINTS; point++)
            gemm(&(struct gemm){.a = scratch + point * point_stride(count, from),
                                .rows = axis_line(count, from), .depth = axis_line(from, 1),
                                .b = packed + (size_t)point * matrix_stride(from, to), .columns = to,
                                .c = products + point * point_stride(count, to), .c_stride = to});
        transform_output(out, products, bias, ceiling, first, count, &blocks, window);
    }
}

void winograd_backward(float *din, float *dweights, const float *dout, const float *in, const float *packed_backward,
                       float *scratch, int n, const struct window *window, gemm_function *gemm)
{
    assert(window_valid(window) && winograd_computes(window) && (in || !dweights) && (packed_backward || !din));
    assert(tensors_valid(din, window->in, dout, window->out, scratch, winograd_backward_scratch(n, window), n));
    const struct blocks blocks = blocks_of(n, window);
    const int from = window->in.c, to = window->out.c, columns = whole_panels(to);
    float *gradient = scratch, *tiles = scratch + (ptrdiff_t)POINTS * from * to; /* (POINTS, in.c, out.c), of the transformed filters */
    if (din)
        memset(din, 0, (size_t)n * shape_count(window->in) * sizeof(float));
    for (int first = 0, count; first < blocks.tiles; first += count) {
        count = blocks.tiles - first < blocks.at_once ? blocks.tiles - first : blocks.at_once;
        const ptrdiff_t in_stride = point_stride(count, from), out_stride = point_stride(count, columns);
        float *dproducts = tiles + POINTS * in_stride;
        transform_output_gradient(dproducts, dout, first, count, &blocks, window);
        if (dweights) {
            transform_input(tiles, in, first, count, &blocks, window);
            for (int point = 0; point < POINTS; point++)
                gemm(&(struct gemm){.a = tiles + point * in_stride, .rows = axis_line(from, 1), .depth = axis_line(count, from),
                                    .b = dproducts + point * out_stride, .columns = to,
                                    .c = gradient + (ptrdiff_t)point * from * to, .c_stride = to, .accumulate = first > 0});
        }
        if (din) {
            for (int point = 0; point < POINTS; point++)
                gemm(&(struct gemm){.a = dproducts + point * out_stride, .rows = axis_line(count, GEMM_PANEL),
                                    .depth = {{1, columns / GEMM_PANEL, GEMM_PANEL}, {0, (ptrdiff_t)count * GEMM_PANEL, 1}},
                                    .b = packed_backward + (size_t)point * matrix_stride(columns, from),
                                    .columns = from, .c = tiles + point * in_stride, .c_stride = from});
            transform_input_gradient(din, tiles, first, count, &blocks, window);
        }
    }
    if (dweights)
        unpack_gradient(dweights, gradient, window);
}
