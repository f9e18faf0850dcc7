#include "commands.h"

#include "augment.h"
#include "classifier.h"
#include "dataset.h"
#include "model_file.h"
#include "options.h"
#include "support.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] = "eyelet evaluate MODEL: accuracy on the 10,000 test images of CIFAR-10, computed as in the browser, to the bit\n\n"
                            "  eyelet evaluate web/models/tutorial.eyelet";

struct evaluation {
    int count, classes;
    float *logits;   /* (count, classes) */
    int *confusion;  /* (classes, classes): images of the row's class taken for the column's */
    int correct, among_five;
    double loss, seconds;
};

/* Test-time augmentation as in airbench94: the image and its mirror, and, at half the weight, both of them moved by a pixel
 * along the diagonal, up and down. */
static const struct view {
    int moved; /* down and right */
    bool mirrored;
    float weight[3]; /* with 1, 2 and 6 views */
} views[] = {{0, false, {1, 0.5f, 0.25f}},    {0, true, {0, 0.5f, 0.25f}},  {-1, false, {0, 0, 0.125f}},
             {-1, true, {0, 0, 0.125f}}, {1, false, {0, 0, 0.125f}}, {1, true, {0, 0, 0.125f}}};
enum { VIEWS = sizeof views / sizeof *views };
static const char *const view_choices[] = {"1", "2", "6", NULL};

/* The weighted sum of the views' logits. With one view these are the network's own, to the bit. */
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
    const int classes = evaluation->classes;
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
    }
}

/* Half the width of Wilson's 95 % interval, in points of a percent. */
static double uncertainty(int correct, int count)
{
    const double z = 1.96, p = (double)correct / count, n = count;
    return 100 * z / (1 + z * z / n) * sqrt(p * (1 - p) / n + z * z / (4 * n * n));
}

static void print_table(const struct evaluation *e, const struct dataset *dataset)
{
    printf("accuracy   %.2f %% +- %.2f (%s of %s images)\n", 100.0 * e->correct / e->count, uncertainty(e->correct, e->count),
           grouped((uint64_t)e->correct), grouped((uint64_t)e->count));
    printf("top five   %.2f %%\nloss       %.4f\ntime       %.2f s (%s images/s)\n\n", 100.0 * e->among_five / e->count, e->loss,
           e->seconds, grouped((uint64_t)(e->count / e->seconds)));
    printf("  %-14s %9s %9s   most often taken for\n", "class", "recall", "precision");
    for (int i = 0; i < e->classes; i++) {
        int row = 0, column = 0, worst = i == 0;
        for (int k = 0; k < e->classes; k++) {
            row += e->confusion[i * e->classes + k];
            column += e->confusion[k * e->classes + i];
            if (k != i && e->confusion[i * e->classes + k] > e->confusion[i * e->classes + worst])
                worst = k;
        }
        const int hits = e->confusion[i * e->classes + i], missed = e->classes > 1 ? e->confusion[i * e->classes + worst] : 0;
        printf("  %-14s %7.1f %% %7.1f %%", dataset->class_names[i], row ? 100.0 * hits / row : 0.0, column ? 100.0 * hits / column : 0.0);
        if (missed)
            printf("   %s (%d)", dataset->class_names[worst], missed);
        printf("\n");
    }
}

static void print_json(const struct evaluation *e, const struct dataset *dataset, const char *path)
{
    printf("{\"model\": ");
    print_json_string(stdout, path);
    printf(", \"images\": %d, \"correct\": %d, \"accuracy\": %.6f, \"top5\": %.6f, \"loss\": %.6f, \"seconds\": %.3f, \"classes\": [",
           e->count, e->correct, (double)e->correct / e->count, (double)e->among_five / e->count, e->loss, e->seconds);
    for (int i = 0; i < e->classes; i++) {
        printf("%s", i ? ", " : "");
        print_json_string(stdout, dataset->class_names[i]);
    }
    printf("], \"confusion\": [");
    for (int i = 0; i < e->classes; i++) {
        printf("%s[", i ? ", " : "");
        for (int k = 0; k < e->classes; k++)
            printf("%s%d", k ? ", " : "", e->confusion[i * e->classes + k]);
        printf("]");
    }
    printf("]}\n");
}

static void check_labels(const struct model *model, const struct dataset *dataset, const char *path)
{
    if (net_classes(&model->net) != dataset->classes)
        fail(path, "Evaluate a model on the data that it was trained for.", "the model has %d classes, %s has %d",
             net_classes(&model->net), dataset->name, dataset->classes);
    for (int i = 0; i < dataset->classes; i++) {
        char *label = model_file_label(model, i);
        if (strcmp(label, dataset->class_names[i]) != 0)
            fail(path, "Evaluate a model on the data that it was trained for.", "the model's class %d is \"%s\", the data's is \"%s\"", i,
                 label, dataset->class_names[i]);
        free(label);
    }
}

/* Writes the model again with its measured accuracy among the notes. */
static void record(const struct model *model, const struct evaluation *e, const struct dataset *dataset, const char *path,
                   int choice)
{
    char value[160], key[40] = "accuracy";
    snprintf(value, sizeof value, "%.2f %% of %s %s test images", 100.0 * e->correct / e->count, grouped((uint64_t)e->count),
             dataset->name);
    if (choice)
        snprintf(key, sizeof key, "accuracy over %s views", view_choices[choice]);
    struct model *copy = allocate(1, sizeof *copy);
    *copy = *model;
    char *old = model_file_notes(model), *notes = model_file_set_note(old, key, value);
    copy->notes = notes;
    copy->notes_length = (int)strlen(notes);
    float *parameters = allocate(net_parameter_count(&model->net), sizeof(float));
    for (int i = 0; i < model->net.node_count; i++)
        model_parameters(parameters + model->net.place[i], model, i);
    const size_t size = model_size(copy);
    uint8_t *bytes = allocate(size, 1);
    model_write(bytes, copy, parameters);
    const char *reason;
    if (copy->notes_length > LIMIT_NOTES || !write_file(path, bytes, size, &reason))
        fail(path, "The model is unchanged.", "the accuracy cannot be recorded: %s",
             copy->notes_length > LIMIT_NOTES ? "the notes are full" : reason);
    free(bytes);
    free(parameters);
    free(notes);
    free(old);
    free(copy);
}

int command_evaluate(int argc, char **argv)
{
    const char *data = NULL, *logits = NULL;
    bool json = false, recorded = false;
    int limit = 0, threads = 0, choice = 0;
    const struct option_entry options[] = {
        {"data", "DIR", OPTION_TEXT, &data, "folder of CIFAR-10 (else $EYELET_DATA, data/, ../shared/data/)", NULL},
        {"limit", "N", OPTION_COUNT, &limit, "only the first N images (0: all)", NULL},
        {"threads", "N", OPTION_COUNT, &threads, "0: as many as there are cores", NULL},
        {"views", "N", OPTION_CHOICE, &choice,
         "average over the image, its mirror and both moved by a\npixel; one of", view_choices},
        {"logits", "FILE", OPTION_TEXT, &logits, "write the logits there: float32, little-endian, (images, classes)", NULL},
        {"record", NULL, OPTION_FLAG, &recorded, "write the accuracy into the model's notes", NULL},
        {"json", NULL, OPTION_FLAG, &json, "print JSON", NULL},
        {0}};
    const int first = options_parse(options, usage, argc, argv);
    if (argc - first != 1)
        usage_error("evaluate", "evaluate takes one model, got %d", argc - first);
    if (threads > MOST_THREADS)
        usage_error("evaluate", "--threads takes at most %d", MOST_THREADS);
    if (threads)
        omp_set_num_threads(threads);

    struct model *model = allocate(1, sizeof *model);
    size_t size;
    uint8_t *bytes = model_file_load(model, &size, argv[first]);
    struct dataset dataset = dataset_open(data, DATASET_TEST, false);
    if (limit)
        dataset_limit(&dataset, limit);
    check_labels(model, &dataset, argv[first]);
    dataset_fit(&dataset, model->net.input, &model->preprocess);

    struct evaluation evaluation = {.count = dataset.count, .classes = dataset.classes};
    const size_t classes = (size_t)dataset.classes;
    evaluation.logits = allocate((size_t)dataset.count * classes, sizeof(float));
    evaluation.confusion = allocate(classes * classes, sizeof(int));
    classify_all(&evaluation, &dataset, bytes, size, choice);
    score(&evaluation, &dataset);
    const char *reason;
    if (logits && !write_file(logits, evaluation.logits, (size_t)dataset.count * classes * sizeof(float), &reason))
        fail(logits, NULL, "the logits cannot be written: %s", reason);
    if (recorded)
        record(model, &evaluation, &dataset, argv[first], choice);
    if (json)
        print_json(&evaluation, &dataset, argv[first]);
    else
        print_table(&evaluation, &dataset);
    free(evaluation.logits);
    free(evaluation.confusion);
    dataset_free(&dataset);
    free(bytes);
    free(model);
    return EXIT_SUCCESS;
}
