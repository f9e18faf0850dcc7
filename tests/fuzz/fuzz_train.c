/* libFuzzer target: the network of a model, trained for one step with every optimizer, and measured. */
#include "fuzz/model_parts.h"
#include "net/model.h"
#include "training/trainer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

FUZZ_MODELS

/* Images, and what a step on a small network takes at most. */
enum { IMAGES = 3, MAX_PIXELS = 32 * 32 };
#define MAX_MULTIPLY_ADDS 300000u

static bool small(const struct net *net)
{
    uint64_t work = 0;
    for (int i = 0; i < net->node_count; i++)
        work += net_multiply_adds(net, i) + shape_count(net->shapes[i + 1]) * LIMIT_KERNEL;
    return work <= MAX_MULTIPLY_ADDS && net->input.h * net->input.w <= MAX_PIXELS;
}

static struct trainer_settings settings_of(enum optimizer_kind kind)
{
    return (struct trainer_settings){
        .optimizer = {kind, 0.01f, 0.9f, kind == OPTIMIZER_SGD, 0.9f, 0.999f, 1e-7f, 1e-4f, 0.85f, 0.01f, 1e-4f, 0.01f,
                      1e-4f, 0.01f},
        .schedule = SCHEDULE_COSINE,
        .epochs = 2,
        .batch = IMAGES,
        .label_smoothing = 0.1f,
        .ema_decay = 0.9f,
        .frozen_bias_epochs = 1,
        .augment = {.flip = FLIP_RANDOM, .crop = 1, .cutout = 1, .resized_crop = 0.5f, .rotate = 10, .mixup = 0.2f}};
}

static void train(const struct model *model, enum optimizer_kind kind)
{
    static const int indices[IMAGES] = {2, 0, 1};
    const int last = net_classes(&model->net) - 1;
    const uint16_t labels[IMAGES] = {0, (uint16_t)last, (uint16_t)(last / 2)};
    const size_t pixel_bytes = IMAGES * 3 * (size_t)model->net.input.h * (size_t)model->net.input.w;
    uint8_t *pixels = malloc(pixel_bytes);
    for (size_t k = 0; k < pixel_bytes; k++)
        pixels[k] = (uint8_t)(k * 37 >> 2);
    const struct images images = {.pixels = pixels,
                                  .labels = labels,
                                  .shape = {model->net.input.h, model->net.input.w, 3},
                                  .count = IMAGES,
                                  .classes = last + 1};
    const struct subset subset = {&images, indices, IMAGES};
    const struct trainer_settings settings = settings_of(kind);
    const struct trainer_options options = {.net = &model->net,
                                            .preprocess = model->preprocess,
                                            .parallel = parallel_threads(1),
                                            .gemm = gemm_fast,
                                            .seed = 1,
                                            .optimizer = kind,
                                            .shard = 2,
                                            .max_images = IMAGES,
                                            .ema = true};
    const uint64_t bytes = trainer_bytes(&options);
    struct trainer *trainer;
    void *memory = aligned_alloc(ARENA_ALIGNMENT, (size_t)bytes);
    fuzz_require(memory && trainer_open(&trainer, memory, bytes, &options) == STATUS_OK);
    for (int i = 0; i < model->net.node_count; i++)
        model_parameters(trainer->parameters + model->net.offset[i], model, i);
    const struct epoch epoch = {.settings = &settings, .subset = subset};
    const struct epoch_result trained = trainer_epoch(trainer, &epoch);
    fuzz_require(!trained.finite || trained.count == IMAGES);
    const struct epoch_result measured = trainer_measure(trainer, &subset);
    fuzz_require(measured.correct >= 0 && measured.correct <= IMAGES);
    free(memory);
    free(pixels);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct model model;
    uint8_t *bytes = fuzz_copy(data, size);
    if (model_read(&model, bytes, size) == STATUS_OK && small(&model.net))
        for (enum optimizer_kind kind = OPTIMIZER_SGD; kind <= OPTIMIZER_MUON; kind++)
            train(&model, kind);
    free(bytes);
    return 0;
}
