/* Kernels assert their contracts on entry: each of these calls breaks one, and must end its process. */
#include "base/contract.h"
#include "int8/int8_kernels.h"
#include "int8/int8_winograd.h"
#include "kernels/activation.h"
#include "kernels/conv.h"
#include "kernels/depthwise.h"
#include "kernels/batchnorm.h"
#include "kernels/pool.h"
#include "kernels/winograd.h"
#include "kernels/winograd_rows.h"
#include "net/net_int8.h"
#include "support/nets.h"
#include "support/test.h"

TEST(memory_apart)
{
    char a[8];
    CHECK(contract_apart(a, 4, a + 4, 4) && contract_apart(a + 4, 4, a, 4));
    CHECK(!contract_apart(a, 5, a + 4, 4) && !contract_apart(a + 4, 4, a, 5) && !contract_apart(a, 1, a, 1));
    CHECK(contract_apart(NULL, 8, a, 8) && contract_apart(a, 8, NULL, 8));
    CHECK(contract_in_place_or_apart(a, a, 8) && !contract_in_place_or_apart(a, a + 1, 2));
    CHECK(contract_aligned((void *)64, 64) && !contract_aligned((void *)66, 4));
}

TEST(windows)
{
    const struct window good = {{4, 5, 3}, {2, 3, 6}, 3, 2, 2, 1, 1, 1, 3, false};
    CHECK(window_valid(&good));
    struct window bad[] = {good, good, good, good, good, good, good, good, good, good};
    bad[0].in.c = 0;
    bad[1].out.h = 0;
    bad[2].stride = 0;
    bad[3].kernel_w = 0;
    bad[4].pad_top = 3; /* a window of padding alone */
    bad[5].pad_left = -1;
    bad[6].out.w = 4; /* the last window begins behind the input */
    bad[7].dilation = 0;
    bad[8].groups = 0;
    bad[9].groups = 2; /* of three channels */
    for (int i = 0; i < (int)(sizeof bad / sizeof *bad); i++) {
        test_context("window %d", i);
        CHECK(!window_valid(&bad[i]));
    }
}

#if defined(NDEBUG) || defined(__wasm__)

TEST(broken_contracts_end_the_process)
{
    test_skip("this build has no asserts or no processes; the native variants scalar and sanitize have both");
}

#else

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static float a[4096], b[4096], c[4096], d[4096];
static int16_t numbers[4096], others[4096];
static const struct window window = {{4, 4, 16}, {4, 4, 16}, 3, 3, 1, 1, 1, 1, 1, false},
                           narrow = {{4, 4, 15}, {4, 4, 16}, 3, 3, 1, 1, 1, 1, 1, false};
static const struct window pool = {{4, 4, 2}, {2, 2, 2}, 2, 2, 2, 0, 0, 1, 1, false},
                           widening = {{4, 4, 2}, {2, 2, 3}, 2, 2, 2, 0, 0, 1, 1, false};
static const struct window stray = {{4, 4, 2}, {2, 2, 2}, 2, 2, 5, 0, 0, 1, 1, false};

static struct gemm product(void)
{
    return (struct gemm){
        .a = a, .rows = axis_line(3, 4), .depth = axis_line(4, 1), .b = b, .columns = 2, .c = c, .c_stride = 2};
}

static void gemm_without_depth(void)
{
    struct gemm gemm = product();
    gemm.depth.count[2] = 0;
    gemm_exact(&gemm);
}

static void gemm_with_rows_that_overlap(void)
{
    struct gemm gemm = product();
    gemm.c_stride = 1;
    gemm_fast(&gemm);
}

static void gemm_with_bias_and_c(void)
{
    struct gemm gemm = product();
    gemm.bias = d;
    gemm.accumulate = true;
    gemm_exact(&gemm);
}

static void gemm_onto_its_input(void)
{
    struct gemm gemm = product();
    gemm.c = a + 11; /* its last number */
    gemm_exact(&gemm);
}

static void conv_beyond_its_input(void) { conv_packed_count(&stray); }
static void conv_of_no_images(void) { conv_forward(c, a, b, NULL, 0, d, 0, &window, gemm_exact); }
static void conv_onto_its_input(void) { conv_forward(a, a, b, NULL, 0, d, 1, &window, gemm_exact); }
static void conv_without_scratch(void) { conv_forward(c, a, b, NULL, 0, NULL, 1, &window, gemm_exact); }
static void depthwise_between_channels(void) { depthwise_forward(c, a, b, NULL, 0, 1, &widening); }
static void pool_between_channels(void) { pool_max_forward(c, a, 1, &widening); }
static void pool_onto_its_input(void) { pool_average_forward(a, a, 1, &pool); }
static void winograd_of_few_channels(void) { winograd_forward(c, a, b, NULL, 0, d, 1, &narrow, gemm_exact); }
static void winograd_rows_of_few_channels(void) { winograd_rows_forward(c, a, b, NULL, 0, d, 1, &narrow, gemm_exact); }
static void norm_of_no_rows(void) { batchnorm_forward(c, d, b, a, a + 64, a + 96, 0, 4); }
static void activation_one_further(void) { activation_relu_forward(a + 1, a, 8); }
static void softmax_of_no_temperature(void) { activation_softmax_forward(c, a, 0, 1, 4); }
static void dropout_of_everything(void) { activation_dropout_forward(c, a, 1, 0, 0, 0, 4); }
static void int8_pool_onto_its_input(void) { int8_maxpool(numbers, numbers, &pool); }
static void int8_factors_below_0(void) { int8_add(numbers, others, others, -1, 1, 4); }
static void int8_factor_of_0(void) { int8_multiply(numbers, others, others, 0, 4); }
static void product_one_further(void) { activation_multiply_forward(a + 1, c, a, 8); }
static void slope_below_0(void) { activation_leaky_relu_forward(c, a, -0.5f, 4); }
static void int8_winograd_of_other_kernels(void) { int8_winograd_packed(&pool); }

/* A net of one dense layer; the fixtures of two images, bound. */
static struct fixture bound;
static float parameters[64];

static const struct net *small_net(net_mode mode)
{
    static struct net net;
    net = (struct net){.input = {1, 1, 3}};
    nets_finish(&net, nets_dense(&net, 0, 4, true));
    fixture_open(&bound, &net, parameters, 2, mode);
    return &net;
}

static void net_of_no_images(void) { small_net(NET_INFER), net_forward(&bound.run, 0); }
static void net_of_more_images_than_planned(void) { small_net(NET_INFER), net_forward(&bound.run, 3); }
static void net_trained_in_an_inference_plan(void) { small_net(NET_INFER), net_backward(&bound.run, parameters, 1); }
static void net_trained_without_gradients(void) { small_net(NET_TRAIN), net_backward(&bound.run, NULL, 1); }

static void net_packed_without_memory(void)
{
    const struct net *net = small_net(NET_INFER);
    struct arena measure = {0};
    net_packed_plan(&bound.packed, net, NET_INFER, &measure);
    net_pack(&bound.packed, net, 0, parameters);
}

static void net_planned_unchecked(void)
{
    struct net net = {.input = {1, 1, 3}, .node_count = 1, .nodes = {{.kind = NODE_SOFTMAX}}};
    struct arena measure = {0};
    net_packed_plan(&bound.packed, &net, NET_INFER, &measure);
}

static void int8_net_without_scales(void)
{
    const struct net *net = small_net(NET_INFER);
    static struct net_int8 quantized;
    struct arena measure = {0};
    net_int8_plan(&quantized, net, &measure);
    net_int8_run(&quantized, (const uint8_t *)"abc", 1);
}

static void int8_empty_range(void)
{
    struct int8_layer layer = {.weights = a, .bias = (int32_t *)b, .factor = (int32_t *)c, .min = 1, .max = 0};
    int8_conv(numbers, others, &layer, d, &window);
}

/* The same calls with nothing broken return, or kernels that always fail would pass. */
static void nothing_broken(void)
{
    struct gemm gemm = product();
    gemm_exact(&gemm);
    struct int8_layer layer = {.weights = a, .bias = (int32_t *)b, .factor = (int32_t *)b, .min = 0, .max = 1};
    conv_forward(c, a, b, NULL, 0, d, 1, &window, gemm_exact);
    depthwise_forward(c, a, b, NULL, 0, 1, &pool);
    pool_max_forward(c, a, 1, &pool);
    pool_average_forward(c, a, 1, &pool);
    winograd_computes(&window);
    batchnorm_forward(c, d, b, a, a + 64, a + 96, 1, 4);
    activation_relu_forward(a, a, 8);
    activation_softmax_forward(c, a, 1, 1, 4);
    activation_dropout_forward(c, a, 0.5f, 0, 0, 0, 4);
    int8_maxpool(numbers, others, &pool);
    activation_multiply_forward(a, c, a, 8);
    activation_leaky_relu_forward(c, a, 0, 4);
    int8_add(numbers, others, others, 1, 1, 4);
    int8_multiply(numbers, others, others, 1, 4);
    int8_winograd_packed(&window);
    int8_conv(numbers, others, &layer, d, &window);
    small_net(NET_TRAIN);
    net_forward_training(&bound.run, 2);
    net_backward(&bound.run, parameters, 2);
}

static bool ends_by_assert(void (*call)(void))
{
    const pid_t child = fork();
    if (child == 0) {
        const int nowhere = open("/dev/null", O_WRONLY);
        dup2(nowhere, STDERR_FILENO);
        call();
        _exit(0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

TEST(broken_contracts_end_the_process)
{
    static const struct {
        const char *name;
        void (*call)(void);
    } calls[] = {
        ENTRY(gemm_without_depth),
        ENTRY(gemm_with_rows_that_overlap),
        ENTRY(gemm_with_bias_and_c),
        ENTRY(gemm_onto_its_input),
        ENTRY(conv_beyond_its_input),
        ENTRY(conv_of_no_images),
        ENTRY(conv_onto_its_input),
        ENTRY(conv_without_scratch),
        ENTRY(depthwise_between_channels),
        ENTRY(pool_between_channels),
        ENTRY(pool_onto_its_input),
        ENTRY(winograd_of_few_channels),
        ENTRY(winograd_rows_of_few_channels),
        ENTRY(norm_of_no_rows),
        ENTRY(activation_one_further),
        ENTRY(softmax_of_no_temperature),
        ENTRY(dropout_of_everything),
        ENTRY(int8_pool_onto_its_input),
        ENTRY(int8_factors_below_0),
        ENTRY(int8_factor_of_0),
        ENTRY(product_one_further),
        ENTRY(slope_below_0),
        ENTRY(int8_winograd_of_other_kernels),
        ENTRY(int8_empty_range),
        ENTRY(net_of_no_images),
        ENTRY(net_of_more_images_than_planned),
        ENTRY(net_trained_in_an_inference_plan),
        ENTRY(net_trained_without_gradients),
        ENTRY(net_packed_without_memory),
        ENTRY(net_planned_unchecked),
        ENTRY(int8_net_without_scales),
    };
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        test_context("%s", calls[i].name);
        CHECK(ends_by_assert(calls[i].call));
    }
    test_context("nothing broken");
    CHECK(!ends_by_assert(nothing_broken));
}

#endif

static const struct test tests[] = {
    ENTRY(memory_apart),
    ENTRY(windows),
    ENTRY(broken_contracts_end_the_process),
};
const struct suite contracts_suite = SUITE("contracts", tests);
