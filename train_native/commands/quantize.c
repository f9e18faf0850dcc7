#include "commands/commands.h"

#include "commands/shared_options.h"
#include "model/evaluation.h"
#include "model/model_file.h"
#include "model/quantizer.h"
#include "cli/errors.h"
#include "cli/escape.h"
#include "cli/files.h"
#include "cli/json.h"
#include "cli/memory.h"
#include "cli/text.h"
#include "data/dataset_open.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "eyelet quantize MODEL -o SMALL: post-training int8 quantization: a quarter of the size, faster\n"
    "\n"
    "  eyelet quantize mine.eyelet -o small.eyelet\n"
    "  eyelet quantize mine.eyelet -o small.eyelet --drop 1      accept one percentage point of accuracy less\n"
    "\n"
    "int8 weights with a scale for each channel, 12-bit activations with ranges from training images, integer arithmetic\n"
    "throughout. Reports the accuracy on the test set, and writes nothing if it drops by more than --drop.";

enum { WORST = 3 };

/* What became of one class: the share of its images that is recognised. */
struct change {
    int index;
    double before, after;
};

static int by_loss(const void *a, const void *b)
{
    const struct change *x = a, *y = b;
    const double loss_x = x->before - x->after, loss_y = y->before - y->after;
    return loss_x > loss_y ? -1 : loss_x < loss_y ? 1 : x->index - y->index;
}

static double recall(const struct evaluation *evaluation, int index)
{
    int count = 0;
    for (int k = 0; k < evaluation->classes; k++)
        count += evaluation->confusion[index * evaluation->classes + k];
    return count ? (double)evaluation->confusion[index * evaluation->classes + index] / count : 0;
}

/* The classes that lost most first; the caller frees them. */
static struct change *changes_of(const struct evaluation *before, const struct evaluation *after)
{
    struct change *changes = allocate((size_t)before->classes, sizeof *changes);
    for (int k = 0; k < before->classes; k++)
        changes[k] = (struct change){k, recall(before, k), recall(after, k)};
    qsort(changes, (size_t)before->classes, sizeof *changes, by_loss);
    return changes;
}

struct report {
    size_t bytes_before, bytes_after;
    struct evaluation before, after;
};

static void print_table(const struct report *report, const struct dataset *dataset)
{
    const double before = evaluation_accuracy(&report->before), after = evaluation_accuracy(&report->after);
    printf("size       %s bytes before, %s after\n", format_thousands(report->bytes_before), format_thousands(report->bytes_after));
    printf("accuracy   %.2f %% before, %.2f %% after (%+.2f points); the two agree on %.2f %% of %s images\n", 100 * before, 100 * after,
           100 * (after - before), 100 * evaluation_agreement(&report->before, &report->after), format_thousands((uint64_t)dataset->count));
    struct change *changes = changes_of(&report->before, &report->after);
    printf("worst      ");
    for (int k = 0; k < WORST && k < dataset->classes; k++) {
        printf("%s", k ? ", " : "");
        print_escaped(stdout, dataset->class_names[changes[k].index]);
        printf(" %.1f to %.1f %%", 100 * changes[k].before, 100 * changes[k].after);
    }
    printf("\n");
    free(changes);
}

static void print_json(const struct report *report, const struct dataset *dataset)
{
    printf("{\"bytes_before\": %zu, \"bytes_after\": %zu, \"images\": %d, \"accuracy_before\": %.6f, \"accuracy_after\": %.6f, "
           "\"agreement\": %.6f, \"classes\": [",
           report->bytes_before, report->bytes_after, dataset->count, evaluation_accuracy(&report->before),
           evaluation_accuracy(&report->after), evaluation_agreement(&report->before, &report->after));
    struct change *changes = changes_of(&report->before, &report->after);
    for (int k = 0; k < dataset->classes; k++) {
        printf("%s{\"label\": ", k ? ", " : "");
        print_json_string(stdout, dataset->class_names[changes[k].index]);
        printf(", \"before\": %.6f, \"after\": %.6f}", changes[k].before, changes[k].after);
    }
    printf("]}\n");
    free(changes);
}

/* The notes of the model before, but for accuracies, which it no longer has. */
static char *notes_of(const struct model *model, int images, int seed)
{
    char *old = model_file_notes(model), *kept = allocate(strlen(old) + 1, 1), value[64];
    for (const char *line = old; *line;) {
        const size_t length = strcspn(line, "\n") + (line[strcspn(line, "\n")] == '\n');
        if (strncmp(line, "accuracy", strlen("accuracy")) != 0)
            strncat(kept, line, length);
        line += length;
    }
    snprintf(value, sizeof value, "%s training images, seed %d", format_thousands((uint64_t)images), seed);
    char *notes = model_file_set_note(kept, "quantized", value);
    free(kept);
    free(old);
    return notes;
}

int command_quantize(int argc, char **argv)
{
    const char *output = NULL;
    struct data_options data = usual_data;
    float drop = 0.5f;
    int images = 512, seed = 1, limit = 0;
    bool json = false;
    const struct option_entry options[] = {
        OUTPUT_OPTION(&output),
        {"drop", "POINTS", OPTION_NUMBER, &drop, "max accuracy drop, in percentage points", NULL},
        {"images", "N", OPTION_COUNT, &images, "number of training images for the ranges of activations", NULL},
        {"seed", "N", OPTION_COUNT, &seed, "random seed of that choice", NULL},
        {"limit", "N", OPTION_COUNT, &limit, "measure on the first N test images only (0: all)", NULL},
        MODEL_DATA_OPTION(&data.path),
        JSON_OPTION(&json),
        {0}};
    const int first = options_parse(options, usage, argc, argv);
    if (argc - first != 1)
        usage_error("quantize", "quantize takes one model, got %d", argc - first);
    if (!output || !*output)
        usage_error("quantize", "quantize needs -o FILE, the output file");
    if (!images)
        usage_error("quantize", "--images takes 1 or more");

    struct model *model = allocate(1, sizeof *model);
    struct report report;
    uint8_t *bytes = model_file_load(model, &report.bytes_before, argv[first]);
    if (model->type == WEIGHTS_QUANTIZED)
        die(argv[first], "Quantize the model that it was made from.", "the model is quantized already");
    struct dataset seen = dataset_open(&data, DATASET_TRAIN);
    char *mismatch = evaluation_mismatch(model, &seen);
    if (mismatch)
        die(argv[first], "Quantize a model with the data that it was trained on.", "%s", mismatch);
    dataset_read(&seen, model->net.input, &model->preprocess);
    dataset_draw(&seen, images, (uint64_t)seed);
    dataset_fit(&seen, model->net.input, &model->preprocess);
    char *notes = notes_of(model, seen.count, seed);
    uint8_t *result = quantized_bytes(&report.bytes_after, model, notes, &seen);
    dataset_free(&seen);

    struct dataset test = dataset_open(&data, DATASET_TEST);
    dataset_read(&test, model->net.input, &model->preprocess);
    if (limit)
        dataset_limit(&test, limit);
    dataset_fit(&test, model->net.input, &model->preprocess);
    report.before = evaluation_run(bytes, report.bytes_before, &test, NULL, test.count, 0);
    report.after = evaluation_run(result, report.bytes_after, &test, NULL, test.count, 0);
    (json ? print_json : print_table)(&report, &test);
    const double lost = 100 * (evaluation_accuracy(&report.before) - evaluation_accuracy(&report.after));
    fflush(stdout);
    if (lost > (double)drop)
        die(argv[first], "Nothing was written. Allow a larger --drop, or use more --images.",
             "quantization costs %.2f percentage points of accuracy, more than %g", lost, (double)drop);
    save_file(output, result, report.bytes_after, "the model");
    evaluation_free(&report.before);
    evaluation_free(&report.after);
    dataset_free(&test);
    free(result);
    free(notes);
    free(bytes);
    free(model);
    return EXIT_SUCCESS;
}
