/* Forward passes of convolutions, pools and batch normalisation against the oracle. */
#include "kernels/activation.h"
#include "kernels/conv.h"
#include "kernels/depthwise.h"
#include "kernels/batchnorm.h"
#include "kernels/pool.h"
#include "support/oracle.h"
#include "support/rounding.h"
#include "support/sizes.h"
#include "support/test.h"

#include <math.h>
#include <string.h>

/* The geometry that net.h describes, computed here from Keras's definition. */
static struct window window_make(struct shape in, int channels, int kernel_h, int kernel_w, int stride, bool same)
{
    struct window window = {
        .in = in, .kernel_h = kernel_h, .kernel_w = kernel_w, .stride = stride, .dilation = 1, .groups = 1};
    window.out.c = channels;
    if (same) {
        window.out.h = (int)ceil((double)in.h / stride);
        window.out.w = (int)ceil((double)in.w / stride);
        const int rows = (window.out.h - 1) * stride + kernel_h - in.h;
        const int columns = (window.out.w - 1) * stride + kernel_w - in.w;
        window.pad_top = rows > 0 ? rows / 2 : 0;
        window.pad_left = columns > 0 ? columns / 2 : 0;
    } else {
        window.out.h = (int)ceil((double)(in.h - kernel_h + 1) / stride);
        window.out.w = (int)ceil((double)(in.w - kernel_w + 1) / stride);
    }
    return window;
}

static void check_conv(const struct window *window, int n, bool bias, float ceiling, gemm_function *gemm,
                       struct random *random)
{
    const size_t in_count = (size_t)n * shape_count(window->in), out_count = (size_t)n * shape_count(window->out);
    const size_t taps = (size_t)(window->kernel_h * window->kernel_w * window->in.c);
    const size_t weight_count = taps * (size_t)window->out.c;
    float *in = test_random_floats(in_count, random), *weights = test_random_floats(weight_count, random);
    float *biases = bias ? test_random_floats((size_t)window->out.c, random) : NULL;
    float *out = test_floats(out_count), *packed = test_floats(conv_packed_count(window));
    float *scratch = test_floats(conv_forward_scratch(n, window));
    conv_pack(packed, weights, window);
    conv_forward(out, in, packed, biases, ceiling, scratch, n, window, gemm);

    double *expected = test_doubles(out_count);
    oracle_conv(expected, test_widened(in, in_count), test_widened(weights, weight_count),
                bias ? test_widened(biases, (size_t)window->out.c) : NULL, n, window);
    if (ceiling > 0)
        oracle_activation(expected, expected, ceiling == 6 ? NODE_RELU6 : NODE_RELU, out_count);
    double *tolerances = test_doubles(out_count);
    oracle_conv(tolerances, rounding_squares(in, in_count), rounding_squares(weights, weight_count),
                rounding_squares(biases, (size_t)window->out.c), n, window);
    for (size_t i = 0; i < out_count; i++)
        tolerances[i] = rounding_of_sum((double)taps + bias, tolerances[i]);
    CHECK_ALL_WITHIN(out, expected, tolerances, out_count);
    test_release();
}

static const float ceilings[] = {0, 6, INFINITY}; /* of layers without, with ReLU6 and with ReLU */

TEST(convolution_of_any_geometry)
{
    struct random random = random_seed(5, 0);
    for (int kernel_h = 1; kernel_h <= 5; kernel_h++)
        for (int kernel_w = 1; kernel_w <= 5; kernel_w++)
            for (int stride = 1; stride <= 3; stride++)
                for (int same = 0; same < 2; same++) {
                    const struct shape in = {test_between(&random, same ? 1 : kernel_h, 9),
                                             test_between(&random, same ? 1 : kernel_w, 9),
                                             test_between(&random, 1, 4)};
                    const struct window window =
                        window_make(in, test_between(&random, 1, 35), kernel_h, kernel_w, stride, same);
                    test_context("input %d x %d x %d, kernel %d x %d, stride %d, %s, %d channels", in.h, in.w, in.c,
                                 kernel_h, kernel_w, stride, same ? "same" : "valid", window.out.c);
                    check_conv(&window, test_between(&random, 1, 3), random_below(&random, 2),
                               ceilings[random_below(&random, 3)], random_below(&random, 2) ? gemm_exact : gemm_fast,
                               &random);
                }
}

TEST(dense_is_a_convolution_of_one_pixel)
{
    struct random random = random_seed(6, 0);
    for (int in = 1; in <= 129; in += 16)
        for (int out = 1; out <= 35; out += 17) {
            const struct window window = window_make((struct shape){1, 1, in}, out, 1, 1, 1, false);
            test_context("%d inputs, %d outputs", in, out);
            CHECK_EQUAL(conv_forward_scratch(7, &window), 0);
            check_conv(&window, 7, true, 0, gemm_exact, &random);
        }
}

/* The sum of one output as depthwise.h has it, number by number: what every vector width must give to the last bit. */
static float depthwise_sum(const float *in, const float *weights, float start, const struct window *window, int y,
                           int x, int c)
{
    float sum = start;
    for (int ky = 0; ky < window->kernel_h; ky++)
        for (int kx = 0; kx < window->kernel_w; kx++) {
            const int iy = y * window->stride + ky - window->pad_top, ix = x * window->stride + kx - window->pad_left;
            if (iy >= 0 && iy < window->in.h && ix >= 0 && ix < window->in.w) {
                const float product = in[(iy * window->in.w + ix) * window->in.c + c] *
                                      weights[(ky * window->kernel_w + kx) * window->in.c + c];
                sum += product;
            }
        }
    return sum;
}

static void check_depthwise(const struct window *window, int n, bool bias, float ceiling, struct random *random)
{
    const size_t in_count = (size_t)n * shape_count(window->in), out_count = (size_t)n * shape_count(window->out);
    const size_t c = (size_t)window->in.c, weight_count = (size_t)(window->kernel_h * window->kernel_w) * c;
    float *in = test_random_floats(in_count, random), *weights = test_random_floats(weight_count, random);
    float *biases = bias ? test_random_floats(c, random) : NULL, *out = test_floats(out_count);
    for (size_t i = 0; i < in_count; i++)
        in[i] *= 8; /* a ReLU6 has much to cut off */
    depthwise_forward(out, in, weights, biases, ceiling, n, window);

    double *expected = test_doubles(out_count);
    oracle_depthwise(expected, test_widened(in, in_count), test_widened(weights, weight_count),
                     bias ? test_widened(biases, c) : NULL, n, window);
    if (ceiling > 0)
        oracle_activation(expected, expected, ceiling == 6 ? NODE_RELU6 : NODE_RELU, out_count);
    double *tolerances = test_doubles(out_count);
    oracle_depthwise(tolerances, rounding_squares(in, in_count), rounding_squares(weights, weight_count),
                     rounding_squares(biases, c), n, window);
    for (size_t i = 0; i < out_count; i++)
        tolerances[i] = rounding_of_sum(window->kernel_h * window->kernel_w + bias, tolerances[i]);
    CHECK_ALL_WITHIN(out, expected, tolerances, out_count);

    float *same = test_floats(out_count);
    for (size_t i = 0; i < out_count; i++) {
        const size_t pixel = i / c, row = pixel / (size_t)window->out.w, image = row / (size_t)window->out.h;
        same[i] = depthwise_sum(in + image * shape_count(window->in), weights, bias ? biases[i % c] : 0, window,
                                (int)(row % (size_t)window->out.h), (int)(pixel % (size_t)window->out.w), (int)(i % c));
    }
    if (ceiling > 0)
        (ceiling == 6 ? activation_relu6_forward : activation_relu_forward)(same, same, out_count);
    CHECK_SAME_BITS(out, same, out_count);
    test_release();
}

/* Rows short and long enough for tiles of pixels, channels around the lanes of every vector, of one or of several. */
TEST(depthwise_convolution_of_any_geometry)
{
    static const int channels[] = {SIZES_LANES, 12, 19, 24, 35, 48, 64, 67};
    struct random random = random_seed(90, 0);
    int next = 0;
    for (int kernel_h = 1; kernel_h <= 5; kernel_h++)
        for (int kernel_w = 1; kernel_w <= 5; kernel_w++)
            for (int stride = 1; stride <= 3; stride++)
                for (int same = 0; same < 2; same++)
                    for (int i = 0; i < 4; i++) {
                        const int c = channels[next++ % SIZES_COUNT(channels)];
                        const struct shape in = {test_between(&random, same ? 1 : kernel_h, 9),
                                                 test_between(&random, same ? 1 : kernel_w, i % 2 ? 9 : 21), c};
                        const struct window window = window_make(in, in.c, kernel_h, kernel_w, stride, same);
                        const bool bias = random_below(&random, 2);
                        const float ceiling = ceilings[random_below(&random, 3)];
                        test_context("input %d x %d x %d, kernel %d x %d, stride %d, %s, %s, ceiling %g", in.h, in.w,
                                     in.c, kernel_h, kernel_w, stride, same ? "same" : "valid",
                                     bias ? "bias" : "no bias", (double)ceiling);
                        check_depthwise(&window, test_between(&random, 1, 3), bias, ceiling, &random);
                    }
}

TEST(depthwise_convolution_of_the_largest_kernel_and_stride)
{
    struct random random = random_seed(91, 0);
    const struct window window = window_make((struct shape){30, 41, 5}, 5, 11, 11, 11, true);
    check_depthwise(&window, 1, true, 0, &random);
    const struct window dense = window_make((struct shape){12, 13, 9}, 9, 11, 11, 1, false);
    check_depthwise(&dense, 2, false, 6, &random);
}

TEST(pools_of_any_geometry)
{
    struct random random = random_seed(7, 0);
    for (int kernel_h = 1; kernel_h <= 5; kernel_h++)
        for (int kernel_w = 1; kernel_w <= 5; kernel_w++)
            for (int stride = 1; stride <= 3; stride++)
                for (int same = 0; same < 2; same++) {
                    const int n = test_between(&random, 1, 3), c = test_between(&random, 1, 70);
                    const struct shape in = {test_between(&random, same ? 1 : kernel_h, 9),
                                             test_between(&random, same ? 1 : kernel_w, 9), c};
                    const struct window window = window_make(in, c, kernel_h, kernel_w, stride, same);
                    test_context("input %d x %d x %d, kernel %d x %d, stride %d, %s", in.h, in.w, in.c, kernel_h,
                                 kernel_w, stride, same ? "same" : "valid");
                    const size_t in_count = (size_t)n * shape_count(in), count = (size_t)n * shape_count(window.out);
                    float *from = test_random_floats(in_count, &random), *out = test_floats(count);
                    for (size_t i = 0; i < in_count; i++)
                        from[i] -= 2; /* a padding of zeros would win */
                    const double *wide = test_widened(from, in_count);
                    double *expected = test_doubles(count);
                    pool_max_forward(out, from, n, &window);
                    oracle_maxpool(expected, wide, n, &window);
                    CHECK_ALL_CLOSE(out, expected, count, 0);
                    pool_average_forward(out, from, n, &window);
                    oracle_avgpool(expected, wide, n, &window);
                    double *tolerances = test_doubles(count); /* of one sign: the last partial sum is the largest */
                    for (size_t i = 0; i < count; i++)
                        tolerances[i] = rounding_of_sum(kernel_h * kernel_w + 2, expected[i] * expected[i]);
                    CHECK_ALL_WITHIN(out, expected, tolerances, count);
                    test_release();
                }
}

/* Of the mean, a sum of one sign and a quotient; of the standard deviation, whose sum of squares depends on the mean
 * in the second order only; and of the output, which takes both on. */
static void check_batchnorm_train(const float *out, const float *mean, const float *std, const float *in,
                                  const float *scale, const float *shift, int rows, int c)
{
    const size_t count = (size_t)(rows * c), width = (size_t)c;
    double *expected = test_doubles(count), *wide_mean = test_doubles(width), *wide_std = test_doubles(width);
    double *out_tolerance = test_doubles(count), *mean_tolerance = test_doubles(width),
           *std_tolerance = test_doubles(width);
    oracle_batchnorm_train(expected, wide_mean, wide_std, test_widened(in, count), test_widened(scale, width),
                           test_widened(shift, width), rows, c);
    for (int k = 0; k < c; k++) {
        wide_std[k] = sqrt(wide_std[k] + (double)BATCHNORM_EPSILON);
        mean_tolerance[k] = rounding_of_sum(rows + 1, wide_mean[k] * wide_mean[k]);
        std_tolerance[k] = rounding_of_sum(rows + 4, wide_std[k] * wide_std[k]);
    }
    for (size_t i = 0; i < count; i++) {
        const size_t k = i % width;
        const double factor = fabs((double)scale[k]) / wide_std[k],
                     scaled = fabs((double)in[i] - wide_mean[k]) * factor;
        out_tolerance[i] = factor * mean_tolerance[k] + scaled * std_tolerance[k] / wide_std[k] +
                           rounding_of_sum(3, scaled * scaled + expected[i] * expected[i]);
    }
    CHECK_ALL_WITHIN(out, expected, out_tolerance, count);
    CHECK_ALL_WITHIN(mean, wide_mean, mean_tolerance, width);
    CHECK_ALL_WITHIN(std, wide_std, std_tolerance, width);
}

/* out = in * factor + offset: four roundings of the factor, one of each product and sum. */
static void check_batchnorm_infer(const float *out, const float *in, const float *scale, const float *shift,
                                  const float *mean, const float *variance, int rows, int c)
{
    const size_t count = (size_t)(rows * c), width = (size_t)c;
    double *expected = test_doubles(count), *tolerances = test_doubles(count);
    oracle_batchnorm_infer(expected, test_widened(in, count), test_widened(scale, width), test_widened(shift, width),
                           test_widened(mean, width), test_widened(variance, width), rows, c);
    for (size_t i = 0; i < count; i++) {
        const size_t k = i % width;
        const double factor = (double)scale[k] / sqrt((double)variance[k] + (double)BATCHNORM_EPSILON);
        const double product = (double)in[i] * factor, moved = (double)mean[k] * factor;
        tolerances[i] = rounding_of_sum(5, product * product + moved * moved + (double)shift[k] * (double)shift[k]);
    }
    CHECK_ALL_WITHIN(out, expected, tolerances, count);
}

TEST(batch_normalisation)
{
    struct random random = random_seed(8, 0);
    static const int channels[] = {1, 3, 16, 63, 64, 65, 130};
    for (size_t i = 0; i < sizeof channels / sizeof *channels; i++)
        for (int rows = 1; rows <= 50; rows += 7) {
            const int c = channels[i];
            const size_t count = (size_t)(rows * c), width = (size_t)c;
            test_context("%d rows, %d channels", rows, c);
            float *in = test_random_floats(count, &random), *out = test_floats(count);
            float *scale = test_random_floats(width, &random), *shift = test_random_floats(width, &random);
            float *mean = test_floats(width), *std = test_floats(width);
            for (size_t k = 0; k < count; k++)
                in[k] = in[k] * 2 + 5;
            batchnorm_forward(out, mean, std, in, scale, shift, rows, c);
            check_batchnorm_train(out, mean, std, in, scale, shift, rows, c);

            float *factor = test_floats(width), *offset = test_floats(width),
                  *variance = test_random_floats(width, &random);
            for (int k = 0; k < c; k++)
                variance[k] = k % 5 ? variance[k] * variance[k] : 0; /* a channel that never varied */
            batchnorm_fold(factor, offset, scale, shift, mean, variance, c);
            batchnorm_apply(out, in, factor, offset, rows, c);
            check_batchnorm_infer(out, in, scale, shift, mean, variance, rows, c);
            batchnorm_apply(in, in, factor, offset, rows, c); /* in place */
            CHECK_SAME_BITS(in, out, count);
            test_release();
        }
}

static const struct test tests[] = {
    ENTRY(convolution_of_any_geometry),
    ENTRY(dense_is_a_convolution_of_one_pixel),
    ENTRY(depthwise_convolution_of_any_geometry),
    ENTRY(depthwise_convolution_of_the_largest_kernel_and_stride),
    ENTRY(pools_of_any_geometry),
    ENTRY(batch_normalisation),
};
const struct suite layers_suite = SUITE("layers", tests);
