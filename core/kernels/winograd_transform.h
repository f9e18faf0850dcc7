/* What winograd.c and winograd_rows.c share: F(4, 3) in one dimension, and how transformed numbers are stored. */
#ifndef WINOGRAD_TRANSFORM_H
#define WINOGRAD_TRANSFORM_H

#include "kernels/gemm.h"

/* LINE: of the cache. Places of transformed tiles and filters stand a line further apart than they must, because strides of whole
 * pages would fall on the same lines. */
enum { TILE = 4, PATCH = TILE + 2, LINE = 16 };

/* The points +-p and +-q: all coefficients of A and B are exact in binary. */
static const float p = 0.625f, q = 1.5f, pp = 0.390625f, qq = 2.25f, ppqq = 0.87890625f, pp_qq = 2.640625f,
                   ppp = 0.244140625f, qqq = 3.375f, pqq = 1.40625f, qpp = 0.5859375f;
/* G's scales of the points 0, +-p and +-q: 1 / the product of the distances to the other points. */
static const float g0 = (float)(1 / 0.87890625), gp = (float)(1 / (2 * 0.390625 * (0.390625 - 2.25))),
                   gq = (float)(1 / (2 * 2.25 * (2.25 - 0.390625)));

static inline vec times(float factor, vec x) { return vec_mul(vec_set1(factor), x); }
static inline vec plus(vec x, float factor, vec y) { return vec_add(x, times(factor, y)); }
static inline vec minus(vec x, float factor, vec y) { return vec_sub(x, times(factor, y)); }

/* The values at +-p and +-q of a polynomial, from its even and its odd part. */
static inline void at_pairs(vec *out, vec even_p, vec odd_p, vec even_q, vec odd_q)
{
    out[1] = vec_add(even_p, odd_p);
    out[2] = vec_sub(even_p, odd_p);
    out[3] = vec_add(even_q, odd_q);
    out[4] = vec_sub(even_q, odd_q);
}

/* B' x: 6 to 6. */
static inline void input_line(vec *out, const vec *in)
{
    const vec even_p = minus(in[4], qq, in[2]), odd_p = times(p, minus(in[3], qq, in[1]));
    const vec even_q = minus(in[4], pp, in[2]), odd_q = times(q, minus(in[3], pp, in[1]));
    const vec first = plus(minus(in[4], pp_qq, in[2]), ppqq, in[0]), last = plus(minus(in[5], pp_qq, in[3]), ppqq, in[1]);
    out[0] = first;
    at_pairs(out, even_p, odd_p, even_q, odd_q);
    out[5] = last;
}

/* B x. */
static inline void input_line_adjoint(vec *out, const vec *in)
{
    const vec sum_p = vec_add(in[1], in[2]), difference_p = vec_sub(in[1], in[2]);
    const vec sum_q = vec_add(in[3], in[4]), difference_q = vec_sub(in[3], in[4]), first = in[0], last = in[5];
    out[0] = times(ppqq, first);
    out[1] = minus(minus(times(ppqq, last), pqq, difference_p), qpp, difference_q);
    out[2] = minus(minus(times(-pp_qq, first), qq, sum_p), pp, sum_q);
    out[3] = plus(plus(times(-pp_qq, last), p, difference_p), q, difference_q);
    out[4] = vec_add(vec_add(first, sum_p), sum_q);
    out[5] = last;
}

/* A' x: 6 to 4. */
static inline void output_line(vec *out, const vec *in)
{
    const vec sum_p = vec_add(in[1], in[2]), difference_p = vec_sub(in[1], in[2]);
    const vec sum_q = vec_add(in[3], in[4]), difference_q = vec_sub(in[3], in[4]), last = in[5];
    out[0] = vec_add(vec_add(in[0], sum_p), sum_q);
    out[1] = plus(times(p, difference_p), q, difference_q);
    out[2] = plus(times(pp, sum_p), qq, sum_q);
    out[3] = vec_add(plus(times(ppp, difference_p), qqq, difference_q), last);
}

/* A x: 4 to 6. */
static inline void output_line_adjoint(vec *out, const vec *in)
{
    const vec first = in[0], last = in[3];
    const vec even_p = plus(first, pp, in[2]), odd_p = plus(times(p, in[1]), ppp, last);
    const vec even_q = plus(first, qq, in[2]), odd_q = plus(times(q, in[1]), qqq, last);
    out[0] = first;
    at_pairs(out, even_p, odd_p, even_q, odd_q);
    out[5] = last;
}

/* G x: 3 to 6. */
static inline void filter_line(vec *out, const vec *in)
{
    const vec first = in[0], last = in[2], even_p = times(gp, plus(first, pp, last)), odd_p = times(gp * p, in[1]);
    const vec even_q = times(gq, plus(first, qq, last)), odd_q = times(gq * q, in[1]);
    out[0] = times(g0, first);
    at_pairs(out, even_p, odd_p, even_q, odd_q);
    out[5] = last;
}

/* G' x: 6 to 3. */
static inline void filter_line_adjoint(vec *out, const vec *in)
{
    const vec sum_p = times(gp, vec_add(in[1], in[2])), difference_p = times(gp * p, vec_sub(in[1], in[2]));
    const vec sum_q = times(gq, vec_add(in[3], in[4])), difference_q = times(gq * q, vec_sub(in[3], in[4])), last = in[5];
    out[0] = vec_add(vec_add(times(g0, in[0]), sum_p), sum_q);
    out[1] = vec_add(difference_p, difference_q);
    out[2] = vec_add(plus(times(pp, sum_p), qq, sum_q), last);
}

static inline int whole_panels(int columns)
{
    return (columns + GEMM_PANEL - 1) / GEMM_PANEL * GEMM_PANEL;
}

/* From one place's packed filters to the next. */
static inline size_t matrix_stride(int depth, int columns)
{
    return gemm_packed_count(depth, columns) + LINE;
}

/* The channels of a vector that exist: the last one may be filled up. */
static inline int lanes_of(int channels, int from)
{
    return channels - from < VEC_LANES ? channels - from : VEC_LANES;
}

/* Where the vector of channels from k on starts: the last one does a part of the one before it again. */
static inline int vector_at(int k, int channels)
{
    return k + VEC_LANES <= channels ? k : channels - VEC_LANES;
}

#endif
