/* What the trainer stands on, and what is done before and after it: lanes in parallel, batch normalisation folded
 * and unfolded, softmax regression. */
#include "base/bytes.h"
#include "support/made_images.h"
#include "support/nets.h"
#include "support/test.h"
#include "training/fold_batchnorm.h"
#include "training/parallel.h"
#include "training/softmax_regression.h"
#include "training/unfold_batchnorm.h"

#include <string.h>

/* ---- Parallel ---- */

struct visits {
    int count[1000], threads, wrong;
};

static void visit(void *context, int item, int thread)
{
    struct visits *visits = context;
    visits->count[item]++;
    if (thread < 0 || thread >= visits->threads)
        visits->wrong++;
}

TEST(every_item_is_run_once)
{
    for (int threads = 1; threads <= 9; threads += 2) {
        const struct parallel parallel = parallel_threads(threads);
        struct visits *visits = test_bytes(sizeof *visits);
        *visits = (struct visits){.threads = parallel.threads};
        CHECK(parallel.threads >= 1 && parallel.threads <= threads);
        parallel.run(&parallel, 1000, visit, visits);
        for (int i = 0; i < 1000; i++)
            CHECK_EQUAL(visits->count[i], 1);
        parallel.run(&parallel, 0, visit, visits);
        CHECK_EQUAL(visits->wrong, 0);
    }
}

TEST(sums_are_those_of_one_order_for_any_number_of_threads)
{
    enum { LANES = 5 };
    static const size_t counts[] = {1, 4095, 4096, 4097, 20000};
    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++)
        for (int threads = 1; threads <= 6; threads++) {
            test_context("%zu numbers, %d threads", counts[c], threads);
            struct random random = random_seed(312, c);
            float *lanes[LANES], *expected = test_floats(counts[c]);
            for (int lane = 0; lane < LANES; lane++)
                lanes[lane] = test_random_floats(counts[c], &random);
            for (size_t i = 0; i < counts[c]; i++) {
                expected[i] = lanes[0][i];
                for (int lane = 1; lane < LANES; lane++)
                    expected[i] += lanes[lane][i];
            }
            const struct parallel parallel = parallel_threads(threads);
            parallel.sum(&parallel, lanes, LANES, counts[c]);
            CHECK_SAME_BITS(lanes[0], expected, counts[c]);
            test_release();
        }
}

/* ---- Folding and unfolding ---- */

/* The first normalisation stands behind its layer or behind a pool. */
static void check_unfolding(bool pooled)
{
    struct net net = {.input = {MADE_SIDE, MADE_SIDE, 3}}, folded;
    int x = nets_conv(&net, 0, 8, 3, 3, 1, true, false);
    x = nets_simple(&net, pooled ? nets_pool(&net, x, NODE_MAXPOOL, 2, 2, false) : x, NODE_BATCHNORM);
    x = nets_pool(&net, nets_simple(&net, x, NODE_RELU), NODE_MAXPOOL, 2, 2, false);
    x = nets_simple(&net, nets_dropout(&net, nets_depthwise(&net, x, 3, 3, 1, true, true), 0.5f), NODE_BATCHNORM);
    nets_finish(&net, nets_dense(&net, nets_simple(&net, x, NODE_GLOBAL_AVGPOOL), MADE_CLASSES, true));
    struct random random = random_seed(313, 0);
    const float *parameters = nets_parameters(&net, &random);
    float *shipped = test_floats(net_parameter_count(&net));
    CHECK_EQUAL(fold_batchnorm(&folded, shipped, &net, parameters), STATUS_OK);
    CHECK_EQUAL(folded.node_count, net.node_count - 2); /* the dropout stands between the second one and its layer */

    struct unfolding *unfolding = test_bytes(sizeof *unfolding);
    const int head = folded.node_count - 2;
    CHECK_EQUAL(unfold_batchnorm(unfolding, &folded, 0, head), STATUS_OK);
    CHECK_EQUAL(unfolding->net.node_count, folded.node_count + 2);
    CHECK_EQUAL(unfolding->node[head], head + 2);
    for (int i = 0; i < 3; i++)
        CHECK_EQUAL(unfolding->net.nodes[i].kind, net.nodes[i].kind);
    float *unfolded = test_floats(net_parameter_count(&unfolding->net));
    unfold_batchnorm_parameters(unfolded, unfolding, &folded, shipped);
    const struct images images = made_images();
    const struct subset subset = made_subset(&images);
    const uint64_t size = unfold_batchnorm_bytes(&unfolding->net, subset.count);
    unfold_batchnorm_measure(unfolded, &unfolding->net, &made_preprocess, &subset, gemm_fast,
                             (struct arena){.base = test_bytes((size_t)size), .size = size});

    struct fixture a, b; /* on the very images whose statistics were measured, both nets compute the same */
    fixture_open(&a, &folded, shipped, subset.count, NET_INFER);
    fixture_open(&b, &unfolding->net, unfolded, subset.count, NET_TRAIN);
    CHECK(size < b.bytes); /* measuring keeps no tensors for a way back */
    for (int i = 0; i < subset.count; i++) {
        image_normalise(a.run.tensor[0] + (size_t)i * MADE_SIDE * MADE_SIDE * 3, subset_pixels(&subset, i), net.input,
                        &made_preprocess);
        image_normalise(b.run.tensor[0] + (size_t)i * MADE_SIDE * MADE_SIDE * 3, subset_pixels(&subset, i), net.input,
                        &made_preprocess);
    }
    net_forward(&a.run, subset.count);
    net_forward_training(&b.run, subset.count);
    const size_t logits = (size_t)subset.count * MADE_CLASSES;
    float *of_folded = test_floats(logits);
    fixture_open(&a, &folded, shipped, subset.count, NET_TRAIN);
    for (int i = 0; i < subset.count; i++)
        image_normalise(a.run.tensor[0] + (size_t)i * MADE_SIDE * MADE_SIDE * 3, subset_pixels(&subset, i), net.input,
                        &made_preprocess);
    net_forward_training(&a.run, subset.count);
    memcpy(of_folded, net_logits(&a.run), logits * sizeof(float));
    CHECK_ALL_CLOSE(net_logits(&b.run), test_widened(of_folded, logits), logits, 1e-4);
}

TEST(unfolding_puts_back_what_folding_took_away)
{
    check_unfolding(false);
    check_unfolding(true);
}

TEST(unfolding_too_many_layers_is_a_status)
{
    struct net net = {.input = {4, 4, 3}};
    int x = 0;
    while (net.node_count < LIMIT_NODES / 2 + 1)
        x = nets_conv(&net, x, 2, 1, 1, 1, true, true);
    nets_finish(&net, nets_dense(&net, nets_simple(&net, x, NODE_FLATTEN), MADE_CLASSES, true));
    struct unfolding *unfolding = test_bytes(sizeof *unfolding);
    CHECK_EQUAL(unfold_batchnorm(unfolding, &net, 0, net.node_count - 2), STATUS_LIMIT);
    CHECK_EQUAL(unfold_batchnorm(unfolding, &net, net.node_count - 10, net.node_count - 2), STATUS_OK);
}

/* ---- Softmax regression ---- */

/* Three clouds of points; the minimum is where the gradient is nothing. */
TEST(softmax_regression_finds_the_minimum_for_any_number_of_threads)
{
    enum { COUNT = 150, FEATURES = 6 };
    struct random random = random_seed(314, 0);
    float *x = test_random_floats(COUNT * FEATURES, &random);
    struct target *targets = test_bytes(COUNT * sizeof *targets);
    for (int i = 0; i < COUNT; i++) {
        targets[i] = target_of(i % MADE_CLASSES);
        x[i * FEATURES + i % MADE_CLASSES] += 0.7f;
        x[i * FEATURES + FEATURES - 1] = 1;
    }
    float first[FEATURES * MADE_CLASSES];
    for (int threads = 1; threads <= 3; threads++) {
        const struct parallel parallel = parallel_threads(threads);
        const struct regression data = {x, targets, COUNT, FEATURES, MADE_CLASSES, gemm_exact, &parallel};
        const uint64_t size = softmax_regression_bytes(&data);
        const struct arena memory = {.base = test_bytes((size_t)size), .size = size};
        float w[FEATURES * MADE_CLASSES] = {0}, logits[COUNT * MADE_CLASSES], p[COUNT * MADE_CLASSES], losses[COUNT],
                           gradient[FEATURES * MADE_CLASSES] = {0};
        CHECK(softmax_regression(w, &data, 0.01f, memory) > 3);
        softmax_regression_logits(logits, w, &data, memory);
        cross_entropy_forward(losses, p, logits, targets, 0, COUNT, MADE_CLASSES);
        cross_entropy_backward(logits, p, targets, 0, 1.0f / (float)COUNT, COUNT, MADE_CLASSES);
        for (int i = 0; i < COUNT; i++)
            for (int f = 0; f < FEATURES; f++)
                for (int k = 0; k < MADE_CLASSES; k++)
                    gradient[f * MADE_CLASSES + k] += x[i * FEATURES + f] * logits[i * MADE_CLASSES + k];
        for (int f = 0; f < FEATURES - 1; f++)
            for (int k = 0; k < MADE_CLASSES; k++)
                CHECK_CLOSE(gradient[f * MADE_CLASSES + k] + 0.01f * w[f * MADE_CLASSES + k], 0, 1e-3);
        if (threads == 1)
            memcpy(first, w, sizeof first);
        CHECK_SAME_BITS(w, first, FEATURES * MADE_CLASSES);
    }
    const uint32_t sum = bytes_crc32((const uint8_t *)first, sizeof first);
    test_context("%08x", sum);
    CHECK_EQUAL(sum, 0xe0640829); /* exact: the same everywhere */
}

static const struct test tests[] = {
    ENTRY(every_item_is_run_once),
    ENTRY(sums_are_those_of_one_order_for_any_number_of_threads),
    ENTRY(unfolding_puts_back_what_folding_took_away),
    ENTRY(unfolding_too_many_layers_is_a_status),
    ENTRY(softmax_regression_finds_the_minimum_for_any_number_of_threads),
};
const struct suite training_suite = SUITE("training", tests);
