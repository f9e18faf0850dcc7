/* One vector of floats and one of integers, whatever the machine. The files beside this one hold the intrinsics, one
 * ISA a file, and nothing else does.
 *
 *     vec sum = vec_zero();
 *     for (...) sum = vec_add(sum, vec_mul(vec_set1(a), vec_load(b)));
 *
 * Kernels vectorise across outputs, never across a reduction, so the width does not change a result. The ISA is
 * chosen at compile time; WebAssembly is tested before x86 because Emscripten also defines the x86 macros.
 *
 * Each ISA defines:
 *
 *     VEC_NAME, VEC_LANES     floats of a vector
 *     VEC_FUSED               whether vec_fma rounds once; training on machines that agree in it gives the same weights
 *     MICRO_ROWS, MICRO_VECTORS   the register tile of the GEMM micro-kernel (gemm.c):
 *                             MICRO_ROWS x (MICRO_VECTORS * VEC_LANES) of C
 *
 *     vec_zero(), vec_set1(x), vec_load(p), vec_store(p, a)           p needs no alignment
 *     vec_add, vec_sub, vec_mul(a, b)
 *     vec_max, vec_min(a, b)  b where either is NaN or both are equal
 *     vec_fma(a, b, c)        a * b + c
 *
 * An ivec is the same vector of integers: VEC_LANES of 32 bits, or twice as many of 16 (names with 16), which makes
 * a pair of each lane, as they stand in memory. Sums and products wrap around.
 *
 *     sum = ivec_add(sum, ivec_dot(ivec_pairs(a), ivec_load(b)));     // each lane: sum + a[0] * b[0] + a[1] * b[1]
 *
 *     ivec_set1(x), ivec_set1_16(x), ivec_load(p), ivec_store(p, a)
 *     ivec_add, ivec_sub, ivec_max(a, b), ivec_add16, ivec_sub16, ivec_max16, ivec_min16(a, b)
 *     ivec_widen(p)           int8 to int16
 *     ivec_pairs(p)           the pair p[0], p[1] in every lane
 *     ivec_dot(a, b)          of each pair the sum of its two products: 32 bits
 *     ivec_low, _high(a, b)   pairs of a and b, of the lower and of the higher half of their values
 *     ivec_narrow(low, high)  int32 to int16, saturated
 *     ivec_scale(x, m)        floor(x * m / 2^32 + 1/2)
 *
 * A quad is four integers of 32 bits on every machine, for blocks of 8x8 and the like. Sums and products wrap around.
 *
 *     quad_set1(x), quad_load(p), quad_store(p, a)                     p needs no alignment
 *     quad_add, quad_sub, quad_mul(a, b), quad_left, quad_right(a, n)    shifts, the second arithmetic
 *     quad_widen(p), quad_widen_unsigned(p), quad_widen_bytes(p)   int16, uint16 and uint8 to 32 bits
 *     quad_transpose(q)       of four quads: number k of quad i becomes number i of quad k
 *     quad_store_bytes(p, a, b)   eight bytes, each what is nearest to the number: below 2^15 in size */
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

#if defined(VEC_SCALAR)
#include "base/vec/scalar.h"
#elif defined(__wasm_simd128__)
#include "base/vec/wasm.h"
#elif defined(__AVX512F__) && defined(__AVX512BW__)
#include "base/vec/avx512.h"
#elif defined(__AVX2__) && defined(__FMA__)
#include "base/vec/avx2.h"
#elif defined(__ARM_NEON) && defined(__aarch64__)
#include "base/vec/neon.h"
#else
#include "base/vec/scalar.h"
#endif

/* The last vector of a row may have fewer values, `lanes`: no others are read or written; the lanes behind them hold
 * zeros. */
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

/* "Half" of an ivec is what the machine takes for it: the halves of each 128 bits. So number IVEC_POSITION(half,
 * lane) of a vector of 16 bits is the one that meets lane `lane` of ivec_low (half 0) or ivec_high (half 1), and
 * comes from there in ivec_narrow. */
#define IVEC_BLOCK (VEC_LANES < 4 ? VEC_LANES : 4) /* lanes in 128 bits */
#define IVEC_POSITION(half, lane) ((lane) / IVEC_BLOCK * 2 * IVEC_BLOCK + (half)*IVEC_BLOCK + (lane) % IVEC_BLOCK)

/* For constant loops over a register tile: without it compilers keep the tile in memory, at a third of the speed. */
#if defined(__clang__)
#define VEC_UNROLL _Pragma("unroll")
/* A loop whose speed counts less than the module's size. */
#define VEC_KEEP_SMALL _Pragma("clang loop vectorize(disable) unroll(disable)")
#else
#define VEC_KEEP_SMALL
#define VEC_UNROLL _Pragma("GCC unroll 16")
#endif

#endif
