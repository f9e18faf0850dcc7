#include "int8/int8_dot.h"

#include "int8/int8_layer.h"

#include <assert.h>

_Static_assert(INT8_DOT_STEP % (4 * VEC_LANES) == 0, "a step is pairs of vectors of 16 bits");

static int32_t sum_of_lanes(ivec sum)
{
    int32_t lanes[VEC_LANES], total = 0;
    ivec_store(lanes, sum);
    for (int i = 0; i < VEC_LANES; i++)
        total += lanes[i];
    return total;
}

/* Two vectors at a time, each in two sums: as many independent additions as the machine begins meanwhile. */
void int8_dot(int32_t *out, const int8_t *vectors, const int16_t *query, int n, int d)
{
    enum { LANES = 2 * VEC_LANES };
    assert(n >= 0 && d > 0 && d % INT8_DOT_STEP == 0 && out && vectors && query);
    for (int i = 0; i < n; i += 2) {
        const int8_t *a = vectors + (ptrdiff_t)i * d, *b = i + 1 < n ? a + d : a;
        ivec sum_a[2] = {ivec_set1(0), ivec_set1(0)}, sum_b[2] = {ivec_set1(0), ivec_set1(0)};
        for (int k = 0; k < d; k += 2 * LANES)
            VEC_UNROLL
        for (int half = 0; half < 2; half++) {
            const ivec q = ivec_load(query + k + half * LANES);
            sum_a[half] = ivec_add(sum_a[half], ivec_dot(ivec_widen(a + k + half * LANES), q));
            sum_b[half] = ivec_add(sum_b[half], ivec_dot(ivec_widen(b + k + half * LANES), q));
        }
        out[i] = sum_of_lanes(ivec_add(sum_a[0], sum_a[1]));
        if (i + 1 < n)
            out[i + 1] = sum_of_lanes(ivec_add(sum_b[0], sum_b[1]));
    }
}
