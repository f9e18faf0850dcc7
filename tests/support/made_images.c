#include "support/made_images.h"

#include "support/test.h"

const struct preprocess made_preprocess = {.mean = {0.5f, 0.45f, 0.4f}, .std = {0.2f, 0.25f, 0.3f}};

struct images made_images(void)
{
    const size_t bytes = (size_t)MADE_SIDE * MADE_SIDE * 3;
    uint8_t *pixels = test_bytes(MADE_IMAGES * bytes);
    uint16_t *labels = test_bytes(MADE_IMAGES * sizeof *labels);
    struct random random = random_seed(311, 0);
    for (int i = 0; i < MADE_IMAGES; i++) {
        labels[i] = (uint16_t)random_below(&random, MADE_CLASSES);
        for (size_t k = 0; k < bytes; k++)
            pixels[(size_t)i * bytes + k] = (uint8_t)(60 * labels[i] + (int)random_below(&random, 130));
    }
    return (struct images){.pixels = pixels,
                           .labels = labels,
                           .shape = {MADE_SIDE, MADE_SIDE, 3},
                           .count = MADE_IMAGES,
                           .classes = MADE_CLASSES};
}

struct subset made_subset(const struct images *images)
{
    int *indices = test_bytes((size_t)images->count * sizeof *indices), count = 0;
    for (int i = images->count - 1; i >= 0; i--)
        if (i % 7)
            indices[count++] = i;
    return (struct subset){images, indices, count};
}

struct trainer *made_trainer(struct trainer_options options)
{
    options.preprocess = made_preprocess;
    options.gemm = options.gemm ? options.gemm : gemm_fast;
    options.seed = 5;
    options.initializer = INITIALIZE_HE;
    options.max_images = MADE_IMAGES;
    const uint64_t size = trainer_bytes(&options);
    struct trainer *trainer;
    CHECK_EQUAL(trainer_open(&trainer, test_bytes((size_t)size), size, &options), STATUS_OK);
    return trainer;
}
