/* core/base/vec/vec.h: each operation against one number at a time. */
#include "base/vec/vec.h"

#include "support/sizes.h"
#include "support/test.h"

#include <math.h>
#include <string.h>

enum { MARGIN = 3 };

typedef vec binary(vec a, vec b);
typedef float binary_scalar(float a, float b);

static vec add(vec a, vec b) { return vec_add(a, b); }
static vec subtract(vec a, vec b) { return vec_sub(a, b); }
static vec multiply(vec a, vec b) { return vec_mul(a, b); }
static vec maximum(vec a, vec b) { return vec_max(a, b); }
static vec minimum(vec a, vec b) { return vec_min(a, b); }
static float add_scalar(float a, float b) { return a + b; }
static float subtract_scalar(float a, float b) { return a - b; }
static float multiply_scalar(float a, float b) { return a * b; }
static float maximum_scalar(float a, float b) { return a > b ? a : b; }
static float minimum_scalar(float a, float b) { return a < b ? a : b; }

static const float special[] = {0.0f,       -0.0f,    1.0f,      -1.0f, 0x1p-149f, -0x1p-130f, 0x1.fffffep127f,
                                3.0000002f, INFINITY, -INFINITY, NAN};
enum { SPECIAL = sizeof special / sizeof *special };

/* Bits, but for NaNs: their sign and payload differ from machine to machine. */
static bool same(float a, float b) { return memcmp(&a, &b, sizeof a) == 0 || (isnan(a) && isnan(b)); }

static void check_binary(const char *name, binary *operation, binary_scalar *expected)
{
    struct random random = random_seed(1, 0);
    for (int round = 0; round < SPECIAL * SPECIAL + 100; round++) {
        float a[VEC_LANES], b[VEC_LANES], out[VEC_LANES];
        for (int i = 0; i < VEC_LANES; i++) {
            const int pair = round + i;
            a[i] = round < SPECIAL * SPECIAL ? special[pair / SPECIAL % SPECIAL] : 2 * random_uniform(&random) - 1;
            b[i] = round < SPECIAL * SPECIAL ? special[pair % SPECIAL] : 2 * random_uniform(&random) - 1;
        }
        vec_store(out, operation(vec_load(a), vec_load(b)));
        for (int i = 0; i < VEC_LANES; i++)
            if (!same(out[i], expected(a[i], b[i])))
                test_fail(__FILE__, __LINE__, "%s(%a, %a) is %a, not %a", name, (double)a[i], (double)b[i],
                          (double)out[i], (double)expected(a[i], b[i]));
    }
}

TEST(arithmetic)
{
    check_binary("add", add, add_scalar);
    check_binary("sub", subtract, subtract_scalar);
    check_binary("mul", multiply, multiply_scalar);
}

TEST(maximum_and_minimum_give_the_second_for_nan_and_equals)
{
    check_binary("max", maximum, maximum_scalar);
    check_binary("min", minimum, minimum_scalar);
    float out[VEC_LANES];
    vec_store(out, vec_max(vec_set1(NAN), vec_set1(2)));
    CHECK(out[0] == 2);
    vec_store(out, vec_max(vec_set1(2), vec_set1(NAN)));
    CHECK(isnan(out[VEC_LANES - 1]));
    vec_store(out, vec_max(vec_set1(0.0f), vec_set1(-0.0f)));
    CHECK(signbit(out[0]));
}

TEST(unaligned_load_and_store_touch_their_lanes_only)
{
    float *in = test_floats(VEC_LANES + MARGIN), *out = test_floats(VEC_LANES + 2 * MARGIN);
    for (int i = 0; i < VEC_LANES + MARGIN; i++)
        in[i] = (float)i;
    for (int i = 0; i < VEC_LANES + 2 * MARGIN; i++)
        out[i] = -1;
    vec_store(out + MARGIN, vec_load(in + MARGIN));
    for (int i = 0; i < VEC_LANES + 2 * MARGIN; i++)
        CHECK(out[i] == (i >= MARGIN && i < MARGIN + VEC_LANES ? (float)i : -1.0f));
}

TEST(partial_load_and_store_touch_their_lanes_only)
{
    for (int lanes = 1; lanes <= VEC_LANES; lanes++) {
        float *in = test_floats((size_t)lanes), *out = test_floats((size_t)lanes), all[VEC_LANES]; /* guarded */
        for (int i = 0; i < lanes; i++)
            in[i] = (float)i + 1;
        const vec loaded = vec_load_lanes(in, lanes);
        vec_store(all, loaded);
        vec_store_lanes(out, loaded, lanes);
        test_context("%d lanes", lanes);
        for (int i = 0; i < VEC_LANES; i++)
            CHECK(all[i] == (i < lanes ? (float)i + 1 : 0));
        CHECK_SAME_BITS(out, in, (size_t)lanes);
    }
}

TEST(constants)
{
    float out[VEC_LANES];
    vec_store(out, vec_zero());
    for (int i = 0; i < VEC_LANES; i++)
        CHECK(out[i] == 0 && !signbit(out[i]));
    vec_store(out, vec_set1(-2.5f));
    for (int i = 0; i < VEC_LANES; i++)
        CHECK(out[i] == -2.5f);
}

/* Fused or not, depending on the machine: either rounding is right. */
TEST(multiply_add)
{
    struct random random = random_seed(2, 0);
    for (int round = 0; round < 1000; round++) {
        float a[VEC_LANES], b[VEC_LANES], c[VEC_LANES], out[VEC_LANES];
        test_fill(a, VEC_LANES, &random);
        test_fill(b, VEC_LANES, &random);
        test_fill(c, VEC_LANES, &random);
        vec_store(out, vec_fma(vec_load(a), vec_load(b), vec_load(c)));
        for (int i = 0; i < VEC_LANES; i++) {
            const float product = a[i] * b[i];
            CHECK(out[i] == fmaf(a[i], b[i], c[i]) || out[i] == product + c[i]);
        }
    }
}

TEST(tile_is_sensible)
{
    CHECK(MICRO_ROWS >= 1);
    CHECK(MICRO_VECTORS >= 1);
    CHECK(VEC_LANES >= 1 && (VEC_LANES & (VEC_LANES - 1)) == 0);
}

static bool listed(const int *sizes, int count, int size)
{
    for (int i = 0; i < count; i++)
        if (sizes[i] == size)
            return true;
    return size == 0;
}

/* Tests draw the same problems on every build: support/sizes.h must know this one's sizes too. */
TEST(sizes_around_this_vector_are_tested)
{
    static const int lanes[] = {SIZES_LANES}, panels[] = {SIZES_PANELS}, rows[] = {SIZES_ROWS};
    for (int off = -1; off <= 1; off++) {
        CHECK(listed(lanes, SIZES_COUNT(lanes), VEC_LANES + off));
        CHECK(listed(panels, SIZES_COUNT(panels), MICRO_VECTORS * VEC_LANES + off));
        CHECK(listed(rows, SIZES_COUNT(rows), MICRO_ROWS + off));
    }
}

/* ---- Integers ---- */

enum { PAIR_LANES = 2 * VEC_LANES };

/* Any number, the extreme ones often. */
static int32_t random_integer(struct random *random, int bits)
{
    const int64_t span = (int64_t)1 << bits, choice = random_below(random, 4);
    return (int32_t)(choice == 0   ? -span / 2
                     : choice == 1 ? span / 2 - 1
                                   : (int64_t)(random_next(random) % (uint64_t)span) - span / 2);
}

static int32_t wrapped(int64_t x) { return (int32_t)(uint32_t)(uint64_t)x; }
static int16_t wrapped16(int x) { return (int16_t)(uint16_t)x; }
static int16_t saturated(int32_t x) { return (int16_t)(x < -32768 ? -32768 : x > 32767 ? 32767 : x); }

TEST(integers_of_32_bits)
{
    struct random random = random_seed(3, 0);
    for (int round = 0; round < 1000; round++) {
        int32_t a[VEC_LANES], b[VEC_LANES], m[VEC_LANES], sum[VEC_LANES], difference[VEC_LANES], largest[VEC_LANES],
            scaled[VEC_LANES];
        for (int i = 0; i < VEC_LANES; i++) {
            a[i] = random_integer(&random, 32);
            b[i] = random_integer(&random, 32);
            m[i] = (int32_t)(random_next(&random) >> 33);
        }
        ivec_store(sum, ivec_add(ivec_load(a), ivec_load(b)));
        ivec_store(difference, ivec_sub(ivec_load(a), ivec_load(b)));
        ivec_store(largest, ivec_max(ivec_load(a), ivec_load(b)));
        ivec_store(scaled, ivec_scale(ivec_load(a), ivec_load(m)));
        for (int i = 0; i < VEC_LANES; i++) {
            CHECK_EQUAL(sum[i], wrapped((int64_t)a[i] + b[i]));
            CHECK_EQUAL(difference[i], wrapped((int64_t)a[i] - b[i]));
            CHECK_EQUAL(largest[i], a[i] > b[i] ? a[i] : b[i]);
            CHECK_EQUAL(scaled[i], ((int64_t)a[i] * m[i] + (1ll << 31)) >> 32);
        }
    }
    int32_t same[VEC_LANES];
    ivec_store(same, ivec_set1(-1234567));
    for (int i = 0; i < VEC_LANES; i++)
        CHECK_EQUAL(same[i], -1234567);
}

TEST(integers_of_16_bits)
{
    struct random random = random_seed(4, 0);
    for (int round = 0; round < 1000; round++) {
        int16_t a[PAIR_LANES], b[PAIR_LANES], sum[PAIR_LANES], difference[PAIR_LANES], largest[PAIR_LANES],
            smallest[PAIR_LANES], same[PAIR_LANES];
        int32_t products[VEC_LANES];
        for (int i = 0; i < PAIR_LANES; i++) {
            a[i] = (int16_t)random_integer(&random, 16);
            b[i] = (int16_t)(random_integer(&random, 15) * 2 + 1); /* no -32768: two products of it would not fit */
        }
        ivec_store(sum, ivec_add16(ivec_load(a), ivec_load(b)));
        ivec_store(difference, ivec_sub16(ivec_load(a), ivec_load(b)));
        ivec_store(largest, ivec_max16(ivec_load(a), ivec_load(b)));
        ivec_store(smallest, ivec_min16(ivec_load(a), ivec_load(b)));
        ivec_store(products, ivec_dot(ivec_load(a), ivec_load(b)));
        ivec_store(same, ivec_set1_16(a[0]));
        for (int i = 0; i < PAIR_LANES; i++) {
            CHECK_EQUAL(sum[i], wrapped16(a[i] + b[i]));
            CHECK_EQUAL(difference[i], wrapped16(a[i] - b[i]));
            CHECK_EQUAL(largest[i], a[i] > b[i] ? a[i] : b[i]);
            CHECK_EQUAL(smallest[i], a[i] < b[i] ? a[i] : b[i]);
            CHECK_EQUAL(same[i], a[0]);
        }
        for (int i = 0; i < VEC_LANES; i++)
            CHECK_EQUAL(products[i], a[2 * i] * b[2 * i] + a[2 * i + 1] * b[2 * i + 1]);
    }
}

TEST(integers_change_their_width)
{
    struct random random = random_seed(5, 0);
    for (int round = 0; round < 100; round++) {
        int32_t low[VEC_LANES], high[VEC_LANES];
        int16_t narrow[PAIR_LANES], wide[PAIR_LANES], a[PAIR_LANES], b[PAIR_LANES], pairs[2][PAIR_LANES],
            same[PAIR_LANES];
        int8_t bytes[PAIR_LANES];
        for (int i = 0; i < VEC_LANES; i++) {
            low[i] = random_integer(&random, round % 2 ? 32 : 17);
            high[i] = random_integer(&random, round % 2 ? 32 : 17);
        }
        for (int i = 0; i < PAIR_LANES; i++) {
            bytes[i] = (int8_t)random_integer(&random, 8);
            a[i] = (int16_t)random_integer(&random, 16);
            b[i] = (int16_t)random_integer(&random, 16);
        }
        ivec_store(narrow, ivec_narrow(ivec_load(low), ivec_load(high)));
        ivec_store(wide, ivec_widen(bytes));
        ivec_store(pairs[0], ivec_low(ivec_load(a), ivec_load(b)));
        ivec_store(pairs[1], ivec_high(ivec_load(a), ivec_load(b)));
        ivec_store(same, ivec_pairs(a));
        for (int lane = 0; lane < VEC_LANES; lane++) {
            CHECK_EQUAL(narrow[IVEC_POSITION(0, lane)], saturated(low[lane]));
            CHECK_EQUAL(narrow[IVEC_POSITION(1, lane)], saturated(high[lane]));
            for (int half = 0; half < 2; half++) {
                CHECK_EQUAL(pairs[half][2 * lane], a[IVEC_POSITION(half, lane)]);
                CHECK_EQUAL(pairs[half][2 * lane + 1], b[IVEC_POSITION(half, lane)]);
            }
            CHECK_EQUAL(same[2 * lane], a[0]);
            CHECK_EQUAL(same[2 * lane + 1], a[1]);
        }
        for (int i = 0; i < PAIR_LANES; i++)
            CHECK_EQUAL(wide[i], bytes[i]);
    }
}

TEST(quads)
{
    struct random random = random_seed(6, 0);
    for (int round = 0; round < 200; round++) {
        int16_t narrow[4][4], factors[4];
        uint16_t wide[4];
        uint8_t bytes[8];
        for (int i = 0; i < 16; i++)
            narrow[i / 4][i % 4] = (int16_t)random_integer(&random, 16);
        for (int i = 0; i < 4; i++) {
            factors[i] = (int16_t)random_integer(&random, 16);
            wide[i] = (uint16_t)random_integer(&random, 16);
        }
        quad q[4];
        for (int i = 0; i < 4; i++)
            q[i] = quad_widen(narrow[i]);
        quad_transpose(q);
        const int shift = round % 31 + 1, constant = random_integer(&random, 10);
        const quad product = quad_mul(quad_mul(q[1], quad_widen_unsigned(wide)), quad_widen(factors));
        const quad shifted = quad_right(quad_left(quad_sub(product, q[2]), 3), shift);
        const quad sums = quad_add(quad_right(q[3], 5), quad_set1(constant)),
                   signs = quad_sub(quad_set1(0), quad_right(shifted, 31));
        quad_store_bytes(bytes, sums, signs);
        for (int i = 0; i < 4; i++) {
            const int32_t a = narrow[i][1], b = narrow[i][2], c = factors[i];
            const uint32_t left = ((uint32_t)a * wide[i] * (uint32_t)c - (uint32_t)b) << 3;
            const int32_t sum = (narrow[i][3] >> 5) + constant, bits = (int32_t)left >> shift;
            CHECK_EQUAL(bytes[i], sum < 0 ? 0 : sum > 255 ? 255 : sum);
            CHECK_EQUAL(bytes[i + 4], bits < 0);
        }
    }
}

static const struct test tests[] = {
    ENTRY(arithmetic),
    ENTRY(maximum_and_minimum_give_the_second_for_nan_and_equals),
    ENTRY(unaligned_load_and_store_touch_their_lanes_only),
    ENTRY(partial_load_and_store_touch_their_lanes_only),
    ENTRY(constants),
    ENTRY(multiply_add),
    ENTRY(tile_is_sensible),
    ENTRY(sizes_around_this_vector_are_tested),
    ENTRY(integers_of_32_bits),
    ENTRY(integers_of_16_bits),
    ENTRY(integers_change_their_width),
    ENTRY(quads),
};
const struct suite vec_suite = SUITE("vec", tests);
