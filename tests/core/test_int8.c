/* core/int8/int8_kernels.h and core/int8/int8_winograd.h, to the last bit: against loops over the formulas in 64
 * bits. */
#include "int8/int8_kernels.h"
#include "int8/int8_dot.h"
#include "int8/int8_winograd.h"

#include "support/test.h"

#include <string.h>

/* Numbers with as much behind them as kernels may read. */
static int16_t *numbers_of(size_t count, int max, struct random *random)
{
    int16_t *numbers = test_bytes(count * sizeof *numbers + INT8_SLACK);
    for (size_t i = 0; i < count; i++)
        numbers[i] = (int16_t)test_between(random, -max, max);
    return numbers;
}

static int8_t *weights_of(size_t count, struct random *random)
{
    int8_t *weights = test_bytes(count);
    for (size_t i = 0; i < count; i++)
        weights[i] = (int8_t)test_between(random, -128, 127);
    return weights;
}

static void check_same(const int16_t *out, const int16_t *expected, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (out[i] != expected[i]) {
            test_fail(__FILE__, __LINE__, "number %zu of %zu is %d, not %d", i, count, out[i], expected[i]);
            return;
        }
}

/* ---- Layers with weights ---- */

enum kernel { DIRECT, WINOGRAD, DEPTHWISE };

struct example {
    struct window window;
    enum kernel kernel;
    const int16_t *in;
    const int8_t *weights;
    int32_t *bias, *factor; /* (out.c), factor in units of 2^-INT8_FRACTION */
    int16_t min, max;
};

static int64_t sum_at(const struct example *e, int y, int x, int o)
{
    const struct window *w = &e->window;
    int64_t sum = e->bias[o];
    for (int ky = 0; ky < w->kernel_h; ky++)
        for (int kx = 0; kx < w->kernel_w; kx++) {
            const int from_y = y * w->stride + ky - w->pad_top, from_x = x * w->stride + kx - w->pad_left;
            if (from_y < 0 || from_y >= w->in.h || from_x < 0 || from_x >= w->in.w)
                continue;
            const int16_t *pixel = e->in + ((size_t)from_y * (size_t)w->in.w + (size_t)from_x) * (size_t)w->in.c;
            const size_t tap = (size_t)(ky * w->kernel_w + kx) * (size_t)w->in.c;
            if (e->kernel == DEPTHWISE)
                sum += pixel[o] * e->weights[tap + (size_t)o];
            else
                for (int c = 0; c < w->in.c; c++)
                    sum += pixel[c] * e->weights[(tap + (size_t)c) * (size_t)w->out.c + (size_t)o];
        }
    return sum;
}

static int16_t *expected_of(const struct example *e)
{
    const struct shape out = e->window.out;
    int16_t *numbers = test_bytes(shape_count(out) * sizeof *numbers), *to = numbers;
    for (int y = 0; y < out.h; y++)
        for (int x = 0; x < out.w; x++)
            for (int o = 0; o < out.c; o++) {
                const int64_t scaled =
                    (sum_at(e, y, x, o) * e->factor[o] + (1 << (INT8_FRACTION - 1))) >> INT8_FRACTION;
                *to++ = (int16_t)(scaled < e->min ? e->min : scaled > e->max ? e->max : scaled);
            }
    return numbers;
}

/* The largest of 2x2, what is left over dropped. */
static int16_t *pooled(const int16_t *numbers, struct shape shape)
{
    const int h = shape.h / 2, w = shape.w / 2, c = shape.c;
    int16_t *out = test_bytes((size_t)(h * w * c) * sizeof *out);
    for (int i = 0; i < h * w * c; i++) {
        const int y = i / c / w * 2, x = i / c % w * 2;
        int16_t largest = -ACTIVATION_MAX;
        for (int k = 0; k < 4; k++) {
            const int16_t number = numbers[((y + k / 2) * shape.w + x + k % 2) * c + i % c];
            largest = number > largest ? number : largest;
        }
        out[i] = largest;
    }
    return out;
}

static void check_layer(const struct example *e)
{
    const struct window *window = &e->window;
    const bool winograd = e->kernel == WINOGRAD, depthwise = e->kernel == DEPTHWISE;
    const size_t channels = (size_t)int8_padded(window->out.c);
    struct int8_layer layer = {.weights = test_bytes((depthwise  ? int8_depthwise_packed
                                                      : winograd ? int8_winograd_packed
                                                                 : int8_conv_packed)(window) +
                                                     INT8_SLACK),
                               .bias = test_bytes(channels * sizeof(int32_t)),
                               .factor = test_bytes(channels * sizeof(int32_t)),
                               .min = e->min,
                               .max = e->max};
    (depthwise  ? int8_depthwise_pack
     : winograd ? int8_winograd_pack
                : int8_conv_pack)(layer.weights, e->weights, window);
    for (int i = 0; i < (int)channels; i++) {
        const int c = int8_channel(i);
        layer.bias[i] = c < window->out.c ? e->bias[c] * (winograd ? 4 : 1) : 0;
        layer.factor[i] = c < window->out.c ? e->factor[c] * (winograd ? 1 : 4) : 0;
    }
    void *scratch = test_bytes((depthwise  ? int8_depthwise_scratch
                                : winograd ? int8_winograd_scratch
                                           : int8_conv_scratch)(window));
    const size_t count = shape_count(window->out);
    int16_t *out = test_bytes(count * sizeof *out), *expected = expected_of(e);
    (depthwise ? int8_depthwise : winograd ? int8_winograd : int8_conv)(out, e->in, &layer, scratch, window);
    check_same(out, expected, count);
    if (!depthwise) {
        const size_t halves = (size_t)(window->out.h / 2) * (size_t)(window->out.w / 2) * (size_t)window->out.c;
        layer.pool = true;
        out = test_bytes(halves * sizeof *out);
        (winograd ? int8_winograd : int8_conv)(out, e->in, &layer, scratch, window);
        check_same(out, pooled(expected, window->out), halves);
    }
}

static struct example random_example(enum kernel kernel, struct random *random)
{
    struct example e = {.kernel = kernel};
    struct window *w = &e.window;
    w->dilation = w->groups = 1;
    const int max = kernel == WINOGRAD ? 24 : 12;
    w->in = (struct shape){test_between(random, 3, max), test_between(random, 3, max), test_between(random, 1, 70)};
    w->kernel_h = kernel == WINOGRAD ? 3 : test_between(random, 1, 5);
    w->kernel_w = kernel == WINOGRAD ? 3 : test_between(random, 1, 5);
    w->stride = kernel == WINOGRAD ? 1 : test_between(random, 1, 3);
    const bool same = random_below(random, 2) || w->kernel_h > w->in.h || w->kernel_w > w->in.w;
    const int filters = test_between(random, 1, 70);
    const int extra_h = same ? w->kernel_h - 1 : 0, extra_w = same ? w->kernel_w - 1 : 0;
    w->out = (struct shape){(w->in.h + extra_h - w->kernel_h) / w->stride + 1,
                            (w->in.w + extra_w - w->kernel_w) / w->stride + 1, kernel == DEPTHWISE ? w->in.c : filters};
    w->pad_top = extra_h / 2;
    w->pad_left = extra_w / 2;
    e.in = numbers_of(shape_count(w->in), ACTIVATION_MAX, random);
    const size_t taps = (size_t)(w->kernel_h * w->kernel_w) * (size_t)w->in.c;
    e.weights = weights_of(kernel == DEPTHWISE ? taps : taps * (size_t)w->out.c, random);
    e.bias = test_bytes((size_t)w->out.c * sizeof *e.bias);
    e.factor = test_bytes((size_t)w->out.c * sizeof *e.factor);
    for (int o = 0; o < w->out.c; o++) {
        e.bias[o] = test_between(random, -(1 << 24), 1 << 24);
        e.factor[o] =
            random_below(random, 8) ? test_between(random, 1, 1 << 18) : test_between(random, 1, (1 << 29) - 1);
    }
    e.min = random_below(random, 2) ? 0 : -ACTIVATION_MAX;
    e.max = random_below(random, 2) ? (int16_t)test_between(random, 1, ACTIVATION_MAX) : ACTIVATION_MAX;
    return e;
}

static void check_random(enum kernel kernel, int rounds, uint64_t seed)
{
    struct random random = random_seed(seed, 0);
    for (int round = 0; round < rounds; round++) {
        const struct example e = random_example(kernel, &random);
        const struct window *w = &e.window;
        test_context("round %d: %dx%dx%d to %dx%dx%d, %dx%d, stride %d", round, w->in.h, w->in.w, w->in.c, w->out.h,
                     w->out.w, w->out.c, w->kernel_h, w->kernel_w, w->stride);
        check_layer(&e);
        test_release();
    }
}

TEST(convolutions) { check_random(DIRECT, 60, 201); }
TEST(winograd) { check_random(WINOGRAD, 60, 202); }
TEST(depthwise_convolutions) { check_random(DEPTHWISE, 100, 203); }

/* The largest sums that net_int8.c lets through, of which 4 times as much still fits, with all signs alike. */
TEST(winograd_is_exact_up_to_the_largest_sums)
{
    enum { C = 223 }; /* 9 * 223 * 2047 * 127 + the bias is just below 2^29 */
    for (int sign = -1; sign <= 1; sign += 2) {
        int16_t *in = test_bytes(4 * 4 * C * sizeof *in + INT8_SLACK);
        int8_t *weights = test_bytes(9 * C * 2);
        for (int i = 0; i < 4 * 4 * C; i++)
            in[i] = (int16_t)(sign * ACTIVATION_MAX);
        memset(weights, 127, 9 * C * 2);
        int32_t bias[2] = {sign * 15000000, 0}, factor[2] = {2, (1 << 29) - 1};
        const struct example e = {{{4, 4, C}, {2, 2, 2}, 3, 3, 1, 0, 0, 1, 1, false},
                                  WINOGRAD,
                                  in,
                                  weights,
                                  bias,
                                  factor,
                                  -ACTIVATION_MAX,
                                  ACTIVATION_MAX};
        test_context("sign %d", sign);
        CHECK(sum_at(&e, 0, 0, 0) * sign > (1 << 29) - 1000000 && sum_at(&e, 0, 0, 0) * sign < 1 << 29);
        check_layer(&e);
    }
}

/* ---- Layers without ---- */

static struct window random_pool(struct random *random)
{
    struct window w = {.in = {test_between(random, 1, 9), test_between(random, 1, 9), test_between(random, 1, 130)}};
    w.dilation = w.groups = 1;
    w.kernel_h = test_between(random, 1, w.in.h);
    w.kernel_w = test_between(random, 1, w.in.w);
    w.stride = test_between(random, 1, 3);
    const bool same = random_below(random, 2);
    w.out = (struct shape){same ? (w.in.h + w.stride - 1) / w.stride : (w.in.h - w.kernel_h) / w.stride + 1,
                           same ? (w.in.w + w.stride - 1) / w.stride : (w.in.w - w.kernel_w) / w.stride + 1, w.in.c};
    const int h = (w.out.h - 1) * w.stride + w.kernel_h - w.in.h, x = (w.out.w - 1) * w.stride + w.kernel_w - w.in.w;
    w.pad_top = h > 0 ? h / 2 : 0;
    w.pad_left = x > 0 ? x / 2 : 0;
    return w;
}

TEST(pools)
{
    struct random random = random_seed(204, 0);
    for (int round = 0; round < 100; round++) {
        const struct window w = random_pool(&random);
        const int16_t *in = numbers_of(shape_count(w.in), ACTIVATION_MAX, &random);
        int64_t factor[9 * 9];
        for (int outside = 0; outside < w.kernel_h * w.kernel_w; outside++)
            factor[outside] = (int64_t)random_below(&random, 1 << 30) * 3 / (w.kernel_h * w.kernel_w - outside);
        int16_t *largest = test_bytes(shape_count(w.out) * sizeof *largest),
                *mean = test_bytes(shape_count(w.out) * sizeof *mean);
        int16_t *expected = test_bytes(shape_count(w.out) * sizeof *expected),
                *means = test_bytes(shape_count(w.out) * sizeof *means);
        int8_maxpool(largest, in, &w);
        int8_avgpool(mean, in, factor, &w);
        for (int i = 0; i < w.out.h * w.out.w * w.out.c; i++) {
            const int c = i % w.out.c, x = i / w.out.c % w.out.w, y = i / w.out.c / w.out.w;
            int count = 0, sum = 0, best = -ACTIVATION_MAX;
            for (int k = 0; k < w.kernel_h * w.kernel_w; k++) {
                const int from_y = y * w.stride - w.pad_top + k / w.kernel_w,
                          from_x = x * w.stride - w.pad_left + k % w.kernel_w;
                if (from_y < 0 || from_y >= w.in.h || from_x < 0 || from_x >= w.in.w)
                    continue;
                const int number = in[(from_y * w.in.w + from_x) * w.in.c + c];
                count++;
                sum += number;
                best = number > best ? number : best;
            }
            const int64_t scaled =
                (sum * factor[w.kernel_h * w.kernel_w - count] + (1 << (INT8_FRACTION - 1))) >> INT8_FRACTION;
            expected[i] = (int16_t)best;
            means[i] = (int16_t)(scaled < -ACTIVATION_MAX  ? -ACTIVATION_MAX
                                 : scaled > ACTIVATION_MAX ? ACTIVATION_MAX
                                                           : scaled);
        }
        test_context("round %d: %dx%dx%d, %dx%d, stride %d", round, w.in.h, w.in.w, w.in.c, w.kernel_h, w.kernel_w,
                     w.stride);
        check_same(largest, expected, shape_count(w.out));
        check_same(mean, means, shape_count(w.out));
        test_release();
    }
}

TEST(elementwise)
{
    struct random random = random_seed(205, 0);
    int16_t table[2 * ACTIVATION_MAX + 1];
    for (int i = 0; i <= 2 * ACTIVATION_MAX; i++)
        table[i] = (int16_t)test_between(&random, -ACTIVATION_MAX, ACTIVATION_MAX);
    for (size_t count = 1; count < 70; count++) {
        const int16_t *a = numbers_of(count, ACTIVATION_MAX, &random), *b = numbers_of(count, ACTIVATION_MAX, &random);
        const int16_t factor_a = (int16_t)test_between(&random, 0, INT16_MAX),
                      factor_b = (int16_t)test_between(&random, 0, count % 2 ? 1 << 12 : INT16_MAX);
        int16_t *sum = test_bytes(count * sizeof *sum), *clamped = test_bytes(count * sizeof *sum),
                *found = test_bytes(count * sizeof *sum), *product = test_bytes(count * sizeof *sum);
        const int32_t factor = (int32_t)test_between(&random, 1, count % 2 ? 1 << 22 : INT32_MAX);
        int8_add(sum, a, b, factor_a, factor_b, count);
        int8_multiply(product, a, b, factor, count);
        int8_clamp(clamped, a, 0, 1000, count);
        int8_look_up(found, a, table, count);
        for (size_t i = 0; i < count; i++) {
            const int64_t scaled =
                ((int64_t)a[i] * factor_a + (int64_t)b[i] * factor_b + (1 << (INT8_ADD_FRACTION - 1))) >>
                INT8_ADD_FRACTION;
            CHECK_EQUAL(sum[i], scaled < -ACTIVATION_MAX  ? -ACTIVATION_MAX
                                : scaled > ACTIVATION_MAX ? ACTIVATION_MAX
                                                          : scaled);
            const int64_t multiplied = ((int64_t)a[i] * b[i] * factor + ((int64_t)1 << 31)) >> 32;
            CHECK_EQUAL(product[i], multiplied < -ACTIVATION_MAX  ? -ACTIVATION_MAX
                                    : multiplied > ACTIVATION_MAX ? ACTIVATION_MAX
                                                                  : multiplied);
            CHECK_EQUAL(clamped[i], a[i] < 0 ? 0 : a[i] > 1000 ? 1000 : a[i]);
            CHECK_EQUAL(found[i], table[a[i] + ACTIVATION_MAX]);
        }
    }
}

TEST(dot_products)
{
    struct random random = {6};
    for (int d = INT8_DOT_STEP; d <= 5 * INT8_DOT_STEP; d += INT8_DOT_STEP)
        for (int n = 0; n <= 5; n++) {
            const int16_t *query = numbers_of((size_t)d, ACTIVATION_MAX, &random);
            const int8_t *vectors = weights_of((size_t)n * (size_t)d, &random);
            int32_t *out = test_bytes((size_t)n * sizeof *out);
            int8_dot(out, vectors, query, n, d);
            for (int i = 0; i < n; i++) {
                int64_t sum = 0;
                for (int k = 0; k < d; k++)
                    sum += vectors[i * d + k] * query[k];
                CHECK_EQUAL(out[i], sum);
            }
        }
}

TEST(dot_products_are_exact_up_to_the_largest_sums)
{
    enum { D = 8192 };
    int16_t *query = test_bytes(D * sizeof *query);
    int8_t *vectors = test_bytes(D);
    int32_t out;
    for (int sign = -1; sign <= 1; sign += 2) {
        for (int k = 0; k < D; k++) {
            query[k] = ACTIVATION_MAX;
            vectors[k] = (int8_t)(127 * sign);
        }
        int8_dot(&out, vectors, query, 1, D);
        CHECK_EQUAL(out, (int64_t)sign * 127 * ACTIVATION_MAX * D);
    }
}

static const struct test tests[] = {
    ENTRY(convolutions),
    ENTRY(winograd),
    ENTRY(depthwise_convolutions),
    ENTRY(winograd_is_exact_up_to_the_largest_sums),
    ENTRY(pools),
    ENTRY(elementwise),
    ENTRY(dot_products),
    ENTRY(dot_products_are_exact_up_to_the_largest_sums),
};
const struct suite int8_suite = SUITE("int8", tests);
