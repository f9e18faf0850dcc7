#include "commands/commands.h"

#include "base/bytes.h"
#include "cli/csv_field.h"
#include "cli/errors.h"
#include "cli/escape.h"
#include "cli/json.h"
#include "cli/memory.h"
#include "cli/text.h"
#include "commands/picture_run.h"
#include "commands/shared_options.h"
#include "commands/sort_into.h"
#include "data/memory_budget.h"
#include "model/calibrated_model.h"
#include "ranks/ranks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "eyelet classify MODEL FILE|FOLDER...: classify images (JPEG, PNG, BMP), best classes first\n"
    "\n"
    "  eyelet classify web/models/tutorial.eyelet photo.jpg\n"
    "  eyelet classify web/models/tutorial.eyelet --json photos/ > photos.json\n"
    "  eyelet classify web/models/tutorial.eyelet --csv photos/ > photos.csv\n"
    "  eyelet classify web/models/tutorial.eyelet photos/ --sort-into sorted/\n"
    "\n"
    "Of a folder, the files in it and in all folders within that are images by their names or their first bytes, those\n"
    "of each in the order of the bytes of their names; links to folders are not followed. A calibrated model\n"
    "(`eyelet calibrate`) says \"not sure\" where the best score is below its threshold. Unreadable files are named and\n"
    "the others are classified; the exit status is then 1.";

struct classify_options {
    int top, threads, memory;
    bool json, csv, logits, link;
    const char *sort_into; /* NULL: nowhere */
};

/* Indices of the `top` largest of the probabilities, in order; the lower index first among equals. */
static void rank(int *indices, int top, const float *probabilities, int classes)
{
    int count = 0;
    for (int i = 0; i < classes; i++) {
        int at = count < top ? count++ : top;
        for (; at > 0 && probabilities[i] > probabilities[indices[at - 1]]; at--)
            if (at < top)
                indices[at] = indices[at - 1];
        if (at < top)
            indices[at] = i;
    }
}

/* Whether the best score reaches the model's threshold. */
static bool is_sure(const struct eyelet_classifier *classifier, const struct picture_result *result, const int *indices)
{
    return (double)result->probabilities[indices[0]] >= calibrated_model_threshold(eyelet_classifier_notes(classifier));
}

static bool is_outlier(const struct eyelet_classifier *classifier, const struct picture_result *result,
                       const int *indices)
{
    return (double)result->logits[indices[0]] < calibrated_model_outlier_limit(eyelet_classifier_notes(classifier));
}

static void print_table(const struct eyelet_classifier *classifier, const char *path,
                        const struct picture_result *result, const int *indices, int top)
{
    print_escaped(stdout, path);
    if (result->decoder)
        printf(" (read by %s)", result->decoder);
    printf("%s\n", is_outlier(classifier, result, indices) ? ": none of these"
                   : is_sure(classifier, result, indices)  ? ""
                                                           : ": not sure");
    for (int i = 0; i < top; i++) {
        printf("  %6.2f %%  ", 100 * (double)result->probabilities[indices[i]]);
        print_escaped(stdout, eyelet_classifier_label(classifier, indices[i]));
        printf("\n");
    }
}

/* %.9g gives back every bit of a float. */
static void print_json(struct json *json, const struct eyelet_classifier *classifier, const char *path,
                       const struct picture_result *result, const int *indices, const struct classify_options *o)
{
    json_line(json);
    json_object(json, NULL);
    json_text(json, "file", path);
    json_array(json, "predictions");
    for (int i = 0; i < o->top; i++) {
        json_object(json, NULL);
        json_text(json, "label", eyelet_classifier_label(classifier, indices[i]));
        json_number(json, "score", "%.9g", (double)result->probabilities[indices[i]]);
        json_int(json, "index", indices[i]);
        json_close(json);
    }
    json_close(json);
    json_bool(json, "sure", is_sure(classifier, result, indices));
    json_bool(json, "outlier", is_outlier(classifier, result, indices));
    if (result->decoder)
        json_text(json, "decoder", result->decoder);
    if (o->logits) {
        json_array(json, "logits");
        for (int i = 0; i < eyelet_classifier_classes(classifier); i++)
            json_number(json, NULL, "%.9g", (double)result->logits[i]);
        json_close(json);
    }
    json_close(json);
}

static void print_json_error(struct json *json, const char *path, const char *reason)
{
    json_line(json);
    json_object(json, NULL);
    json_text(json, "file", path);
    json_text(json, "error", reason);
    json_close(json);
}

static const char csv_header[] = "file,label,score,sure,error";

static void print_csv(const struct eyelet_classifier *classifier, const char *path, const struct picture_result *result,
                      const int *indices)
{
    print_csv_field(stdout, path);
    printf(",");
    print_csv_field(stdout, eyelet_classifier_label(classifier, indices[0]));
    printf(",%.9g,%s,\n", (double)result->probabilities[indices[0]],
           is_sure(classifier, result, indices) && !is_outlier(classifier, result, indices) ? "yes" : "no");
}

static void print_csv_error(const char *path, const char *reason)
{
    print_csv_field(stdout, path);
    printf(",,,,");
    print_csv_field(stdout, reason);
    printf("\n");
}

/* ---- The files ---- */

struct classify_job {
    const struct eyelet_classifier *classifier;
    const struct classify_options *options;
    char **paths;
    struct json json;
    struct sort_into *sorting; /* NULL: none */
    int *indices;              /* room for the classes that are shown */
    int failures;
};

static void sort_picture(struct classify_job *job, const char *path, const struct picture_result *result)
{
    const bool sure =
        is_sure(job->classifier, result, job->indices) && !is_outlier(job->classifier, result, job->indices);
    job->failures += !sort_into_add(job->sorting, path, sure ? job->indices[0] : -1);
}

static void print_result(void *context, int i, const struct picture_result *result)
{
    struct classify_job *job = context;
    const char *path = job->paths[i];
    if (result->reason) {
        job->failures++;
        warn(path, NULL, "%s", result->reason);
        if (job->options->json)
            print_json_error(&job->json, path, result->reason);
        else if (job->options->csv)
            print_csv_error(path, result->reason);
        return;
    }
    rank(job->indices, job->options->top, result->probabilities, eyelet_classifier_classes(job->classifier));
    if (job->options->json)
        print_json(&job->json, job->classifier, path, result, job->indices, job->options);
    else if (job->options->csv)
        print_csv(job->classifier, path, result, job->indices);
    else
        print_table(job->classifier, path, result, job->indices, job->options->top);
    if (job->sorting)
        sort_picture(job, path, result);
}

/* Prints the classes of each file, in their order, and returns how many could not be read. */
static int classify_all(struct eyelet_classifier *classifier, const struct text_list *paths,
                        const struct classify_options *o, struct sort_into *sorting)
{
    struct classify_job job = {.classifier = classifier,
                               .options = o,
                               .paths = paths->texts,
                               .sorting = sorting,
                               .json = json_begin(stdout),
                               .indices = allocate((size_t)o->top, sizeof *job.indices)};
    if (o->json)
        json_array(&job.json, NULL);
    if (o->csv && ranks_first())
        puts(csv_header);
    picture_run(&(struct picture_run){.classifier = classifier,
                                      .paths = paths,
                                      .threads = o->threads,
                                      .memory = o->memory,
                                      .context = &job,
                                      .finished = print_result});
    if (o->json) {
        json_close(&job.json);
        json_end(&job.json);
    }
    free(job.indices);
    return job.failures;
}

/* Parses the options; the result is the index of the first operand. */
static int parse(struct classify_options *o, int argc, char **argv)
{
    const struct option_entry options[] = {
        {"top", "N", OPTION_COUNT, &o->top, "number of classes to show", NULL},
        THREADS_OPTION(&o->threads),
        MEMORY_OPTION(&o->memory),
        {"json", NULL, OPTION_FLAG, &o->json, "print a JSON array with an object for each file", NULL},
        {"csv", NULL, OPTION_FLAG, &o->csv,
         "print CSV with a row for each file: file, label, score, sure (yes or no), error", NULL},
        {"sort-into", "DIR", OPTION_TEXT, &o->sort_into,
         "copy each image into DIR/LABEL/, those of which the model is not sure into DIR/not sure/; nothing there is "
         "replaced",
         NULL},
        {"link", NULL, OPTION_FLAG, &o->link,
         "with --sort-into: hard links instead of copies, symbolic ones on another file system", NULL},
        {"logits", NULL, OPTION_FLAG, &o->logits, "with --json: the logits too, in full precision", NULL},
        {0}};
    const int first = options_parse(options, usage, argc, argv);
    if (argc - first < 2)
        usage_error("classify", "classify takes a model and at least one image");
    if (o->logits && !o->json)
        usage_error("classify", "--logits needs --json");
    if (o->csv && o->json)
        usage_error("classify", "--csv and --json are two forms of the same: choose one");
    if (o->link && !o->sort_into)
        usage_error("classify", "--link needs --sort-into");
    if (!o->top)
        usage_error("classify", "--top takes 1 or more");
    check_threads("classify", o->threads);
    return first;
}

/* Each rank has found the same files and the same model, or the program ends. */
static void compare_ranks(const struct opened_classifier *opened, const struct text_list *paths)
{
    uint32_t names = 0;
    for (int i = 0; i < paths->count; i++)
        names = 31 * names + bytes_crc32((const uint8_t *)paths->texts[i], strlen(paths->texts[i]));
    char *text =
        text_format("model=%08x\nimages=%d, %08x\n", bytes_crc32(opened->bytes, opened->size), paths->count, names);
    ranks_compare(text);
    ranks_begin();
    free(text);
}

enum { NAMED = 3 /* files, in a message about more */ };

static void add_names(FILE *out, const char *what, const struct text_list *names)
{
    fprintf(out, "%s %s: ", format_thousands((uint64_t)names->count), what);
    for (int i = 0; i < names->count && i < NAMED; i++)
        fprintf(out, "%s%s", i ? ", " : "", names->texts[i]);
    fputs(names->count > NAMED ? ", ..." : "", out);
}

/* One line of what stands in the folders and is not classified. */
static void note_passed_over(const struct passed_over *passed_over)
{
    const int files = passed_over->files.count, links = passed_over->links.count;
    char *text;
    size_t size;
    if ((!files && !links) || !ranks_first())
        return;
    FILE *out = text_open(&text, &size);
    if (files)
        add_names(out, files == 1 ? "file that is no image" : "files that are no images", &passed_over->files);
    fputs(files && links ? "; " : "", out);
    if (links)
        add_names(out, links == 1 ? "link to a folder" : "links to folders", &passed_over->links);
    text_close(out);
    warn(NULL, NULL, "passed over: %s", text);
    free(text);
}

int command_classify(int argc, char **argv)
{
    struct classify_options o = {.top = 5, .memory = MEMORY_UNSET};
    const int first = parse(&o, argc, argv);
    struct opened_classifier opened = open_classifier_or_die(argv[first]);
    struct text_list paths = {0};
    struct passed_over passed_over = {0};
    for (int i = first + 1; i < argc; i++)
        picture_paths_add(&paths, argv[i], &passed_over);
    compare_ranks(&opened, &paths);
    note_passed_over(&passed_over);
    passed_over_free(&passed_over);
    const int classes = eyelet_classifier_classes(opened.classifier);
    struct sort_into sorting = {.folder = o.sort_into, .link = o.link};
    o.top = o.top < classes ? o.top : classes;
    if (o.sort_into)
        sort_into_begin(&sorting, argv + first + 1, argc - first - 1, opened.classifier);
    const int failures = classify_all(opened.classifier, &paths, &o, o.sort_into ? &sorting : NULL);
    if (o.sort_into)
        sort_into_end(&sorting);
    text_list_free(&paths);
    opened_classifier_free(&opened);
    return failures ? EXIT_ERROR : EXIT_SUCCESS;
}
