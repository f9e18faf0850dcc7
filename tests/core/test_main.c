/* Runs the suites: test_main [part of a name ...]. The last lines say how much of their tolerances the suites used, and
 * "N passed, N failed, N skipped". */
#include "support/test.h"

#include "base/vec/vec.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#include <sanitizer/asan_interface.h>
#endif
#endif
#ifndef ASAN_POISON_MEMORY_REGION
#define ASAN_POISON_MEMORY_REGION(address, size) ((void)(address), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(address, size) ((void)(address), (void)(size))
#endif

/* One a line; the first names the kind of layer that others would crash at. */
#define SUITES_OF(SUITE) \
    SUITE(kinds) \
    SUITE(channels) \
    SUITE(vec) \
    SUITE(contracts) \
    SUITE(gemm) \
    SUITE(layers) \
    SUITE(activations) \
    SUITE(gradients) \
    SUITE(winograd) \
    SUITE(net_gradients) \
    SUITE(net_gradient) \
    SUITE(gates) \
    SUITE(net) \
    SUITE(plan) \
    SUITE(optimizer) \
    SUITE(model) \
    SUITE(windows) \
    SUITE(model_fields) \
    SUITE(hostile_model) \
    SUITE(image) \
    SUITE(resizer) \
    SUITE(preprocess) \
    SUITE(bmp) \
    SUITE(png) \
    SUITE(hostile_png) \
    SUITE(inflate) \
    SUITE(formats) \
    SUITE(decode) \
    SUITE(hostile_picture) \
    SUITE(classifier) \
    SUITE(explain) \
    SUITE(int8) \
    SUITE(net_int8) \
    SUITE(augment) \
    SUITE(schedule) \
    SUITE(quantize) \
    SUITE(sha256) \
    SUITE(privacy) \
    SUITE(progress_line) \
    SUITE(calibration) \
    SUITE(distillation) \
    SUITE(barlow_twins) \
    SUITE(math) \
    SUITE(trainer) \
    SUITE(precise_batchnorm) \
    SUITE(training) \
    SUITE(tail) \
    SUITE(teacher) \
    SUITE(open_cost) \
    SUITE(jpeg) \
    SUITE(hostile_jpeg) \
    SUITE(flatbuffer) \
    SUITE(graph) \
    SUITE(graph_hostile) \
    SUITE(graph_random)

#define DECLARATION(name) extern const struct suite name##_suite;
SUITES_OF(DECLARATION)

#define ADDRESS(name) &name##_suite,
static const struct suite *const suites[] = {SUITES_OF(ADDRESS)};

enum {
    SUITES = sizeof suites / sizeof suites[0],
    SHOWN_FAILURES = 10,
    GUARD_BYTES = 64,
    GUARD_PATTERN = 0xa5,
    SITES = 16
};

/* What a check against a derived tolerance must use of it at least. */
static const double hardly_used = 0.05;

/* A check in the source, and the largest difference / tolerance that a test met there. */
struct site {
    const char *file;
    int line;
    double fraction;
};

static struct {
    const struct suite *suite;
    const struct test *test;
    char context[256];
    int failures;
    bool skipped;
    double fraction;            /* the largest of all checks of the test */
    struct site derived[SITES]; /* of those against derived tolerances */
} now;

static struct {
    double fraction;
    const char *test; /* NULL: no test had a tolerance that it needed */
} most_used[SUITES];

void test_context(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(now.context, sizeof now.context, format, arguments);
    va_end(arguments);
}

void test_fail(const char *file, int line, const char *format, ...)
{
    if (++now.failures > SHOWN_FAILURES)
        return;
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    printf("FAILED %s.%s %s:%d: %s%s%s\n", now.suite->name, now.test->name, file, line, text,
           now.context[0] ? ", with " : "", now.context);
}

void test_skip(const char *reason)
{
    now.skipped = true;
    printf("SKIPPED %s.%s: %s\n", now.suite->name, now.test->name, reason);
}

/* ---- Guarded memory ---- */

struct block {
    struct block *next;
    unsigned char *start; /* of the bytes that the test sees */
    size_t bytes;
    void *memory;
};
static struct block *blocks;

static void guard(const struct block *block, bool closed)
{
    unsigned char *const sides[2] = {block->start - GUARD_BYTES, block->start + block->bytes};
    for (int side = 0; side < 2; side++)
        if (closed) {
            memset(sides[side], GUARD_PATTERN, GUARD_BYTES);
            ASAN_POISON_MEMORY_REGION(sides[side], GUARD_BYTES);
        } else {
            ASAN_UNPOISON_MEMORY_REGION(sides[side], GUARD_BYTES);
            for (int i = 0; i < GUARD_BYTES; i++)
                if (sides[side][i] != GUARD_PATTERN) {
                    test_fail(__FILE__, __LINE__, "%zu bytes of memory were written %s", block->bytes,
                              side ? "past their end" : "before their start");
                    break;
                }
        }
}

void *test_bytes(size_t bytes)
{
    struct block *block = malloc(sizeof *block);
    void *memory = malloc(bytes + 3 * GUARD_BYTES);
    if (!block || !memory) {
        printf("out of memory\n");
        exit(2);
    }
    const uintptr_t at = ((uintptr_t)memory + 2 * GUARD_BYTES - 1) / GUARD_BYTES * GUARD_BYTES;
    *block = (struct block){blocks, (unsigned char *)at, bytes, memory};
    blocks = block;
    memset(block->start, GUARD_PATTERN, bytes);
    guard(block, true);
    return block->start;
}

float *test_floats(size_t count) { return test_bytes(count * sizeof(float)); }

double *test_doubles(size_t count) { return test_bytes(count * sizeof(double)); }

void test_release_newer(const void *kept)
{
    while (blocks && blocks->start != kept) {
        struct block *block = blocks;
        blocks = block->next;
        guard(block, false);
        free(block->memory);
        free(block);
    }
}

void test_release(void) { test_release_newer(NULL); }

/* ---- Numbers ---- */

void test_fill(float *numbers, size_t count, struct random *random)
{
    for (size_t i = 0; i < count; i++)
        numbers[i] = 2 * random_uniform(random) - 1;
}

float *test_random_floats(size_t count, struct random *random)
{
    float *numbers = test_floats(count);
    test_fill(numbers, count, random);
    return numbers;
}

double *test_widened(const float *numbers, size_t count)
{
    double *wide = test_doubles(count);
    for (size_t i = 0; i < count; i++)
        wide[i] = (double)numbers[i];
    return wide;
}

int test_between(struct random *random, int min, int max)
{
    return min + (int)random_below(random, (uint32_t)(max - min + 1));
}

void test_same_bits(const char *file, int line, const char *name, const float *a, const float *b, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (memcmp(a + i, b + i, sizeof *a) != 0) {
            test_fail(file, line, "%s[%zu] is %a, not %a", name, i, (double)a[i], (double)b[i]);
            return;
        }
}

/* ---- Tolerances ---- */

/* The part of the tolerance that the difference takes; a NaN takes more than all of it. */
static double fraction_used(double a, double b, double tolerance)
{
    const double difference = fabs(a - b);
    if (a == b)
        return 0;
    return difference <= tolerance ? difference / tolerance : INFINITY;
}

void test_fraction(double fraction)
{
    if (fraction <= 1 && fraction > now.fraction)
        now.fraction = fraction;
}

void test_close(const char *file, int line, const char *a_text, const char *b_text, double a, double b,
                double tolerance)
{
    const double fraction = fraction_used(a, b, tolerance);
    if (!(fraction <= 1))
        test_fail(file, line, "%s is %.9g, %s is %.9g, tolerance %.3g", a_text, a, b_text, b, tolerance);
    if (tolerance > 0)
        test_fraction(fraction);
}

void test_all_close(const char *file, int line, const char *name, const float *a, const double *b, size_t count,
                    double tolerance)
{
    for (size_t i = 0; i < count; i++) {
        const double allowed = tolerance * (1 + fabs(b[i])), fraction = fraction_used((double)a[i], b[i], allowed);
        if (!(fraction <= 1)) {
            test_fail(file, line, "%s[%zu] is %.9g, not %.9g, tolerance %.3g", name, i, (double)a[i], b[i], allowed);
            return;
        }
        if (tolerance > 0)
            test_fraction(fraction);
    }
}

static struct site *site_of(const char *file, int line)
{
    for (int i = 0; i < SITES; i++) {
        struct site *site = &now.derived[i];
        if (!site->file)
            *site = (struct site){file, line, 0};
        if (site->line == line && strcmp(site->file, file) == 0)
            return site;
    }
    test_fail(file, line, "more than %d checks with derived tolerances in a test", SITES);
    return &now.derived[0];
}

void test_all_within(const char *file, int line, const char *name, const float *a, const double *b,
                     const double *tolerances, size_t count)
{
    struct site *site = site_of(file, line);
    for (size_t i = 0; i < count; i++) {
        const double fraction = fraction_used((double)a[i], b[i], tolerances[i]);
        if (!(fraction <= 1)) {
            test_fail(file, line, "%s[%zu] is %.9g, not %.9g, tolerance %.3g", name, i, (double)a[i], b[i],
                      tolerances[i]);
            return;
        }
        site->fraction = fraction > site->fraction ? fraction : site->fraction;
        test_fraction(fraction);
    }
}

/* At the end of a test. */
static void check_derived_tolerances(void)
{
    for (int i = 0; i < SITES && now.derived[i].file; i++)
        if (now.failures == 0 && now.derived[i].fraction < hardly_used)
            test_fail(now.derived[i].file, now.derived[i].line,
                      "the derived tolerance is too wide: at most %.2g of it was used", now.derived[i].fraction);
}

static void print_fractions(void)
{
    for (int s = 0; s < SUITES; s++)
        if (most_used[s].test)
            printf("largest fraction of a tolerance used in %s: %.2g (%s)\n", suites[s]->name, most_used[s].fraction,
                   most_used[s].test);
}

/* ---- Running ---- */

static bool wanted(const struct suite *suite, const struct test *test, int argc, char **argv)
{
    char name[256];
    snprintf(name, sizeof name, "%s.%s", suite->name, test->name);
    for (int i = 1; i < argc; i++)
        if (strstr(name, argv[i]))
            return true;
    return argc < 2;
}

int main(int argc, char **argv)
{
    int passed = 0, failed = 0, skipped = 0;
    setvbuf(stdout, NULL, _IOLBF, BUFSIZ); /* what was found stays visible when a test crashes */
    printf("vector branch: %s\n", VEC_NAME);
    for (int s = 0; s < SUITES; s++)
        for (int t = 0; t < suites[s]->count; t++) {
            if (!wanted(suites[s], &suites[s]->tests[t], argc, argv))
                continue;
            memset(&now, 0, sizeof now);
            now.suite = suites[s];
            now.test = &suites[s]->tests[t];
            now.test->run();
            now.context[0] = 0;
            test_release();
            check_derived_tolerances();
            if (now.fraction > most_used[s].fraction) {
                most_used[s].fraction = now.fraction;
                most_used[s].test = now.test->name;
            }
            if (now.failures > SHOWN_FAILURES)
                printf("FAILED %s.%s: %d further checks\n", now.suite->name, now.test->name,
                       now.failures - SHOWN_FAILURES);
            failed += now.failures > 0;
            skipped += now.failures == 0 && now.skipped;
            passed += now.failures == 0 && !now.skipped;
        }
    print_fractions();
    printf("%d passed, %d failed, %d skipped\n", passed, failed, skipped);
    return failed > 0;
}
