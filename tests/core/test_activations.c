/* Forward passes of activations, softmax and cross-entropy against the oracle. */
#include "kernels/activation.h"
#include "support/oracle.h"
#include "support/rounding.h"
#include "support/test.h"
#include "training/loss.h"

#include <math.h>

typedef void activation_function(float *out, const float *in, size_t count);

static void check_activation(activation_function *function, enum node_kind kind, double relative)
{
    enum { COUNT = 1 << 16 };
    float *in = test_floats(COUNT), *out = test_floats(COUNT);
    double *expected = test_doubles(COUNT);
    for (int i = 0; i < COUNT; i++) /* half of them evenly over [-87, 87], half down to very small ones */
        in[i] = i % 2 ? (float)i * (174.0f / (float)COUNT) - 87 : (i % 4 ? 1.0f : -1.0f) * (float)pow(2, 6 - i / 600.0);
    function(out, in, COUNT);
    oracle_activation(expected, test_widened(in, COUNT), kind, COUNT);
    for (int i = 0; i < COUNT; i++) {
        test_context("x = %a", (double)in[i]);
        CHECK_CLOSE(out[i], expected[i], relative * fabs(expected[i]));
    }
    test_context("in place");
    function(in, in, COUNT);
    CHECK_SAME_BITS(in, out, COUNT);
}

TEST(relu) { check_activation(activation_relu_forward, NODE_RELU, 0); }

TEST(relu6) { check_activation(activation_relu6_forward, NODE_RELU6, 0); }

/* sigmoid(x) = 1 / (1 + exp(-x)): below 0 its relative error is that of the exponential, 3e-7, and two roundings. */
TEST(sigmoid_and_exponential_are_accurate) { check_activation(activation_sigmoid_forward, NODE_SIGMOID, 4.2e-7); }

/* From 5/8 on 1 - d, d = 2 / (exp(2x) + 1) <= 0.45: d's relative error of 2.3e-7 + 1.2e-7 times 0.45 / 0.55, and a
 * rounding. */
TEST(tanh_is_accurate) { check_activation(activation_tanh_forward, NODE_TANH, 4e-7); }

/* The gate's sum, 1 / 6, the gate's product and the product with x: four roundings. Beyond the gate's ends none. */
TEST(hardswish)
{
    check_activation(activation_hardswish_forward, NODE_HARDSWISH, 4 * ROUNDING_UNIT);
    float in[] = {-1e30f, -3.5f, -3, 3, 3.7f, 6.1f, 1e30f}, out[7];
    activation_hardswish_forward(out, in, 7);
    for (int i = 0; i < 7; i++)
        CHECK(out[i] == (in[i] > 0 ? in[i] : 0));
}

/* As hardswish's gate: three roundings, and none beyond its ends. Near -3 the sum x + 3 is what is left of x. */
TEST(hardsigmoid)
{
    check_activation(activation_hardsigmoid_forward, NODE_HARDSIGMOID, 3 * ROUNDING_UNIT);
    float in[] = {-1e30f, -3.5f, -3, 3, 3.7f, 6.1f, 1e30f}, out[7];
    activation_hardsigmoid_forward(out, in, 7);
    for (int i = 0; i < 7; i++)
        CHECK(out[i] == (in[i] > 0 ? 1 : 0));
}

/* The sigmoid's error, and a rounding. */
TEST(silu) { check_activation(activation_silu_forward, NODE_SILU, 4.8e-7); }

TEST(gelu)
{
    enum { COUNT = 1 << 14 };
    float *in = test_floats(COUNT), *out = test_floats(COUNT);
    double *expected = test_doubles(COUNT);
    for (int i = 0; i < COUNT; i++)
        in[i] = (float)(i - COUNT / 2) * (24.0f / (float)COUNT);
    activation_gelu_forward(out, in, COUNT);
    oracle_activation(expected, test_widened(in, COUNT), NODE_GELU, COUNT);
    /* x s, s = 1 / (1 + exp(-u)): four roundings in u, which exp turns into so many times u, its own 3e-7, and three
     * more of the result. Below -87 the exponential stands still. */
    double *tolerances = test_doubles(COUNT);
    for (int i = 0; i < COUNT; i++) {
        const double x = (double)in[i], u = 2 * sqrt(2 / acos(-1)) * (x + 0.044715 * x * x * x), s = 1 / (1 + exp(-u));
        tolerances[i] =
            fabs(expected[i]) * ((1 - s) * (4 * fabs(u) * ROUNDING_UNIT + 3e-7) + 3 * ROUNDING_UNIT) + 1e-37;
    }
    CHECK_ALL_WITHIN(out, expected, tolerances, COUNT);
    float *cut = test_floats(COUNT);
    activation_gelu_forward_cut(cut, in, COUNT);
    int tails = 0;
    for (int i = 0; i < COUNT; i++) {
        const bool tail = out[i] < 0 && out[i] > -1e-24f;
        CHECK(tail ? cut[i] == 0 : cut[i] == out[i]);
        tails += tail;
    }
    CHECK(tails > 1000 && tails < COUNT / 2);
    const float extreme[] = {1e30f, -1e30f, INFINITY, 0, -0.0f, NAN};
    activation_gelu_forward(out, extreme, 6);
    CHECK(out[0] == 1e30f && out[1] <= 0 && out[1] > -1 && out[2] == INFINITY && out[3] == 0 && out[4] == 0 &&
          isnan(out[5]));
}

TEST(activations_of_extreme_numbers)
{
    const float in[] = {INFINITY, -INFINITY, 0x1.fffffep127f, -0x1.fffffep127f, -0.0f, NAN};
    float out[6];
    activation_relu_forward(out, in, 6);
    CHECK(out[0] == INFINITY && out[1] == 0 && out[3] == 0 && out[5] == 0);
    activation_relu6_forward(out, in, 6);
    CHECK(out[0] == 6 && out[1] == 0 && out[2] == 6 && out[3] == 0 && out[4] == 0 && out[5] == 0);
    activation_sigmoid_forward(out, in, 6);
    CHECK(out[0] == 1 && out[1] >= 0 && out[1] < 1e-37f && out[2] == 1 && out[3] < 1e-37f && out[4] == 0.5f);
    CHECK(isnan(out[5]));
    activation_tanh_forward(out, in, 6);
    CHECK(out[0] == 1 && out[1] == -1 && out[2] == 1 && out[3] == -1 && out[4] == 0 && isnan(out[5]));
    const float logits[] = {0x1.fffffep127f, -0x1.fffffep127f, 0, 1, 2, 3};
    activation_softmax_forward(out, logits, 1e-5f, 1, 6);
    CHECK(out[0] == 1 && out[1] >= 0 && out[1] < 1e-30f);
    activation_softmax_forward(out, in, 1, 1, 6); /* not a number, but no crash */
}

/* e_k / sum e, e_k = exp(z_k), z_k = (in - max) / temperature: two roundings in z, which exp turns into z_k times as
 * many, its own 3e-7, once above and averaged below the line, and the sum's, of one sign. Below -87 the exponential
 * stands still. */
static void check_softmax(const float *out, const double *expected, const float *in, float temperature, int n, int c)
{
    double *tolerances = test_doubles((size_t)(n * c));
    for (int i = 0; i < n * c; i += c) {
        float max = in[i];
        double average = 0;
        for (int k = 1; k < c; k++)
            max = fmaxf(max, in[i + k]);
        for (int k = 0; k < c; k++) {
            const double z = (double)(max - in[i + k]) / (double)temperature;
            tolerances[i + k] = 2 * z * ROUNDING_UNIT + 3e-7;
            average += expected[i + k] * tolerances[i + k];
        }
        for (int k = 0; k < c; k++)
            tolerances[i + k] = expected[i + k] * (tolerances[i + k] + average) +
                                rounding_of_sum(c + 1, expected[i + k] * expected[i + k]) + 2e-38;
    }
    CHECK_ALL_WITHIN(out, expected, tolerances, (size_t)(n * c));
}

TEST(softmax_and_temperature)
{
    struct random random = random_seed(9, 0);
    for (int c = 1; c <= 1000; c = c * 3 + 1)
        for (int n = 1; n <= 4; n += 3) {
            const size_t count = (size_t)(n * c);
            float *in = test_random_floats(count, &random), *out = test_floats(count);
            double *expected = test_doubles(count);
            for (size_t i = 0; i < count; i++)
                in[i] *= 30;
            const float temperature = c % 2 ? 1 : 2.5f;
            test_context("%d classes, temperature %g", c, (double)temperature);
            activation_softmax_forward(out, in, temperature, n, c);
            oracle_softmax(expected, test_widened(in, count), (double)temperature, n, c);
            check_softmax(out, expected, in, temperature, n, c);
            for (int i = 0; i < n; i++) {
                double sum = 0;
                for (int k = 0; k < c; k++)
                    sum += (double)out[i * c + k];
                CHECK_CLOSE(sum, 1, 1e-5);
            }
            activation_softmax_forward(in, in, temperature, n, c);
            CHECK_SAME_BITS(in, out, count);
            test_release();
        }
}

TEST(cross_entropy_with_smoothing_and_mixed_targets)
{
    struct random random = random_seed(10, 0);
    for (int c = 1; c <= 300; c = c * 2 + 3)
        for (int s = 0; s < 3; s++) {
            enum { N = 5 };
            const float smoothing = (float)s * 0.1f;
            const size_t count = (size_t)(N * c);
            test_context("%d classes, smoothing %g", c, (double)smoothing);
            float *logits = test_random_floats(count, &random), *losses = test_floats(N), *p = test_floats(count);
            double *wide = test_doubles(count), *expected = test_doubles(count);
            struct target targets[N];
            for (size_t i = 0; i < count; i++) {
                logits[i] *= i < (size_t)c ? 200 : 5; /* the first image is sure of itself, rightly or not */
                wide[i] = (double)logits[i];
            }
            for (int i = 0; i < N; i++)
                targets[i] = (struct target){test_between(&random, 0, c - 1), test_between(&random, 0, c - 1),
                                             i < 2 ? 0 : random_uniform(&random), i < 3 ? 1 : 2.5f};
            cross_entropy_forward(losses, p, logits, targets, smoothing, N, c);
            oracle_softmax(expected, wide, 1, N, c);
            CHECK_ALL_CLOSE(p, expected, count, 1e-6);
            for (int i = 0; i < N; i++) {
                const double loss = oracle_cross_entropy(wide + i * c, targets + i, (double)smoothing, 1, c);
                CHECK_CLOSE(losses[i], loss, 2e-6 * (5 + loss));
            }
            test_release();
        }
}

static const struct test tests[] = {
    ENTRY(relu),
    ENTRY(relu6),
    ENTRY(sigmoid_and_exponential_are_accurate),
    ENTRY(tanh_is_accurate),
    ENTRY(hardswish),
    ENTRY(hardsigmoid),
    ENTRY(silu),
    ENTRY(gelu),
    ENTRY(activations_of_extreme_numbers),
    ENTRY(softmax_and_temperature),
    ENTRY(cross_entropy_with_smoothing_and_mixed_targets),
};
const struct suite activations_suite = SUITE("activations", tests);
