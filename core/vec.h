/* One vector of floats, whatever the machine: the only file with intrinsics.
 *
 *     vec sum = vec_zero();
 *     for (...) sum = vec_add(sum, vec_mul(vec_set1(a), vec_load(b)));
 *
 * Kernels vectorise across outputs, never across a reduction, so the width does not change a result. The branch is
 * chosen at compile time; WebAssembly is tested before x86 because Emscripten also defines the x86 macros.
 *
 * VEC_FUSED: whether vec_fma rounds once; training on machines that agree in it gives the same weights.
 * MICRO_ROWS x (MICRO_VECTORS * VEC_LANES) is the tile of C that the GEMM micro-kernel (gemm.c) keeps in registers. */
#ifndef VEC_H
#define VEC_H

#include <string.h>

#if !defined(VEC_SCALAR) && defined(__wasm_simd128__)

#include <wasm_simd128.h>
typedef v128_t vec;
#define VEC_NAME "wasm simd128"
#define VEC_FUSED 0
#define VEC_LANES 4
#define MICRO_ROWS 2 /* 2 x 4 sums + 4 of B + 1 of A + 1 product = 14 of x86's 16 registers */
#define MICRO_VECTORS 4 /* a broadcast of A costs V8 as much as a vector of B: 2 x 4 is a third faster than 4 x 2 */
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

#elif !defined(VEC_SCALAR) && defined(__AVX512F__)

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

/* For constant loops over a tile of sums: without it compilers keep the tile in memory, at a third of the speed. */
#if defined(__clang__)
#define VEC_UNROLL _Pragma("unroll")
#else
#define VEC_UNROLL _Pragma("GCC unroll 16")
#endif

#endif
