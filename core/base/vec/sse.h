/* The quads of x86, SSE4.1, which AVX2 and AVX-512 have too. Operations: vec.h. */
#ifndef VEC_SSE_H
#define VEC_SSE_H

#include <immintrin.h>

typedef __m128i quad;
static inline quad quad_set1(int32_t x) { return _mm_set1_epi32(x); }
static inline quad quad_load(const int32_t *p) { return _mm_loadu_si128((const void *)p); }
static inline void quad_store(int32_t *p, quad a) { _mm_storeu_si128((void *)p, a); }
static inline quad quad_add(quad a, quad b) { return _mm_add_epi32(a, b); }
static inline quad quad_sub(quad a, quad b) { return _mm_sub_epi32(a, b); }
static inline quad quad_mul(quad a, quad b) { return _mm_mullo_epi32(a, b); }
static inline quad quad_left(quad a, int n) { return _mm_slli_epi32(a, n); }
static inline quad quad_right(quad a, int n) { return _mm_srai_epi32(a, n); }
static inline quad quad_widen(const int16_t *p) { return _mm_cvtepi16_epi32(_mm_loadl_epi64((const void *)p)); }
static inline quad quad_widen_unsigned(const uint16_t *p)
{
    return _mm_cvtepu16_epi32(_mm_loadl_epi64((const void *)p));
}
static inline quad quad_widen_bytes(const uint8_t *p)
{
    int32_t bytes;
    memcpy(&bytes, p, sizeof bytes);
    return _mm_cvtepu8_epi32(_mm_cvtsi32_si128(bytes));
}
static inline void quad_transpose(quad q[4])
{
    const quad a = _mm_unpacklo_epi32(q[0], q[1]), b = _mm_unpacklo_epi32(q[2], q[3]);
    const quad c = _mm_unpackhi_epi32(q[0], q[1]), d = _mm_unpackhi_epi32(q[2], q[3]);
    q[0] = _mm_unpacklo_epi64(a, b);
    q[1] = _mm_unpackhi_epi64(a, b);
    q[2] = _mm_unpacklo_epi64(c, d);
    q[3] = _mm_unpackhi_epi64(c, d);
}
static inline void quad_store_bytes(uint8_t *p, quad a, quad b)
{
    const quad both = _mm_packs_epi32(a, b);
    _mm_storel_epi64((void *)p, _mm_packus_epi16(both, both));
}

#endif
