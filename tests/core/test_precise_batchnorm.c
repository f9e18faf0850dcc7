/* core/training/precise_batchnorm.h: the statistics against naive loops in double, the same bits for any number of
 * threads, and nothing else that changes. */
#include "training/precise_batchnorm.h"

#include "support/made_images.h"
#include "support/nets.h"
#include "support/test.h"

#include <string.h>

static const struct trainer_settings settings = {
    .optimizer = {.kind = OPTIMIZER_SGD, .learning_rate = 0.05f, .momentum = 0.9f},
    .epochs = 2,
    .batch = 30,
    .ema_decay = 0.5f,
    .augment = {.flip = FLIP_RANDOM, .crop = 2}};

static struct trainer *opened(const struct net *net, int threads, bool ema)
{
    return made_trainer(
        (struct trainer_options){.net = net, .parallel = parallel_threads(threads), .shard = 4, .ema = ema});
}

static void train(struct trainer *trainer, const struct subset *subset, int number)
{
    trainer_epoch(trainer, &(struct epoch){.settings = &settings, .subset = *subset, .number = number});
}

/* Batch normalisation of the pixels, of a convolution, and behind dropout. */
enum { FIRST = 0, SECOND = 2, THIRD = 6 };
static struct net made_net(void)
{
    struct net net = {.input = {MADE_SIDE, MADE_SIDE, 3}};
    int x = nets_conv(&net, nets_simple(&net, 0, NODE_BATCHNORM), 7, 3, 3, 2, true, true);
    x = nets_dropout(&net, nets_simple(&net, nets_simple(&net, x, NODE_BATCHNORM), NODE_RELU), 0.5f);
    x = nets_simple(&net, nets_simple(&net, x, NODE_FLATTEN), NODE_BATCHNORM);
    nets_finish(&net, nets_dense(&net, x, MADE_CLASSES, true));
    CHECK(net.nodes[FIRST].kind == NODE_BATCHNORM && net.nodes[SECOND].kind == NODE_BATCHNORM &&
          net.nodes[THIRD].kind == NODE_BATCHNORM);
    return net;
}

/* Mean and variance of each channel of x (rows, c). */
static void oracle(double *statistics, const float *x, int rows, int c)
{
    for (int k = 0; k < c; k++) {
        double sum = 0, squares = 0;
        for (int i = 0; i < rows; i++)
            sum += (double)x[i * c + k];
        for (int i = 0; i < rows; i++)
            squares += ((double)x[i * c + k] - sum / rows) * ((double)x[i * c + k] - sum / rows);
        statistics[k] = sum / rows;
        statistics[c + k] = squares / rows;
    }
}

static const float *statistics_of(const float *parameters, const struct net *net, int node)
{
    return parameters + net->offset[node] + 2 * net->shapes[node + 1].c;
}

TEST(statistics_are_those_of_the_images)
{
    const struct images images = made_images();
    const struct subset subset = made_subset(&images);
    const struct net net = made_net();
    struct trainer *trainer = opened(&net, 2, false);
    train(trainer, &subset, 0);
    precise_batchnorm(trainer, &subset, subset.count);
    float *pixels = test_floats((size_t)subset.count * shape_count(net.input));
    for (int i = 0; i < subset.count; i++)
        image_normalise(pixels + (size_t)i * shape_count(net.input), subset_pixels(&subset, i), net.input,
                        &made_preprocess);
    double *expected = test_doubles(6);
    oracle(expected, pixels, subset.count * MADE_SIDE * MADE_SIDE, 3);
    CHECK_ALL_CLOSE(statistics_of(trainer->parameters, &net, FIRST), expected, 6, 1e-5);
}

/* Of as many images as a shard holds, each layer's statistics are those of what reaches it in inference with them,
 * where dropout does nothing. */
TEST(layers_behind_others_are_measured_as_inference_sees_them)
{
    const struct images images = made_images();
    struct subset subset = made_subset(&images);
    const struct net net = made_net();
    struct trainer *trainer = opened(&net, 2, false);
    train(trainer, &subset, 0);
    subset.count = trainer->options.shard;
    precise_batchnorm(trainer, &subset, MADE_IMAGES);
    struct fixture fixture;
    fixture_open(&fixture, &net, trainer->parameters, subset.count, NET_TRAIN);
    for (int i = 0; i < subset.count; i++)
        image_normalise(fixture.run.tensor[0] + (size_t)i * shape_count(net.input), subset_pixels(&subset, i),
                        net.input, &made_preprocess);
    net_forward(&fixture.run, subset.count);
    for (int node = 0; node < net.node_count; node++) {
        if (net.nodes[node].kind != NODE_BATCHNORM)
            continue;
        const struct shape shape = net.shapes[node];
        double *expected = test_doubles(2 * (size_t)shape.c);
        test_context("node %d", node);
        oracle(expected, fixture.run.tensor[net.nodes[node].input[0]], subset.count * shape.h * shape.w, shape.c);
        CHECK_ALL_CLOSE(statistics_of(trainer->parameters, &net, node), expected, 2 * (size_t)shape.c, 1e-4);
    }
}

TEST(any_number_of_threads_measures_the_same_and_twice_the_same)
{
    const struct images images = made_images();
    const struct subset subset = made_subset(&images);
    const struct net net = made_net();
    const size_t count = net_parameter_count(&net);
    struct trainer *one = opened(&net, 1, true), *many = opened(&net, 5, true);
    train(one, &subset, 0);
    train(many, &subset, 0);
    float *before = test_floats(count), *running = test_floats(count);
    memcpy(before, one->parameters, count * sizeof *before);
    memcpy(running, one->ema, count * sizeof *running);
    precise_batchnorm(one, &subset, 41);
    precise_batchnorm(many, &subset, 41);
    CHECK_SAME_BITS(many->ema, one->ema, count);
    CHECK_SAME_BITS(one->parameters, before, count); /* not what is saved and measured */
    CHECK(memcmp(one->ema, running, count * sizeof *running) != 0);
    precise_batchnorm(many, &subset, 41);
    CHECK_SAME_BITS(many->ema, one->ema, count);
    precise_batchnorm(many, &subset, 40);
    CHECK(memcmp(many->ema, one->ema, count * sizeof *running) != 0);
    precise_batchnorm(many, &subset, 0); /* without images: as it was */
    precise_batchnorm(one, &subset, 40);
    CHECK_SAME_BITS(many->ema, one->ema, count);
}

/* All but the statistics that were measured, zeroed in both. */
static void check_others_same(float *a, float *b, const struct net *net, int from)
{
    for (int node = from; node < net->node_count; node++)
        if (net->nodes[node].kind == NODE_BATCHNORM) {
            const size_t bytes = 2 * (size_t)net->shapes[node + 1].c * sizeof(float);
            memset((float *)statistics_of(a, net, node), 0, bytes);
            memset((float *)statistics_of(b, net, node), 0, bytes);
        }
    CHECK_SAME_BITS(a, b, net_parameter_count(net));
}

TEST(training_goes_on_to_the_same_weights)
{
    const struct images images = made_images();
    const struct subset subset = made_subset(&images);
    const struct net net = made_net();
    struct trainer *measured = opened(&net, 2, false), *plain = opened(&net, 2, false);
    for (int number = 0; number < settings.epochs; number++) {
        train(measured, &subset, number);
        train(plain, &subset, number);
        precise_batchnorm(measured, &subset, 30);
    }
    CHECK(memcmp(statistics_of(measured->parameters, &net, SECOND), statistics_of(plain->parameters, &net, SECOND),
                 sizeof(float)) != 0);
    check_others_same(measured->parameters, plain->parameters, &net, 0);
}

TEST(frozen_layers_keep_their_statistics)
{
    const struct images images = made_images();
    const struct subset subset = made_subset(&images);
    const struct net net = made_net();
    struct trainer *trainer = opened(&net, 2, false);
    train(trainer, &subset, 0);
    float *before = test_floats(net_parameter_count(&net));
    memcpy(before, trainer->parameters, net_parameter_count(&net) * sizeof *before);
    trainer->frozen_nodes = net.node_count;
    precise_batchnorm(trainer, &subset, 30);
    CHECK_SAME_BITS(trainer->parameters, before, net_parameter_count(&net));
    trainer->frozen_nodes = SECOND;
    precise_batchnorm(trainer, &subset, 30);
    CHECK(memcmp(statistics_of(trainer->parameters, &net, SECOND), statistics_of(before, &net, SECOND),
                 sizeof(float)) != 0);
    check_others_same(trainer->parameters, before, &net, SECOND);
}

static const struct test tests[] = {
    ENTRY(statistics_are_those_of_the_images),
    ENTRY(layers_behind_others_are_measured_as_inference_sees_them),
    ENTRY(any_number_of_threads_measures_the_same_and_twice_the_same),
    ENTRY(training_goes_on_to_the_same_weights),
    ENTRY(frozen_layers_keep_their_statistics),
};
const struct suite precise_batchnorm_suite = SUITE("precise batchnorm", tests);
