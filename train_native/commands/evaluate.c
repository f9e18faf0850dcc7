#include "commands/commands.h"

#include "commands/shared_options.h"
#include "model/calibrated_model.h"
#include "model/evaluation.h"
#include "model/model_file.h"
#include "report/report.h"
#include "cli/errors.h"
#include "cli/files.h"
#include "cli/memory.h"
#include "cli/text.h"
#include "data/dataset_open.h"

#include <omp.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "eyelet evaluate MODEL [DATA]: accuracy and other metrics on the test set, bit for bit as in the browser\n"
    "\n"
    "  eyelet evaluate web/models/tutorial.eyelet           on the 10,000 test images of CIFAR-10\n"
    "  eyelet evaluate mine.eyelet photos                   on photos/test, a folder for each class\n"
    "  eyelet evaluate mine.eyelet --report mine.html       report with plots and images, one HTML file, offline\n"
    "\n"
    "DATA as for `eyelet train`. Without a test folder the test set is what `eyelet train` held out: repeat its\n"
    "--test and --split-seed. --test 1 takes all images.";

static void print_table(const struct evaluation *e, const struct dataset *dataset, double temperature, double threshold)
{
    const struct interval interval = evaluation_interval(e);
    printf("accuracy   %.2f %% (%.2f to %.2f with 95 %% confidence; %s of %s images)\n", 100 * evaluation_accuracy(e),
           100 * interval.low, 100 * interval.high, format_thousands((uint64_t)e->correct), format_thousands((uint64_t)e->count));
    printf("top five   %.2f %%\nloss       %.4f\ncalibration error %.2f %%", 100.0 * e->among_five / e->count, e->loss,
           100 * e->calibration_error);
    if (temperature != 1)
        printf(" (%.2f %% without its temperature, %.3f)", 100 * e->uncalibrated_error, temperature);
    printf("\n");
    if (threshold > 0) {
        const struct threshold above = evaluation_above(e, threshold);
        printf("not sure   below %.3f: %.1f %% of the images; of the others %.2f %% are right\n", threshold,
               100.0 * (e->count - above.answered) / e->count, above.answered ? 100.0 * above.right / above.answered : 0);
    }
    printf("time       %.2f s (%s images/s)\n\n", e->seconds, format_thousands((uint64_t)(e->count / e->seconds)));
    printf("  %-14s %9s %9s %9s   most often taken for\n", "class", "precision", "recall", "F1");
    for (int i = 0; i < e->classes; i++) {
        const struct class_scores scores = evaluation_class(e, i);
        int worst = i == 0;
        for (int k = 0; k < e->classes; k++)
            if (k != i && e->confusion[i * e->classes + k] > e->confusion[i * e->classes + worst])
                worst = k;
        const int missed = e->classes > 1 ? e->confusion[i * e->classes + worst] : 0;
        printf("  %-14s %7.1f %% %7.1f %% %7.1f %%", dataset->class_names[i], 100 * scores.precision, 100 * scores.recall,
               100 * scores.f1);
        if (missed)
            printf("   %s (%d)", dataset->class_names[worst], missed);
        printf("\n");
    }
}

/* Where train set the test images apart, the same ones must be set apart here. */
static void check_division(const char *notes, const struct dataset *dataset, const char *path)
{
    const char *note = model_file_note(notes, "split");
    char *own = dataset_division(dataset);
    if (note && own && dataset->options.test < 1) {
        char *line = text_copy_bytes(note, strcspn(note, "\n"));
        if (strcmp(line, own) != 0)
            die(path, "Repeat these options; or --test 1, for all images of a data set that it was not trained on.",
                 "the model was trained with %s: with %s it would be tested on images it was trained on", line, own);
        free(line);
    }
    free(own);
}

/* Writes the model again with its measured accuracy among the notes; the result is the new file, which the caller frees. */
static uint8_t *record(size_t *size, const struct model *model, const struct evaluation *e, const struct dataset *dataset,
                       const char *path, int views)
{
    char value[160], key[40] = "accuracy";
    snprintf(value, sizeof value, "%.2f %% of %s %s test images", 100 * evaluation_accuracy(e), format_thousands((uint64_t)e->count),
             dataset->name);
    if (views)
        snprintf(key, sizeof key, "accuracy over %s views", evaluation_views[views]);
    char *old = model_file_notes(model), *notes = model_file_set_note(old, key, value);
    uint8_t *bytes = model_file_again(size, model, notes, model->type);
    save_file(path, bytes, *size, "the accuracy");
    free(notes);
    free(old);
    return bytes;
}

int command_evaluate(int argc, char **argv)
{
    const char *logits = NULL, *page = NULL;
    struct data_options data = usual_data;
    bool json = false, recorded = false;
    int limit = 0, threads = 0, choice = 0;
    const struct option_entry options[] = {
        DATA_OPTION(&data.path),
        TEST_OPTION(&data.test),
        SPLIT_SEED_OPTION(&data.split_seed),
        MEMORY_OPTION(&data.memory),
        ALLOW_BAD_OPTION(&data.allow_bad),
        LIMIT_OPTION(&limit),
        THREADS_OPTION(&threads),
        {"views", "N", OPTION_CHOICE, &choice,
         "test-time augmentation: average over the image, its mirror, and both shifted by a pixel; one of", evaluation_views},
        {"report", "FILE", OPTION_TEXT, &page, "write a report, one self-contained HTML file", NULL},
        {"logits", "FILE", OPTION_TEXT, &logits, "write the logits: float32, little-endian, (images, classes)", NULL},
        {"record", NULL, OPTION_FLAG, &recorded, "write the accuracy into the model's notes", NULL},
        {"json", NULL, OPTION_FLAG, &json, "print the metrics as JSON", NULL},
        {0}};
    char *command = options_command(argc, argv, NULL);
    const int first = options_parse(options, usage, argc, argv);
    if (argc - first < 1 || argc - first + (data.path != NULL) > 2)
        usage_error("evaluate", "evaluate takes one model and one data set, got %d operands", argc - first);
    if (!(data.test <= 1) || !(data.allow_bad <= 1))
        usage_error("evaluate", "--test and --allow-bad take fractions of at most 1, like 0.1");
    data.path = argc - first > 1 ? argv[first + 1] : data.path;
    data.threads = threads;
    if (threads > MAX_THREADS)
        usage_error("evaluate", "--threads takes at most %d", MAX_THREADS);
    if (threads)
        omp_set_num_threads(threads);

    struct model *model = allocate(1, sizeof *model);
    size_t size;
    uint8_t *bytes = model_file_load(model, &size, argv[first]);
    struct dataset dataset = dataset_open(&data, DATASET_TEST);
    char *mismatch = evaluation_mismatch(model, &dataset);
    if (mismatch)
        die(argv[first], "Evaluate a model on the data that it was trained for.", "%s", mismatch);
    dataset_read(&dataset, model->net.input, &model->preprocess);
    char *notes = model_file_notes(model);
    check_division(notes, &dataset, argv[first]);
    if (limit)
        dataset_limit(&dataset, limit);
    dataset_fit(&dataset, model->net.input, &model->preprocess);

    struct evaluation evaluation = evaluation_run(bytes, size, &dataset, NULL, dataset.count, choice);
    if (logits)
        save_file(logits, evaluation.logits, (size_t)dataset.count * (size_t)dataset.classes * sizeof(float), "the file of logits");
    size_t new_size;
    uint8_t *again = recorded ? record(&new_size, model, &evaluation, &dataset, argv[first], choice) : NULL;
    const struct report report = {.path = argv[first], .command = command, .model = model, .notes = notes,
                                  .bytes = again ? again : bytes, .size = again ? new_size : size,
                                  .dataset = &dataset, .evaluation = &evaluation, .views = evaluation_views[choice]};
    if (page)
        report_write(page, &report);
    if (json)
        report_print_json(stdout, &report);
    else
        print_table(&evaluation, &dataset, (double)model->temperature, calibrated_model_threshold(notes));
    evaluation_free(&evaluation);
    dataset_free(&dataset);
    free(notes);
    free(again);
    free(command);
    free(bytes);
    free(model);
    return EXIT_SUCCESS;
}
