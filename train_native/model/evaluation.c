#include "model/evaluation.h"

#include "base/argmax.h"
#include "training/augment.h"
#include "classifier.h"
#include "cli/clock.h"
#include "cli/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct view {
    int moved; /* down and right */
    bool mirrored;
    float weight[3]; /* with 1, 2 and 6 views */
} views[] = {{0, false, {1, 0.5f, 0.25f}}, {0, true, {0, 0.5f, 0.25f}}, {-1, false, {0, 0, 0.125f}},
             {-1, true, {0, 0, 0.125f}},   {1, false, {0, 0, 0.125f}},  {1, true, {0, 0, 0.125f}}};
enum { VIEWS = sizeof views / sizeof *views, AHEAD = 128 /* images that are fetched ahead */ };
const char *const evaluation_views[] = {"1", "2", "6", NULL};

/* The weighted sum of the views' logits. */
static enum status classify_views(float *logits, struct eyelet_classifier *classifier, const uint8_t *image,
                                  uint8_t *view, struct shape shape, int choice)
{
    const int classes = eyelet_classifier_classes(classifier);
    for (int v = 0; v < VIEWS; v++) {
        const float weight = views[v].weight[choice];
        if (weight == 0)
            continue;
        augment_view(view, image, shape, views[v].mirrored, views[v].moved, views[v].moved);
        const enum status status = eyelet_classifier_run_pixels(classifier, view);
        if (status)
            return status;
        for (int k = 0; k < classes; k++)
            logits[k] = v ? logits[k] + weight * eyelet_classifier_logits(classifier)[k]
                          : weight * eyelet_classifier_logits(classifier)[k];
    }
    return STATUS_OK;
}

static int index_of(const struct evaluation_input *input, int i) { return input->indices ? input->indices[i] : i; }

static enum status classify_all(struct evaluation *evaluation, const struct evaluation_input *input)
{
    const struct dataset *dataset = input->dataset;
    size_t workspace;
    const enum status status = eyelet_classifier_bytes(&workspace, input->model, input->size);
    if (status)
        return status;
    const double start = seconds_now();
    enum status worst = STATUS_OK;
#pragma omp parallel
    {
        struct eyelet_classifier *classifier;
        void *memory = allocate(workspace, 1);
        uint8_t *view = allocate(shape_count(dataset->shape), 1);
        enum status own = eyelet_classifier_open(&classifier, memory, input->model, input->size);
#pragma omp for schedule(dynamic, 64)
        for (int i = 0; i < evaluation->count; i++) {
            if (i + AHEAD < evaluation->count)
                dataset_expect(dataset, index_of(input, i + AHEAD));
            if (!own)
                own = classify_views(evaluation->logits + (size_t)i * (size_t)evaluation->classes, classifier,
                                     dataset_pixels(dataset, index_of(input, i)), view, dataset->shape, input->views);
        }
#pragma omp critical
        worst = own ? own : worst;
        free(view);
        free(memory);
    }
    evaluation->seconds = seconds_now() - start;
    return worst;
}

/* Answers, their bins, loss and calibration error with this temperature. */
static void answer(struct evaluation *evaluation, double temperature)
{
    const int count = evaluation->count;
    calibration_answers(evaluation->answers, evaluation->logits, evaluation->labels, count, evaluation->classes,
                        temperature);
    calibration_bins(evaluation->bins, evaluation->answers, count);
    evaluation->calibration_error = calibration_error(evaluation->bins);
    evaluation->loss = 0;
    for (int i = 0; i < count; i++)
        evaluation->loss += evaluation->answers[i].loss / count;
}

static void score(struct evaluation *evaluation, double temperature)
{
    answer(evaluation, 1);
    evaluation->uncalibrated_loss = evaluation->loss;
    evaluation->uncalibrated_error = evaluation->calibration_error;
    answer(evaluation, temperature);
    for (int i = 0; i < evaluation->count; i++) {
        const struct answer *one = &evaluation->answers[i];
        evaluation->confusion[one->label * evaluation->classes + one->best]++;
        evaluation->correct += one->best == one->label;
        evaluation->among_five += one->among_five;
    }
}

enum status evaluation_run(struct evaluation *evaluation, const struct evaluation_input *input)
{
    const size_t classes = (size_t)input->dataset->classes, count = (size_t)input->count;
    *evaluation = (struct evaluation){.count = input->count, .classes = input->dataset->classes};
    evaluation->logits = allocate(count * classes, sizeof(float));
    evaluation->labels = allocate(count, sizeof(int));
    evaluation->answers = allocate(count, sizeof *evaluation->answers);
    evaluation->confusion = allocate(classes * classes, sizeof(int));
    for (int i = 0; i < input->count; i++)
        evaluation->labels[i] = input->dataset->labels[index_of(input, i)];
    const enum status status = classify_all(evaluation, input);
    if (status) {
        evaluation_free(evaluation);
        return status;
    }
    struct model *model = allocate(1, sizeof *model);
    model_read(model, input->model, input->size);
    score(evaluation, (double)model->temperature);
    free(model);
    return STATUS_OK;
}

void evaluation_free(struct evaluation *evaluation)
{
    free(evaluation->logits);
    free(evaluation->labels);
    free(evaluation->answers);
    free(evaluation->confusion);
}

double evaluation_accuracy(const struct evaluation *evaluation)
{
    return (double)evaluation->correct / evaluation->count;
}

struct class_scores evaluation_class(const struct evaluation *evaluation, int class)
{
    struct class_scores scores = {0};
    const int classes = evaluation->classes, hits = evaluation->confusion[class * classes + class];
    scores.right = hits;
    for (int k = 0; k < classes; k++) {
        scores.images += evaluation->confusion[class * classes + k];
        scores.answers += evaluation->confusion[k * classes + class];
    }
    scores.precision = scores.answers ? (double)hits / scores.answers : 0;
    scores.recall = scores.images ? (double)hits / scores.images : 0;
    scores.f1 = hits ? 2.0 * hits / (scores.images + scores.answers) : 0;
    return scores;
}

struct threshold evaluation_above(const struct evaluation *evaluation, double score)
{
    struct threshold above = {.score = score};
    for (int i = 0; i < evaluation->count; i++)
        if (evaluation->answers[i].score >= score) {
            above.answered++;
            above.right += evaluation->answers[i].best == evaluation->answers[i].label;
        }
    return above;
}

double evaluation_agreement(const struct evaluation *a, const struct evaluation *b)
{
    int agree = 0;
    for (int i = 0; i < a->count; i++) {
        const float *x = a->logits + (size_t)i * (size_t)a->classes, *y = b->logits + (size_t)i * (size_t)b->classes;
        agree += argmax(x, a->classes) == argmax(y, b->classes);
    }
    return (double)agree / a->count;
}
