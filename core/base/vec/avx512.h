/* x86, AVX-512 F and BW. Operations: vec.h, which includes this file. */
#ifndef VEC_AVX512_H
#define VEC_AVX512_H

#include "base/vec/sse.h"

#include <immintrin.h>

typedef __m512 vec;
#define VEC_NAME "AVX-512"
#define VEC_FUSED 1
#define VEC_LANES 16
#define MICRO_ROWS 8 /* 8 x 2 sums + 2 of B + 1 product = 19 of 32 registers; A comes as a broadcast operand */
#define MICRO_VECTORS 2
static inline vec vec_zero(void) { return _mm512_setzero_ps(); }
static inline vec vec_set1(float x) { return _mm512_set1_ps(x); }
static inline vec vec_load(const float *p) { return _mm512_loadu_ps(p); }
static inline void vec_store(float *p, vec a) { _mm512_storeu_ps(p, a); }
static inline vec vec_add(vec a, vec b) { return _mm512_add_ps(a, b); }
static inline vec vec_sub(vec a, vec b) { return _mm512_sub_ps(a, b); }
static inline vec vec_mul(vec a, vec b) { return _mm512_mul_ps(a, b); }
static inline vec vec_max(vec a, vec b) { return _mm512_max_ps(a, b); }
static inline vec vec_min(vec a, vec b) { return _mm512_min_ps(a, b); }
static inline vec vec_fma(vec a, vec b, vec c) { return _mm512_fmadd_ps(a, b, c); }

typedef __m512i ivec;
static inline ivec ivec_set1(int32_t x) { return _mm512_set1_epi32(x); }
static inline ivec ivec_set1_16(int16_t x) { return _mm512_set1_epi16(x); }
static inline ivec ivec_load(const void *p) { return _mm512_loadu_si512(p); }
static inline ivec ivec_widen(const int8_t *p)
{
    return _mm512_cvtepi8_epi16(_mm256_loadu_si256((const __m256i *)(const void *)p));
}
static inline ivec ivec_pairs(const int16_t *p) { return _mm512_set1_epi32(vec_pair(p)); }
static inline void ivec_store(void *p, ivec a) { _mm512_storeu_si512(p, a); }
static inline ivec ivec_add(ivec a, ivec b) { return _mm512_add_epi32(a, b); }
static inline ivec ivec_sub(ivec a, ivec b) { return _mm512_sub_epi32(a, b); }
static inline ivec ivec_max(ivec a, ivec b) { return _mm512_max_epi32(a, b); }
static inline ivec ivec_dot(ivec a, ivec b) { return _mm512_madd_epi16(a, b); }
static inline ivec ivec_add16(ivec a, ivec b) { return _mm512_add_epi16(a, b); }
static inline ivec ivec_sub16(ivec a, ivec b) { return _mm512_sub_epi16(a, b); }
static inline ivec ivec_max16(ivec a, ivec b) { return _mm512_max_epi16(a, b); }
static inline ivec ivec_min16(ivec a, ivec b) { return _mm512_min_epi16(a, b); }
static inline ivec ivec_low(ivec a, ivec b) { return _mm512_unpacklo_epi16(a, b); }
static inline ivec ivec_high(ivec a, ivec b) { return _mm512_unpackhi_epi16(a, b); }
static inline ivec ivec_narrow(ivec low, ivec high) { return _mm512_packs_epi32(low, high); }
static inline ivec ivec_scale(ivec x, ivec m)
{
    const __m512i half = _mm512_set1_epi64(1ll << 31);
    const __m512i even = _mm512_add_epi64(_mm512_mul_epi32(x, m), half);
    const __m512i odd = _mm512_add_epi64(_mm512_mul_epi32(_mm512_srli_epi64(x, 32), _mm512_srli_epi64(m, 32)), half);
    return _mm512_mask_mov_epi32(_mm512_srli_epi64(even, 32), 0xaaaa, odd);
}

#endif
