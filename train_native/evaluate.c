#include "commands.h"

#include "evaluation.h"
#include "model_file.h"
#include "options.h"
#include "support.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] = "eyelet evaluate MODEL: accuracy on the 10,000 test images of CIFAR-10, computed as in the browser, to the bit\n\n"
                            "  eyelet evaluate web/models/tutorial.eyelet";

/* Half the width of Wilson's 95 % interval, in points of a percent. */
static double uncertainty(int correct, int count)
{
    const double z = 1.96, p = (double)correct / count, n = count;
    return 100 * z / (1 + z * z / n) * sqrt(p * (1 - p) / n + z * z / (4 * n * n));
}

static void print_table(const struct evaluation *e, const struct dataset *dataset)
{
    printf("accuracy   %.2f %% +- %.2f (%s of %s images)\n", 100 * evaluation_accuracy(e), uncertainty(e->correct, e->count),
           grouped((uint64_t)e->correct), grouped((uint64_t)e->count));
    printf("top five   %.2f %%\nloss       %.4f\ncalibration error %.2f %%\ntime       %.2f s (%s images/s)\n\n", 100.0 * e->among_five / e->count, e->loss,
           100 * e->calibration_error, e->seconds, grouped((uint64_t)(e->count / e->seconds)));
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
    printf(", \"images\": %d, \"correct\": %d, \"accuracy\": %.6f, \"top5\": %.6f, \"loss\": %.6f, \"calibration_error\": %.6f, \"seconds\": %.3f, \"classes\": [",
           e->count, e->correct, evaluation_accuracy(e), (double)e->among_five / e->count, e->loss, e->calibration_error, e->seconds);
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

/* Writes the model again with its measured accuracy among the notes. */
static void record(const struct model *model, const struct evaluation *e, const struct dataset *dataset, const char *path,
                   int views)
{
    char value[160], key[40] = "accuracy";
    snprintf(value, sizeof value, "%.2f %% of %s %s test images", 100 * evaluation_accuracy(e), grouped((uint64_t)e->count),
             dataset->name);
    if (views)
        snprintf(key, sizeof key, "accuracy over %s views", evaluation_views[views]);
    char *old = model_file_notes(model), *notes = model_file_set_note(old, key, value);
    size_t size;
    uint8_t *bytes = model_file_again(&size, model, notes, model->type);
    const char *reason;
    if (!write_file(path, bytes, size, &reason))
        fail(path, "The model is unchanged.", "the accuracy cannot be recorded: %s", reason);
    free(bytes);
    free(notes);
    free(old);
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
         "average over the image, its mirror and both moved by a\npixel; one of", evaluation_views},
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
    evaluation_check_labels(model, &dataset, argv[first]);
    dataset_fit(&dataset, model->net.input, &model->preprocess);

    struct evaluation evaluation = evaluation_run(bytes, size, &dataset, choice);
    const char *reason;
    if (logits && !write_file(logits, evaluation.logits, (size_t)dataset.count * (size_t)dataset.classes * sizeof(float), &reason))
        fail(logits, NULL, "the logits cannot be written: %s", reason);
    if (recorded)
        record(model, &evaluation, &dataset, argv[first], choice);
    if (json)
        print_json(&evaluation, &dataset, argv[first]);
    else
        print_table(&evaluation, &dataset);
    evaluation_free(&evaluation);
    dataset_free(&dataset);
    free(bytes);
    free(model);
    return EXIT_SUCCESS;
}
