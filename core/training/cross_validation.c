#include "training/cross_validation.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

enum { FOLDS = CROSS_VALIDATION_FOLDS, KEPT = CROSS_VALIDATION_KEPT };

static const float *row_of(const struct regression *data, int i)
{
    return data->x + (size_t)i * (size_t)data->features;
}

/* An earlier image of the class that is equal to image i, or i. */
static int first_equal(const struct regression *data, int i)
{
    for (int k = 0; k < i; k++)
        if (data->targets[k].label == data->targets[i].label &&
            !memcmp(row_of(data, k), row_of(data, i), (size_t)data->features * sizeof(float)))
            return k;
    return i;
}

static void deal_class(uint8_t *folds, const struct regression *data, int label)
{
    int count = 0, position = 0;
    bool several = false;
    for (int i = 0; i < data->count; i++)
        count += data->targets[i].label == label;
    for (int i = 0, first = -1; i < data->count; i++) {
        if (data->targets[i].label != label)
            continue;
        const int same = first_equal(data, i);
        folds[i] = (uint8_t)(same < i ? folds[same] : (int64_t)position * FOLDS / count);
        first = first < 0 ? i : first;
        several = several || folds[i] != folds[first];
        position++;
    }
    for (int i = 0; i < data->count && !several; i++)
        if (data->targets[i].label == label)
            folds[i] = KEPT;
}

void cross_validation_deal(uint8_t *folds, const struct regression *data)
{
    for (int label = 0; label < data->classes; label++)
        deal_class(folds, data, label);
}

struct work {
    struct target *targets;
    float *logits, *probabilities, *losses; /* (count, classes), the same, (count) */
    struct arena regression;
};

static struct work plan(const struct regression *data, struct arena *memory)
{
    const uint64_t count = (uint64_t)data->count, scores = count * (uint64_t)data->classes;
    struct work work;
    work.targets = arena_alloc(memory, count, sizeof *work.targets);
    work.logits = arena_alloc(memory, scores, sizeof(float));
    work.probabilities = arena_alloc(memory, scores, sizeof(float));
    work.losses = arena_alloc(memory, count, sizeof(float));
    work.regression = (struct arena){.size = softmax_regression_bytes(data)};
    work.regression.base = arena_alloc(memory, work.regression.size, 1);
    return work;
}

uint64_t cross_validation_bytes(const struct regression *data)
{
    struct arena measure = {0};
    plan(data, &measure);
    return measure.used;
}

/* What is held out has no weight; the others have more, so that the regularization, whose loss is a mean over all
 * images, stays as strong. False: nothing is held out. */
static bool weigh(struct target *targets, const struct regression *data, const uint8_t *folds, int fold)
{
    int others = 0;
    for (int i = 0; i < data->count; i++)
        others += folds[i] != fold;
    for (int i = 0; i < data->count; i++) {
        targets[i] = data->targets[i];
        targets[i].weight *= folds[i] == fold || !others ? 0 : (float)data->count / (float)others;
    }
    return others < data->count;
}

double cross_validation(float *logits, float *w, const struct regression *data, const uint8_t *folds, float l2,
                        struct arena memory)
{
    const size_t classes = (size_t)data->classes, weights = (size_t)data->features * classes;
    struct work work = plan(data, &memory);
    struct regression part = *data;
    part.targets = work.targets;
    memset(logits, 0, (size_t)data->count * classes * sizeof(float));
    for (int fold = 0; fold < FOLDS; fold++) {
        float *const own = w + (size_t)fold * weights;
        if (!weigh(work.targets, data, folds, fold))
            continue;
        softmax_regression(own, &part, l2, work.regression);
        softmax_regression_logits(work.logits, own, &part, work.regression);
        for (int i = 0; i < data->count; i++)
            if (folds[i] == fold)
                memcpy(logits + (size_t)i * classes, work.logits + (size_t)i * classes, classes * sizeof(float));
    }
    cross_entropy_forward(work.losses, work.probabilities, logits, data->targets, 0, data->count, data->classes);
    double loss = 0;
    for (int i = 0; i < data->count; i++)
        loss += folds[i] == KEPT ? 0 : (double)work.losses[i];
    return loss;
}
