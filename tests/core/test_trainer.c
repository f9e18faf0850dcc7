/* core/training/trainer.h and what it stands on: images in memory, memory of exact size, the same weights for any
 * number of threads and, with exact arithmetic, on every machine. */
#include "training/trainer.h"

#include "base/bytes.h"
#include "support/made_images.h"
#include "support/nets.h"
#include "support/test.h"
#include "training/whiten.h"

#include <math.h>
#include <string.h>

/* Every kind of layer, plain and Winograd's convolutions, with strides, padding, and two paths that meet. */
static struct net made_net(bool whitened)
{
    struct net net = {.input = {MADE_SIDE, MADE_SIDE, 3}};
    int x = nets_conv(&net, 0, whitened ? 24 : 16, 2, 2, 1, false, true);
    net.nodes[0].initial = whitened ? INITIAL_WHITEN : INITIAL_RANDOM;
    net.nodes[0].frozen = whitened;
    x = nets_simple(&net, x, NODE_GELU);
    x = nets_conv(&net, x, 17, 3, 3, 1, true, false);
    net.nodes[2].initial = INITIAL_IDENTITY;
    x = nets_simple(&net, nets_pool(&net, x, NODE_MAXPOOL, 2, 2, true), NODE_BATCHNORM);
    const int before = x;
    x = nets_simple(&net, nets_depthwise(&net, x, 3, 3, 1, true, true), NODE_RELU6);
    x = nets_add(&net, nets_conv(&net, x, 17, 1, 1, 1, true, false), before);
    x = nets_dropout(&net, nets_simple(&net, x, NODE_SIGMOID), 0.25f);
    x = nets_pool(&net, nets_conv(&net, x, 9, 3, 3, 2, true, true), NODE_AVGPOOL, 2, 1, true);
    x = nets_simple(&net, nets_scale(&net, nets_simple(&net, x, NODE_TANH), 0.7f), NODE_FLATTEN);
    x = nets_simple(&net, nets_simple(&net, nets_dense(&net, x, 11, false), NODE_BATCHNORM), NODE_RELU);
    nets_finish(&net, nets_dense(&net, x, MADE_CLASSES, true));
    return net;
}

#define EVERY_AUGMENT \
    { \
        .flip = FLIP_ALTERNATE, .crop = 2, .cutout = 3, .resized_crop = 0.5f, .rotate = 25, .jitter = 0.3f, \
        .erase = 0.3f, .mixup = 0.4f, .cutmix = 1 \
    }

static const struct trainer_settings runs[] = {
    {.optimizer = {.kind = OPTIMIZER_ADAM, .learning_rate = 0.01f, .beta1 = 0.9f, .beta2 = 0.999f, .epsilon = 1e-7f},
     .schedule = SCHEDULE_COSINE,
     .warmup = 0.5f,
     .epochs = 2,
     .batch = 23,
     .label_smoothing = 0.1f,
     .ema_decay = 0.9f,
     .augment = {.flip = FLIP_RANDOM, .crop = 2}},
    {.optimizer = {.kind = OPTIMIZER_MUON,
                   .learning_rate = 0.05f,
                   .momentum = 0.6f,
                   .other_momentum = 0.85f,
                   .dense_learning_rate = 0.1f,
                   .dense_decay = 0.01f,
                   .bias_learning_rate = 0.1f,
                   .bias_decay = 0.01f,
                   .frozen_bias_learning_rate = 0.1f},
     .schedule = SCHEDULE_LINEAR,
     .epochs = 2,
     .batch = 40,
     .label_smoothing = 0.2f,
     .frozen_bias_epochs = 1,
     .augment = EVERY_AUGMENT},
    {.optimizer = {.kind = OPTIMIZER_ADAMW,
                   .learning_rate = 0.01f,
                   .beta1 = 0.8f,
                   .beta2 = 0.99f,
                   .epsilon = 1e-6f,
                   .weight_decay = 0.05f},
     .schedule = SCHEDULE_ONECYCLE,
     .epochs = 2,
     .batch = 17,
     .augment = EVERY_AUGMENT},
    {.optimizer =
         {.kind = OPTIMIZER_SGD, .learning_rate = 0.05f, .momentum = 0.9f, .nesterov = true, .weight_decay = 1e-3f},
     .schedule = SCHEDULE_ONECYCLE,
     .epochs = 2,
     .batch = 60,
     .augment = {.flip = FLIP_RANDOM, .rotate = 10}},
};
enum { RUNS = sizeof runs / sizeof *runs };

static struct trainer *opened(const struct net *net, const struct trainer_settings *settings, gemm_function *gemm,
                              int threads)
{
    return made_trainer((struct trainer_options){.net = net,
                                                 .parallel = parallel_threads(threads),
                                                 .gemm = gemm,
                                                 .optimizer = settings->optimizer.kind,
                                                 .shard = 5,
                                                 .ema = settings->ema_decay > 0});
}

static void whiten(struct trainer *trainer, const struct net *net, const struct subset *subset)
{
    const uint64_t size = whiten_bytes(net);
    whiten_weights(trainer->parameters, net, &made_preprocess, subset,
                   (struct arena){.base = test_bytes((size_t)size), .size = size});
}

/* Parameters, moments and moving average after the epochs. */
static uint32_t trained(const struct images *images, const struct trainer_settings *settings, gemm_function *gemm,
                        int threads)
{
    const bool whitened = settings->optimizer.kind == OPTIMIZER_MUON;
    static const float class_weights[MADE_CLASSES] = {1, 0.5f, 2};
    struct net net = made_net(whitened);
    struct trainer *trainer = opened(&net, settings, gemm, threads);
    const struct subset subset = made_subset(images);
    if (whitened)
        whiten(trainer, &net, &subset);
    trainer->class_weights = settings->batch == 60 ? class_weights : NULL;
    for (int number = 0; number < settings->epochs; number++) {
        const struct epoch epoch = {.settings = settings, .subset = subset, .number = number};
        const struct epoch_result result = trainer_epoch(trainer, &epoch);
        CHECK(result.finite && result.count == subset.count && !result.stopped);
    }
    const size_t bytes = net_parameter_count(&net) * sizeof(float);
    const float *arrays[] = {trainer->parameters, trainer->first, trainer->second, trainer->ema};
    uint32_t sums[4] = {0};
    for (int i = 0; i < 4; i++)
        sums[i] = arrays[i] ? bytes_crc32((const uint8_t *)arrays[i], bytes) : 0;
    return bytes_crc32((const uint8_t *)sums, sizeof sums);
}

/* ---- The trainer ---- */

TEST(memory_is_of_exact_size_and_too_little_is_a_status)
{
    const struct net net = made_net(false);
    for (int r = 0; r < RUNS; r++) {
        const struct trainer_options options = {.net = &net,
                                                .preprocess = made_preprocess,
                                                .parallel = parallel_threads(3),
                                                .gemm = gemm_fast,
                                                .optimizer = runs[r].optimizer.kind,
                                                .shard = 5,
                                                .max_images = MADE_IMAGES,
                                                .ema = r == 0};
        const uint64_t size = trainer_bytes(&options);
        uint8_t *memory = test_bytes((size_t)size); /* with guards behind it */
        struct trainer *trainer;
        CHECK_EQUAL(trainer_open(&trainer, memory, size, &options), STATUS_OK);
        CHECK((void *)trainer == memory);
        CHECK_EQUAL(trainer_open(&trainer, memory, size - 1, &options), STATUS_MEMORY);
        CHECK(!trainer);
        CHECK_EQUAL(trainer_open(&trainer, NULL, size, &options), STATUS_MEMORY);
        CHECK(!trainer);
    }
}

TEST(any_number_of_threads_gives_the_same_weights)
{
    const struct images images = made_images();
    for (int r = 0; r < RUNS; r++) {
        test_context("run %d", r);
        const uint32_t one = trained(&images, &runs[r], gemm_fast, 1);
        CHECK_EQUAL(trained(&images, &runs[r], gemm_fast, 2), one);
        CHECK_EQUAL(trained(&images, &runs[r], gemm_fast, 7), one);
    }
}

/* The weights that every build has for these runs: AVX-512, AVX2, scalar and WebAssembly, whatever the compiler. */
TEST(exact_training_gives_the_same_bits_everywhere)
{
    static const uint32_t golden[RUNS] = {0xf0e33c84, 0xb0ecb096, 0x0055079c, 0xe6d2f4ce};
    const struct images images = made_images();
    for (int r = 0; r < RUNS; r++) {
        const uint32_t sum = trained(&images, &runs[r], gemm_exact, 1);
        test_context("run %d: %08x", r, sum);
        CHECK_EQUAL(sum, golden[r]);
        CHECK_EQUAL(trained(&images, &runs[r], gemm_exact, 3), sum);
    }
}

/* Images somewhere else, which come into memory when they are expected. */
struct store {
    const uint8_t *from;
    uint8_t *pixels;
    size_t bytes;
    int expected[MADE_IMAGES];
};

static void fetch(void *context, int row)
{
    struct store *store = context;
    store->expected[row]++;
    memcpy(store->pixels + (size_t)row * store->bytes, store->from + (size_t)row * store->bytes, store->bytes);
}

TEST(images_in_another_order_are_fetched_before_they_are_trained_from)
{
    const struct images images = made_images();
    const size_t bytes = shape_count(images.shape);
    uint8_t *mirrored = test_bytes(MADE_IMAGES * bytes);
    int *rows = test_bytes(MADE_IMAGES * sizeof *rows);
    for (int i = 0; i < MADE_IMAGES; i++) {
        rows[i] = MADE_IMAGES - 1 - i;
        memcpy(mirrored + (size_t)rows[i] * bytes, images.pixels + (size_t)i * bytes, bytes);
    }
    struct store store = {.from = mirrored, .pixels = test_bytes(MADE_IMAGES * bytes), .bytes = bytes};
    struct images stored = images;
    stored.pixels = store.pixels;
    stored.rows = rows;
    stored.expect = fetch;
    stored.store = &store;
    CHECK(runs[0].optimizer.kind != OPTIMIZER_MUON); /* else it looks at images before the first epoch */
    CHECK_EQUAL(trained(&stored, &runs[0], gemm_fast, 2), trained(&images, &runs[0], gemm_fast, 2));
    for (int i = 0; i < MADE_IMAGES; i++)
        CHECK_EQUAL(store.expected[rows[i]], i % 7 ? runs[0].epochs : 0);
}

static bool until_half(void *context, const struct epoch_result *so_far, int images)
{
    ++*(int *)context;
    return 2 * so_far->count < images;
}

/* Stopped in the middle, with everything copied to a new trainer as a checkpoint does it. */
TEST(a_stopped_epoch_goes_on_to_the_same_bits)
{
    const struct images images = made_images();
    const struct subset subset = made_subset(&images);
    const struct net net = made_net(false);
    const size_t count = net_parameter_count(&net), bytes = count * sizeof(float);
    struct trainer *whole = opened(&net, &runs[0], gemm_fast, 2), *half = opened(&net, &runs[0], gemm_fast, 1);
    struct trainer *rest = opened(&net, &runs[0], gemm_fast, 3);
    struct epoch epoch = {.settings = &runs[0], .subset = subset};
    const struct epoch_result expected = trainer_epoch(whole, &epoch);
    int steps = 0;
    epoch.progress = until_half;
    epoch.context = &steps;
    const struct epoch_result so_far = trainer_epoch(half, &epoch);
    CHECK(so_far.stopped && steps == 2 && so_far.count == 46);
    memcpy(rest->parameters, half->parameters, bytes);
    memcpy(rest->first, half->first, bytes);
    memcpy(rest->second, half->second, bytes);
    memcpy(rest->ema, half->ema, bytes);
    rest->step = half->step;
    rest->images_seen = half->images_seen;
    epoch.progress = NULL;
    epoch.so_far = &so_far;
    const struct epoch_result result = trainer_epoch(rest, &epoch);
    CHECK(result.loss_sum == expected.loss_sum && result.correct == expected.correct && !result.stopped);
    CHECK_SAME_BITS(rest->parameters, whole->parameters, count);
    CHECK_SAME_BITS(trainer_weights(rest), trainer_weights(whole), count);
}

TEST(trains_and_measures_images_in_memory)
{
    const struct images images = made_images();
    const struct subset subset = made_subset(&images);
    const struct net net = made_net(false);
    struct trainer_settings settings = runs[0];
    settings.epochs = 12;
    settings.ema_decay = 0;
    settings.augment = (struct augment){0};
    struct trainer *trainer = opened(&net, &settings, gemm_fast, 2);
    const struct epoch_result before = trainer_measure(trainer, &subset);
    for (int number = 0; number < settings.epochs; number++)
        trainer_epoch(trainer, &(struct epoch){.settings = &settings, .subset = subset, .number = number});
    const struct epoch_result after = trainer_measure(trainer, &subset),
                              none = trainer_measure(trainer, &(struct subset){.images = &images});
    test_context("loss %g, then %g, accuracy %g", epoch_loss(&before), epoch_loss(&after), epoch_accuracy(&after));
    CHECK(epoch_loss(&before) > 0.8 && epoch_loss(&after) < 0.5 && epoch_accuracy(&after) > 0.9);
    CHECK(none.count == 0 && epoch_loss(&none) == 0 && epoch_accuracy(&none) == 0);
}

TEST(a_loss_that_overflows_is_named_and_changes_nothing)
{
    const struct images images = made_images();
    const struct subset subset = made_subset(&images);
    const struct net net = made_net(false);
    struct trainer *trainer = opened(&net, &runs[0], gemm_fast, 2);
    const int head = net.node_count - 2;
    trainer->parameters[net.offset[head]] = NAN;
    const size_t count = net_parameter_count(&net);
    float *before = test_floats(count);
    memcpy(before, trainer->parameters, count * sizeof(float));
    const struct epoch_result result = trainer_epoch(trainer, &(struct epoch){.settings = &runs[0], .subset = subset});
    CHECK(!result.finite && result.count == 23);
    CHECK_EQUAL(trainer->overflown, head);
    CHECK_EQUAL(trainer->step, 0);
    CHECK_SAME_BITS(trainer->parameters, before, count);
}

/* A net that takes any size. */
static struct net pooled_net(int side)
{
    struct net net = {.input = {side, side, 3}};
    int x = nets_simple(&net, nets_conv(&net, 0, 8, 3, 3, 1, true, false), NODE_BATCHNORM);
    x = nets_simple(&net, nets_conv(&net, nets_simple(&net, x, NODE_RELU), 9, 3, 3, 2, true, true), NODE_GELU);
    nets_finish(&net, nets_dense(&net, nets_simple(&net, x, NODE_GLOBAL_AVGPOOL), MADE_CLASSES, true));
    return net;
}

static void train_epochs(struct trainer *trainer, const struct trainer_settings *settings, const struct subset *subset,
                         int from, int to)
{
    for (int number = from; number < to; number++) {
        const struct epoch epoch = {.settings = settings, .subset = *subset, .number = number};
        CHECK(trainer_epoch(trainer, &epoch).finite);
    }
}

TEST(small_epochs_are_training_on_smaller_images_and_the_others_go_on_from_there)
{
    enum { SMALL = 8, EPOCHS = 4, SMALL_EPOCHS = 2 };
    const struct images images = made_images();
    const struct shape size = {SMALL, SMALL, 3};
    uint8_t *pixels = test_bytes(MADE_IMAGES * shape_count(size));
    for (int i = 0; i < MADE_IMAGES; i++)
        augment_part(pixels + (size_t)i * shape_count(size), size, images_pixels(&images, i), images.shape,
                     &(struct part){.h = MADE_SIDE, .w = MADE_SIDE});
    struct images shrunk = images;
    shrunk.pixels = pixels;
    shrunk.shape = size;
    const struct subset subset = made_subset(&images), small_subset = made_subset(&shrunk);
    struct trainer_settings settings = runs[0];
    settings.epochs = EPOCHS;
    settings.small_part = (float)SMALL_EPOCHS / (float)EPOCHS;
    settings.augment = (struct augment){.jitter = 0.2f};

    const struct net net = pooled_net(MADE_SIDE), small = pooled_net(SMALL);
    const size_t count = net_parameter_count(&net);
    struct trainer_options options = {.net = &net,
                                      .parallel = parallel_threads(1),
                                      .gemm = gemm_exact,
                                      .optimizer = settings.optimizer.kind,
                                      .shard = 5,
                                      .max_images = MADE_IMAGES};
    struct trainer *at_full = made_trainer(options);
    const uint64_t bytes = trainer_bytes(&options);
    options.small = &small;
    CHECK(trainer_bytes(&options) <= bytes); /* the nets share their memory */
    options.parallel = parallel_threads(3);
    struct trainer *progressive = made_trainer(options), *at_small = opened(&small, &settings, gemm_exact, 2);

    train_epochs(progressive, &settings, &subset, 0, SMALL_EPOCHS);
    train_epochs(at_small, &settings, &small_subset, 0, SMALL_EPOCHS);
    CHECK_SAME_BITS(progressive->parameters, at_small->parameters, count);
    const struct epoch_result measured = trainer_measure(progressive, &subset);
    CHECK(measured.finite && measured.count == subset.count);

    memcpy(at_full->parameters, at_small->parameters, count * sizeof(float));
    memcpy(at_full->first, at_small->first, count * sizeof(float));
    memcpy(at_full->second, at_small->second, count * sizeof(float));
    at_full->step = at_small->step;
    at_full->images_seen = at_small->images_seen;
    train_epochs(progressive, &settings, &subset, SMALL_EPOCHS, EPOCHS);
    train_epochs(at_full, &settings, &subset, SMALL_EPOCHS, EPOCHS);
    CHECK_SAME_BITS(progressive->parameters, at_full->parameters, count);
}

static const struct test tests[] = {
    ENTRY(memory_is_of_exact_size_and_too_little_is_a_status),
    ENTRY(any_number_of_threads_gives_the_same_weights),
    ENTRY(exact_training_gives_the_same_bits_everywhere),
    ENTRY(images_in_another_order_are_fetched_before_they_are_trained_from),
    ENTRY(a_stopped_epoch_goes_on_to_the_same_bits),
    ENTRY(trains_and_measures_images_in_memory),
    ENTRY(small_epochs_are_training_on_smaller_images_and_the_others_go_on_from_there),
    ENTRY(a_loss_that_overflows_is_named_and_changes_nothing),
};
const struct suite trainer_suite = SUITE("trainer", tests);
