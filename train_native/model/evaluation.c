#include "model/evaluation.h"

#include "base/argmax.h"
#include "training/augment.h"
#include "classifier.h"
#include "model/model_file.h"
#include "cli/clock.h"
#include "cli/errors.h"
#include "cli/memory.h"
#include "cli/text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct view {
    int moved; /* down and right */
    bool mirrored;
    float weight[3]; /* with 1, 2 and 6 views */
} views[] = {{0, false, {1, 0.5f, 0.25f}}, {0, true, {0, 0.5f, 0.25f}}, {-1, false, {0, 0, 0.125f}},
             {-1, true, {0, 0, 0.125f}},   {1, false, {0, 0, 0.125f}},  {1, true, {0, 0, 0.125f}}};
enum { VIEWS = sizeof views / sizeof *views };
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
        const enum status status = eyelet_classifier_run_fitted(classifier, view);
        if (status)
            return status;
        for (int k = 0; k < classes; k++)
            logits[k] = v ? logits[k] + weight * eyelet_classifier_logits(classifier)[k]
                          : weight * eyelet_classifier_logits(classifier)[k];
    }
    return STATUS_OK;
}

static void classify_all(struct evaluation *evaluation, const struct dataset *dataset, const int *indices,
                         const uint8_t *model, size_t size, int choice)
{
    size_t workspace;
    const enum status status = eyelet_classifier_bytes(&workspace, model, size);
    if (status)
        die(NULL, NULL, "%s", eyelet_status_text(status));
    const double start = seconds_now();
    enum status worst = STATUS_OK;
#pragma omp parallel
    {
        struct eyelet_classifier *classifier;
        void *memory = allocate(workspace, 1);
        uint8_t *view = allocate(shape_count(dataset->shape), 1);
        enum status own = eyelet_classifier_open(&classifier, memory, model, size);
#pragma omp for schedule(dynamic, 64)
        for (int i = 0; i < evaluation->count; i++) {
            const size_t index = (size_t)(indices ? indices[i] : i);
            if (!own)
                own =
                    classify_views(evaluation->logits + (size_t)i * (size_t)evaluation->classes, classifier,
                                   dataset->pixels + index * shape_count(dataset->shape), view, dataset->shape, choice);
        }
#pragma omp critical
        worst = own ? own : worst;
        free(view);
        free(memory);
    }
    if (worst)
        die(NULL, NULL, "%s", eyelet_status_text(worst));
    evaluation->seconds = seconds_now() - start;
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

struct evaluation evaluation_run(const uint8_t *model, size_t size, const struct dataset *dataset, const int *indices,
                                 int count, int choice)
{
    struct evaluation evaluation = {.count = count, .classes = dataset->classes};
    const size_t classes = (size_t)dataset->classes;
    evaluation.logits = allocate((size_t)count * classes, sizeof(float));
    evaluation.labels = allocate((size_t)count, sizeof(int));
    evaluation.answers = allocate((size_t)count, sizeof *evaluation.answers);
    evaluation.confusion = allocate(classes * classes, sizeof(int));
    for (int i = 0; i < count; i++)
        evaluation.labels[i] = dataset->labels[indices ? indices[i] : i];
    classify_all(&evaluation, dataset, indices, model, size, choice);
    struct model *read = allocate(1, sizeof *read);
    model_read(read, model, size);
    score(&evaluation, (double)read->temperature);
    free(read);
    return evaluation;
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

struct interval evaluation_interval(const struct evaluation *evaluation)
{
    const double z = 1.96, n = evaluation->count, p = evaluation_accuracy(evaluation);
    const double centre = (p + z * z / (2 * n)) / (1 + z * z / n);
    const double half = z / (1 + z * z / n) * sqrt(p * (1 - p) / n + z * z / (4 * n * n));
    return (struct interval){fmax(0, centre - half), fmin(1, centre + half)};
}

struct class_scores evaluation_class(const struct evaluation *evaluation, int class)
{
    struct class_scores scores = {0};
    const int classes = evaluation->classes, hits = evaluation->confusion[class * classes + class];
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

char *evaluation_mismatch(const struct model *model, const struct dataset *dataset)
{
    const int classes = net_classes(&model->net);
    char *reason = NULL, *label = NULL;
    int class = 0;
    for (; class < classes && class < dataset->classes; class ++) {
        free(label);
        label = model_file_label(model, class);
        if (strcmp(label, dataset->class_names[class]) != 0)
            break;
    }
    if (class < classes && class < dataset->classes)
        reason =
            text_format("the model has %d classes, %s has %d: the model's class %d is \"%s\", the data's is \"%s\"",
                        classes, dataset->name, dataset->classes, class, label, dataset->class_names[class]);
    else if (classes != dataset->classes)
        reason = text_format("the model has %d classes, %s has %d", classes, dataset->name, dataset->classes);
    free(label);
    return reason;
}
