/* core/kernels/winograd.h and core/kernels/winograd_rows.h against the oracle's convolution and its gradients, and
 * to the bit where gemm_exact promises it. */
#include "kernels/winograd.h"

#include "kernels/conv.h"
#include "support/golden_model.h"
#include "net/net.h"
#include "support/oracle.h"
#include "support/rounding.h"
#include "support/sizes.h"
#include "support/test.h"

#include <math.h>
#include <string.h>

/* pad: 1 as in "same", 0 as in "valid". */
static struct window window_make(struct shape in, int channels, int pad_top, int pad_left)
{
    const struct shape out = {in.h + 2 * pad_top - 2, in.w + 2 * pad_left - 2, channels};
    return (struct window){in, out, 3, 3, 1, pad_top, pad_left, 1, 1, false};
}

/* A convolution of n random images, and the gradient of its output. */
struct problem {
    struct window window;
    int n;
    size_t in_count, out_count, weight_count;
    float *in, *weights, *bias, *dout;
};

static struct problem problem_make(const struct window *window, int n, struct random *random)
{
    struct problem problem = {.window = *window,
                              .n = n,
                              .in_count = (size_t)n * shape_count(window->in),
                              .out_count = (size_t)n * shape_count(window->out),
                              .weight_count = (size_t)(9 * window->in.c * window->out.c)};
    problem.in = test_random_floats(problem.in_count, random);
    problem.weights = test_random_floats(problem.weight_count, random);
    problem.bias = test_random_floats((size_t)window->out.c, random);
    problem.dout = test_random_floats(problem.out_count, random);
    return problem;
}

/* Memory that must be written before it is read: what stood there would come out as NaN. */
static float *unset_floats(size_t count)
{
    float *numbers = test_floats(count);
    for (size_t i = 0; i < count; i++)
        numbers[i] = NAN;
    return numbers;
}

/* Both give core exactly as much memory as it asks for. */
static float *forward_by(const struct conv_kernel *kernel, const struct problem *problem, const float *bias,
                         float ceiling, gemm_function *gemm)
{
    float *out = unset_floats(problem->out_count), *packed = unset_floats(kernel->packed_count(&problem->window));
    float *scratch = unset_floats(kernel->forward_scratch(problem->n, &problem->window));
    kernel->pack(packed, problem->weights, &problem->window);
    kernel->forward(out, problem->in, packed, bias, ceiling, scratch, problem->n, &problem->window, gemm);
    return out;
}

static float *forward(const struct problem *problem, const float *bias, float ceiling, gemm_function *gemm)
{
    return forward_by(&net_kernel_winograd, problem, bias, ceiling, gemm);
}

static void backward(float *din, float *dweights, const struct problem *problem, gemm_function *gemm)
{
    float *packed = unset_floats(winograd_packed_backward_count(&problem->window));
    float *scratch = unset_floats(winograd_backward_scratch(problem->n, &problem->window));
    winograd_pack_backward(packed, problem->weights, &problem->window);
    winograd_backward(din, dweights, problem->dout, problem->in, packed, scratch, problem->n, &problem->window, gemm);
}

/* What results may lie off (rounding.h): by the position in a tile. */
static double *forward_tolerances(const struct conv_kernel *kernel, const struct problem *problem)
{
    const struct window *window = &problem->window;
    const struct shape out = window->out;
    double *tolerances = test_doubles(problem->out_count);
    for (size_t i = 0; i < problem->out_count; i++) {
        const int pixel = (int)(i / (size_t)out.c), x = pixel % out.w, y = pixel / out.w % out.h;
        const double across = rounding_winograd_growth(WINOGRAD_FORWARD, x % 4),
                     down = rounding_winograd_growth(WINOGRAD_FORWARD, y % 4);
        tolerances[i] = kernel == &net_kernel_winograd ? rounding_of_winograd(across * down, 2, window->in.c)
                                                       : rounding_of_winograd(across, 1, 3 * window->in.c);
    }
    return tolerances;
}

/* An input pixel is in one tile of six along an axis, or in two that overlap: at 0 and 4, or at 1 and 5. */
static double input_gradient_growth(int position)
{
    const double growth = rounding_winograd_growth(WINOGRAD_INPUT_GRADIENT, position % 4);
    return position % 4 < 2 ? growth + rounding_winograd_growth(WINOGRAD_INPUT_GRADIENT, position % 4 + 4) : growth;
}

static double *input_gradient_tolerances(const struct problem *problem)
{
    const struct window *window = &problem->window;
    double *tolerances = test_doubles(problem->in_count);
    for (size_t i = 0; i < problem->in_count; i++) {
        const int pixel = (int)(i / (size_t)window->in.c), x = pixel % window->in.w,
                  y = pixel / window->in.w % window->in.h;
        tolerances[i] = rounding_of_winograd(
            input_gradient_growth(x + window->pad_left) * input_gradient_growth(y + window->pad_top), 2, window->out.c);
    }
    return tolerances;
}

/* Summed over tiles, and added to what stood there. */
static double *filter_gradient_tolerances(const struct problem *problem)
{
    const struct window *window = &problem->window;
    const int tiles = problem->n * ((window->out.h + 3) / 4) * ((window->out.w + 3) / 4);
    double *tolerances = test_doubles(problem->weight_count);
    for (size_t i = 0; i < problem->weight_count; i++) {
        const int tap = (int)(i / (size_t)(window->in.c * window->out.c));
        tolerances[i] = rounding_of_winograd(rounding_winograd_growth(WINOGRAD_FILTER_GRADIENT, tap / 3) *
                                                 rounding_winograd_growth(WINOGRAD_FILTER_GRADIENT, tap % 3),
                                             2, tiles) +
                        rounding_of_sum(1, 1.0 / 3);
    }
    return tolerances;
}

static void check_forward_by(const struct conv_kernel *kernel, const struct problem *problem, struct random *random)
{
    const struct window *window = &problem->window;
    const float *bias = random_below(random, 2) ? problem->bias : NULL;
    static const float ceilings[] = {0, 6, INFINITY};
    const float ceiling = ceilings[random_below(random, 3)];
    const float *out = forward_by(kernel, problem, bias, ceiling, random_below(random, 2) ? gemm_exact : gemm_fast);
    double *expected = test_doubles(problem->out_count);
    oracle_conv(expected, test_widened(problem->in, problem->in_count),
                test_widened(problem->weights, problem->weight_count),
                bias ? test_widened(bias, (size_t)window->out.c) : NULL, problem->n, window);
    if (ceiling > 0)
        oracle_activation(expected, expected, ceiling == 6 ? NODE_RELU6 : NODE_RELU, problem->out_count);
    CHECK_ALL_WITHIN(out, expected, forward_tolerances(kernel, problem), problem->out_count);
}

static void check_forward(const struct problem *problem, struct random *random)
{
    check_forward_by(&net_kernel_winograd, problem, random);
}

static void check_rows_forward(const struct problem *problem, struct random *random)
{
    check_forward_by(&net_kernel_winograd_rows, problem, random);
}

static void check_backward(const struct problem *problem, struct random *random)
{
    const struct window *window = &problem->window;
    float *din = unset_floats(problem->in_count), *dweights = test_random_floats(problem->weight_count, random);
    double *expected_din = test_doubles(problem->in_count), *expected_dweights = test_doubles(problem->weight_count);
    oracle_conv_backward(expected_din, expected_dweights, test_widened(problem->dout, problem->out_count),
                         test_widened(problem->in, problem->in_count),
                         test_widened(problem->weights, problem->weight_count), problem->n, window);
    for (size_t i = 0; i < problem->weight_count; i++)
        expected_dweights[i] += (double)dweights[i]; /* gradients of weights are added, those of the input are not */
    backward(din, dweights, problem, random_below(random, 2) ? gemm_exact : gemm_fast);
    CHECK_ALL_WITHIN(din, expected_din, input_gradient_tolerances(problem), problem->in_count);
    CHECK_ALL_WITHIN(dweights, expected_dweights, filter_gradient_tolerances(problem), problem->weight_count);
}

/* From the fewest channels on, around panels and with a part of a vector left over. */
static int random_channels(struct random *random)
{
    static const int sizes[] = {16, 17, 19, 20, 21, 23, 24, 25, 31, 32, 33, 40, 47, 48, 49};
    return sizes[random_below(random, SIZES_COUNT(sizes))];
}

static void check_sizes(void (*check)(const struct problem *, struct random *), struct random *random)
{
    static const int sides[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 15};
    for (size_t i = 0; i < sizeof sides / sizeof *sides; i++)
        for (size_t k = 0; k < sizeof sides / sizeof *sides; k++) {
            struct shape in = {sides[i], sides[k], 0};
            in.c = random_channels(random);
            const int channels = random_channels(random), n = test_between(random, 1, 3);
            const int pad_top = in.h < 3 || random_below(random, 2), pad_left = in.w < 3 || random_below(random, 2);
            const struct window window = window_make(in, channels, pad_top, pad_left);
            test_context("%d images of %d x %d x %d, padding %d and %d, %d channels", n, in.h, in.w, in.c, pad_top,
                         pad_left, channels);
            const struct problem problem = problem_make(&window, n, random);
            check(&problem, random);
            test_release();
        }
}

TEST(forward_of_any_size)
{
    struct random random = random_seed(80, 0);
    check_sizes(check_forward, &random);
}

TEST(rows_forward_of_any_size)
{
    struct random random = random_seed(87, 0);
    check_sizes(check_rows_forward, &random);
}

TEST(backward_of_any_size)
{
    struct random random = random_seed(81, 0);
    check_sizes(check_backward, &random);
}

/* So many tiles that they take several blocks, of unequal numbers that end within an image; few channels and many. */
static const struct {
    struct shape in;
    int channels, n, pad;
} large[] = {{{75, 75, 16}, 19, 3, 1}, {{26, 27, 16}, 80, 5, 1}, {{28, 29, 79}, 17, 5, 0}};
enum { LARGE = sizeof large / sizeof *large };

static struct window window_of_large(int i)
{
    return window_make(large[i].in, large[i].channels, large[i].pad, large[i].pad);
}

TEST(several_blocks_of_tiles)
{
    struct random random = random_seed(82, 0);
    for (int i = 0; i < LARGE; i++) {
        const struct window window = window_of_large(i);
        const int tiles = large[i].n * ((window.out.h + 3) / 4) * ((window.out.w + 3) / 4);
        test_context("case %d", i);
        /* Less scratch than the tiles of all images take, transformed: they do go through it in blocks. */
        CHECK(winograd_forward_scratch(large[i].n, &window) < (size_t)(tiles * 36 * (window.in.c + window.out.c)));
        const struct problem problem = problem_make(&window, large[i].n, &random);
        check_forward(&problem, &random);
        check_backward(&problem, &random);
        test_release();
    }
}

/* Blocks of tiles reach over images, but each image gets what it gets alone. */
TEST(images_do_not_depend_on_their_batch)
{
    struct random random = random_seed(83, 0);
    for (int i = 0; i < LARGE; i++) {
        const struct window window = window_of_large(i);
        test_context("case %d", i);
        const struct problem all = problem_make(&window, large[i].n, &random);
        float *out = forward(&all, all.bias, 0, gemm_exact), *din = unset_floats(all.in_count);
        backward(din, NULL, &all, gemm_exact);
        struct problem one = all;
        one.n = 1;
        one.in_count = shape_count(window.in);
        one.out_count = shape_count(window.out);
        for (int image = 0; image < all.n; image++) {
            one.in = all.in + (size_t)image * one.in_count;
            one.dout = all.dout + (size_t)image * one.out_count;
            float *one_din = unset_floats(one.in_count);
            backward(one_din, NULL, &one, gemm_exact);
            CHECK_SAME_BITS(one_din, din + (size_t)image * one.in_count, one.in_count);
            CHECK_SAME_BITS(forward(&one, one.bias, 0, gemm_exact), out + (size_t)image * one.out_count, one.out_count);
        }
        test_release();
    }
}

TEST(either_gradient_alone_is_the_same)
{
    struct random random = random_seed(84, 0);
    const struct window window = window_make((struct shape){9, 6, 19}, 21, 1, 0);
    const struct problem problem = problem_make(&window, 2, &random);
    float *din[2], *dweights[2];
    for (int i = 0; i < 2; i++) {
        din[i] = unset_floats(problem.in_count);
        dweights[i] = test_floats(problem.weight_count);
        memset(dweights[i], 0, problem.weight_count * sizeof(float));
    }
    backward(din[0], dweights[0], &problem, gemm_fast);
    backward(din[1], NULL, &problem, gemm_fast);
    backward(NULL, dweights[1], &problem, gemm_fast);
    CHECK_SAME_BITS(din[1], din[0], problem.in_count);
    CHECK_SAME_BITS(dweights[1], dweights[0], problem.weight_count);
}

/* The same on every machine, as one checksum: no size here depends on the vectors, and their width must not show. */
TEST(results_to_the_bit)
{
    static const struct {
        struct shape in;
        int channels, n, pad;
    } cases[] = {{{7, 9, 19}, 37, 2, 1}, {{11, 6, 18}, 25, 3, 0}, {{1, 2, 16}, 16, 1, 1}, {{26, 27, 17}, 78, 5, 1}};
    uint32_t crc = 0;
    struct random random = random_seed(85, 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct window window = window_make(cases[i].in, cases[i].channels, cases[i].pad, cases[i].pad);
        const struct problem problem = problem_make(&window, cases[i].n, &random);
        const float *out = forward(&problem, problem.bias, i % 2 ? INFINITY : 0, gemm_exact);
        float *din = unset_floats(problem.in_count), *dweights = test_random_floats(problem.weight_count, &random);
        backward(din, dweights, &problem, gemm_exact);
        crc = crc * 31 + golden_crc32(out, problem.out_count * sizeof *out);
        crc = crc * 31 + golden_crc32(din, problem.in_count * sizeof *din);
        crc = crc * 31 + golden_crc32(dweights, problem.weight_count * sizeof *dweights);
        test_release();
    }
    CHECK_EQUAL(crc, 0xefdd0efd);
}

TEST(rows_to_the_bit_and_one_by_one)
{
    static const struct {
        struct shape in;
        int channels, n, pad;
    } cases[] = {{{4, 4, 19}, 37, 3, 1}, {{7, 6, 32}, 16, 2, 0}, {{5, 9, 16}, 40, 1, 1}};
    uint32_t crc = 0;
    struct random random = random_seed(89, 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct window window = window_make(cases[i].in, cases[i].channels, cases[i].pad, cases[i].pad);
        const struct problem all = problem_make(&window, cases[i].n, &random);
        const float *out = forward_by(&net_kernel_winograd_rows, &all, all.bias, i % 2 ? INFINITY : 0, gemm_exact);
        crc = crc * 31 + golden_crc32(out, all.out_count * sizeof *out);
        struct problem one = all;
        one.n = 1;
        one.out_count = shape_count(window.out);
        for (int image = 0; image < all.n; image++, one.in += shape_count(window.in), out += one.out_count)
            CHECK_SAME_BITS(forward_by(&net_kernel_winograd_rows, &one, one.bias, i % 2 ? INFINITY : 0, gemm_exact),
                            out, one.out_count);
        test_release();
    }
    CHECK_EQUAL(crc, 0x3c0729b6);
}

/* What the polynomial's points are chosen for: the mean error is twice that of the direct sum, with 0, +-1, +-2
 * three times. Along rows only it is 1.4 times. */
TEST(mean_error_is_twice_that_of_the_direct_sum)
{
    struct random random = random_seed(86, 0);
    const struct window window = window_make((struct shape){16, 16, 256}, 16, 1, 1);
    const struct problem problem = problem_make(&window, 1, &random);
    static const struct conv_kernel *const kernels[] = {&net_kernel_conv, &net_kernel_winograd,
                                                        &net_kernel_winograd_rows};
    double *expected = test_doubles(problem.out_count), errors[3] = {0};
    oracle_conv(expected, test_widened(problem.in, problem.in_count),
                test_widened(problem.weights, problem.weight_count), NULL, 1, &window);
    for (int k = 0; k < 3; k++) {
        const float *out = forward_by(kernels[k], &problem, NULL, 0, gemm_exact);
        for (size_t i = 0; i < problem.out_count; i++)
            errors[k] += fabs((double)out[i] - expected[i]);
    }
    CHECK_CLOSE(errors[1] / errors[0], 1.9, 0.2);
    CHECK_CLOSE(errors[2] / errors[0], 1.4, 0.15);
}

TEST(only_3x3_convolutions_with_stride_1_of_16_channels)
{
    for (int kernel_h = 1; kernel_h <= 5; kernel_h++)
        for (int kernel_w = 1; kernel_w <= 5; kernel_w++)
            for (int stride = 1; stride <= 3; stride++) {
                struct window window = {{4, 4, 16}, {4, 4, 16}, kernel_h, kernel_w, stride, 0, 0, 1, 1, false};
                CHECK_EQUAL(winograd_computes(&window), kernel_h == 3 && kernel_w == 3 && stride == 1);
                window.in.c = 15;
                CHECK(!winograd_computes(&window));
                window.in.c = 16;
                window.out.c = 15;
                CHECK(!winograd_computes(&window));
            }
}

static const struct test tests[] = {
    ENTRY(forward_of_any_size),
    ENTRY(rows_forward_of_any_size),
    ENTRY(backward_of_any_size),
    ENTRY(several_blocks_of_tiles),
    ENTRY(images_do_not_depend_on_their_batch),
    ENTRY(either_gradient_alone_is_the_same),
    ENTRY(results_to_the_bit),
    ENTRY(rows_to_the_bit_and_one_by_one),
    ENTRY(mean_error_is_twice_that_of_the_direct_sum),
    ENTRY(only_3x3_convolutions_with_stride_1_of_16_channels),
};
const struct suite winograd_suite = SUITE("winograd", tests);
