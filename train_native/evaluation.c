#include "evaluation.h"

#include "augment.h"
#include "classifier.h"
#include "model_file.h"
#include "support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct view {
    int moved; /* down and right */
    bool mirrored;
    float weight[3]; /* with 1, 2 and 6 views */
} views[] = {{0, false, {1, 0.5f, 0.25f}},    {0, true, {0, 0.5f, 0.25f}},  {-1, false, {0, 0, 0.125f}},
             {-1, true, {0, 0, 0.125f}}, {1, false, {0, 0, 0.125f}}, {1, true, {0, 0, 0.125f}}};
enum { VIEWS = sizeof views / sizeof *views };
const char *const evaluation_views[] = {"1", "2", "6", NULL};

/* The weighted sum of the views' logits. */
static enum status classify_views(float *logits, struct classifier *classifier, const uint8_t *image, uint8_t *view,
                                  struct shape shape, int choice)
{
    const int classes = classifier_classes(classifier);
    for (int v = 0; v < VIEWS; v++) {
        const float weight = views[v].weight[choice];
        if (weight == 0)
            continue;
        augment_view(view, image, shape, views[v].mirrored, views[v].moved, views[v].moved);
        const enum status status = classifier_run_fitted(classifier, view);
        if (status)
            return status;
        for (int k = 0; k < classes; k++)
            logits[k] = v ? logits[k] + weight * classifier_logits(classifier)[k] : weight * classifier_logits(classifier)[k];
    }
    return STATUS_OK;
}

static void classify_all(struct evaluation *evaluation, const struct dataset *dataset, const uint8_t *model, size_t size,
                         int choice)
{
    size_t workspace;
    const enum status status = classifier_bytes(&workspace, model, size);
    if (status)
        fail(NULL, NULL, "%s", status_text(status));
    const double start = seconds_now();
    enum status worst = STATUS_OK;
#pragma omp parallel
    {
        struct classifier *classifier;
        void *memory = allocate(workspace, 1);
        uint8_t *view = allocate(shape_count(dataset->shape), 1);
        enum status own = classifier_open(&classifier, memory, model, size);
#pragma omp for schedule(dynamic, 64)
        for (int i = 0; i < dataset->count; i++)
            if (!own)
                own = classify_views(evaluation->logits + (size_t)i * (size_t)evaluation->classes, classifier,
                                     dataset->pixels + (size_t)i * shape_count(dataset->shape), view, dataset->shape, choice);
#pragma omp critical
        worst = own ? own : worst;
        free(view);
        free(memory);
    }
    if (worst)
        fail(NULL, NULL, "%s", status_text(worst));
    evaluation->seconds = seconds_now() - start;
}

static void score(struct evaluation *evaluation, const struct dataset *dataset)
{
    enum { BINS = 15 };
    const int classes = evaluation->classes;
    double confidence_less_hits[BINS] = {0};
    for (int i = 0; i < dataset->count; i++) {
        const float *logits = evaluation->logits + (size_t)i * (size_t)classes;
        const int label = dataset->labels[i];
        int best = 0, before = 0;
        double sum = 0;
        for (int k = 0; k < classes; k++) {
            best = logits[k] > logits[best] ? k : best;
            before += logits[k] > logits[label] || (logits[k] == logits[label] && k < label);
            sum += exp((double)(logits[k] - logits[label]));
        }
        evaluation->confusion[label * classes + best]++;
        evaluation->correct += best == label;
        evaluation->among_five += before < 5;
        evaluation->loss += log(sum) / dataset->count;
        const double confidence = exp((double)(logits[best] - logits[label])) / sum;
        const int bin = (int)(confidence * BINS);
        confidence_less_hits[bin < BINS ? bin : BINS - 1] += confidence - (best == label);
    }
    for (int bin = 0; bin < BINS; bin++)
        evaluation->calibration_error += fabs(confidence_less_hits[bin]) / dataset->count;
}

char *evaluation_mismatch(const struct model *model, const struct dataset *dataset)
{
    const int classes = net_classes(&model->net);
    char *reason = NULL, *label = NULL;
    int place = 0, printed = 0;
    for (; place < classes && place < dataset->classes; place++) {
        free(label);
        label = model_file_label(model, place);
        if (strcmp(label, dataset->class_names[place]) != 0)
            break;
    }
    if (place < classes && place < dataset->classes)
        printed = asprintf(&reason, "the model has %d classes, %s has %d: the model's class %d is \"%s\", the data's is \"%s\"", classes,
                           dataset->name, dataset->classes, place, label, dataset->class_names[place]);
    else if (classes != dataset->classes)
        printed = asprintf(&reason, "the model has %d classes, %s has %d", classes, dataset->name, dataset->classes);
    free(label);
    if (printed < 0)
        fail(NULL, NULL, "there is not enough memory");
    return reason;
}

struct evaluation evaluation_run(const uint8_t *model, size_t size, const struct dataset *dataset, int choice)
{
    struct evaluation evaluation = {.count = dataset->count, .classes = dataset->classes};
    const size_t classes = (size_t)dataset->classes;
    evaluation.logits = allocate((size_t)dataset->count * classes, sizeof(float));
    evaluation.confusion = allocate(classes * classes, sizeof(int));
    classify_all(&evaluation, dataset, model, size, choice);
    score(&evaluation, dataset);
    return evaluation;
}

void evaluation_free(struct evaluation *evaluation)
{
    free(evaluation->logits);
    free(evaluation->confusion);
}

double evaluation_accuracy(const struct evaluation *evaluation)
{
    return (double)evaluation->correct / evaluation->count;
}

double evaluation_agreement(const struct evaluation *a, const struct evaluation *b)
{
    int agree = 0;
    for (int i = 0; i < a->count; i++) {
        const float *x = a->logits + (size_t)i * (size_t)a->classes, *y = b->logits + (size_t)i * (size_t)b->classes;
        int best_x = 0, best_y = 0;
        for (int k = 1; k < a->classes; k++) {
            best_x = x[k] > x[best_x] ? k : best_x;
            best_y = y[k] > y[best_y] ? k : best_y;
        }
        agree += best_x == best_y;
    }
    return (double)agree / a->count;
}
