/* The filters of winograd.c: their transform, packed as GEMM reads them, and the gradient's transform back. */
#include "kernels/winograd.h"

#include "base/contract.h"
#include "kernels/winograd_transform.h"

#include <assert.h>
#include <string.h>

enum { TAPS = WINOGRAD_TAPS, PATCH = WINOGRAD_PATCH, POINTS = PATCH * PATCH };

size_t winograd_packed_count(const struct window *window)
{
    assert(window_valid(window) && winograd_computes(window));
    return POINTS * winograd_matrix_stride(window->in.c, window->out.c);
}

size_t winograd_packed_backward_count(const struct window *window)
{
    assert(window_valid(window) && winograd_computes(window));
    return POINTS * winograd_matrix_stride(winograd_padded(window->out.c), window->in.c);
}

/* G w G' of up to VEC_LANES filters: input channel `channel`, output channels o .. */
static void load_filter(vec tile[POINTS], const float *weights, int channel, int o, const struct window *window)
{
    const float *from = weights + (ptrdiff_t)channel * window->out.c + o;
    const ptrdiff_t tap = (ptrdiff_t)window->in.c * window->out.c;
    const int lanes = winograd_lanes(window->out.c, o);
    vec between[PATCH][PATCH], in[TAPS], out[PATCH];
    for (int x = 0; x < TAPS; x++) {
        VEC_UNROLL
        for (int y = 0; y < TAPS; y++)
            in[y] = vec_load_lanes(from + (y * TAPS + x) * tap, lanes);
        winograd_filter_line(out, in);
        VEC_UNROLL
        for (int y = 0; y < PATCH; y++)
            between[y][x] = out[y];
    }
    for (int y = 0; y < PATCH; y++)
        winograd_filter_line(tile + y * PATCH, between[y]);
}

void winograd_pack(float *packed, const float *weights, const struct window *window)
{
    assert(window_valid(window) && winograd_computes(window) && packed && weights);
    const int in = window->in.c, out = window->out.c;
    const size_t matrix = winograd_matrix_stride(in, out);
    for (int o = 0; o < winograd_padded(out); o += VEC_LANES) {
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

/* Depth out.c, padded to panels as the gradients come, columns in.c. */
void winograd_pack_backward(float *packed, const float *weights, const struct window *window)
{
    assert(window_valid(window) && winograd_computes(window) && packed && weights);
    const int in = window->in.c, out = window->out.c, depth = winograd_padded(out);
    const size_t matrix = winograd_matrix_stride(depth, in);
    memset(packed, 0, POINTS * matrix * sizeof(float));
    for (int i = 0; i < in; i++)
        for (int o = 0; o < out; o += VEC_LANES) {
            vec tile[POINTS];
            float lanes[VEC_LANES];
            load_filter(tile, weights, i, o, window);
            float *to = packed + (i / GEMM_PANEL * depth + o) * GEMM_PANEL + i % GEMM_PANEL;
            for (int point = 0; point < POINTS; point++) {
                vec_store(lanes, tile[point]);
                for (int k = 0; k < winograd_lanes(out, o); k++)
                    to[(size_t)point * matrix + (size_t)(k * GEMM_PANEL)] = lanes[k];
            }
        }
}

void winograd_unpack_gradient(float *dweights, const float *gradient, const struct window *window)
{
    const int in = window->in.c, out = window->out.c;
    const ptrdiff_t matrix = (ptrdiff_t)in * out;
    for (int channel = 0; channel < in; channel++)
        for (int o = 0; o < out; o += VEC_LANES) {
            const int lanes = winograd_lanes(out, o);
            const ptrdiff_t at = (ptrdiff_t)channel * out + o;
            const float *from = gradient + at;
            float *to = dweights + at;
            vec between[PATCH][PATCH], line[PATCH], taps[TAPS];
            for (int x = 0; x < PATCH; x++) {
                VEC_UNROLL
                for (int y = 0; y < PATCH; y++)
                    line[y] = vec_load_lanes(from + (y * PATCH + x) * matrix, lanes);
                winograd_filter_line_adjoint(taps, line);
                VEC_UNROLL
                for (int y = 0; y < TAPS; y++)
                    between[y][x] = taps[y];
            }
            for (int y = 0; y < TAPS; y++) {
                winograd_filter_line_adjoint(taps, between[y]);
                VEC_UNROLL
                for (int x = 0; x < TAPS; x++) {
                    float *tap = to + (y * TAPS + x) * matrix;
                    vec_store_lanes(tap, vec_add(vec_load_lanes(tap, lanes), taps[x]), lanes);
                }
            }
        }
}
