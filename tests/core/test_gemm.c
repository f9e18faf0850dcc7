/* core/kernels/gemm.h against plain loops: gemm_exact to the last bit, both within their rounding. */
#include "kernels/gemm.h"

#include "support/rounding.h"
#include "support/sizes.h"
#include "support/test.h"
#include "base/vec/vec.h"

#include <math.h>
#include <string.h>

/* One problem: its axes and the plain matrices that they describe. */
struct problem {
    struct gemm gemm;
    float *plain_a, *plain_b, *before; /* (rows, depth), (depth, columns), C as it was */
    int rows, depth, columns;
};

static ptrdiff_t offset_at(const struct axis *axis, int index)
{
    const int k = index % axis->count[2], j = index / axis->count[2] % axis->count[1];
    return index / axis->count[2] / axis->count[1] * axis->stride[0] + j * axis->stride[1] + k * axis->stride[2];
}

/* An axis of `count` items in up to three levels whose indices lie `step` apart but for random gaps between the levels,
 * possibly in descending order. Returns the number of indices it spans. */
static ptrdiff_t random_axis(struct axis *axis, int count, ptrdiff_t step, struct random *random)
{
    *axis = axis_line(count, step);
    for (int level = 1; level >= 0; level--) /* split off a random divisor twice */
        for (int divisor = test_between(random, 1, 4); divisor > 1; divisor--)
            if (axis->count[level + 1] % divisor == 0) {
                axis->count[level] = divisor;
                axis->count[level + 1] /= divisor;
                break;
            }
    ptrdiff_t span = step;
    for (int level = 2; level >= 0; level--) {
        axis->stride[level] = span;
        span = span * axis->count[level] + (axis->count[level] > 1 ? test_between(random, 0, 3) : 0);
        if (random_below(random, 3) == 0)
            axis->stride[level] = -axis->stride[level];
    }
    return span;
}

/* How far the first item lies behind the one with the lowest address. */
static ptrdiff_t offset_of(const struct axis *axis)
{
    ptrdiff_t offset = 0;
    for (int level = 0; level < 3; level++)
        if (axis->stride[level] < 0)
            offset -= axis->stride[level] * (axis->count[level] - 1);
    return offset;
}

static struct problem problem_make(int rows, int depth, int columns, struct random *random)
{
    struct problem problem = {.rows = rows, .depth = depth, .columns = columns};
    struct gemm *gemm = &problem.gemm;

    /* A: the depth within a row, or the rows within the depth (a transposed matrix). */
    const bool transposed = random_below(random, 2);
    struct axis *inner = transposed ? &gemm->rows : &gemm->depth, *outer = transposed ? &gemm->depth : &gemm->rows;
    const ptrdiff_t inner_span = random_axis(inner, transposed ? rows : depth, 1, random);
    const ptrdiff_t span = random_axis(outer, transposed ? depth : rows, inner_span, random);
    float *a = test_random_floats((size_t)span, random);
    gemm->a = a + offset_of(inner) + offset_of(outer);
    problem.plain_a = test_floats((size_t)(rows * depth));
    for (int row = 0; row < rows; row++)
        for (int d = 0; d < depth; d++)
            problem.plain_a[row * depth + d] = gemm->a[offset_at(&gemm->rows, row) + offset_at(&gemm->depth, d)];

    /* B: packed from a transposed or plain matrix. */
    const bool b_transposed = random_below(random, 2);
    struct axis b_depth;
    const ptrdiff_t b_span = random_axis(&b_depth, depth, b_transposed ? 1 : columns, random);
    const ptrdiff_t column_stride = b_transposed ? b_span : 1;
    float *b = test_random_floats((size_t)(b_transposed ? b_span * columns : b_span), random);
    const float *const first = b + offset_of(&b_depth);
    problem.plain_b = test_floats((size_t)(depth * columns));
    for (int d = 0; d < depth; d++)
        for (int column = 0; column < columns; column++)
            problem.plain_b[d * columns + column] = first[offset_at(&b_depth, d) + column * column_stride];
    float *packed = test_floats(gemm_packed_count(depth, columns));
    gemm_pack(packed, first, b_depth, column_stride, columns);
    gemm->b = packed;

    gemm->columns = columns;
    gemm->c_stride = columns + test_between(random, 0, 5);
    const size_t c_count = (size_t)((rows - 1) * gemm->c_stride + columns);
    problem.before = test_random_floats(c_count, random);
    gemm->c = test_floats(c_count);
    memcpy(gemm->c, problem.before, c_count * sizeof(float));
    static const float ceilings[] = {0, 6, INFINITY};
    gemm->ceiling = ceilings[random_below(random, 3)];
    gemm->accumulate = random_below(random, 3) == 0;
    gemm->bias = gemm->accumulate || random_below(random, 2) ? NULL : test_random_floats((size_t)columns, random);
    return problem;
}

/* Runs one implementation; compares all of C, the gaps between its rows too. */
static void check(struct problem *problem, gemm_function *function, bool exact)
{
    struct gemm *gemm = &problem->gemm;
    const int columns = problem->columns;
    const size_t count = (size_t)((problem->rows - 1) * gemm->c_stride + columns);
    float *expected = test_floats(count);
    double *sums = test_widened(problem->before, count), *tolerances = test_doubles(count);
    memcpy(expected, problem->before, count * sizeof(float));
    memcpy(gemm->c, problem->before, count * sizeof(float));
    memset(tolerances, 0, count * sizeof(double));
    for (int row = 0; row < problem->rows; row++)
        for (int column = 0; column < columns; column++) {
            const size_t at = (size_t)(row * gemm->c_stride + column);
            float sum = gemm->accumulate ? problem->before[at] : gemm->bias ? gemm->bias[column] : 0;
            double precise = (double)sum, squares = precise * precise;
            for (int d = 0; d < problem->depth; d++) {
                const float a = problem->plain_a[row * problem->depth + d], b = problem->plain_b[d * columns + column];
                const float product = a * b;
                sum = sum + product;
                precise += (double)a * (double)b;
                squares += (double)product * (double)product;
            }
            const bool clipped = gemm->ceiling > 0;
            expected[at] = clipped ? fminf(sum > 0 ? sum : 0, gemm->ceiling) : sum;
            sums[at] = clipped ? fmin(fmax(precise, 0), (double)gemm->ceiling) : precise;
            tolerances[at] = rounding_of_sum(problem->depth + 1, squares);
        }
    function(gemm);
    if (exact)
        CHECK_SAME_BITS(gemm->c, expected, count);
    CHECK_ALL_WITHIN(gemm->c, sums, tolerances, count);
}

enum { PANEL = GEMM_PANEL };

static const int row_sizes[] = {SIZES_ROWS, 13, 17};
static const int column_sizes[] = {SIZES_PANELS, 35, 67};
static const int depth_sizes[] = {1, 2, 3, 5, 9, 17, 24, 65};

static void check_sizes(gemm_function *function, bool exact)
{
    struct random random = random_seed(3, exact);
    for (int r = 0; r < SIZES_COUNT(row_sizes); r++)
        for (int k = 0; k < SIZES_COUNT(column_sizes); k++)
            for (int d = 0; d < SIZES_COUNT(depth_sizes); d++)
                for (int repeat = 0; repeat < 2; repeat++) {
                    const int rows = row_sizes[r], columns = column_sizes[k], depth = depth_sizes[d];
                    test_context("%d x %d x %d, repeat %d", rows, depth, columns, repeat);
                    struct problem problem = problem_make(rows, depth, columns, &random);
                    check(&problem, function, exact);
                    test_release();
                }
}

TEST(exact_is_bit_equal_to_the_plain_loop) { check_sizes(gemm_exact, true); }

/* Depths of several blocks, as one long line and as many short ones, and rows in lines that go on without a gap: 24
 * is a multiple of every tile's rows, 7, 9 and 33 are of none. */
TEST(long_depths_and_many_rows)
{
    static const struct axis depths[] = {{{1, 1, 1000}, {0, 0, 1}},
                                         {{1, 3, 300}, {0, 301, 1}},
                                         {{70, 7, 2}, {15, 2, 1}},
                                         {{2, 450, 1}, {500, 1, 1}},
                                         {{900, 1, 1}, {1, 0, 0}}};
    static const int lines[][3] = {{1, 1, 1}, {1, 1, 33}, {1, 5, 24}, {3, 2, 9}, {2, 2, 7}};
    struct random random = random_seed(5, 0);
    for (int d = 0; d < SIZES_COUNT(depths); d++)
        for (int r = 0; r < SIZES_COUNT(lines); r++)
            for (int gap = 0; gap < 2; gap++) {
                const int *count = lines[r], depth = axis_count(&depths[d]), columns = 35;
                test_context("depths %d, lines %d, gap %d", d, r, gap);
                const ptrdiff_t row = 1003, line = row * count[2] + gap, image = line * count[1];
                struct problem problem = problem_make(count[0] * count[1] * count[2], depth, columns, &random);
                problem.gemm.rows = (struct axis){{count[0], count[1], count[2]}, {image, line, row}};
                problem.gemm.depth = depths[d];
                const float *a = problem.gemm.a = test_random_floats((size_t)(image * count[0] + 100), &random);
                for (int i = 0; i < problem.rows; i++)
                    for (int k = 0; k < depth; k++)
                        problem.plain_a[i * depth + k] =
                            a[offset_at(&problem.gemm.rows, i) + offset_at(&problem.gemm.depth, k)];
                check(&problem, gemm_exact, true);
                check(&problem, gemm_fast, false);
                test_release();
            }
}

TEST(fast_is_within_its_rounding) { check_sizes(gemm_fast, false); }

/* NaN and infinities go through sums; a ReLU makes 0 of NaN and of -0. */
TEST(special_numbers)
{
    struct random random = random_seed(4, 0);
    for (int columns = 1; columns <= PANEL + 1; columns += PANEL) {
        struct problem problem = problem_make(1, 1, columns, &random);
        static const float values[][2] = {
            {NAN, 0}, {INFINITY, INFINITY}, {-INFINITY, 0}, {-0.0f, 0}, {0x1p-149f, 0x1p-149f}};
        for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
            float one = 1, *packed = test_floats(gemm_packed_count(1, columns));
            float *b = test_floats((size_t)columns);
            for (int k = 0; k < columns; k++)
                b[k] = values[i][0];
            gemm_pack(packed, b, axis_line(1, columns), 1, columns);
            problem.gemm = (struct gemm){.a = &one,
                                         .rows = axis_line(1, 1),
                                         .depth = axis_line(1, 1),
                                         .b = packed,
                                         .columns = columns,
                                         .c = test_floats((size_t)columns),
                                         .c_stride = columns,
                                         .ceiling = INFINITY};
            gemm_exact(&problem.gemm);
            for (int k = 0; k < columns; k++)
                CHECK(problem.gemm.c[k] == values[i][1] && !signbit(problem.gemm.c[k]));
        }
    }
}

TEST(packing_fills_the_last_panel_with_zeros)
{
    for (int columns = 1; columns <= 2 * PANEL; columns++) {
        const int depth = 3;
        float *b = test_floats((size_t)(depth * columns));
        for (int i = 0; i < depth * columns; i++)
            b[i] = (float)(i + 1);
        const size_t count = gemm_packed_count(depth, columns);
        float *packed = test_floats(count);
        gemm_pack(packed, b, axis_line(depth, columns), 1, columns);
        size_t numbers = 0;
        double sum = 0;
        for (size_t i = 0; i < count; i++) {
            numbers += packed[i] != 0;
            sum += (double)packed[i];
        }
        CHECK_EQUAL(numbers, depth * columns);
        CHECK_CLOSE(sum, depth * columns * (depth * columns + 1) / 2, 0);
        CHECK_EQUAL(count % PANEL, 0);
        CHECK(count < (size_t)(depth * (columns + PANEL)));
    }
}

static const struct test tests[] = {
    ENTRY(exact_is_bit_equal_to_the_plain_loop),
    ENTRY(long_depths_and_many_rows),
    ENTRY(fast_is_within_its_rounding),
    ENTRY(special_numbers),
    ENTRY(packing_fills_the_last_panel_with_zeros),
};
const struct suite gemm_suite = SUITE("gemm", tests);
