/* What the processor can do, of what a program may be compiled for (VARIANT in the Makefile).
 *
 *     if (!processor_has_avx512())
 *         die(NULL, "Build it here: make clean native", "this program was built for a processor with AVX-512"); */
#ifndef PROCESSOR_H
#define PROCESSOR_H

#include <stdbool.h>

#if defined(__x86_64__) && defined(__GNUC__)
/* x86-64-v3, and what x86-64-v4 has more. */
static inline bool processor_has_avx2(void)
{
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2");
}
static inline bool processor_has_avx512(void)
{
    return processor_has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl");
}
#else
static inline bool processor_has_avx2(void) { return false; }
static inline bool processor_has_avx512(void) { return false; }
#endif

#endif
