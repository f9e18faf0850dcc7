#include "model/mirroring.h"

#include "base/argmax.h"
#include "base/random.h"
#include "cli/memory.h"
#include "model/paired.h"

#include <stdlib.h>
#include <string.h>

enum { GREY_SIDE = 12, COLOUR_SIDE = 4, FEATURES = GREY_SIDE * GREY_SIDE + 3 * COLOUR_SIDE * COLOUR_SIDE + 1 };
enum { FOLDS = 3, MIN_IMAGES = 30 };
static const float strength = 0.01f;

/* ---- Tiny images ---- */

/* A row or column of pixels from which cell i of so many begins. */
static int cell_start(int i, int side, int cells) { return (int)((int64_t)i * side / cells); }

struct view {
    const uint8_t *pixels; /* (h, w, 3) */
    struct shape shape;
    bool mirrored;
};

/* The mean colour of cell x, y of so many each way, from -1 to 1. */
static void cell_mean(float mean[3], const struct view *view, int x, int y, int cells)
{
    const int height = view->shape.h, width = view->shape.w;
    const int top = cell_start(y, height, cells), bottom = cell_start(y + 1, height, cells),
              left = cell_start(x, width, cells), right = cell_start(x + 1, width, cells);
    const int h = bottom > top ? bottom - top : 1, w = right > left ? right - left : 1;
    int64_t sums[3] = {0};
    for (int row = top; row < top + h; row++)
        for (int column = left; column < left + w; column++) {
            const uint8_t *pixel = view->pixels + 3 * (row * width + (view->mirrored ? width - 1 - column : column));
            for (int c = 0; c < 3; c++)
                sums[c] += pixel[c];
        }
    for (int c = 0; c < 3; c++)
        mean[c] = (float)sums[c] / (127.5f * (float)(h * w)) - 1;
}

static void tiny_image(float features[FEATURES], const struct view *view)
{
    float mean[3];
    for (int y = 0; y < GREY_SIDE; y++)
        for (int x = 0; x < GREY_SIDE; x++) {
            cell_mean(mean, view, x, y, GREY_SIDE);
            *features++ = (mean[0] + mean[1] + mean[2]) / 3;
        }
    for (int y = 0; y < COLOUR_SIDE; y++)
        for (int x = 0; x < COLOUR_SIDE; x++, features += 3)
            cell_mean(features, view, x, y, COLOUR_SIDE);
    *features = 1;
}

/* ---- The test: more than chance, and enough to matter ---- */

static bool costs(const struct paired *pairs)
{
    static const double level = 0.001, matters = 0.9;
    const int right = pairs->both + pairs->first, mirrored = pairs->both + pairs->second;
    return mirrored < matters * right && paired_p(pairs) < level;
}

/* ---- Images held out in turn ---- */

struct trial {
    float *images, *mirrored; /* (count, FEATURES) */
    struct target *targets;   /* (count); a weight of 0: held out */
    int count;
};

/* Which of the images are tried. */
static void take_images(struct trial *trial, const struct subset *train, uint64_t seed)
{
    int *order = allocate((size_t)train->count, sizeof *order);
    struct random random = random_seed(seed, STREAM_MIRRORING);
    for (int i = 0; i < train->count; i++)
        order[i] = i;
    for (int i = 0; i < trial->count; i++) {
        const int other = i + (int)random_below(&random, (uint32_t)(train->count - i)), index = order[i];
        order[i] = order[other];
        order[other] = index;
        struct view view = {subset_pixels(train, order[i]), train->images->shape, false};
        tiny_image(trial->images + (size_t)i * FEATURES, &view);
        view.mirrored = true;
        tiny_image(trial->mirrored + (size_t)i * FEATURES, &view);
        trial->targets[i] = target_of(subset_label(train, order[i]));
    }
    free(order);
}

static bool is_right(const float *logits, const struct target *target, int classes)
{
    return argmax(logits, classes) == target->label;
}

/* Trains without one part, and adds up how it does there. */
static void try_part(struct paired *pairs, const struct trial *trial, int part, struct regression data)
{
    const struct arena memory = {.base = allocate((size_t)softmax_regression_bytes(&data), 1),
                                 .size = softmax_regression_bytes(&data)};
    const size_t classes = (size_t)data.classes, scores = (size_t)trial->count * classes;
    float *w = allocate(FEATURES * classes + 2 * scores, sizeof(float)), *logits = w + FEATURES * classes,
          *mirrored = logits + scores;
    for (int i = 0; i < trial->count; i++)
        trial->targets[i].weight = i % FOLDS == part ? 0 : (float)FOLDS / (FOLDS - 1);
    data.x = trial->images;
    softmax_regression(w, &data, strength, memory);
    softmax_regression_logits(logits, w, &data, memory);
    data.x = trial->mirrored;
    softmax_regression_logits(mirrored, w, &data, memory);
    for (int i = part; i < trial->count; i += FOLDS) {
        const bool right = is_right(logits + (size_t)i * classes, &trial->targets[i], data.classes),
                   right_mirrored = is_right(mirrored + (size_t)i * classes, &trial->targets[i], data.classes);
        pairs->both += right && right_mirrored;
        pairs->first += right && !right_mirrored;
        pairs->second += !right && right_mirrored;
        pairs->neither += !right && !right_mirrored;
    }
    free(w);
    free(memory.base);
}

struct mirroring mirroring_measure(const struct subset *train, uint64_t seed, gemm_function *gemm)
{
    const struct parallel one = parallel_threads(1); /* takes tenths of a second; more would wait for each other */
    struct mirroring found = {0};
    struct trial trial = {.count = train->count < MIRRORING_IMAGES ? train->count : MIRRORING_IMAGES};
    if (trial.count < MIN_IMAGES)
        return found;
    found.images = trial.count;
    trial.images = allocate(2 * (size_t)trial.count * FEATURES, sizeof(float));
    trial.mirrored = trial.images + (size_t)trial.count * FEATURES;
    trial.targets = allocate((size_t)trial.count, sizeof *trial.targets);
    take_images(&trial, train, seed);
    const struct regression data = {.targets = trial.targets,
                                    .count = trial.count,
                                    .features = FEATURES,
                                    .classes = train->images->classes,
                                    .gemm = gemm,
                                    .parallel = &one};
    struct paired pairs = {0};
    for (int part = 0; part < FOLDS; part++)
        try_part(&pairs, &trial, part, data);
    found.right = pairs.both + pairs.first;
    found.mirrored = pairs.both + pairs.second;
    found.changes_meaning = costs(&pairs);
    free(trial.targets);
    free(trial.images);
    return found;
}
