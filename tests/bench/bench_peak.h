/* What the machine could do: arithmetic in registers alone, for the benchmarks to measure themselves against.
 *
 *     peak(1, true)     // operations a second of one thread with fused multiply-adds, as training does
 *     peak(2, false)    // of two threads that multiply and then add, as inference does to be the same everywhere
 * */
#ifndef BENCH_PEAK_H
#define BENCH_PEAK_H

#include "cli/clock.h"
#include "cli/errors.h"
#include "base/vec/vec.h"

#include <stdbool.h>

/* As many sums in flight as the matrix product's tile has: they fit the registers, and none waits for the one
 * before. */
static inline float multiply_add_turns(int turns, bool fused)
{
    enum { SUMS = MICRO_ROWS * MICRO_VECTORS };
    vec sum[SUMS], half = vec_set1(0.5f);
    for (int i = 0; i < SUMS; i++)
        sum[i] = vec_set1((float)i); /* all different, or the compiler would keep one of them */
    for (; turns > 0; turns--)
        VEC_UNROLL
    for (int i = 0; i < SUMS; i++)
        sum[i] = fused ? vec_fma(sum[i], half, half) : vec_add(vec_mul(sum[i], half), half); /* towards 1 */
    for (int i = 1; i < SUMS; i++)
        sum[0] = vec_add(sum[0], sum[i]);
    float lanes[VEC_LANES];
    vec_store(lanes, sum[0]);
    return lanes[0];
}

/* Operations a second that this many threads reach together: the best of several tries of about 10 ms. */
static double peak(int threads, bool fused)
{
    enum { TURNS = 1 << 22, TRIES = 20 };
    double min = 0;
    float sum = 0;
    for (int i = 0; i < TRIES; i++) {
        const double start = seconds_now();
#pragma omp parallel num_threads(threads) reduction(+ : sum)
        sum += fused ? multiply_add_turns(TURNS, true) : multiply_add_turns(TURNS, false);
        const double seconds = seconds_now() - start;
        min = i == 0 || seconds < min ? seconds : min;
    }
    if (!(sum > 0)) /* it is; but a result that nobody looks at would not be computed */
        die(NULL, NULL, "the sums are wrong");
    return 2.0 * (double)TURNS * MICRO_ROWS * MICRO_VECTORS * VEC_LANES * threads / min;
}

#endif
