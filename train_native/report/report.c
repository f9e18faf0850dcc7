#include "report/report.h"

#include "model/calibrated_model.h"
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

enum {
    MOST_PICTURES = 600, /* in all; those of a cell of the confusion matrix, in turn: */
    MOST_IN_CELL = 6,
    WORST = 24, /* mistakes that are shown at once */
    SCORES = 100 /* steps of the curve of answers above a score */
};

/* ---- The numbers ---- */

static void print_key(FILE *out, const char *key, const char *text)
{
    fprintf(out, "\"%s\": ", key);
    print_json_string(out, text);
    fputs(", ", out);
}

static void print_digest(FILE *out, const char *key, struct sha256 *state)
{
    uint8_t digest[SHA256_BYTES];
    char text[2 * SHA256_BYTES + 1];
    sha256_end(digest, state);
    sha256_text(text, digest);
    print_key(out, key, text);
}

/* Of the model's file; and of the evaluated images: for each its label in two bytes, the lower first, and its pixels as the
 * network gets them, (h, w, 3). */
static void print_hashes(FILE *out, const struct report *report)
{
    struct sha256 model = sha256_begin(), data = sha256_begin();
    sha256_add(&model, report->bytes, report->size);
    const size_t bytes = shape_count(report->dataset->shape);
    for (int i = 0; i < report->evaluation->count; i++) {
        const int label = report->evaluation->labels[i];
        sha256_add(&data, (uint8_t[2]){(uint8_t)label, (uint8_t)(label >> 8)}, 2);
        sha256_add(&data, report->dataset->pixels + (size_t)i * bytes, bytes);
    }
    print_digest(out, "model_sha256", &model);
    print_digest(out, "data_sha256", &data);
}

static void print_classes(FILE *out, const struct report *report)
{
    const struct evaluation *e = report->evaluation;
    fputs("\"classes\": [", out);
    for (int i = 0; i < e->classes; i++) {
        fputs(i ? ", " : "", out);
        print_json_string(out, report->dataset->class_names[i]);
    }
    fputs("], \"per_class\": [", out);
    for (int i = 0; i < e->classes; i++) {
        const struct class_scores scores = evaluation_class(e, i);
        fprintf(out, "%s{\"images\": %d, \"answers\": %d, \"precision\": %.6f, \"recall\": %.6f, \"f1\": %.6f}", i ? ", " : "",
                scores.images, scores.answers, scores.precision, scores.recall, scores.f1);
    }
    fputs("], \"confusion\": [", out);
    for (int i = 0; i < e->classes; i++) {
        fputs(i ? ", [" : "[", out);
        for (int k = 0; k < e->classes; k++)
            fprintf(out, "%s%d", k ? ", " : "", e->confusion[i * e->classes + k]);
        fputc(']', out);
    }
    fputs("], ", out);
}

static void print_calibration(FILE *out, const struct report *report)
{
    const struct evaluation *e = report->evaluation;
    fprintf(out, "\"temperature\": %.6g, \"calibration_error\": %.6f, ", (double)report->model->temperature,
            e->calibration_error);
    fprintf(out, "\"uncalibrated\": {\"loss\": %.6f, \"calibration_error\": %.6f}, \"bins\": [", e->uncalibrated_loss,
            e->uncalibrated_error);
    for (int bin = 0; bin < CALIBRATION_BINS; bin++)
        fprintf(out, "%s{\"count\": %d, \"right\": %d, \"score\": %.6f}", bin ? ", " : "", e->bins[bin].count,
                e->bins[bin].right, e->bins[bin].count ? e->bins[bin].score_sum / e->bins[bin].count : 0);
    fputs("], ", out);
    const double score = calibrated_model_threshold(report->notes);
    if (score > 0) {
        const struct threshold above = evaluation_above(e, score);
        fprintf(out, "\"threshold\": {\"score\": %.6g, \"answered\": %d, \"right\": %d}, ", score, above.answered,
                above.right);
    }
    fputs("\"above\": [", out);
    for (int step = 0; step <= SCORES; step++) {
        const struct threshold above = evaluation_above(e, (double)step / (double)SCORES);
        fprintf(out, "%s[%d, %d]", step ? ", " : "", above.answered, above.right);
    }
    fputs("], ", out);
}

/* The members of the object, without its braces. */
static void print_numbers(FILE *out, const struct report *report)
{
    const struct evaluation *e = report->evaluation;
    const struct interval interval = evaluation_interval(e);
    const struct net *net = &report->model->net;
    print_key(out, "model", report->path);
    print_key(out, "command", report->command);
    print_key(out, "data", report->dataset->name);
    print_key(out, "data_path", report->dataset->path);
    print_key(out, "views", report->views);
    print_hashes(out, report);
    fprintf(out, "\"model_bytes\": %zu, \"parameters\": %zu, \"input\": [%d, %d, %d], ", report->size,
            net_parameter_count(net), net->input.h, net->input.w, net->input.c);
    fprintf(out, "\"images\": %d, \"correct\": %d, \"accuracy\": %.6f, \"interval\": [%.6f, %.6f], ", e->count, e->correct,
            evaluation_accuracy(e), interval.low, interval.high);
    fprintf(out, "\"top5\": %.6f, \"loss\": %.6f, ", (double)e->among_five / e->count, e->loss);
    print_calibration(out, report);
    print_classes(out, report);
    fprintf(out, "\"seconds\": %.3f", e->seconds);
}

void report_print_json(FILE *out, const struct report *report)
{
    fputc('{', out);
    print_numbers(out, report);
    fputs("}\n", out);
}

/* ---- The pictures ---- */

struct choice {
    int place;
    int rank; /* in its cell, the worst first; -1: among the worst mistakes of all */
    double loss;
};

static int compare_loss(const void *a, const void *b)
{
    const struct choice *x = a, *y = b;
    return x->loss != y->loss ? (x->loss < y->loss) - (x->loss > y->loss) : (x->place > y->place) - (x->place < y->place);
}

static int compare_rank(const void *a, const void *b)
{
    const struct choice *x = a, *y = b;
    return x->rank != y->rank ? (x->rank > y->rank) - (x->rank < y->rank) : compare_loss(a, b);
}

/* The images to show, in choices[0 ..]: the worst mistakes, then the worst of every cell, then the second of every cell and
 * so on, so that no cell goes without before another has all of its pictures. The result is their number. */
static int choose(struct choice *choices, const struct evaluation *e)
{
    int *in_cell = allocate((size_t)e->classes * (size_t)e->classes, sizeof(int)), worst = 0, chosen = 0;
    for (int i = 0; i < e->count; i++)
        choices[i] = (struct choice){.place = i, .loss = e->answers[i].loss};
    qsort(choices, (size_t)e->count, sizeof *choices, compare_loss);
    for (int i = 0; i < e->count; i++) {
        const struct answer *answer = &e->answers[choices[i].place];
        choices[i].rank = in_cell[answer->label * e->classes + answer->best]++;
        if (answer->label != answer->best && worst < WORST) {
            choices[i].rank = -1;
            worst++;
        }
    }
    qsort(choices, (size_t)e->count, sizeof *choices, compare_rank);
    while (chosen < e->count && chosen < MOST_PICTURES && choices[chosen].rank < MOST_IN_CELL)
        chosen++;
    free(in_cell);
    return chosen;
}

static int print_pictures(FILE *out, const struct report *report)
{
    const struct evaluation *e = report->evaluation;
    const struct dataset *dataset = report->dataset;
    struct choice *choices = allocate((size_t)e->count, sizeof *choices);
    const int chosen = choose(choices, e);
    fputs(", \"pictures\": [", out);
    for (int i = 0; i < chosen; i++) {
        const struct answer *answer = &e->answers[choices[i].place];
        char *url = thumbnail_url(dataset->pixels + (size_t)choices[i].place * shape_count(dataset->shape), dataset->shape);
        fprintf(out, "%s{\"index\": %d, \"label\": %d, \"answer\": %d, ", i ? ",\n" : "", choices[i].place, answer->label,
                answer->best);
        fprintf(out, "\"score\": %.4f, \"label_score\": %.4f, \"url\": \"%s\"}", answer->score, answer->label_score, url);
        free(url);
    }
    fputc(']', out);
    free(choices);
    return chosen;
}

/* ---- The curves ---- */

/* The rows of a training's log as lists of numbers and nulls, with the names of its columns. A file that is none is left out. */
static void print_training(FILE *out, const char *path)
{
    size_t size;
    const char *reason;
    char *text = (char *)read_file(&size, &reason, path, 1 << 22), *rest = text;
    char *line = text ? strsep(&rest, "\n") : NULL;
    if (line && strncmp(line, "epoch,", 6) == 0) {
        fputs(", \"training\": {", out);
        print_key(out, "file", path);
        fputs("\"columns\": [", out);
        for (char *name, *first = line; (name = strsep(&line, ","));) {
            fputs(name == first ? "" : ", ", out);
            print_json_string(out, name);
        }
        fputs("], \"rows\": [", out);
        for (int row = 0; (line = strsep(&rest, "\n")) && *line; row++) {
            fputs(row ? ", [" : "[", out);
            for (char *field, *first = line; (field = strsep(&line, ","));) {
                char *end;
                const double x = strtod(field, &end);
                fputs(field == first ? "" : ", ", out);
                if (end == field || !isfinite(x))
                    fputs("null", out);
                else
                    fprintf(out, "%.9g", x);
            }
            fputc(']', out);
        }
        fputs("]}", out);
    }
    free(text);
}

static void print_layers(FILE *out, const struct net *net)
{
    fputs(", \"layers\": [", out);
    for (int i = 0; i < net->node_count; i++) {
        char details[64];
        network_details(details, sizeof details, &net->nodes[i]);
        fprintf(out, "%s[\"%s\", \"%s\", %zu]", i ? ", " : "", kind_names[net->nodes[i].kind], details,
                net->offset[i + 1] - net->offset[i]);
    }
    fputc(']', out);
}

void report_write(const char *path, const struct report *report)
{
    char *json = NULL, *log_path = with_suffix(report->path, ".csv");
    size_t size;
    FILE *out = text_open(&json, &size);
    fputc('{', out);
    print_numbers(out, report);
    fputs(", \"notes\": ", out);
    print_json_string(out, report->notes);
    print_layers(out, &report->model->net);
    print_training(out, log_path);
    const int pictures = print_pictures(out, report);
    fputc('}', out);
    text_close(out);
    json = html_json(json);
    char *modules = html_script((const unsigned char *[]){view_js, report_js, NULL});
    const struct html_part parts[] = {{"style.css", (const char *)style_css}, {"report.css", (const char *)report_css},
                                      {"data", json}, {"modules", modules}, {0}};
    char *page = html_page(&size, report_html, parts);
    free(modules);
    save_file(path, page, size, "the report");
    fputs("report: ", stderr);
    print_escaped(stderr, path);
    fprintf(stderr, " (%s bytes, %d of %s pictures)\n", format_thousands(size), pictures,
            format_thousands((uint64_t)report->evaluation->count));
    free(page);
    free(json);
    free(log_path);
}
