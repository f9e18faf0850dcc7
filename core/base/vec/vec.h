/* One vector of floats, whatever the machine: the only file with intrinsics.
 *
 *     vec sum = vec_zero();
 *     for (...) sum = vec_add(sum, vec_mul(vec_set1(a), vec_load(b)));
 *
 * Kernels vectorise across outputs, never across a reduction, so the width does not change a result. The branch is
 * chosen at compile time; WebAssembly is tested before x86 because Emscripten also defines the x86 macros.
 *
 * A `ivec` is the same vector of whole numbers: VEC_LANES of 32 bits, or twice as many of 16, which makes a pair of each lane.
 * Sums and products of them wrap around.
 *
 *     sum = ivec_add(sum, ivec_dot(ivec_pairs(a), ivec_load(b)));        // each lane: sum + a[0] * b[0] + a[1] * b[1]
 *
 * VEC_FUSED: whether vec_fma rounds once; training on machines that agree in it gives the same weights.
 * MICRO_ROWS x (MICRO_VECTORS * VEC_LANES) is the tile of C that the GEMM micro-kernel (gemm.c) keeps in registers. */
#ifndef VEC_H
#define VEC_H

#include <stdint.h>
#include <string.h>

/* Two neighbours of 16 bits as they stand, in memory and in a lane. */
static inline int32_t vec_pair(const int16_t *p)
{
    int32_t pair;
    memcpy(&pair, p, sizeof pair);
    return pair;
}

#if !defined(VEC_SCALAR) && defined(__wasm_simd128__)

#include <wasm_simd128.h>
typedef v128_t vec;
#define VEC_NAME "wasm simd128"
#define VEC_FUSED 0
#define VEC_LANES 4
#define MICRO_ROWS 2 /* 2 x 4 sums + 4 of B + 1 of A + 1 product = 14 of x86's 16 registers; a broadcast of A for every 4 products */
#define MICRO_VECTORS 4
static inline vec vec_zero(void) { return wasm_f32x4_const(0, 0, 0, 0); }
static inline vec vec_set1(float x) { return wasm_f32x4_splat(x); }
static inline vec vec_load(const float *p) { return wasm_v128_load(p); }
static inline void vec_store(float *p, vec a) { wasm_v128_store(p, a); }
static inline vec vec_add(vec a, vec b) { return wasm_f32x4_add(a, b); }
static inline vec vec_sub(vec a, vec b) { return wasm_f32x4_sub(a, b); }
static inline vec vec_mul(vec a, vec b) { return wasm_f32x4_mul(a, b); }
static inline vec vec_max(vec a, vec b) { return wasm_f32x4_pmax(b, a); }
static inline vec vec_min(vec a, vec b) { return wasm_f32x4_pmin(b, a); }
static inline vec vec_fma(vec a, vec b, vec c) { return wasm_f32x4_add(wasm_f32x4_mul(a, b), c); }
typedef v128_t ivec;
static inline ivec ivec_set1(int32_t x) { return wasm_i32x4_splat(x); }
static inline ivec ivec_set1_16(int16_t x) { return wasm_i16x8_splat(x); }
static inline ivec ivec_load(const void *p) { return wasm_v128_load(p); }
static inline ivec ivec_widen(const int8_t *p) { return wasm_i16x8_load8x8(p); }
static inline ivec ivec_pairs(const int16_t *p) { return wasm_v128_load32_splat(p); }
static inline void ivec_store(void *p, ivec a) { wasm_v128_store(p, a); }
static inline ivec ivec_add(ivec a, ivec b) { return wasm_i32x4_add(a, b); }
static inline ivec ivec_sub(ivec a, ivec b) { return wasm_i32x4_sub(a, b); }
static inline ivec ivec_max(ivec a, ivec b) { return wasm_i32x4_max(a, b); }
static inline ivec ivec_dot(ivec a, ivec b) { return wasm_i32x4_dot_i16x8(a, b); }
static inline ivec ivec_add16(ivec a, ivec b) { return wasm_i16x8_add(a, b); }
static inline ivec ivec_sub16(ivec a, ivec b) { return wasm_i16x8_sub(a, b); }
static inline ivec ivec_max16(ivec a, ivec b) { return wasm_i16x8_max(a, b); }
static inline ivec ivec_min16(ivec a, ivec b) { return wasm_i16x8_min(a, b); }
static inline ivec ivec_low(ivec a, ivec b) { return wasm_i16x8_shuffle(a, b, 0, 8, 1, 9, 2, 10, 3, 11); }
static inline ivec ivec_high(ivec a, ivec b) { return wasm_i16x8_shuffle(a, b, 4, 12, 5, 13, 6, 14, 7, 15); }
static inline ivec ivec_narrow(ivec low, ivec high) { return wasm_i16x8_narrow_i32x4(low, high); }
static inline ivec ivec_scale(ivec x, ivec m)
{
    const v128_t half = wasm_i64x2_const(1ll << 31, 1ll << 31);
    const v128_t low = wasm_i64x2_add(wasm_i64x2_extmul_low_i32x4(x, m), half);
    return wasm_i32x4_shuffle(low, wasm_i64x2_add(wasm_i64x2_extmul_high_i32x4(x, m), half), 1, 3, 5, 7);
}

#elif !defined(VEC_SCALAR) && defined(__AVX512F__) && defined(__AVX512BW__)

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
static inline ivec ivec_widen(const int8_t *p) { return _mm512_cvtepi8_epi16(_mm256_loadu_si256((const __m256i *)(const void *)p)); }
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

#elif !defined(VEC_SCALAR) && defined(__AVX2__) && defined(__FMA__)

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
static inline ivec ivec_widen(const int8_t *p) { return _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(const void *)p)); }
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

#elif !defined(VEC_SCALAR) && defined(__ARM_NEON) && defined(__aarch64__)

#include <arm_neon.h>
typedef float32x4_t vec;
#define VEC_NAME "NEON"
#define VEC_FUSED 1
#define VEC_LANES 4
#define MICRO_ROWS 8 /* 8 x 2 sums + 2 of B + 1 of A + 1 product = 20 of 32 registers */
#define MICRO_VECTORS 2
static inline vec vec_zero(void) { return vdupq_n_f32(0); }
static inline vec vec_set1(float x) { return vdupq_n_f32(x); }
static inline vec vec_load(const float *p) { return vld1q_f32(p); }
static inline void vec_store(float *p, vec a) { vst1q_f32(p, a); }
static inline vec vec_add(vec a, vec b) { return vaddq_f32(a, b); }
static inline vec vec_sub(vec a, vec b) { return vsubq_f32(a, b); }
static inline vec vec_mul(vec a, vec b) { return vmulq_f32(a, b); }
static inline vec vec_max(vec a, vec b) { return vbslq_f32(vcgtq_f32(a, b), a, b); }
static inline vec vec_min(vec a, vec b) { return vbslq_f32(vcltq_f32(a, b), a, b); }
static inline vec vec_fma(vec a, vec b, vec c) { return vfmaq_f32(c, a, b); }
typedef int32x4_t ivec;
#define IVEC16(a) vreinterpretq_s16_s32(a)
#define IVEC32(a) vreinterpretq_s32_s16(a)
static inline ivec ivec_set1(int32_t x) { return vdupq_n_s32(x); }
static inline ivec ivec_set1_16(int16_t x) { return IVEC32(vdupq_n_s16(x)); }
static inline ivec ivec_load(const void *p) { return vreinterpretq_s32_u8(vld1q_u8(p)); }
static inline ivec ivec_widen(const int8_t *p) { return IVEC32(vmovl_s8(vld1_s8(p))); }
static inline ivec ivec_pairs(const int16_t *p) { return vdupq_n_s32(vec_pair(p)); }
static inline void ivec_store(void *p, ivec a) { vst1q_u8(p, vreinterpretq_u8_s32(a)); }
static inline ivec ivec_add(ivec a, ivec b) { return vaddq_s32(a, b); }
static inline ivec ivec_sub(ivec a, ivec b) { return vsubq_s32(a, b); }
static inline ivec ivec_max(ivec a, ivec b) { return vmaxq_s32(a, b); }
static inline ivec ivec_dot(ivec a, ivec b)
{
    return vpaddq_s32(vmull_s16(vget_low_s16(IVEC16(a)), vget_low_s16(IVEC16(b))), vmull_high_s16(IVEC16(a), IVEC16(b)));
}
static inline ivec ivec_add16(ivec a, ivec b) { return IVEC32(vaddq_s16(IVEC16(a), IVEC16(b))); }
static inline ivec ivec_sub16(ivec a, ivec b) { return IVEC32(vsubq_s16(IVEC16(a), IVEC16(b))); }
static inline ivec ivec_max16(ivec a, ivec b) { return IVEC32(vmaxq_s16(IVEC16(a), IVEC16(b))); }
static inline ivec ivec_min16(ivec a, ivec b) { return IVEC32(vminq_s16(IVEC16(a), IVEC16(b))); }
static inline ivec ivec_low(ivec a, ivec b) { return IVEC32(vzip1q_s16(IVEC16(a), IVEC16(b))); }
static inline ivec ivec_high(ivec a, ivec b) { return IVEC32(vzip2q_s16(IVEC16(a), IVEC16(b))); }
static inline ivec ivec_narrow(ivec low, ivec high) { return IVEC32(vcombine_s16(vqmovn_s32(low), vqmovn_s32(high))); }
static inline ivec ivec_scale(ivec x, ivec m)
{
    return vcombine_s32(vrshrn_n_s64(vmull_s32(vget_low_s32(x), vget_low_s32(m)), 32), vrshrn_n_s64(vmull_high_s32(x, m), 32));
}

#else

typedef float vec;
#define VEC_NAME "scalar"
#define VEC_FUSED 0
#define VEC_LANES 1
#define MICRO_ROWS 4
#define MICRO_VECTORS 4
static inline vec vec_zero(void) { return 0; }
static inline vec vec_set1(float x) { return x; }
static inline vec vec_load(const float *p) { return *p; }
static inline void vec_store(float *p, vec a) { *p = a; }
static inline vec vec_add(vec a, vec b) { return a + b; }
static inline vec vec_sub(vec a, vec b) { return a - b; }
static inline vec vec_mul(vec a, vec b) { return a * b; }
static inline vec vec_max(vec a, vec b) { return a > b ? a : b; } /* b where either is NaN, as on every branch */
static inline vec vec_min(vec a, vec b) { return a < b ? a : b; }
static inline vec vec_fma(vec a, vec b, vec c) { return a * b + c; }
typedef uint32_t ivec; /* the first of a pair in the low half */
static inline int32_t ivec_first(ivec a) { return (int16_t)a; }
static inline int32_t ivec_second(ivec a) { return (int16_t)(a >> 16); }
static inline ivec ivec_pair(int32_t first, int32_t second) { return (uint16_t)first | (uint32_t)second << 16; }
static inline int32_t ivec_bounded(int32_t x) { return x < -32768 ? -32768 : x > 32767 ? 32767 : x; }
static inline int32_t ivec_largest(int32_t a, int32_t b) { return a > b ? a : b; }
static inline ivec ivec_set1(int32_t x) { return (uint32_t)x; }
static inline ivec ivec_set1_16(int16_t x) { return ivec_pair(x, x); }
static inline ivec ivec_pairs(const int16_t *p) { return ivec_pair(p[0], p[1]); }
static inline ivec ivec_widen(const int8_t *p) { return ivec_pair(p[0], p[1]); }
static inline ivec ivec_load(const void *p)
{
    ivec a;
    memcpy(&a, p, sizeof a);
    return a;
}
static inline void ivec_store(void *p, ivec a) { memcpy(p, &a, sizeof a); }
static inline ivec ivec_add(ivec a, ivec b) { return a + b; }
static inline ivec ivec_sub(ivec a, ivec b) { return a - b; }
static inline ivec ivec_max(ivec a, ivec b) { return (uint32_t)ivec_largest((int32_t)a, (int32_t)b); }
static inline ivec ivec_dot(ivec a, ivec b)
{
    return (uint32_t)(ivec_first(a) * ivec_first(b)) + (uint32_t)(ivec_second(a) * ivec_second(b));
}
static inline ivec ivec_add16(ivec a, ivec b) { return ivec_pair(ivec_first(a) + ivec_first(b), ivec_second(a) + ivec_second(b)); }
static inline ivec ivec_sub16(ivec a, ivec b) { return ivec_pair(ivec_first(a) - ivec_first(b), ivec_second(a) - ivec_second(b)); }
static inline ivec ivec_max16(ivec a, ivec b)
{
    return ivec_pair(ivec_largest(ivec_first(a), ivec_first(b)), ivec_largest(ivec_second(a), ivec_second(b)));
}
static inline ivec ivec_min16(ivec a, ivec b)
{
    return ivec_pair(-ivec_largest(-ivec_first(a), -ivec_first(b)), -ivec_largest(-ivec_second(a), -ivec_second(b)));
}
static inline ivec ivec_low(ivec a, ivec b) { return ivec_pair(ivec_first(a), ivec_first(b)); }
static inline ivec ivec_high(ivec a, ivec b) { return ivec_pair(ivec_second(a), ivec_second(b)); }
static inline ivec ivec_narrow(ivec low, ivec high) { return ivec_pair(ivec_bounded((int32_t)low), ivec_bounded((int32_t)high)); }
static inline ivec ivec_scale(ivec x, ivec m)
{
    return (uint32_t)(((int64_t)(int32_t)x * (int32_t)m + (1ll << 31)) >> 32);
}

#endif

/* The last vector of a row may have fewer numbers, `lanes`: no others are read or written; the lanes behind them hold zeros. */
static inline vec vec_load_lanes(const float *p, int lanes)
{
    if (lanes == VEC_LANES)
        return vec_load(p);
    float padded[VEC_LANES] = {0};
    memcpy(padded, p, (size_t)lanes * sizeof(float));
    return vec_load(padded);
}

static inline void vec_store_lanes(float *p, vec a, int lanes)
{
    if (lanes == VEC_LANES) {
        vec_store(p, a);
        return;
    }
    float padded[VEC_LANES];
    vec_store(padded, a);
    memcpy(p, padded, (size_t)lanes * sizeof(float));
}

/* The operations on whole numbers, beyond the obvious (names with 16 work on 16 bits):
 *
 *     ivec_widen(p)           bytes with a sign to 16 bits
 *     ivec_pairs(p)           the pair p[0], p[1] in every lane
 *     ivec_dot(a, b)          of each pair the sum of its two products: 32 bits
 *     ivec_low, _high(a, b)   pairs of a and b, of the lower and of the higher half of their numbers
 *     ivec_narrow(low, high)  32 bits to 16, what does not fit to the nearest that does
 *     ivec_scale(x, m)        floor(x * m / 2^32 + 1/2)
 *
 * "Half" of a vector is what the machine takes for it: the halves of each 128 bits. So number IVEC_POSITION(half, lane) of a vector
 * of 16 bits is the one that meets lane `lane` of ivec_low (half 0) or ivec_high (half 1), and comes from there in ivec_narrow. */
#define WHOLE_BLOCK (VEC_LANES < 4 ? VEC_LANES : 4)
#define IVEC_POSITION(half, lane) ((lane) / WHOLE_BLOCK * 2 * WHOLE_BLOCK + (half) * WHOLE_BLOCK + (lane) % WHOLE_BLOCK)

/* For constant loops over a tile of sums: without it compilers keep the tile in memory, at a third of the speed. */
#if defined(__clang__)
#define VEC_UNROLL _Pragma("unroll")
#else
#define VEC_UNROLL _Pragma("GCC unroll 16")
#endif

#endif
