/* A test framework in two files: this one and test_main.c.
 *
 *     TEST(sum_of_two)
 *     {
 *         float *a = test_floats(7);                  // guarded on both sides, freed after the test
 *         test_context("seven numbers");              // shown with every failure that follows
 *         CHECK_CLOSE(a[0] + a[1], 3, 1e-6);
 *     }
 *     static const struct test tests[] = {ENTRY(sum_of_two)};
 *     const struct suite vec_suite = SUITE("vec", tests);
 *
 * A failed check is reported and the test goes on. test_main.c lists the suites. */
#ifndef TEST_H
#define TEST_H

#include "base/random.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct test {
    const char *name;
    void (*run)(void);
};

struct suite {
    const char *name;
    const struct test *tests;
    int count;
};

#define TEST(name) static void name(void)
#define ENTRY(name) \
    { \
#name, name \
    }
#define SUITE(name, tests) \
    { \
        name, tests, (int)(sizeof(tests) / sizeof(tests)[0]) \
    }

void test_context(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Reports one failed check. */
void test_fail(const char *file, int line, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Ends up in the summary as skipped; the test returns by itself. */
void test_skip(const char *reason);

/* Memory aligned to 64 bytes, filled with a pattern, guarded on both sides (AddressSanitizer watches reads, a pattern
 * watches writes). test_release frees all of it and checks the guards; it also runs after each test. */
void *test_bytes(size_t bytes);
float *test_floats(size_t count);
double *test_doubles(size_t count);
void test_release(void);
void test_release_newer(const void *kept); /* only what was taken after it */

/* Uniform in [-1, 1). */
void test_fill(float *numbers, size_t count, struct random *random);
float *test_random_floats(size_t count, struct random *random);
double *test_widened(const float *numbers, size_t count);  /* the same numbers as doubles */
int test_between(struct random *random, int min, int max); /* both inclusive */

#define CHECK(condition) \
    do { \
        if (!(condition)) \
            test_fail(__FILE__, __LINE__, "%s", #condition); \
    } while (0)

#define CHECK_EQUAL(a, b) \
    do { \
        const long long a_ = (long long)(a), b_ = (long long)(b); \
        if (a_ != b_) \
            test_fail(__FILE__, __LINE__, "%s is %lld, %s is %lld", #a, a_, #b, b_); \
    } while (0)

/* Numbers may differ by the tolerance; a NaN fails. The summary names the largest fraction of a tolerance that each
 * suite used. */
#define CHECK_CLOSE(a, b, tolerance) \
    test_close(__FILE__, __LINE__, #a, #b, (double)(a), (double)(b), (double)(tolerance))
void test_close(const char *file, int line, const char *a_text, const char *b_text, double a, double b,
                double tolerance);

/* Arrays: the first difference is reported. Close: absolute plus relative to the second. */
#define CHECK_SAME_BITS(a, b, count) test_same_bits(__FILE__, __LINE__, #a, a, b, count)
#define CHECK_ALL_CLOSE(a, b, count, tolerance) test_all_close(__FILE__, __LINE__, #a, a, b, count, tolerance)
void test_same_bits(const char *file, int line, const char *name, const float *a, const float *b, size_t count);
void test_all_close(const char *file, int line, const char *name, const float *a, const double *b, size_t count,
                    double tolerance);

/* A tolerance a number, derived from how the kernel computes (rounding.h). A test also fails where it uses less than
 * a twentieth of them: then the derivation is of another algorithm. */
#define CHECK_ALL_WITHIN(a, b, tolerances, count) test_all_within(__FILE__, __LINE__, #a, a, b, tolerances, count)
void test_all_within(const char *file, int line, const char *name, const float *a, const double *b,
                     const double *tolerances, size_t count);

/* What a check of the test's own used of its tolerance. */
void test_fraction(double fraction);

#endif
