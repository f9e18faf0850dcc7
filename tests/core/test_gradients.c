/* Every layer's backward pass against central differences of the oracle. test_net_gradients.c has whole nets. */
#include "kernels/activation.h"
#include "kernels/conv.h"
#include "kernels/depthwise.h"
#include "support/gradient_check.h"
#include "training/loss.h"
#include "support/nets.h"
#include "kernels/batchnorm.h"
#include "kernels/pool.h"
#include "support/oracle.h"
#include "support/rounding.h"
#include "support/sizes.h"
#include "support/test.h"

#include <math.h>
#include <string.h>

/* One layer as a function: the sum of its output weighted by fixed numbers. */
enum operation { CONV, DEPTHWISE, MAXPOOL, AVGPOOL, BATCHNORM, ACTIVATION, SOFTMAX };

struct layer {
    enum operation operation;
    enum node_kind kind;
    struct window window;
    int n, rows, c;
    double temperature;
    double *in, *weights, *bias, *out, *dout;
    size_t in_count, out_count;
};

static double layer_value(void *context)
{
    const struct layer *layer = context;
    switch (layer->operation) {
    case CONV: oracle_conv(layer->out, layer->in, layer->weights, layer->bias, layer->n, &layer->window); break;
    case DEPTHWISE:
        oracle_depthwise(layer->out, layer->in, layer->weights, layer->bias, layer->n, &layer->window);
        break;
    case MAXPOOL: oracle_maxpool(layer->out, layer->in, layer->n, &layer->window); break;
    case AVGPOOL: oracle_avgpool(layer->out, layer->in, layer->n, &layer->window); break;
    case BATCHNORM:
        oracle_batchnorm_train(layer->out, NULL, NULL, layer->in, layer->weights, layer->bias, layer->rows, layer->c);
        break;
    case ACTIVATION: oracle_activation(layer->out, layer->in, layer->kind, layer->in_count); break;
    case SOFTMAX: oracle_softmax(layer->out, layer->in, layer->temperature, layer->n, layer->c); break;
    }
    double sum = 0;
    for (size_t i = 0; i < layer->out_count; i++)
        sum += layer->out[i] * layer->dout[i];
    return sum;
}

static struct function function_of(struct layer *layer, double *numbers, size_t count)
{
    return (struct function){layer_value, layer, numbers, count};
}

static struct window random_window(struct random *random, int kernel_h, int kernel_w, int stride, bool same,
                                   int channels, struct shape *in)
{
    struct net net = {
        .input = {test_between(random, same ? 1 : kernel_h, 7), test_between(random, same ? 1 : kernel_w, 7), 3}};
    nets_conv(&net, 0, channels, kernel_h, kernel_w, stride, same, false);
    nets_simple(&net, 1, NODE_GLOBAL_AVGPOOL);
    nets_finish(&net, 2);
    *in = net.input;
    return net_window(&net, 0);
}

/* Pools with the geometry of this convolution. in (n, h, w, c) */
static void check_pools(const struct window *of, const float *in, int n, struct random *random)
{
    struct window window = *of;
    window.out.c = window.in.c;
    const size_t in_count = (size_t)n * shape_count(window.in), out_count = (size_t)n * shape_count(window.out);
    float *out = test_floats(out_count), *dout = test_random_floats(out_count, random), *din = test_floats(in_count);
    struct layer layer = {.operation = MAXPOOL,
                          .window = window,
                          .n = n,
                          .in = test_widened(in, in_count),
                          .out = test_doubles(out_count),
                          .dout = test_widened(dout, out_count),
                          .in_count = in_count,
                          .out_count = out_count};
    const struct function f = function_of(&layer, layer.in, in_count);
    pool_max_forward(out, in, n, &window);
    pool_max_backward(din, dout, out, in, n, &window);
    gradient_check("maximum pool", din, &f, 40);
    layer.operation = AVGPOOL;
    pool_average_backward(din, dout, n, &window);
    gradient_check("mean pool", din, &f, 40);
}

static void check_windows(int kernel_h, int kernel_w, int stride, bool same, struct random *random)
{
    struct shape in;
    struct window window = random_window(random, kernel_h, kernel_w, stride, same, test_between(random, 1, 5), &in);
    test_context("input %d x %d, kernel %d x %d, stride %d, %s, %d channels", in.h, in.w, kernel_h, kernel_w, stride,
                 same ? "same" : "valid", window.out.c);
    const int n = 2;
    const size_t in_count = (size_t)n * shape_count(window.in), out_count = (size_t)n * shape_count(window.out);
    const size_t taps = (size_t)(kernel_h * kernel_w * window.in.c), c = (size_t)window.out.c, weight_count = taps * c;
    float *from = test_random_floats(in_count, random), *weights = test_random_floats(weight_count, random);
    float *dout = test_random_floats(out_count, random),
          *input_scratch = test_floats(conv_backward_input_scratch(n, &window));
    float *weights_scratch = test_floats(conv_backward_weights_scratch(n, &window));
    float *din = test_floats(in_count), *dweights = test_floats(weight_count), *dbias = test_floats(c);
    float *packed = test_floats(conv_packed_backward_count(&window));
    for (size_t i = 0; i < weight_count; i++)
        dweights[i] = 1; /* gradients are added */
    for (size_t i = 0; i < c; i++)
        dbias[i] = 2;
    conv_pack_backward(packed, weights, &window);
    conv_backward_bias(dbias, dout, n, &window);
    conv_backward_weights(dweights, dout, from, weights_scratch, n, &window, gemm_fast);
    conv_backward_input(din, dout, packed, input_scratch, n, &window, gemm_fast);
    for (size_t i = 0; i < weight_count; i++)
        dweights[i] -= 1;
    for (size_t i = 0; i < c; i++)
        dbias[i] -= 2;
    const float zeros[8] = {0};
    struct layer layer = {.operation = CONV,
                          .window = window,
                          .n = n,
                          .in = test_widened(from, in_count),
                          .weights = test_widened(weights, weight_count),
                          .bias = test_widened(zeros, c),
                          .out = test_doubles(out_count),
                          .dout = test_widened(dout, out_count),
                          .in_count = in_count,
                          .out_count = out_count};
    struct function f = function_of(&layer, layer.in, in_count);
    gradient_check("convolution's input", din, &f, 40);
    f = function_of(&layer, layer.weights, weight_count);
    gradient_check("convolution's weights", dweights, &f, 40);
    f = function_of(&layer, layer.bias, c);
    gradient_check("convolution's bias", dbias, &f, 40);
    double *wide_din = test_doubles(in_count), *wide_dweights = test_doubles(weight_count); /* to more digits */
    oracle_conv_backward(wide_din, wide_dweights, layer.dout, layer.in, layer.weights, n, &window);
    double *din_tolerance = test_doubles(in_count), *dweights_tolerance = test_doubles(weight_count);
    oracle_conv_backward(din_tolerance, dweights_tolerance, rounding_squares(dout, out_count),
                         rounding_squares(from, in_count), rounding_squares(weights, weight_count), n, &window);
    for (size_t i = 0; i < in_count; i++)
        din_tolerance[i] = rounding_of_sum(kernel_h * kernel_w * window.out.c, din_tolerance[i]);
    for (size_t i = 0; i < weight_count; i++) /* one term more: they were added to 1, which was taken away again */
        dweights_tolerance[i] = rounding_of_sum(n * window.out.h * window.out.w + 1, dweights_tolerance[i] + 1);
    CHECK_ALL_WITHIN(din, wide_din, din_tolerance, in_count);
    CHECK_ALL_WITHIN(dweights, wide_dweights, dweights_tolerance, weight_count);
    check_pools(&window, from, n, random);
    test_release();
}

TEST(convolution_and_pools_of_any_geometry)
{
    struct random random = random_seed(11, 0);
    for (int kernel_h = 1; kernel_h <= 5; kernel_h++)
        for (int kernel_w = 1; kernel_w <= 5; kernel_w++)
            for (int stride = 1; stride <= 3; stride++)
                for (int same = 0; same < 2; same++)
                    check_windows(kernel_h, kernel_w, stride, same, &random);
}

static void check_depthwise(int kernel_h, int kernel_w, int stride, bool same, int channels, struct random *random)
{
    struct shape in;
    struct window window = random_window(random, kernel_h, kernel_w, stride, same, channels, &in);
    window.in.c = channels;
    test_context("input %d x %d, kernel %d x %d, stride %d, %s, %d channels", in.h, in.w, kernel_h, kernel_w, stride,
                 same ? "same" : "valid", channels);
    const int n = 2;
    const size_t in_count = (size_t)n * shape_count(window.in), out_count = (size_t)n * shape_count(window.out);
    const size_t c = (size_t)channels, weight_count = (size_t)(kernel_h * kernel_w) * c;
    float *from = test_random_floats(in_count, random), *weights = test_random_floats(weight_count, random);
    float *dout = test_random_floats(out_count, random), *din = test_floats(in_count),
          *dweights = test_floats(weight_count);
    for (size_t i = 0; i < weight_count; i++)
        dweights[i] = 1; /* gradients are added */
    depthwise_backward_weights(dweights, dout, from, n, &window);
    depthwise_backward_input(din, dout, weights, n, &window);
    for (size_t i = 0; i < weight_count; i++)
        dweights[i] -= 1;
    struct layer layer = {.operation = DEPTHWISE,
                          .window = window,
                          .n = n,
                          .in = test_widened(from, in_count),
                          .weights = test_widened(weights, weight_count),
                          .out = test_doubles(out_count),
                          .dout = test_widened(dout, out_count),
                          .in_count = in_count,
                          .out_count = out_count};
    struct function f = function_of(&layer, layer.in, in_count);
    gradient_check("depthwise convolution's input", din, &f, 40);
    f = function_of(&layer, layer.weights, weight_count);
    gradient_check("depthwise convolution's weights", dweights, &f, 40);
    test_release();
}

TEST(depthwise_convolution_of_any_geometry)
{
    static const int channels[] = {SIZES_LANES, 33, 42, 64, 67, 82};
    struct random random = random_seed(92, 0);
    for (int kernel_h = 1; kernel_h <= 5; kernel_h++)
        for (int kernel_w = 1; kernel_w <= 5; kernel_w++)
            for (int stride = 1; stride <= 3; stride++)
                for (int same = 0; same < 2; same++)
                    check_depthwise(kernel_h, kernel_w, stride, same,
                                    channels[random_below(&random, SIZES_COUNT(channels))], &random);
}

TEST(maximum_pool_gives_a_tie_to_the_first)
{
    const struct window window = {{2, 3, 1}, {1, 1, 1}, 2, 3, 1, 0, 0, 1, 1, false};
    const float in[6] = {1, 5, 2, 5, 5, 0}, dout = 3, expected[6] = {0, 3, 0, 0, 0, 0};
    float out, din[6];
    pool_max_forward(&out, in, 1, &window);
    pool_max_backward(din, &dout, &out, in, 1, &window);
    CHECK_SAME_BITS(din, expected, 6);
}

TEST(batch_normalisation)
{
    struct random random = random_seed(12, 0);
    static const int channels[] = {1, 7, 64, 65, 130};
    for (int i = 0; i < 5; i++)
        for (int rows = 2; rows <= 30; rows += 7) {
            const int c = channels[i];
            const size_t count = (size_t)(rows * c), width = (size_t)c;
            test_context("%d rows, %d channels", rows, c);
            float *in = test_random_floats(count, &random), *dout = test_random_floats(count, &random);
            float *scale = test_random_floats(width, &random), *shift = test_random_floats(width, &random);
            float *out = test_floats(count), *mean = test_floats(width), *std = test_floats(width);
            float *din = test_floats(count), *dscale = test_floats(width), *dshift = test_floats(width);
            memset(dscale, 0, width * sizeof(float));
            memset(dshift, 0, width * sizeof(float));
            batchnorm_forward(out, mean, std, in, scale, shift, rows, c);
            batchnorm_backward(din, dscale, dshift, dout, in, mean, std, scale, rows, c);
            struct layer layer = {.operation = BATCHNORM,
                                  .rows = rows,
                                  .c = c,
                                  .in = test_widened(in, count),
                                  .weights = test_widened(scale, width),
                                  .bias = test_widened(shift, width),
                                  .out = test_doubles(count),
                                  .dout = test_widened(dout, count),
                                  .out_count = count};
            struct function f = function_of(&layer, layer.in, count);
            gradient_check("batchnorm's input", din, &f, 50);
            f = function_of(&layer, layer.weights, width);
            gradient_check("batchnorm's scale", dscale, &f, 50);
            f = function_of(&layer, layer.bias, width);
            gradient_check("batchnorm's shift", dshift, &f, 50);
            batchnorm_backward(dout, dscale, dshift, dout, in, mean, std, scale, rows, c); /* in place */
            CHECK_SAME_BITS(dout, din, count);
            test_release();
        }
}

TEST(activations)
{
    static void (*const forward[])(float *, const float *, size_t) = {
        activation_relu_forward, activation_sigmoid_forward, activation_tanh_forward, activation_relu6_forward,
        activation_hardsigmoid_forward};
    static void (*const backward[])(float *, const float *, const float *, size_t) = {
        activation_relu_backward, activation_sigmoid_backward, activation_tanh_backward, activation_relu6_backward,
        activation_hardsigmoid_backward};
    static const enum node_kind kinds[] = {NODE_RELU, NODE_SIGMOID, NODE_TANH, NODE_RELU6, NODE_HARDSIGMOID};
    enum { COUNT = 301 };
    struct random random = random_seed(13, 0);
    for (int i = 0; i < 5; i++) {
        float *in = test_random_floats(COUNT, &random), *dout = test_random_floats(COUNT, &random);
        float *out = test_floats(COUNT), *din = test_floats(COUNT);
        for (int k = 0; k < COUNT; k++)
            in[k] *= 8;
        forward[i](out, in, COUNT);
        backward[i](din, dout, out, COUNT);
        struct layer layer = {.operation = ACTIVATION,
                              .kind = kinds[i],
                              .in = test_widened(in, COUNT),
                              .out = test_doubles(COUNT),
                              .dout = test_widened(dout, COUNT),
                              .in_count = COUNT,
                              .out_count = COUNT};
        const struct function f = function_of(&layer, layer.in, COUNT);
        test_context("activation %d", i);
        gradient_check("its input", din, &f, COUNT);
        backward[i](dout, dout, out, COUNT);
        CHECK_SAME_BITS(dout, din, COUNT);
    }
}

TEST(activations_that_look_at_their_input)
{
    static void (*const backward[])(float *, const float *, const float *, size_t) = {
        activation_gelu_backward, activation_hardswish_backward, activation_silu_backward};
    static const enum node_kind kinds[] = {NODE_GELU, NODE_HARDSWISH, NODE_SILU};
    enum { COUNT = 501 };
    struct random random = random_seed(70, 0);
    for (int i = 0; i < 3; i++) {
        float *in = test_random_floats(COUNT, &random), *dout = test_random_floats(COUNT, &random),
              *din = test_floats(COUNT);
        for (int k = 0; k < COUNT; k++)
            in[k] *= 6;
        backward[i](din, dout, in, COUNT);
        struct layer layer = {.operation = ACTIVATION,
                              .kind = kinds[i],
                              .in = test_widened(in, COUNT),
                              .out = test_doubles(COUNT),
                              .dout = test_widened(dout, COUNT),
                              .in_count = COUNT,
                              .out_count = COUNT};
        const struct function f = function_of(&layer, layer.in, COUNT);
        gradient_check(kind_names[kinds[i]], din, &f, COUNT);
        backward[i](dout, dout, in, COUNT);
        CHECK_SAME_BITS(dout, din, COUNT);
    }
}

TEST(softmax_and_temperature)
{
    struct random random = random_seed(14, 0);
    for (int c = 1; c <= 40; c += 13) {
        enum { N = 3 };
        const size_t count = (size_t)(N * c);
        float *in = test_random_floats(count, &random), *dout = test_random_floats(count, &random);
        float *out = test_floats(count), *din = test_floats(count);
        for (int t = 1; t <= 3; t++) {
            activation_softmax_forward(out, in, (float)t * 0.5f, N, c);
            activation_softmax_backward(din, dout, out, (float)t * 0.5f, N, c);
            struct layer layer = {.operation = SOFTMAX,
                                  .n = N,
                                  .c = c,
                                  .temperature = t * 0.5,
                                  .in = test_widened(in, count),
                                  .out = test_doubles(count),
                                  .dout = test_widened(dout, count),
                                  .in_count = count,
                                  .out_count = count};
            const struct function f = function_of(&layer, layer.in, count);
            test_context("%d classes, temperature %g", c, t * 0.5);
            gradient_check("softmax", din, &f, count);
        }
    }
}

struct loss {
    double *logits, smoothing, factor;
    const struct target *targets;
    int n, c;
};

static double loss_value(void *context)
{
    const struct loss *loss = context;
    return loss->factor * oracle_cross_entropy(loss->logits, loss->targets, loss->smoothing, loss->n, loss->c);
}

TEST(cross_entropy_with_smoothing_and_mixed_targets)
{
    struct random random = random_seed(15, 0);
    for (int c = 2; c <= 40; c += 19)
        for (int s = 0; s < 3; s++) {
            enum { N = 4 };
            const size_t count = (size_t)(N * c);
            float *logits = test_random_floats(count, &random), *p = test_floats(count), *dlogits = test_floats(count);
            float losses[N];
            struct target targets[N]; /* the first plain, the others mixed, the last of double weight */
            for (int i = 0; i < N; i++)
                targets[i] = (struct target){test_between(&random, 0, c - 1), test_between(&random, 0, c - 1),
                                             i ? random_uniform(&random) : 0, i < N - 1 ? 1 : 2};
            cross_entropy_forward(losses, p, logits, targets, (float)s * 0.1f, N, c);
            cross_entropy_backward(dlogits, p, targets, (float)s * 0.1f, 0.25f, N, c);
            struct loss loss = {test_widened(logits, count), (double)((float)s * 0.1f), 0.25, targets, N, c};
            const struct function f = {loss_value, &loss, loss.logits, count};
            test_context("%d classes, smoothing 0.%d", c, s);
            gradient_check("cross-entropy", dlogits, &f, count);
        }
}

static const struct test tests[] = {
    ENTRY(convolution_and_pools_of_any_geometry),
    ENTRY(depthwise_convolution_of_any_geometry),
    ENTRY(maximum_pool_gives_a_tie_to_the_first),
    ENTRY(batch_normalisation),
    ENTRY(activations),
    ENTRY(activations_that_look_at_their_input),
    ENTRY(softmax_and_temperature),
    ENTRY(cross_entropy_with_smoothing_and_mixed_targets),
};
const struct suite gradients_suite = SUITE("gradients", tests);
