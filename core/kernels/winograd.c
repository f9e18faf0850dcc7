/* Images are cut into tiles, and blocks of tiles go through the input transform, a GEMM a point and the output
 * transform, so that a block's transformed tiles stay in the L2 cache. They are stored point by point, (POINTS,
 * tiles, c), and so are the filters (winograd_filters.c).
 *
 * A tile is transformed in both dimensions: its columns into `between`, then the rows of that. Loops are written out
 * where they stand: as functions of the tile's source and target, clang keeps the tile in memory. */
#include "kernels/winograd.h"

#include "base/contract.h"
#include "kernels/winograd_transform.h"

#include <assert.h>
#include <string.h>

enum { TILE = WINOGRAD_TILE, PATCH = WINOGRAD_PATCH, POINTS = PATCH * PATCH, PIXELS = TILE * TILE };

bool winograd_computes(const struct window *window)
{
    return window->kernel_h == 3 && window->kernel_w == 3 && window->stride == 1 && window->dilation == 1 &&
           window->groups == 1 && window->in.c >= WINOGRAD_MIN_CHANNELS && window->out.c >= WINOGRAD_MIN_CHANNELS;
}

/* ---- Tiles ---- */

/* How the tiles of n images are worked through. */
struct blocks {
    int down, across; /* tiles of an image */
    int tiles;        /* of all images */
    int size;         /* of a block, in tiles */
    int max_size;     /* of a block of these or of fewer images: what scratch is measured for */
};

/* A block's transformed tiles take about this many floats, but are enough to amortise reading the filters. */
enum { BLOCK_FLOATS = 1 << 18, MIN_TILES = 96 };

static struct blocks blocks_of(int n, const struct window *window)
{
    struct blocks blocks = {(window->out.h + TILE - 1) / TILE, (window->out.w + TILE - 1) / TILE, 0, 0, 0};
    blocks.tiles = n * blocks.down * blocks.across;
    const int fitting = BLOCK_FLOATS / (POINTS * (window->in.c + window->out.c));
    const int wanted = fitting > MIN_TILES ? fitting : MIN_TILES;
    const int count = (blocks.tiles + wanted - 1) / wanted;
    blocks.max_size = wanted < blocks.tiles ? wanted : blocks.tiles;
    blocks.size = (blocks.tiles + count - 1) / count; /* evenly */
    return blocks;
}

/* From one point's transformed tiles to the next one's. */
static ptrdiff_t point_stride(int tiles, int c) { return (ptrdiff_t)tiles * c + WINOGRAD_CACHE_LINE; }

/* Offsets of a tile's pixels (side, side); -1 outside of the image. */
static void find_offsets(ptrdiff_t *offsets, int tile, int side, const struct blocks *blocks, struct shape shape,
                         int pad_top, int pad_left)
{
    const int image = tile / (blocks->down * blocks->across), in_image = tile % (blocks->down * blocks->across);
    const int top = in_image / blocks->across * TILE - pad_top, left = in_image % blocks->across * TILE - pad_left;
    for (int y = top; y < top + side; y++)
        for (int x = left; x < left + side; x++)
            *offsets++ = y >= 0 && y < shape.h && x >= 0 && x < shape.w
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
        ptrdiff_t offsets[POINTS];
        find_offsets(offsets, first + t, PATCH, blocks, window->in, window->pad_top, window->pad_left);
        for (int next = 0; next < c; next += VEC_LANES) {
            const int k = winograd_vector_start(next, c);
            vec between[PATCH][PATCH], line[PATCH], points[PATCH];
            for (int x = 0; x < PATCH; x++) {
                VEC_UNROLL
                for (int y = 0; y < PATCH; y++) {
                    const int i = y * PATCH + x;
                    line[y] = offsets[i] < 0 ? vec_zero() : vec_load(in + offsets[i] + k);
                }
                winograd_input_line(points, line);
                VEC_UNROLL
                for (int y = 0; y < PATCH; y++)
                    between[y][x] = points[y];
            }
            for (int y = 0; y < PATCH; y++) {
                winograd_input_line(points, between[y]);
                VEC_UNROLL
                for (int x = 0; x < PATCH; x++) {
                    const int i = y * PATCH + x;
                    vec_store(to + i * stride + k, points[x]);
                }
            }
        }
    }
}

/* out = A' from A + bias, from (POINTS, count, out.c). */
static void transform_output(float *out, const float *from, const float *bias, float ceiling, int first, int count,
                             const struct blocks *blocks, const struct window *window)
{
    const int c = window->out.c;
    const ptrdiff_t stride = point_stride(count, c);
    const vec zero = vec_zero(), max = vec_set1(ceiling);
    for (int t = 0; t < count; t++, from += c) {
        ptrdiff_t offsets[PIXELS];
        find_offsets(offsets, first + t, TILE, blocks, window->out, 0, 0);
        for (int next = 0; next < c; next += VEC_LANES) {
            const int k = winograd_vector_start(next, c);
            const vec start = bias ? vec_load(bias + k) : vec_zero();
            vec between[PATCH][PATCH], points[PATCH], line[TILE];
            for (int x = 0; x < PATCH; x++) {
                VEC_UNROLL
                for (int y = 0; y < PATCH; y++)
                    points[y] = vec_load(from + (y * PATCH + x) * stride + k);
                winograd_output_line(line, points);
                VEC_UNROLL
                for (int y = 0; y < TILE; y++)
                    between[y][x] = line[y];
            }
            for (int y = 0; y < TILE; y++) {
                winograd_output_line(line, between[y]);
                VEC_UNROLL
                for (int x = 0; x < TILE; x++) {
                    const ptrdiff_t offset = offsets[y * TILE + x];
                    const vec sum = vec_add(line[x], start);
                    if (offset >= 0)
                        vec_store(out + offset + k, ceiling > 0 ? vec_min(vec_max(sum, zero), max) : sum);
                }
            }
        }
    }
}

/* The transforms of gradients work on a vector of channels at a time, the last one with less than VEC_LANES of them. */

static inline void transform_output_gradient_vector(float *panel, ptrdiff_t stride, const float *dout,
                                                    const ptrdiff_t *offsets, int lanes)
{
    vec between[PATCH][PATCH], line[TILE], points[PATCH];
    for (int x = 0; x < TILE; x++) {
        VEC_UNROLL
        for (int y = 0; y < TILE; y++) {
            const ptrdiff_t offset = offsets[y * TILE + x];
            line[y] = offset < 0 ? vec_zero() : vec_load_lanes(dout + offset, lanes);
        }
        winograd_output_line_adjoint(points, line);
        VEC_UNROLL
        for (int y = 0; y < PATCH; y++)
            between[y][x] = points[y];
    }
    for (int y = 0; y < PATCH; y++) {
        winograd_output_line_adjoint(points, between[y]);
        VEC_UNROLL
        for (int x = 0; x < PATCH; x++)
            vec_store(panel + (y * PATCH + x) * stride, points[x]);
    }
}

/* Channel k of a point's panels (panels, count, GEMM_PANEL). */
static float *in_panel(float *panels, int k, int count)
{
    return panels + (ptrdiff_t)(k / GEMM_PANEL) * count * GEMM_PANEL + k % GEMM_PANEL;
}

/* to (POINTS, panels of out.c, count, GEMM_PANEL) = A dout A': what gemm reads as A through axes and as packed B. */
static void transform_output_gradient(float *to, const float *dout, int first, int count, const struct blocks *blocks,
                                      const struct window *window)
{
    const int c = window->out.c, columns = winograd_padded(c);
    const ptrdiff_t stride = point_stride(count, columns);
    for (int t = 0; t < count; t++, to += GEMM_PANEL) {
        ptrdiff_t offsets[PIXELS];
        find_offsets(offsets, first + t, TILE, blocks, window->out, 0, 0);
        int k = 0;
        for (; k + VEC_LANES <= c; k += VEC_LANES)
            transform_output_gradient_vector(in_panel(to, k, count), stride, dout + k, offsets, VEC_LANES);
        if (k < c)
            transform_output_gradient_vector(in_panel(to, k, count), stride, dout + k, offsets, c - k);
        for (k = (c + VEC_LANES - 1) / VEC_LANES * VEC_LANES; k < columns; k += VEC_LANES)
            for (int i = 0; i < POINTS; i++)
                vec_store(in_panel(to, k, count) + i * stride, vec_zero());
    }
}

static inline void transform_input_gradient_vector(float *din, const ptrdiff_t *offsets, const float *from,
                                                   ptrdiff_t stride, int lanes)
{
    vec between[PATCH][PATCH], points[PATCH], line[PATCH];
    for (int x = 0; x < PATCH; x++) {
        VEC_UNROLL
        for (int y = 0; y < PATCH; y++)
            points[y] = vec_load_lanes(from + (y * PATCH + x) * stride, lanes);
        winograd_input_line_adjoint(line, points);
        VEC_UNROLL
        for (int y = 0; y < PATCH; y++)
            between[y][x] = line[y];
    }
    for (int y = 0; y < PATCH; y++) {
        winograd_input_line_adjoint(line, between[y]);
        VEC_UNROLL
        for (int x = 0; x < PATCH; x++) {
            const ptrdiff_t offset = offsets[y * PATCH + x];
            if (offset >= 0)
                vec_store_lanes(din + offset, vec_add(vec_load_lanes(din + offset, lanes), line[x]), lanes);
        }
    }
}

/* din += B from B', from (POINTS, count, in.c). */
static void transform_input_gradient(float *din, const float *from, int first, int count, const struct blocks *blocks,
                                     const struct window *window)
{
    const int c = window->in.c;
    const ptrdiff_t stride = point_stride(count, c);
    for (int t = 0; t < count; t++, from += c) {
        ptrdiff_t offsets[POINTS];
        find_offsets(offsets, first + t, PATCH, blocks, window->in, window->pad_top, window->pad_left);
        int k = 0;
        for (; k + VEC_LANES <= c; k += VEC_LANES)
            transform_input_gradient_vector(din + k, offsets, from + k, stride, VEC_LANES);
        if (k < c)
            transform_input_gradient_vector(din + k, offsets, from + k, stride, c - k);
    }
}

/* ---- Passes ---- */

_Static_assert(WINOGRAD_MIN_CHANNELS >= VEC_LANES, "the fewest channels fill a vector");

size_t winograd_forward_scratch(int n, const struct window *window)
{
    assert(n > 0 && window_valid(window) && winograd_computes(window));
    const int tiles = blocks_of(n, window).max_size;
    return (size_t)(POINTS * (point_stride(tiles, window->in.c) + point_stride(tiles, window->out.c)));
}

size_t winograd_backward_scratch(int n, const struct window *window)
{
    assert(n > 0 && window_valid(window) && winograd_computes(window));
    const int tiles = blocks_of(n, window).max_size;
    return (size_t)(POINTS * (point_stride(tiles, window->in.c) + point_stride(tiles, winograd_padded(window->out.c)) +
                              (ptrdiff_t)window->in.c * window->out.c));
}

void winograd_forward(float *out, const float *in, const float *packed, const float *bias, float ceiling,
                      float *scratch, int n, const struct window *window, gemm_function *gemm)
{
    assert(n > 0 && window_valid(window) && winograd_computes(window) && out && packed && ceiling >= 0);
    assert(contract_pass(out, (size_t)n * shape_count(window->out), in, (size_t)n * shape_count(window->in), scratch,
                         winograd_forward_scratch(n, window)));
    const struct blocks blocks = blocks_of(n, window);
    const int from = window->in.c, to = window->out.c;
    for (int first = 0, count; first < blocks.tiles; first += count) {
        count = blocks.tiles - first < blocks.size ? blocks.tiles - first : blocks.size;
        float *products = scratch + POINTS * point_stride(count, from);
        transform_input(scratch, in, first, count, &blocks, window);
        for (int point = 0; point < POINTS; point++)
            gemm(&(struct gemm){.a = scratch + point * point_stride(count, from),
                                .rows = axis_line(count, from),
                                .depth = axis_line(from, 1),
                                .b = packed + (size_t)point * winograd_matrix_stride(from, to),
                                .columns = to,
                                .c = products + point * point_stride(count, to),
                                .c_stride = to});
        transform_output(out, products, bias, ceiling, first, count, &blocks, window);
    }
}

void winograd_backward(float *din, float *dweights, const float *dout, const float *in, const float *packed_backward,
                       float *scratch, int n, const struct window *window, gemm_function *gemm)
{
    assert(n > 0 && window_valid(window) && winograd_computes(window) && scratch && (in || !dweights) &&
           (packed_backward || !din));
    assert(contract_pass(din, (size_t)n * shape_count(window->in), dout, (size_t)n * shape_count(window->out), scratch,
                         winograd_backward_scratch(n, window)));
    const struct blocks blocks = blocks_of(n, window);
    const int from = window->in.c, to = window->out.c, columns = winograd_padded(to);
    float *gradient = scratch, *tiles = scratch + (ptrdiff_t)POINTS * from * to; /* (POINTS, in.c, out.c) */
    if (din)
        memset(din, 0, (size_t)n * shape_count(window->in) * sizeof(float));
    for (int first = 0, count; first < blocks.tiles; first += count) {
        count = blocks.tiles - first < blocks.size ? blocks.tiles - first : blocks.size;
        const ptrdiff_t in_stride = point_stride(count, from), out_stride = point_stride(count, columns);
        float *dproducts = tiles + POINTS * in_stride;
        transform_output_gradient(dproducts, dout, first, count, &blocks, window);
        if (dweights) {
            transform_input(tiles, in, first, count, &blocks, window);
            for (int point = 0; point < POINTS; point++)
                gemm(&(struct gemm){.a = tiles + point * in_stride,
                                    .rows = axis_line(from, 1),
                                    .depth = axis_line(count, from),
                                    .b = dproducts + point * out_stride,
                                    .columns = to,
                                    .c = gradient + (ptrdiff_t)point * from * to,
                                    .c_stride = to,
                                    .accumulate = first > 0});
        }
        if (din) {
            for (int point = 0; point < POINTS; point++)
                gemm(&(struct gemm){
                    .a = dproducts + point * out_stride,
                    .rows = axis_line(count, GEMM_PANEL),
                    .depth = {{1, columns / GEMM_PANEL, GEMM_PANEL}, {0, (ptrdiff_t)count * GEMM_PANEL, 1}},
                    .b = packed_backward + (size_t)point * winograd_matrix_stride(columns, from),
                    .columns = from,
                    .c = tiles + point * in_stride,
                    .c_stride = from});
            transform_input_gradient(din, tiles, first, count, &blocks, window);
        }
    }
    if (dweights)
        winograd_unpack_gradient(dweights, gradient, window);
}
