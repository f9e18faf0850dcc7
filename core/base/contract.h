/* What kernels assert of memory on entry. Kernels see validated data only (status.h), so a broken contract is a
 * mistake in the caller:
 *
 *     float out[8], in[8];
 *     assert(contract_apart(out, sizeof out, in, sizeof in));
 *
 * Asserts are on in builds for tests: `scalar`, `sanitize` and the C tests in WebAssembly (Makefile). */
#ifndef CONTRACT_H
#define CONTRACT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* No byte of either is in both; NULL is nowhere. */
static inline bool contract_apart(const void *a, size_t a_bytes, const void *b, size_t b_bytes)
{
    const uintptr_t from_a = (uintptr_t)a, from_b = (uintptr_t)b;
    return !a || !b || from_a + a_bytes <= from_b || from_b + b_bytes <= from_a;
}

/* The same of an elementwise kernel's output, which may also be its input. */
static inline bool contract_in_place_or_apart(const void *out, const void *in, size_t bytes)
{
    return out == in || contract_apart(out, bytes, in, bytes);
}

/* A pass over float tensors: no two of them and scratch overlap, and scratch is there if any is needed. Sizes in
 * floats. */
static inline bool contract_pass(const float *to, size_t to_count, const float *from, size_t from_count,
                                 const float *scratch, size_t scratch_count)
{
    const size_t to_bytes = to_count * sizeof *to, from_bytes = from_count * sizeof *from,
                 bytes = scratch_count * sizeof *scratch;
    return from && (scratch || !scratch_count) && contract_apart(to, to_bytes, from, from_bytes) &&
           contract_apart(scratch, bytes, to, to_bytes) && contract_apart(scratch, bytes, from, from_bytes);
}

static inline bool contract_aligned(const void *p, size_t alignment) { return (uintptr_t)p % alignment == 0; }

#endif
