/* WebAssembly, simd128. Operations: vec.h, which includes this file. */
#ifndef VEC_WASM_H
#define VEC_WASM_H

#include <wasm_simd128.h>

typedef v128_t vec;
#define VEC_NAME "wasm simd128"
#define VEC_FUSED 0
#define VEC_LANES 4
/* 2 x 4 sums + 4 of B + 1 of A + 1 product = 14 of x86's 16 registers; a broadcast of A for every 4 products. */
#define MICRO_ROWS 2
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

typedef v128_t quad;
static inline quad quad_set1(int32_t x) { return wasm_i32x4_splat(x); }
static inline quad quad_load(const int32_t *p) { return wasm_v128_load(p); }
static inline void quad_store(int32_t *p, quad a) { wasm_v128_store(p, a); }
static inline quad quad_add(quad a, quad b) { return wasm_i32x4_add(a, b); }
static inline quad quad_sub(quad a, quad b) { return wasm_i32x4_sub(a, b); }
static inline quad quad_mul(quad a, quad b) { return wasm_i32x4_mul(a, b); }
static inline quad quad_left(quad a, int n) { return wasm_i32x4_shl(a, (uint32_t)n); }
static inline quad quad_right(quad a, int n) { return wasm_i32x4_shr(a, (uint32_t)n); }
static inline quad quad_widen(const int16_t *p) { return wasm_i32x4_load16x4(p); }
static inline quad quad_widen_unsigned(const uint16_t *p) { return wasm_u32x4_load16x4(p); }
static inline quad quad_widen_bytes(const uint8_t *p)
{
    return wasm_u32x4_extend_low_u16x8(wasm_u16x8_extend_low_u8x16(wasm_v128_load32_zero(p)));
}
static inline void quad_transpose(quad q[4])
{
    const quad a = wasm_i32x4_shuffle(q[0], q[1], 0, 4, 1, 5), b = wasm_i32x4_shuffle(q[2], q[3], 0, 4, 1, 5);
    const quad c = wasm_i32x4_shuffle(q[0], q[1], 2, 6, 3, 7), d = wasm_i32x4_shuffle(q[2], q[3], 2, 6, 3, 7);
    q[0] = wasm_i64x2_shuffle(a, b, 0, 2);
    q[1] = wasm_i64x2_shuffle(a, b, 1, 3);
    q[2] = wasm_i64x2_shuffle(c, d, 0, 2);
    q[3] = wasm_i64x2_shuffle(c, d, 1, 3);
}
static inline void quad_store_bytes(uint8_t *p, quad a, quad b)
{
    const quad both = wasm_i16x8_narrow_i32x4(a, b);
    wasm_v128_store64_lane(p, wasm_u8x16_narrow_i16x8(both, both), 0);
}

#endif
