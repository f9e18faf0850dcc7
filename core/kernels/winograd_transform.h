/* What winograd.c and winograd_rows.c share: the transforms of F(4, 3) in one dimension, and how transformed values
 * are stored.
 *
 *     vec pixels[WINOGRAD_PATCH], points[WINOGRAD_PATCH], row[WINOGRAD_TILE];
 *     winograd_input_line(points, pixels);        // B' x
 *     winograd_output_line(row, points);          // A' x
 *
 * in the notation of winograd.h. Arrays may not overlap. */
#ifndef WINOGRAD_TRANSFORM_H
#define WINOGRAD_TRANSFORM_H

#include "base/shape.h"
#include "kernels/gemm.h"

/* Outputs and inputs of a tile along an axis; floats of a cache line. The matrices of two points lie a cache line
 * further apart than they must, because strides of 2^k pages would fall into the same cache sets. */
enum {
    WINOGRAD_TILE = 4,
    WINOGRAD_TAPS = 3,
    WINOGRAD_PATCH = WINOGRAD_TILE + WINOGRAD_TAPS - 1,
    WINOGRAD_CACHE_LINE = 16
};

/* The points +-P and +-Q, and products of them: all coefficients of A and B are exact in binary. */
#define WINOGRAD_P 0.625f
#define WINOGRAD_Q 1.5f
#define WINOGRAD_PP 0.390625f
#define WINOGRAD_QQ 2.25f
#define WINOGRAD_PPP 0.244140625f
#define WINOGRAD_QQQ 3.375f
#define WINOGRAD_PQQ 1.40625f
#define WINOGRAD_QPP 0.5859375f
#define WINOGRAD_PPQQ 0.87890625f
#define WINOGRAD_PP_QQ 2.640625f /* PP + QQ */
/* G's scales of the points 0, +-P and +-Q: 1 / the product of the distances to the other points. */
#define WINOGRAD_G0 ((float)(1 / 0.87890625))
#define WINOGRAD_GP ((float)(1 / (2 * 0.390625 * (0.390625 - 2.25))))
#define WINOGRAD_GQ ((float)(1 / (2 * 2.25 * (2.25 - 0.390625))))

/* factor * x, and x plus or minus that of y: rounded twice. */
static inline vec winograd_scaled(float factor, vec x) { return vec_mul(vec_set1(factor), x); }
static inline vec winograd_plus(vec x, float factor, vec y) { return vec_add(x, winograd_scaled(factor, y)); }
static inline vec winograd_minus(vec x, float factor, vec y) { return vec_sub(x, winograd_scaled(factor, y)); }

/* The values at +-P and +-Q of a polynomial, from its even and its odd part. */
static inline void winograd_at_pairs(vec *out, vec even_p, vec odd_p, vec even_q, vec odd_q)
{
    out[1] = vec_add(even_p, odd_p);
    out[2] = vec_sub(even_p, odd_p);
    out[3] = vec_add(even_q, odd_q);
    out[4] = vec_sub(even_q, odd_q);
}

/* B' x: 6 to 6. */
static inline void winograd_input_line(vec *out, const vec *in)
{
    const vec even_p = winograd_minus(in[4], WINOGRAD_QQ, in[2]),
              odd_p = winograd_scaled(WINOGRAD_P, winograd_minus(in[3], WINOGRAD_QQ, in[1]));
    const vec even_q = winograd_minus(in[4], WINOGRAD_PP, in[2]),
              odd_q = winograd_scaled(WINOGRAD_Q, winograd_minus(in[3], WINOGRAD_PP, in[1]));
    const vec first = winograd_plus(winograd_minus(in[4], WINOGRAD_PP_QQ, in[2]), WINOGRAD_PPQQ, in[0]);
    const vec last = winograd_plus(winograd_minus(in[5], WINOGRAD_PP_QQ, in[3]), WINOGRAD_PPQQ, in[1]);
    out[0] = first;
    winograd_at_pairs(out, even_p, odd_p, even_q, odd_q);
    out[5] = last;
}

/* B x. */
static inline void winograd_input_line_adjoint(vec *out, const vec *in)
{
    const vec sum_p = vec_add(in[1], in[2]), difference_p = vec_sub(in[1], in[2]);
    const vec sum_q = vec_add(in[3], in[4]), difference_q = vec_sub(in[3], in[4]), first = in[0], last = in[5];
    out[0] = winograd_scaled(WINOGRAD_PPQQ, first);
    out[1] = winograd_minus(winograd_minus(winograd_scaled(WINOGRAD_PPQQ, last), WINOGRAD_PQQ, difference_p),
                            WINOGRAD_QPP, difference_q);
    out[2] =
        winograd_minus(winograd_minus(winograd_scaled(-WINOGRAD_PP_QQ, first), WINOGRAD_QQ, sum_p), WINOGRAD_PP, sum_q);
    out[3] = winograd_plus(winograd_plus(winograd_scaled(-WINOGRAD_PP_QQ, last), WINOGRAD_P, difference_p), WINOGRAD_Q,
                           difference_q);
    out[4] = vec_add(vec_add(first, sum_p), sum_q);
    out[5] = last;
}

/* A' x: 6 to 4. */
static inline void winograd_output_line(vec *out, const vec *in)
{
    const vec sum_p = vec_add(in[1], in[2]), difference_p = vec_sub(in[1], in[2]);
    const vec sum_q = vec_add(in[3], in[4]), difference_q = vec_sub(in[3], in[4]), last = in[5];
    out[0] = vec_add(vec_add(in[0], sum_p), sum_q);
    out[1] = winograd_plus(winograd_scaled(WINOGRAD_P, difference_p), WINOGRAD_Q, difference_q);
    out[2] = winograd_plus(winograd_scaled(WINOGRAD_PP, sum_p), WINOGRAD_QQ, sum_q);
    out[3] = vec_add(winograd_plus(winograd_scaled(WINOGRAD_PPP, difference_p), WINOGRAD_QQQ, difference_q), last);
}

/* A x: 4 to 6. */
static inline void winograd_output_line_adjoint(vec *out, const vec *in)
{
    const vec first = in[0], last = in[3];
    const vec even_p = winograd_plus(first, WINOGRAD_PP, in[2]),
              odd_p = winograd_plus(winograd_scaled(WINOGRAD_P, in[1]), WINOGRAD_PPP, last);
    const vec even_q = winograd_plus(first, WINOGRAD_QQ, in[2]),
              odd_q = winograd_plus(winograd_scaled(WINOGRAD_Q, in[1]), WINOGRAD_QQQ, last);
    out[0] = first;
    winograd_at_pairs(out, even_p, odd_p, even_q, odd_q);
    out[5] = last;
}

/* G x: 3 to 6. */
static inline void winograd_filter_line(vec *out, const vec *in)
{
    const vec first = in[0], last = in[2];
    const vec even_p = winograd_scaled(WINOGRAD_GP, winograd_plus(first, WINOGRAD_PP, last));
    const vec even_q = winograd_scaled(WINOGRAD_GQ, winograd_plus(first, WINOGRAD_QQ, last));
    const vec odd_p = winograd_scaled(WINOGRAD_GP * WINOGRAD_P, in[1]),
              odd_q = winograd_scaled(WINOGRAD_GQ * WINOGRAD_Q, in[1]);
    out[0] = winograd_scaled(WINOGRAD_G0, first);
    winograd_at_pairs(out, even_p, odd_p, even_q, odd_q);
    out[5] = last;
}

/* G' x: 6 to 3. */
static inline void winograd_filter_line_adjoint(vec *out, const vec *in)
{
    const vec sum_p = winograd_scaled(WINOGRAD_GP, vec_add(in[1], in[2])),
              sum_q = winograd_scaled(WINOGRAD_GQ, vec_add(in[3], in[4]));
    const vec difference_p = winograd_scaled(WINOGRAD_GP * WINOGRAD_P, vec_sub(in[1], in[2]));
    const vec difference_q = winograd_scaled(WINOGRAD_GQ * WINOGRAD_Q, vec_sub(in[3], in[4])), last = in[5];
    out[0] = vec_add(vec_add(winograd_scaled(WINOGRAD_G0, in[0]), sum_p), sum_q);
    out[1] = vec_add(difference_p, difference_q);
    out[2] = vec_add(winograd_plus(winograd_scaled(WINOGRAD_PP, sum_p), WINOGRAD_QQ, sum_q), last);
}

/* Channels in full panels. */
static inline int winograd_padded(int channels) { return (channels + GEMM_PANEL - 1) / GEMM_PANEL * GEMM_PANEL; }

/* From one point's packed filters to the next one's. */
static inline size_t winograd_matrix_stride(int depth, int columns)
{
    return gemm_packed_count(depth, columns) + WINOGRAD_CACHE_LINE;
}

/* The channels of the vector from `channel` on that exist: the last one may be padded. */
static inline int winograd_lanes(int channels, int channel)
{
    return channels - channel < VEC_LANES ? channels - channel : VEC_LANES;
}

/* Where the vector of channels from k on starts: the last one computes a part of the one before it again. */
static inline int winograd_vector_start(int k, int channels)
{
    return k + VEC_LANES <= channels ? k : channels - VEC_LANES;
}

/* dweights += G' gradient G, gradient (WINOGRAD_PATCH^2 points, in.c, out.c). */
void winograd_unpack_gradient(float *dweights, const float *gradient, const struct window *window);

#endif
