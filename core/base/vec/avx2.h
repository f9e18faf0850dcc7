/* x86, AVX2 and FMA. Operations: vec.h, which includes this file. */
#ifndef VEC_AVX2_H
#define VEC_AVX2_H

#include "base/vec/sse.h"

#include <immintrin.h>

typedef __m256 vec;
#define VEC_NAME "AVX2"
#define VEC_FUSED 1
#define VEC_LANES 8
#define MICRO_ROWS 6 /* 6 x 2 sums + 2 of B + 1 of A + 1 product = 16 of 16 registers */
#define MICRO_VECTORS 2
static inline vec vec_zero(void) { return _mm256_setzero_ps(); }
static inline vec vec_set1(float x) { return _mm256_set1_ps(x); }
static inline vec vec_load(const float *p) { return _mm256_loadu_ps(p); }
static inline void vec_store(float *p, vec a) { _mm256_storeu_ps(p, a); }
static inline vec vec_add(vec a, vec b) { return _mm256_add_ps(a, b); }
static inline vec vec_sub(vec a, vec b) { return _mm256_sub_ps(a, b); }
static inline vec vec_mul(vec a, vec b) { return _mm256_mul_ps(a, b); }
static inline vec vec_max(vec a, vec b) { return _mm256_max_ps(a, b); }
static inline vec vec_min(vec a, vec b) { return _mm256_min_ps(a, b); }
static inline vec vec_fma(vec a, vec b, vec c) { return _mm256_fmadd_ps(a, b, c); }

typedef __m256i ivec;
static inline ivec ivec_set1(int32_t x) { return _mm256_set1_epi32(x); }
static inline ivec ivec_set1_16(int16_t x) { return _mm256_set1_epi16(x); }
static inline ivec ivec_load(const void *p) { return _mm256_loadu_si256(p); }
static inline ivec ivec_widen(const int8_t *p)
{
    return _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(const void *)p));
}
static inline ivec ivec_pairs(const int16_t *p) { return _mm256_set1_epi32(vec_pair(p)); }
static inline void ivec_store(void *p, ivec a) { _mm256_storeu_si256(p, a); }
static inline ivec ivec_add(ivec a, ivec b) { return _mm256_add_epi32(a, b); }
static inline ivec ivec_sub(ivec a, ivec b) { return _mm256_sub_epi32(a, b); }
static inline ivec ivec_max(ivec a, ivec b) { return _mm256_max_epi32(a, b); }
static inline ivec ivec_dot(ivec a, ivec b) { return _mm256_madd_epi16(a, b); }
static inline ivec ivec_add16(ivec a, ivec b) { return _mm256_add_epi16(a, b); }
static inline ivec ivec_sub16(ivec a, ivec b) { return _mm256_sub_epi16(a, b); }
static inline ivec ivec_max16(ivec a, ivec b) { return _mm256_max_epi16(a, b); }
static inline ivec ivec_min16(ivec a, ivec b) { return _mm256_min_epi16(a, b); }
static inline ivec ivec_low(ivec a, ivec b) { return _mm256_unpacklo_epi16(a, b); }
static inline ivec ivec_high(ivec a, ivec b) { return _mm256_unpackhi_epi16(a, b); }
static inline ivec ivec_narrow(ivec low, ivec high) { return _mm256_packs_epi32(low, high); }
static inline ivec ivec_scale(ivec x, ivec m)
{
    const __m256i half = _mm256_set1_epi64x(1ll << 31);
    const __m256i even = _mm256_add_epi64(_mm256_mul_epi32(x, m), half);
    const __m256i odd = _mm256_add_epi64(_mm256_mul_epi32(_mm256_srli_epi64(x, 32), _mm256_srli_epi64(m, 32)), half);
    return _mm256_blend_epi32(_mm256_srli_epi64(even, 32), odd, 0xaa);
}

#endif
