/* core/kernels/math.h within its bounds of libm, at its edges, and of the same bits everywhere. */
#include "kernels/math.h"

#include "support/test.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

enum { DRAWS = 20000 };

static double ulp(double x)
{
    int exponent;
    frexp(x, &exponent);
    return ldexp(1, exponent > -1021 ? exponent - 53 : -1074);
}

static double draw(struct random *random, double min, double max)
{
    return min + (max - min) * ((double)random_next(random) * 0x1p-64);
}

/* libm's own error is at most one ulp. */
static void check(double value, double of_libm, double bound)
{
    CHECK(fabs(value - of_libm) <= (bound + 1) * ulp(of_libm));
}

TEST(exp_and_log_are_within_an_ulp)
{
    struct random random = random_seed(301, 0);
    for (int i = 0; i < DRAWS; i++) {
        const double wide = draw(&random, -745, 709.7), near = draw(&random, -1, 1);
        test_context("exp of %a and %a", wide, near);
        check(math_exp(wide), exp(wide), 1);
        check(math_exp(near), exp(near), 1);
        const double any = exp(draw(&random, -700, 700)), about_1 = draw(&random, 0.9, 1.1),
                     small = draw(&random, 0, 5);
        test_context("log of %a, %a and %a", any, about_1, small);
        check(math_log(any), log(any), 1);
        check(math_log(about_1), log(about_1), 1);
        check(math_log(small), log(small), 1);
    }
}

TEST(sin_and_cos_are_within_an_ulp)
{
    struct random random = random_seed(302, 0);
    for (int i = 0; i < DRAWS; i++) {
        const double x = draw(&random, -1, 1) * (i % 2 ? 7 : MATH_MAX_ANGLE);
        test_context("of %a", x);
        check(math_sin(x), sin(x), 1);
        check(math_cos(x), cos(x), 1);
    }
    for (int n = -1000; n <= 1000; n++) { /* where the reduction cancels most */
        const double x = n * 1.57079632679489661923;
        test_context("of %a", x);
        check(math_sin(x), sin(x), 1);
        check(math_cos(x), cos(x), 1);
    }
}

TEST(pow_is_within_its_bound)
{
    struct random random = random_seed(303, 0);
    for (int i = 0; i < DRAWS; i++) {
        const double x = i % 2 ? draw(&random, 0, 1) : draw(&random, 0, 20),
                     y = draw(&random, -1, 1) * (i % 3 ? 20 : 300);
        test_context("of %a and %a", x, y);
        const double expected = pow(x, y);
        if (expected > 1e-300 && expected < 1e300)
            check(math_pow(x, y), expected, 1 + fabs(y * log(x)) / 16);
    }
    for (int step = 1; step < 20000; step++) { /* of Adam's corrections, which are rounded to float, no bit differs */
        test_context("step %d", step);
        CHECK((float)(1 / (1 - math_pow(0.9f, step))) == (float)(1 / (1 - pow(0.9f, step))));
        CHECK((float)(1 / (1 - math_pow(0.999f, step))) == (float)(1 / (1 - pow(0.999f, step))));
    }
}

TEST(edges)
{
    CHECK(math_exp(0) == 1 && math_exp(-INFINITY) == 0 && math_exp(INFINITY) == INFINITY && math_exp(-800) == 0);
    CHECK(math_exp(709.78) < INFINITY && math_exp(709.79) == INFINITY && math_exp(-745) > 0);
    CHECK(math_log(1) == 0 && math_log(0) == -INFINITY && math_log(INFINITY) == INFINITY && isnan(math_log(-1)));
    CHECK_CLOSE(math_log(5e-324), -744.44007192138122, 1e-12);
    CHECK(math_sin(0) == 0 && math_cos(0) == 1 && math_sin(-0.5) == -math_sin(0.5) && math_cos(-0.5) == math_cos(0.5));
    CHECK(math_pow(0, 0) == 1 && math_pow(0, 2) == 0 && math_pow(0, -1) == INFINITY && math_pow(INFINITY, -1) == 0);
    CHECK(math_pow(2, 10) == 1024 && math_pow(9, 0.5) == 3 && math_pow(2, 2000) == INFINITY && math_pow(2, -2000) == 0);
    CHECK(math_pow(1, INFINITY) == 1 && math_pow(0.5, INFINITY) == 0 && math_pow(INFINITY, 2) == INFINITY);
    CHECK(isnan(math_exp(NAN)) && isnan(math_log(NAN)) && isnan(math_sin(NAN)) && isnan(math_cos(NAN)) &&
          isnan(math_pow(NAN, 2)));
}

/* Every build gives these bits: FNV-1a over the results for drawn arguments. */
TEST(the_same_bits_everywhere)
{
    struct random random = random_seed(304, 0);
    uint64_t hash = 0xcbf29ce484222325u;
    for (int i = 0; i < DRAWS; i++) {
        const double x = draw(&random, -700, 700), positive = draw(&random, 0, 30), y = draw(&random, -30, 30);
        const double values[] = {math_exp(x), math_log(positive), math_sin(x), math_cos(x), math_pow(positive, y)};
        for (size_t k = 0; k < sizeof values / sizeof *values; k++) {
            uint64_t bits;
            memcpy(&bits, &values[k], sizeof bits);
            hash = (hash ^ bits) * 0x100000001b3u;
        }
    }
    test_context("%016llx", (unsigned long long)hash);
    CHECK(hash == 0x00408d26be6f97bc);
    const struct {
        double value;
        uint64_t bits;
    } known[] = {{math_exp(1), 0x4005bf0a8b145769},
                 {math_log(10), 0x40026bb1bbb55516},
                 {math_sin(1), 0x3feaed548f090cee},
                 {math_cos(1), 0x3fe14a280fb5068c},
                 {math_pow(0.999, 1000), 0x3fd788526411ed72}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        uint64_t bits;
        memcpy(&bits, &known[i].value, sizeof bits);
        test_context("number %zu: %016llx", i, (unsigned long long)bits);
        CHECK(bits == known[i].bits);
    }
}

static const struct test tests[] = {ENTRY(exp_and_log_are_within_an_ulp), ENTRY(sin_and_cos_are_within_an_ulp),
                                    ENTRY(pow_is_within_its_bound), ENTRY(edges), ENTRY(the_same_bits_everywhere)};
const struct suite math_suite = SUITE("math", tests);
