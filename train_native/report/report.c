#include "report/report.h"

#include "model/calibrated_model.h"
#include "model/interval.h"
#include "report/html.h"
#include "model/model_file.h"
#include "model/network.h"
#include "cli/sha256.h"
#include "cli/errors.h"
#include "cli/escape.h"
#include "cli/files.h"
#include "cli/json.h"
#include "cli/memory.h"
#include "cli/text.h"
#include "report/thumbnail.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    MAX_EXAMPLES = 600, /* in all; those of a cell of the confusion matrix, in turn: */
    MAX_IN_CELL = 6,
    WORST = 24,  /* mistakes that are shown at once */
    SCORES = 100 /* steps of the curve of answers above a score */
};

/* ---- The numbers ---- */

static void print_digest(struct json *json, const char *key, struct sha256 *state)
{
    uint8_t digest[SHA256_BYTES];
    char text[2 * SHA256_BYTES + 1];
    sha256_end(digest, state);
    sha256_text(text, digest);
    json_text(json, key, text);
}

/* Of the model's file; and of the evaluated images: for each its label in two bytes, the lower first, and its pixels
 * as the network gets them, (h, w, 3). */
static void print_hashes(struct json *json, const struct report *report)
{
    struct sha256 model = sha256_begin(), data = sha256_begin();
    sha256_add(&model, report->bytes, report->size);
    const size_t bytes = shape_count(report->dataset->shape);
    for (int i = 0; i < report->evaluation->count; i++) {
        const int label = report->evaluation->labels[i];
        sha256_add(&data, (uint8_t[2]){(uint8_t)label, (uint8_t)(label >> 8)}, 2);
        dataset_expect(report->dataset, i);
        sha256_add(&data, dataset_pixels(report->dataset, i), bytes);
    }
    print_digest(json, "model_sha256", &model);
    print_digest(json, "data_sha256", &data);
}

static void print_classes(struct json *json, const struct report *report)
{
    const struct evaluation *e = report->evaluation;
    int measured = 0;
    for (int i = 0; i < e->classes; i++)
        measured += evaluation_class(e, i).images > 0;
    json_int(json, "measured_classes", measured);
    json_array(json, "classes");
    for (int i = 0; i < e->classes; i++)
        json_text(json, NULL, report->dataset->class_names[i]);
    json_close(json);
    json_array(json, "per_class");
    for (int i = 0; i < e->classes; i++) {
        const struct class_scores scores = evaluation_class(e, i);
        json_object(json, NULL);
        json_int(json, "images", scores.images);
        json_int(json, "answers", scores.answers);
        json_number(json, "precision", "%.6f", scores.precision);
        interval_json(json, "precision_interval", scores.right, scores.answers);
        json_number(json, "recall", "%.6f", scores.recall);
        interval_json(json, "recall_interval", scores.right, scores.images);
        json_number(json, "f1", "%.6f", scores.f1);
        json_close(json);
    }
    json_close(json);
    json_array(json, "confusion");
    for (int i = 0; i < e->classes; i++)
        json_ints(json, NULL, e->confusion + i * e->classes, e->classes);
    json_close(json);
}

static void print_outliers(struct json *json, const struct outlier_test *test)
{
    json_object(json, "outliers");
    json_int(json, "images", test->count);
    json_int(json, "unreadable", test->unreadable);
    json_number(json, "auroc", "%.6f", test->auroc);
    if (isfinite(test->limit)) {
        json_number(json, "limit", "%.3f", test->limit);
        json_number(json, "refused", "%.6f", test->refused);
        json_number(json, "test_images_refused", "%.6f", test->known_refused);
    }
    json_close(json);
}

static void print_calibration(struct json *json, const struct report *report)
{
    const struct evaluation *e = report->evaluation;
    json_number(json, "temperature", "%.6g", (double)report->model->temperature);
    json_number(json, "calibration_error", "%.6f", e->calibration_error);
    json_object(json, "uncalibrated");
    json_number(json, "loss", "%.6f", e->uncalibrated_loss);
    json_number(json, "calibration_error", "%.6f", e->uncalibrated_error);
    json_close(json);
    json_array(json, "bins");
    for (int bin = 0; bin < CALIBRATION_BINS; bin++) {
        json_object(json, NULL);
        json_int(json, "count", e->bins[bin].count);
        json_int(json, "right", e->bins[bin].right);
        json_number(json, "score", "%.6f", e->bins[bin].count ? e->bins[bin].score_sum / e->bins[bin].count : 0);
        json_close(json);
    }
    json_close(json);
    const double score = calibrated_model_threshold(report->notes);
    if (score > 0) {
        const struct threshold above = evaluation_above(e, score);
        json_object(json, "threshold");
        json_number(json, "score", "%.6g", score);
        json_int(json, "answered", above.answered);
        json_int(json, "right", above.right);
        interval_json(json, "interval", above.right, above.answered);
        json_close(json);
    }
    if (report->outliers)
        print_outliers(json, report->outliers);
    json_array(json, "above");
    for (int step = 0; step <= SCORES; step++) {
        const struct threshold above = evaluation_above(e, (double)step / (double)SCORES);
        json_array(json, NULL);
        json_int(json, NULL, above.answered);
        json_int(json, NULL, above.right);
        interval_json(json, NULL, above.right, above.answered);
        json_close(json);
    }
    json_close(json);
}

/* The members of the object. */
static void print_numbers(struct json *json, const struct report *report)
{
    const struct evaluation *e = report->evaluation;
    const struct net *net = &report->model->net;
    json_text(json, "model", report->path);
    json_text(json, "command", report->command);
    json_text(json, "data", report->dataset->name);
    json_text(json, "data_path", report->dataset->path);
    json_text(json, "views", report->views);
    print_hashes(json, report);
    json_int(json, "model_bytes", (int64_t)report->size);
    json_int(json, "parameters", (int64_t)net_parameter_count(net));
    json_ints(json, "input", (int[]){net->input.h, net->input.w, net->input.c}, 3);
    json_int(json, "images", e->count);
    json_int(json, "correct", e->correct);
    json_number(json, "accuracy", "%.6f", evaluation_accuracy(e));
    interval_json(json, "interval", e->correct, e->count);
    json_number(json, "top5", "%.6f", (double)e->among_five / e->count);
    json_number(json, "loss", "%.6f", e->loss);
    print_calibration(json, report);
    print_classes(json, report);
    json_number(json, "seconds", "%.3f", e->seconds);
}

void report_print_json(FILE *out, const struct report *report)
{
    struct json json = json_begin(out);
    json_object(&json, NULL);
    print_numbers(&json, report);
    json_close(&json);
    json_end(&json);
}

/* ---- The examples ---- */

struct example {
    int index;
    int rank; /* in its cell, the worst first; -1: among the worst mistakes of all */
    double loss;
};

static int compare_loss(const void *a, const void *b)
{
    const struct example *x = a, *y = b;
    return x->loss != y->loss ? (x->loss < y->loss) - (x->loss > y->loss)
                              : (x->index > y->index) - (x->index < y->index);
}

static int compare_rank(const void *a, const void *b)
{
    const struct example *x = a, *y = b;
    return x->rank != y->rank ? (x->rank > y->rank) - (x->rank < y->rank) : compare_loss(a, b);
}

/* The images to show, in examples[0 ..]: the worst mistakes, then the worst of every cell, then the second of every
 * cell and so on, so that no cell goes without before another has all of its images. The result is their number. */
static int choose_examples(struct example *examples, const struct evaluation *e)
{
    int *in_cell = allocate((size_t)e->classes * (size_t)e->classes, sizeof(int)), worst = 0, chosen = 0;
    for (int i = 0; i < e->count; i++)
        examples[i] = (struct example){.index = i, .loss = e->answers[i].loss};
    qsort(examples, (size_t)e->count, sizeof *examples, compare_loss);
    for (int i = 0; i < e->count; i++) {
        const struct answer *answer = &e->answers[examples[i].index];
        examples[i].rank = in_cell[answer->label * e->classes + answer->best]++;
        if (answer->label != answer->best && worst < WORST) {
            examples[i].rank = -1;
            worst++;
        }
    }
    qsort(examples, (size_t)e->count, sizeof *examples, compare_rank);
    while (chosen < e->count && chosen < MAX_EXAMPLES && examples[chosen].rank < MAX_IN_CELL)
        chosen++;
    free(in_cell);
    return chosen;
}

/* Within the data, if it lies there. */
static const char *file_of(const struct dataset *dataset, int index)
{
    const char *file = dataset->files[index];
    const size_t length = strlen(dataset->path);
    const char *rest = strncmp(file, dataset->path, length) == 0 ? file + length : file;
    return rest != file && (*rest == '/' || file[length - 1] == '/') ? rest + strspn(rest, "/") : file;
}

static int print_examples(struct json *json, const struct report *report)
{
    const struct evaluation *e = report->evaluation;
    const struct dataset *dataset = report->dataset;
    struct example *examples = allocate((size_t)e->count, sizeof *examples);
    const int chosen = choose_examples(examples, e);
    json_array(json, "examples");
    for (int i = 0; i < chosen; i++) {
        const int index = examples[i].index;
        const struct answer *answer = &e->answers[index];
        char *url = thumbnail_url(dataset_pixels(dataset, index), dataset->shape);
        json_line(json);
        json_object(json, NULL);
        json_int(json, "index", index);
        json_int(json, "label", answer->label);
        json_int(json, "answer", answer->best);
        json_number(json, "score", "%.4f", answer->score);
        json_number(json, "label_score", "%.4f", answer->label_score);
        if (dataset->files)
            json_text(json, "file", file_of(dataset, index));
        json_text(json, "url", url);
        json_close(json);
        free(url);
    }
    json_close(json);
    free(examples);
    return chosen;
}

/* ---- The curves ---- */

/* A line of numbers in CSV; what is none becomes null. */
static void print_row(struct json *json, char *line)
{
    json_array(json, NULL);
    for (char *field; (field = strsep(&line, ","));) {
        char *end;
        const double x = strtod(field, &end);
        json_number(json, NULL, "%.9g", end == field ? NAN : x);
    }
    json_close(json);
}

/* The rows of a training's log as lists of numbers and nulls, with the names of its columns. A file that is none is
 * left out. */
static void print_training(struct json *json, const char *path)
{
    size_t size;
    const char *reason;
    char *text = (char *)read_file(&size, &reason, path, 1 << 22), *rest = text;
    char *line = text ? strsep(&rest, "\n") : NULL;
    if (!text && access(path, F_OK) == 0)
        warn(path, NULL, "is left out of the report: %s", reason);
    if (line && strncmp(line, "epoch,", 6) == 0) {
        json_object(json, "training");
        json_text(json, "file", path);
        json_array(json, "columns");
        for (char *name; (name = strsep(&line, ","));)
            json_text(json, NULL, name);
        json_close(json);
        json_array(json, "rows");
        while ((line = strsep(&rest, "\n")) && *line)
            print_row(json, line);
        json_close(json);
        json_close(json);
    }
    free(text);
}

static void print_layers(struct json *json, const struct net *net)
{
    json_array(json, "layers");
    for (int i = 0; i < net->node_count; i++) {
        char details[64];
        network_details(details, sizeof details, &net->nodes[i]);
        json_array(json, NULL);
        json_text(json, NULL, kind_names[net->nodes[i].kind]);
        json_text(json, NULL, details);
        json_int(json, NULL, (int64_t)(net->offset[i + 1] - net->offset[i]));
        json_close(json);
    }
    json_close(json);
}

void report_write(const char *path, const struct report *report)
{
    char *text = NULL, *log_path = with_suffix(report->path, ".csv");
    size_t size;
    FILE *out = text_open(&text, &size);
    struct json json = json_begin(out);
    json_object(&json, NULL);
    print_numbers(&json, report);
    json_text(&json, "notes", report->notes);
    print_layers(&json, &report->model->net);
    print_training(&json, log_path);
    json_bool(&json, "in_folders", !report->dataset->sources.count); /* no table has their labels */
    const int examples = print_examples(&json, report);
    json_close(&json);
    text_close(out);
    text = html_json(text);
    char *modules = html_script((const unsigned char *[]){view_js, relabel_js, relabel_view_js, report_js, NULL});
    const struct html_part parts[] = {{"style.css", (const char *)style_css},
                                      {"report.css", (const char *)report_css},
                                      {"data", text},
                                      {"modules", modules},
                                      {0}};
    char *page = html_page(&size, report_html, parts);
    free(modules);
    save_file(path, page, size, "the report");
    fputs("report: ", stderr);
    print_escaped(stderr, path);
    fprintf(stderr, " (%s bytes, %d of %s images)\n", format_thousands(size), examples,
            format_thousands((uint64_t)report->evaluation->count));
    free(page);
    free(text);
    free(log_path);
}
