/* core/training/barlow_twins.h: the loss by hand and against an oracle in double, its gradient against differences; and
 * what the trainer makes of it in the shards of twin_step.h. */
#include "training/barlow_twins.h"

#include "base/bytes.h"
#include "kernels/batchnorm.h"
#include "support/gradient_check.h"
#include "support/made_images.h"
#include "support/nets.h"
#include "support/test.h"
#include "training/twin_step.h"

#include <math.h>
#include <string.h>

/* ---- The loss ---- */

/* Both numbers of the two projections are 1 and -1, or so near as BATCHNORM_EPSILON lets them. */
TEST(loss_is_that_by_hand)
{
    const float apart[] = {1, 1, -1, 1, 1, -1, -1, -1}, same[] = {1, 1, -1, -1, 1, 1, -1, -1},
                constant[] = {3, 4, 3, 4, 3, 4, 3, 4};
    float *scratch = test_floats(barlow_twins_scratch_count(4, 2));
    const struct barlow_twins twins = {4, 2, 0.3f, gemm_exact};
    CHECK_CLOSE(barlow_twins_forward(scratch, apart, apart, &twins), 0, 2e-6);
    CHECK_CLOSE(barlow_twins_forward(scratch, same, same, &twins), 0.3, 1e-3);
    CHECK_CLOSE(barlow_twins_forward(scratch, constant, constant, &twins), 1, 1e-6);
    float opposite[8];
    for (int i = 0; i < 8; i++)
        opposite[i] = -apart[i];
    CHECK_CLOSE(barlow_twins_forward(scratch, apart, opposite, &twins), 4, 1e-2);
}

struct loss {
    double *projections; /* (2, n, d) */
    int n, d;
    double redundancy;
};

/* (z - mean) / std of one number of all images. */
static void normalise(double *out, const double *z, int n, int d)
{
    double mean = 0, variance = 0;
    for (int i = 0; i < n; i++)
        mean += z[i * d] / n;
    for (int i = 0; i < n; i++)
        variance += (z[i * d] - mean) * (z[i * d] - mean) / n;
    for (int i = 0; i < n; i++)
        out[i] = (z[i * d] - mean) / sqrt(variance + (double)BATCHNORM_EPSILON);
}

static double oracle(void *context)
{
    const struct loss *loss = context;
    const int n = loss->n, d = loss->d;
    double sum = 0, x[64], y[64];
    for (int k = 0; k < d; k++)
        for (int l = 0; l < d; l++) {
            double c = 0;
            normalise(x, loss->projections + k, n, d);
            normalise(y, loss->projections + n * d + l, n, d);
            for (int i = 0; i < n; i++)
                c += x[i] * y[i] / n;
            sum += k == l ? (1 - c) * (1 - c) : loss->redundancy * c * c;
        }
    return sum / d;
}

/* Odd sizes, more numbers than images and the other way round; one image says nothing. */
TEST(loss_and_gradient_are_those_of_the_oracle)
{
    static const int sizes[][2] = {{2, 1}, {5, 3}, {4, 17}, {33, 7}, {20, 16}, {1, 3}};
    struct random random = random_seed(330, 0);
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
        for (int fast = 0; fast < 2; fast++) {
            const int n = sizes[s][0], d = sizes[s][1];
            const size_t count = (size_t)n * (size_t)d;
            const struct barlow_twins twins = {n, d, 0.25f, fast ? gemm_fast : gemm_exact};
            test_context("%d images, %d numbers", n, d);
            float *z = test_random_floats(2 * count, &random), *dz = test_floats(2 * count);
            for (size_t i = 0; i < 2 * count; i++)
                z[i] = (i < count ? 0 : 0.7f * z[i - count]) + z[i] * (i < count ? 3 : 1) + 2;
            float *scratch = test_floats(barlow_twins_scratch_count(n, d));
            const double value = barlow_twins_forward(scratch, z, z + count, &twins);
            barlow_twins_backward(dz, dz + count, z, z + count, scratch, &twins);
            struct loss loss = {test_widened(z, 2 * count), n, d, 0.25};
            CHECK_CLOSE(value, oracle(&loss), 1e-5);
            gradient_check("projections", dz, &(struct function){oracle, &loss, loss.projections, 2 * count},
                           2 * count);
            test_release();
        }
}

/* ---- The trainer ---- */

enum { WIDTH = 24 };

static struct net projecting_net(bool batchnorm)
{
    const enum node_kind activation = batchnorm ? NODE_RELU : NODE_GELU; /* smooth, for differences */
    struct net net = {.input = {MADE_SIDE, MADE_SIDE, 3}};
    int x = nets_conv(&net, 0, 8, 3, 3, 2, true, true);
    x = batchnorm ? nets_simple(&net, x, NODE_BATCHNORM) : x;
    x = nets_simple(&net, nets_simple(&net, x, activation), NODE_GLOBAL_AVGPOOL);
    x = batchnorm ? nets_dropout(&net, x, 0.2f) : x;
    x = nets_dense(&net, x, 32, true);
    x = batchnorm ? nets_simple(&net, x, NODE_BATCHNORM) : x;
    nets_finish(&net, nets_dense(&net, nets_simple(&net, x, activation), WIDTH, false));
    return net;
}

static const struct trainer_settings settings = {
    .optimizer = {.kind = OPTIMIZER_ADAMW, .learning_rate = 0.01f, .beta1 = 0.9f, .beta2 = 0.999f, .epsilon = 1e-7f},
    .epochs = 3,
    .batch = 30,
    .redundancy = 0.02f,
    .augment = {.flip = FLIP_RANDOM, .crop = 2, .resized_crop = 0.3f, .jitter = 0.4f, .grey = 0.2f}};

static struct trainer *opened(const struct net *net, int threads, int shard, gemm_function *gemm)
{
    return made_trainer((struct trainer_options){.net = net,
                                                 .parallel = parallel_threads(threads),
                                                 .gemm = gemm,
                                                 .optimizer = settings.optimizer.kind,
                                                 .shard = shard,
                                                 .twins = settings.batch});
}

static struct epoch_result epoch_of(struct trainer *trainer, const struct subset *subset, int number)
{
    const struct epoch epoch = {.settings = &settings, .subset = *subset, .number = number};
    return trainer_epoch(trainer, &epoch);
}

TEST(any_number_of_threads_gives_the_same_bits)
{
    const struct images images = made_images();
    const struct subset subset = made_subset(&images);
    const struct net net = projecting_net(true);
    struct trainer *one = opened(&net, 1, 4, gemm_fast);
    const struct epoch_result first = epoch_of(one, &subset, 0);
    CHECK(first.finite && first.count == subset.count && one->step == 2);
    for (int threads = 2; threads <= 5; threads++) {
        struct trainer *more = opened(&net, threads, 4, gemm_fast);
        const struct epoch_result again = epoch_of(more, &subset, 0);
        test_context("%d threads", threads);
        CHECK(again.loss_sum == first.loss_sum);
        CHECK_SAME_BITS(more->parameters, one->parameters, net_parameter_count(&net));
    }
}

/* The loss is one of the batch, however it is cut up: without batch norm, which sees a shard, shards change rounding
 * alone. A loss of each shard by itself would be another one. */
TEST(shards_change_nothing_but_rounding)
{
    const struct images images = made_images();
    struct subset subset = made_subset(&images);
    subset.count = settings.batch;
    const struct net net = projecting_net(false);
    struct trainer *whole = opened(&net, 1, settings.batch, gemm_fast), *parts = opened(&net, 2, 4, gemm_fast);
    const double loss = epoch_of(whole, &subset, 0).loss_sum;
    CHECK_CLOSE(epoch_of(parts, &subset, 0).loss_sum, loss, 1e-4 * loss);
    for (size_t i = 0; i < net_parameter_count(&net); i++)
        CHECK_CLOSE(parts->lanes[0].gradients[i], whole->lanes[0].gradients[i], 2e-5);
}

/* The weights' gradient, along random directions, against the loss that the trainer gives weights moved a little. */
TEST(gradient_of_a_step_is_that_of_its_loss)
{
    const struct images images = made_images();
    struct subset subset = made_subset(&images);
    subset.count = settings.batch;
    const struct net net = projecting_net(false);
    const size_t count = net_parameter_count(&net);
    struct trainer *trainer = opened(&net, 2, 7, gemm_fast);
    float *start = test_floats(count), *gradient = test_floats(count);
    memcpy(start, trainer->parameters, count * sizeof *start);
    epoch_of(trainer, &subset, 0);
    memcpy(gradient, trainer->lanes[0].gradients, count * sizeof *gradient);
    struct random random = random_seed(331, 0);
    for (int direction = 0; direction < 5; direction++) {
        const float step = 2e-3f;
        float *towards = test_random_floats(count, &random);
        double slope = 0, loss[2];
        for (size_t i = 0; i < count; i++)
            slope += (double)(towards[i] * gradient[i]);
        for (int side = 0; side < 2; side++) {
            for (size_t i = 0; i < count; i++)
                trainer->parameters[i] = start[i] + (side ? -step : step) * towards[i];
            const struct epoch_result moved = epoch_of(trainer, &subset, 0);
            loss[side] = epoch_loss(&moved);
        }
        CHECK_CLOSE((loss[0] - loss[1]) / (2 * (double)step), slope, 0.02 * fabs(slope) + 2e-3);
    }
}

TEST(the_loss_falls)
{
    const struct images images = made_images();
    const struct subset subset = made_subset(&images);
    const struct net net = projecting_net(true);
    struct trainer *trainer = opened(&net, 2, 15, gemm_fast);
    double first = 0, last = 0;
    for (int number = 0; number < 12; number++) {
        const struct epoch_result result = epoch_of(trainer, &subset, number);
        first = number ? first : epoch_loss(&result);
        last = epoch_loss(&result);
    }
    test_context("from %g to %g", first, last);
    CHECK(last < 0.8 * first);
}

TEST(projections_without_bounds_leave_the_weights_and_name_a_layer)
{
    const struct images images = made_images();
    const struct subset subset = made_subset(&images);
    const struct net net = projecting_net(false);
    const size_t count = net_parameter_count(&net);
    struct trainer *trainer = opened(&net, 2, 5, gemm_fast);
    float *before = test_floats(count);
    for (size_t i = net.offset[3]; i < net.offset[4]; i++) /* of the first dense layer */
        trainer->parameters[i] = 3e38f;
    memcpy(before, trainer->parameters, count * sizeof *before);
    CHECK(!epoch_of(trainer, &subset, 0).finite);
    CHECK_EQUAL(trainer->overflown, 3);
    CHECK_EQUAL(trainer->step, 0);
    CHECK_SAME_BITS(trainer->parameters, before, count);
}

/* With exact arithmetic on every machine: a reference made by this code. */
TEST(exact_twins_are_the_same_everywhere)
{
    const struct images images = made_images();
    const struct subset subset = made_subset(&images);
    const struct net net = projecting_net(true);
    struct trainer *trainer = opened(&net, 2, 6, gemm_exact);
    epoch_of(trainer, &subset, 0);
    CHECK_EQUAL(bytes_crc32((const uint8_t *)trainer->parameters, net_parameter_count(&net) * sizeof(float)),
                0x7f9dffb5u);
}

static const struct test tests[] = {
    ENTRY(loss_is_that_by_hand),
    ENTRY(loss_and_gradient_are_those_of_the_oracle),
    ENTRY(any_number_of_threads_gives_the_same_bits),
    ENTRY(shards_change_nothing_but_rounding),
    ENTRY(gradient_of_a_step_is_that_of_its_loss),
    ENTRY(the_loss_falls),
    ENTRY(projections_without_bounds_leave_the_weights_and_name_a_layer),
    ENTRY(exact_twins_are_the_same_everywhere),
};
const struct suite barlow_twins_suite = SUITE("barlow_twins", tests);
