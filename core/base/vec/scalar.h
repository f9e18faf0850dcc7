/* Any machine, one number at a time. Operations: vec.h, which includes this file. */
#ifndef VEC_SCALAR_H
#define VEC_SCALAR_H

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

typedef uint32_t ivec; /* the first of a pair in the half that comes first in memory */
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
enum { IVEC_FIRST = 16, IVEC_SECOND = 0 };
#else
enum { IVEC_FIRST = 0, IVEC_SECOND = 16 };
#endif
static inline int32_t ivec_first(ivec a) { return (int16_t)(a >> IVEC_FIRST); }
static inline int32_t ivec_second(ivec a) { return (int16_t)(a >> IVEC_SECOND); }
static inline ivec ivec_pair(int32_t first, int32_t second)
{
    return (uint32_t)(uint16_t)first << IVEC_FIRST | (uint32_t)(uint16_t)second << IVEC_SECOND;
}
static inline int32_t ivec_saturate(int32_t x) { return x < -32768 ? -32768 : x > 32767 ? 32767 : x; }
static inline int32_t ivec_max_of(int32_t a, int32_t b) { return a > b ? a : b; }
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
static inline ivec ivec_max(ivec a, ivec b) { return (uint32_t)ivec_max_of((int32_t)a, (int32_t)b); }
static inline ivec ivec_dot(ivec a, ivec b)
{
    return (uint32_t)(ivec_first(a) * ivec_first(b)) + (uint32_t)(ivec_second(a) * ivec_second(b));
}
static inline ivec ivec_add16(ivec a, ivec b)
{
    return ivec_pair(ivec_first(a) + ivec_first(b), ivec_second(a) + ivec_second(b));
}
static inline ivec ivec_sub16(ivec a, ivec b)
{
    return ivec_pair(ivec_first(a) - ivec_first(b), ivec_second(a) - ivec_second(b));
}
static inline ivec ivec_max16(ivec a, ivec b)
{
    return ivec_pair(ivec_max_of(ivec_first(a), ivec_first(b)), ivec_max_of(ivec_second(a), ivec_second(b)));
}
static inline ivec ivec_min16(ivec a, ivec b)
{
    return ivec_pair(-ivec_max_of(-ivec_first(a), -ivec_first(b)), -ivec_max_of(-ivec_second(a), -ivec_second(b)));
}
static inline ivec ivec_low(ivec a, ivec b) { return ivec_pair(ivec_first(a), ivec_first(b)); }
static inline ivec ivec_high(ivec a, ivec b) { return ivec_pair(ivec_second(a), ivec_second(b)); }
static inline ivec ivec_narrow(ivec low, ivec high)
{
    return ivec_pair(ivec_saturate((int32_t)low), ivec_saturate((int32_t)high));
}
static inline ivec ivec_scale(ivec x, ivec m)
{
    return (uint32_t)(((int64_t)(int32_t)x * (int32_t)m + (1ll << 31)) >> 32);
}

typedef struct {
    uint32_t at[4];
} quad;
#define QUAD_EACH(i, expression) \
    quad result; \
    for (int i = 0; i < 4; i++) \
        result.at[i] = (uint32_t)(expression); \
    return result
static inline quad quad_set1(int32_t x) { QUAD_EACH(i, x); }
static inline quad quad_load(const int32_t *p) { QUAD_EACH(i, p[i]); }
static inline void quad_store(int32_t *p, quad a) { memcpy(p, a.at, sizeof a.at); }
static inline quad quad_add(quad a, quad b) { QUAD_EACH(i, a.at[i] + b.at[i]); }
static inline quad quad_sub(quad a, quad b) { QUAD_EACH(i, a.at[i] - b.at[i]); }
static inline quad quad_mul(quad a, quad b) { QUAD_EACH(i, a.at[i] * b.at[i]); }
static inline quad quad_left(quad a, int n) { QUAD_EACH(i, a.at[i] << n); }
static inline quad quad_right(quad a, int n) { QUAD_EACH(i, (int32_t)a.at[i] >> n); }
static inline quad quad_widen(const int16_t *p) { QUAD_EACH(i, p[i]); }
static inline quad quad_widen_unsigned(const uint16_t *p) { QUAD_EACH(i, p[i]); }
static inline quad quad_widen_bytes(const uint8_t *p) { QUAD_EACH(i, p[i]); }
static inline void quad_transpose(quad q[4])
{
    for (int i = 0; i < 4; i++)
        for (int k = 0; k < i; k++) {
            const uint32_t value = q[i].at[k];
            q[i].at[k] = q[k].at[i];
            q[k].at[i] = value;
        }
}
static inline void quad_store_bytes(uint8_t *p, quad a, quad b)
{
    for (int i = 0; i < 8; i++) {
        const int32_t value = (int32_t)(i < 4 ? a.at[i] : b.at[i - 4]);
        p[i] = (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
    }
}

#endif
