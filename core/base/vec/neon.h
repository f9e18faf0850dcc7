/* 64-bit ARM, NEON. Operations: vec.h, which includes this file. */
#ifndef VEC_NEON_H
#define VEC_NEON_H

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
    return vpaddq_s32(vmull_s16(vget_low_s16(IVEC16(a)), vget_low_s16(IVEC16(b))),
                      vmull_high_s16(IVEC16(a), IVEC16(b)));
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
    return vcombine_s32(vrshrn_n_s64(vmull_s32(vget_low_s32(x), vget_low_s32(m)), 32),
                        vrshrn_n_s64(vmull_high_s32(x, m), 32));
}

typedef int32x4_t quad;
static inline quad quad_set1(int32_t x) { return vdupq_n_s32(x); }
static inline quad quad_load(const int32_t *p) { return vld1q_s32(p); }
static inline void quad_store(int32_t *p, quad a) { vst1q_s32(p, a); }
static inline quad quad_add(quad a, quad b) { return vaddq_s32(a, b); }
static inline quad quad_sub(quad a, quad b) { return vsubq_s32(a, b); }
static inline quad quad_mul(quad a, quad b) { return vmulq_s32(a, b); }
static inline quad quad_left(quad a, int n) { return vshlq_s32(a, vdupq_n_s32(n)); }
static inline quad quad_right(quad a, int n) { return vshlq_s32(a, vdupq_n_s32(-n)); }
static inline quad quad_widen(const int16_t *p) { return vmovl_s16(vld1_s16(p)); }
static inline quad quad_widen_unsigned(const uint16_t *p) { return vreinterpretq_s32_u32(vmovl_u16(vld1_u16(p))); }
static inline quad quad_widen_bytes(const uint8_t *p)
{
    uint32_t bytes;
    memcpy(&bytes, p, sizeof bytes);
    return vreinterpretq_s32_u32(vmovl_u16(vget_low_u16(vmovl_u8(vreinterpret_u8_u32(vdup_n_u32(bytes))))));
}
static inline void quad_transpose(quad q[4])
{
    const int32x4x2_t a = vtrnq_s32(q[0], q[1]), b = vtrnq_s32(q[2], q[3]);
    q[0] = vcombine_s32(vget_low_s32(a.val[0]), vget_low_s32(b.val[0]));
    q[1] = vcombine_s32(vget_low_s32(a.val[1]), vget_low_s32(b.val[1]));
    q[2] = vcombine_s32(vget_high_s32(a.val[0]), vget_high_s32(b.val[0]));
    q[3] = vcombine_s32(vget_high_s32(a.val[1]), vget_high_s32(b.val[1]));
}
static inline void quad_store_bytes(uint8_t *p, quad a, quad b)
{
    vst1_u8(p, vqmovun_s16(vcombine_s16(vqmovn_s32(a), vqmovn_s32(b))));
}

#endif
