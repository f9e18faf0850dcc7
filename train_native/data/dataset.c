#include "data/dataset.h"

#include "base/random.h"
#include "data/memory_budget.h"
#include "data/photo_list.h"
#include "data/pixels.h"
#include "data/resize.h"
#include "cli/memory.h"
#include "cli/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const struct data_options usual_data = {.test = 0.1f, .split_seed = 1, .memory = MEMORY_UNSET, .allow_bad = 0.05f};

/* ---- Images in memory ---- */

static void free_pixels(struct dataset *dataset)
{
    if (dataset->mapped)
        pixels_free(dataset->pixels, dataset->mapped);
    else
        free(dataset->pixels);
}

void dataset_free(struct dataset *dataset)
{
    for (int i = 0; i < dataset->classes; i++)
        free(dataset->class_names[i]);
    free(dataset->class_names);
    free(dataset->name);
    free(dataset->path);
    free_pixels(dataset);
    free(dataset->labels);
    free(dataset->contents);
    free(dataset->files);
    free(dataset->validates);
    photo_list_free(dataset->photos);
}

void dataset_fit(struct dataset *dataset, struct shape input, const struct preprocess *preprocess)
{
    const struct shape from = dataset->shape;
    if (from.h == input.h && from.w == input.w)
        return;
    const size_t old = shape_count(from), new = (size_t)input.h *(size_t)input.w * 3;
    size_t mapped;
    uint8_t *fitted = pixels_new(&mapped, (size_t)dataset->count * new, (size_t)dataset->options.memory << 19);
#pragma omp parallel for schedule(static)
    for (int i = 0; i < dataset->count; i++)
        resize_pixels(fitted + (size_t)i * new, dataset->pixels + (size_t)i * old, from, input, preprocess);
    free_pixels(dataset);
    dataset->pixels = fitted;
    dataset->mapped = mapped;
    dataset->shape = (struct shape){input.h, input.w, 3};
}

void dataset_limit(struct dataset *dataset, int count)
{
    if (count < dataset->count)
        dataset->count = count;
}

void dataset_statistics(float mean[3], float std[3], const struct dataset *dataset, const int *indices, int count)
{
    const size_t pixels = (size_t)dataset->shape.h * (size_t)dataset->shape.w;
    uint64_t sum[3] = {0}, squares[3] = {0};
    for (int i = 0; i < count; i++) {
        const uint8_t *image = dataset->pixels + (size_t)indices[i] * pixels * 3;
        for (size_t k = 0; k < pixels; k++)
            for (int c = 0; c < 3; c++) {
                sum[c] += image[k * 3 + (size_t)c];
                squares[c] += (uint64_t)image[k * 3 + (size_t)c] * image[k * 3 + (size_t)c];
            }
    }
    const double total = (double)count * (double)pixels;
    for (int c = 0; c < 3; c++) {
        const double m = (double)sum[c] / total, variance = (double)squares[c] / total - m * m;
        mean[c] = (float)(m / 255);
        std[c] = (float)(sqrt(variance > 1 ? variance : 1) / 255); /* a single colour has none */
    }
}

void dataset_draw(struct dataset *dataset, int count, uint64_t seed)
{
    struct random random = random_seed(seed, STREAM_SUBSET);
    const size_t image = shape_count(dataset->shape);
    uint8_t *kept = allocate(image, 1);
    for (int i = 0; i < count && i < dataset->count; i++) { /* to the front, each from those not drawn yet */
        const size_t other = (size_t)i + random_below(&random, (uint32_t)(dataset->count - i));
        uint8_t *a = dataset->pixels + (size_t)i * image, *b = dataset->pixels + other * image;
        const uint16_t label = dataset->labels[i];
        memcpy(kept, a, image);
        memcpy(a, b, image);
        memcpy(b, kept, image);
        dataset->labels[i] = dataset->labels[other];
        dataset->labels[other] = label;
    }
    free(kept);
    dataset_limit(dataset, count);
}
char *dataset_division(const struct dataset *dataset)
{
    const struct data_options *options = &dataset->options;
    return dataset->drawn ? text_format("--test %g --split-seed %d", (double)options->test, options->split_seed) : NULL;
}
