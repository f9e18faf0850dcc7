#include "data/dataset.h"

#include "base/bytes.h"
#include "base/random.h"
#include "data/memory_budget.h"
#include "data/photo_list.h"
#include "data/resize.h"
#include "data/taught.h"
#include "cli/memory.h"
#include "cli/text.h"

#include <math.h>
#include <stdlib.h>

const struct data_options usual_data = {.test = 0.1f, .split_seed = 1, .memory = MEMORY_UNSET, .allow_bad = 0.05f};

/* ---- Images in memory ---- */

static void free_pixels(struct dataset *dataset)
{
    pixels_free(dataset->pixels);
    free(dataset->rows);
    free(dataset->checksums);
    dataset->rows = NULL;
    dataset->checksums = NULL;
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
    text_list_free(&dataset->sources);
    free(dataset->validates);
    photo_list_free(dataset->photos);
    taught_free(dataset->taught);
}

void dataset_fit(struct dataset *dataset, struct shape input, const struct preprocess *preprocess)
{
    const struct shape from = dataset->shape;
    if (from.h == input.h && from.w == input.w)
        return;
    struct pixels *fitted =
        pixels_new(dataset->count, (size_t)input.h * (size_t)input.w * 3, memory_budget(dataset->options.memory));
#pragma omp parallel for schedule(static)
    for (int i = 0; i < dataset->count; i++) {
        pixels_expect(fitted, i);
        resize_pixels(pixels_at(fitted, i), dataset_pixels(dataset, i), from, input, preprocess);
    }
    free_pixels(dataset);
    dataset->pixels = fitted;
    dataset->shape = (struct shape){input.h, input.w, 3};
}

void dataset_limit(struct dataset *dataset, int count)
{
    if (count < dataset->count)
        dataset->count = count;
}

/* CRCs of equal lengths are joined into that of all images one behind the other, which is the same in memory as in a
 * file, and however many images there are beyond these. */
uint32_t dataset_checksum(const struct dataset *dataset)
{
    uint32_t *sums = allocate((size_t)dataset->count + 1, sizeof *sums);
#pragma omp parallel for schedule(static)
    for (int i = 0; i < dataset->count; i++)
        sums[i] =
            dataset->checksums ? dataset->checksums[i] : bytes_crc32(dataset_pixels(dataset, i), dataset->pixels->size);
    const uint32_t all = bytes_crc32_joined(sums, dataset->count, dataset->pixels->size);
    free(sums);
    return all;
}

void dataset_statistics(float mean[3], float std[3], const struct dataset *dataset, const int *indices, int count)
{
    const size_t pixels = (size_t)dataset->shape.h * (size_t)dataset->shape.w;
    uint64_t sum[3] = {0}, squares[3] = {0};
#pragma omp parallel for schedule(static) reduction(+ : sum, squares)
    for (int i = 0; i < count; i++) {
        dataset_expect(dataset, indices[i]);
        const uint8_t *image = dataset_pixels(dataset, indices[i]);
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
    int *rows = allocate((size_t)dataset->count, sizeof *rows);
    for (int i = 0; i < dataset->count; i++)
        rows[i] = dataset_row(dataset, i);
    for (int i = 0; i < count && i < dataset->count; i++) { /* to the front, each from those not drawn yet */
        const size_t other = (size_t)i + random_below(&random, (uint32_t)(dataset->count - i));
        const int row = rows[i];
        const uint16_t label = dataset->labels[i];
        rows[i] = rows[other];
        rows[other] = row;
        dataset->labels[i] = dataset->labels[other];
        dataset->labels[other] = label;
    }
    free(dataset->rows);
    free(dataset->checksums);
    dataset->rows = rows;
    dataset->checksums = NULL;
    dataset_limit(dataset, count);
}
char *dataset_division(const struct dataset *dataset)
{
    const struct data_options *options = &dataset->options;
    return dataset->drawn ? text_format("--test %g --split-seed %d", (double)options->test, options->split_seed) : NULL;
}
