#include "commands/commands.h"

#include "commands/model_dataset.h"
#include "commands/or_die.h"
#include "commands/outliers.h"
#include "commands/shared_options.h"
#include "model/calibrated_model.h"
#include "model/interval.h"
#include "model/evaluation.h"
#include "model/model_file.h"
#include "model/outlier.h"
#include "report/report.h"
#include "cli/csv_field.h"
#include "cli/errors.h"
#include "cli/escape.h"
#include "cli/files.h"
#include "cli/memory.h"
#include "cli/text.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "eyelet evaluate MODEL [DATA]: accuracy and other metrics on the test set, bit for bit as in the browser\n"
    "\n"
    "  eyelet evaluate web/models/tutorial.eyelet           on the 10,000 test images of CIFAR-10\n"
    "  eyelet evaluate mine.eyelet photos                   on photos/test, a folder for each class\n"
    "  eyelet evaluate mine.eyelet --report mine.html       report: plots, mistakes to correct; one file, offline\n"
    "  eyelet evaluate mine.eyelet photos --mistakes mistakes.csv       the images that it takes for others\n"
    "  eyelet evaluate mine.eyelet photos --outliers others/    how many images of other things it knows for such\n"
    "\n"
    "DATA as for `eyelet train`. Without a test folder the test set is what `eyelet train` held out: repeat its\n"
    "--test and --split-seed. --test 1 takes all images. Classes are found among the model's by their names, in any\n"
    "order; some of them are enough. ImageNet's go by any one of their synonyms.";

enum {
    MAX_CLASSES = 100, /* that are all shown; of more: */
    WORST_CLASSES = 30,
    MIN_LABEL = 14, /* characters of its column */
    MAX_LABEL = 26,
    FRACTION_WIDTH = 21 /* of one with its interval */
};

/* The class that the images of this one are most often taken for; -1 if there is none. */
static int confused_with(const struct evaluation *e, int class)
{
    int other = -1;
    for (int k = 0; k < e->classes; k++)
        if (k != class &&
            e->confusion[class * e->classes + k] > (other < 0 ? 0 : e->confusion[class * e->classes + other]))
            other = k;
    return other;
}

struct class_row {
    int class;
    struct class_scores scores;
};

/* The lowest F1 first; of equal ones the class with the most images. */
static int by_f1(const void *a, const void *b)
{
    const struct class_row *x = a, *y = b;
    if (x->scores.f1 != y->scores.f1)
        return x->scores.f1 < y->scores.f1 ? -1 : 1;
    return x->scores.images != y->scores.images ? y->scores.images - x->scores.images : x->class - y->class;
}

/* How many bytes the first characters of a label are, of which it has no more than `max`. */
static int bytes_of(int *characters, const char *label, int max)
{
    uint32_t code;
    int bytes = 0;
    for (*characters = 0; *characters < max && label[bytes]; ++*characters)
        bytes += character_at(&code, label + bytes);
    return bytes;
}

/* A column; what is too long for it is cut. */
static void print_label(const char *label, int width)
{
    int characters;
    const bool whole = !label[bytes_of(&characters, label, width)];
    char *shown = whole ? text_copy(label) : text_format("%.*s..", bytes_of(&characters, label, width - 2), label);
    print_escaped_column(stdout, shown, width);
    free(shown);
}

static void print_class(const struct class_row *row, int width, const struct evaluation *e,
                        const struct dataset *dataset)
{
    const struct class_scores *scores = &row->scores;
    const int other = confused_with(e, row->class);
    printf("  ");
    print_label(dataset->class_names[row->class], width);
    printf(" %7d %*s %*s %7.1f %%", scores->images, FRACTION_WIDTH, interval_percent(scores->right, scores->answers),
           FRACTION_WIDTH, interval_percent(scores->right, scores->images), 100 * scores->f1);
    if (other >= 0) {
        printf("   ");
        print_escaped(stdout, dataset->class_names[other]);
        printf(" (%d)", e->confusion[row->class * e->classes + other]);
    }
    printf("\n");
}

/* A row for each class with images; of very many only those that do worst. */
static void print_classes(const struct evaluation *e, const struct dataset *dataset)
{
    struct class_row *rows = allocate((size_t)e->classes, sizeof *rows);
    int count = 0, width = MIN_LABEL;
    for (int i = 0; i < e->classes; i++) {
        int characters;
        rows[count] = (struct class_row){i, evaluation_class(e, i)};
        if (!rows[count].scores.images)
            continue;
        bytes_of(&characters, dataset->class_names[i], MAX_LABEL);
        width = characters > width ? characters : width;
        count++;
    }
    if (count > MAX_CLASSES)
        qsort(rows, (size_t)count, sizeof *rows, by_f1);
    printf("  %-*s %7s %*s %*s %9s   most often confused with\n", width, "class", "images", FRACTION_WIDTH, "precision",
           FRACTION_WIDTH, "recall", "F1");
    for (int i = 0; i < (count > MAX_CLASSES ? WORST_CLASSES : count); i++)
        print_class(&rows[i], width, e, dataset);
    if (count > MAX_CLASSES)
        printf("  the %d of lowest F1 among %d classes with images; --report and --json have all\n", WORST_CLASSES,
               count);
    free(rows);
}

static void print_outliers(const struct outlier_test *test)
{
    printf("outliers   told from test images with an AUROC of %.2f %% (%s images)", 100 * test->auroc,
           format_thousands((uint64_t)test->count));
    if (isfinite(test->limit))
        printf("; max logit below %.3f: %.1f %% of them, %.1f %% of the test images", test->limit, 100 * test->refused,
               100 * test->known_refused);
    printf("\n");
}

static void print_table(const struct report *report)
{
    const struct evaluation *e = report->evaluation;
    const struct dataset *dataset = report->dataset;
    const double temperature = (double)report->model->temperature;
    const double threshold = calibrated_model_threshold(report->notes);
    const struct interval interval = interval_of(e->correct, e->count);
    printf("accuracy   %.2f %% (%.2f to %.2f with 95 %% confidence; %s of %s images)\n", 100 * evaluation_accuracy(e),
           100 * interval.low, 100 * interval.high, format_thousands((uint64_t)e->correct),
           format_thousands((uint64_t)e->count));
    printf("top five   %s\nloss       %.4f\ncalibration error %.2f %%", interval_percent(e->among_five, e->count),
           e->loss, 100 * e->calibration_error);
    if (temperature != 1)
        printf(" (%.2f %% without its temperature, %.3f)", 100 * e->uncalibrated_error, temperature);
    printf("\n");
    if (threshold > 0) {
        const struct threshold above = evaluation_above(e, threshold);
        printf("not sure   below %.3f: %.1f %% of the images; of the others %s are right\n", threshold,
               100.0 * (e->count - above.answered) / e->count, interval_percent(above.right, above.answered));
    }
    if (report->outliers)
        print_outliers(report->outliers);
    if (model_dataset_measured(dataset) < dataset->classes)
        model_dataset_print_measured(dataset);
    printf("time       %.2f s (%s images/s)\n\n", e->seconds, format_thousands((uint64_t)(e->count / e->seconds)));
    print_classes(e, dataset);
}

/* Writes the model again with its measured accuracy among the notes; the result is the new file, which the caller
 * frees. */
static uint8_t *record(size_t *size, const struct model *model, const struct evaluation *e,
                       const struct dataset *dataset, const char *path, int views)
{
    char value[240], key[40] = "accuracy", part[60] = "";
    const int measured = model_dataset_measured(dataset);
    if (measured < dataset->classes)
        snprintf(part, sizeof part, " of %s of its %s classes", format_thousands((uint64_t)measured),
                 format_thousands((uint64_t)dataset->classes));
    snprintf(value, sizeof value, "%s of %s %s test images%s", interval_percent(e->correct, e->count),
             format_thousands((uint64_t)e->count), dataset->name, part);
    if (views)
        snprintf(key, sizeof key, "accuracy over %s views", evaluation_views[views]);
    char *old = model_file_notes(model), *notes = model_file_set_note(old, key, value);
    uint8_t *bytes = write_again_or_die(size, model, notes, model->type);
    save_file(path, bytes, *size, "the accuracy");
    free(notes);
    free(old);
    return bytes;
}

/* ---- Mistakes ---- */

struct mistake {
    int index;
    double score;
};

/* The highest score first, and of equal ones the first image. */
static int by_score(const void *a, const void *b)
{
    const struct mistake *x = a, *y = b;
    return x->score != y->score ? (x->score < y->score) - (x->score > y->score) : x->index - y->index;
}

/* A row for each image that is taken for another class: its file, or its index in the test set. */
static void write_mistakes(const char *path, const struct evaluation *e, const struct dataset *dataset)
{
    struct mistake *mistakes = allocate((size_t)e->count, sizeof *mistakes);
    int count = 0;
    for (int i = 0; i < e->count; i++)
        if (e->answers[i].best != e->answers[i].label)
            mistakes[count++] = (struct mistake){i, e->answers[i].score};
    qsort(mistakes, (size_t)count, sizeof *mistakes, by_score);
    char *text;
    size_t size;
    FILE *out = text_open(&text, &size);
    fprintf(out, "path,label,answer,score\n");
    for (int i = 0; i < count; i++) {
        const int index = mistakes[i].index;
        if (dataset->files)
            print_csv_field(out, dataset->files[index]);
        else
            fprintf(out, "%d", index);
        fputc(',', out);
        print_csv_field(out, dataset->class_names[e->answers[index].label]);
        fputc(',', out);
        print_csv_field(out, dataset->class_names[e->answers[index].best]);
        fprintf(out, ",%.6f\n", mistakes[i].score);
    }
    text_close(out);
    save_file(path, text, size, "the table of mistakes");
    free(text);
    free(mistakes);
}

struct evaluate_options {
    struct data_options data;
    const char *report, *mistakes, *logits, *outliers;
    int views; /* views: an index of evaluation_views */
    bool record, json;
};

/* Parses the options; the result is the path of the model. */
static const char *parse(struct evaluate_options *o, int argc, char **argv)
{
    const struct option_entry options[] = {
        DATA_OPTION(&o->data.path),
        TEST_SET_OPTIONS(&o->data),
        LIMIT_OPTION(&o->data.limit),
        THREADS_OPTION(&o->data.threads),
        {"views", "N", OPTION_CHOICE, &o->views,
         "test-time augmentation: average over the image, its mirror, and both shifted by a pixel; one of",
         evaluation_views},
        {"report", "FILE", OPTION_TEXT, &o->report, "write a report, one self-contained HTML file", NULL},
        {"mistakes", "FILE", OPTION_TEXT, &o->mistakes,
         "write a CSV table of the images that are answered wrongly, the surest first: path (without files the index in "
         "the test set), label, answer, score",
         NULL},
        {"logits", "FILE", OPTION_TEXT, &o->logits, "write the logits: float32, little-endian, (images, classes)",
         NULL},
        {"outliers", "FOLDER", OPTION_TEXT, &o->outliers,
         "images of things that are none of the model's: how well they are told from the test images", NULL},
        {"record", NULL, OPTION_FLAG, &o->record, "write the accuracy into the model's notes", NULL},
        {"json", NULL, OPTION_FLAG, &o->json, "print the metrics as JSON", NULL},
        {0}};
    const int first = options_parse(options, usage, argc, argv);
    if (argc - first < 1 || argc - first + (o->data.path != NULL) > 2)
        usage_error("evaluate", "evaluate takes one model and one data set, got %d operands", argc - first);
    if (!(o->data.test <= 1) || !(o->data.allow_bad <= 1))
        usage_error("evaluate", "--test and --allow-bad take fractions of at most 1, like 0.1");
    check_threads("evaluate", o->data.threads);
    o->data.path = argc - first > 1 ? argv[first + 1] : o->data.path;
    return argv[first];
}

/* Prints and writes what the options ask for. */
static void output(const struct evaluate_options *o, const struct report *report)
{
    if (o->report)
        report_write(o->report, report);
    if (o->json)
        report_print_json(stdout, report);
    else
        print_table(report);
}

int command_evaluate(int argc, char **argv)
{
    struct evaluate_options o = {.data = usual_data};
    char *command = options_command(argc, argv, (const char *const[]){NULL});
    const char *path = parse(&o, argc, argv);
    if (o.data.threads)
        omp_set_num_threads(o.data.threads);
    struct model *model = allocate(1, sizeof *model);
    size_t size;
    uint8_t *bytes = load_or_die(model, &size, path);
    struct dataset dataset = model_dataset_open(model, &o.data, DATASET_TEST);
    char *notes = model_file_notes(model);
    model_dataset_check_division(&dataset, notes, path);
    model_dataset_fit(&dataset, model);

    struct evaluation evaluation =
        evaluate_or_die(&(struct evaluation_input){bytes, size, &dataset, NULL, dataset.count, o.views});
    if (o.logits)
        save_file(o.logits, evaluation.logits, (size_t)dataset.count * (size_t)dataset.classes * sizeof(float),
                  "the file of logits");
    if (o.mistakes)
        write_mistakes(o.mistakes, &evaluation, &dataset);
    size_t new_size = size;
    uint8_t *recorded = o.record ? record(&new_size, model, &evaluation, &dataset, path, o.views) : NULL;
    struct outlier_test test = {.limit = calibrated_model_outlier_limit(notes)};
    if (o.outliers) {
        double *max_logits = outliers_read(&test.count, &test.unreadable, path, o.outliers, o.data.threads);
        outlier_compare(&test, max_logits, evaluation.logits, evaluation.count, evaluation.classes);
        free(max_logits);
    }
    const struct report report = {.path = path,
                                  .command = command,
                                  .model = model,
                                  .notes = notes,
                                  .bytes = recorded ? recorded : bytes,
                                  .size = new_size,
                                  .dataset = &dataset,
                                  .evaluation = &evaluation,
                                  .views = evaluation_views[o.views],
                                  .outliers = o.outliers ? &test : NULL};
    output(&o, &report);
    evaluation_free(&evaluation);
    dataset_free(&dataset);
    free(notes);
    free(recorded);
    free(command);
    free(bytes);
    free(model);
    return EXIT_SUCCESS;
}
