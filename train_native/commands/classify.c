#include "commands/commands.h"
#include "commands/or_die.h"

#include "commands/shared_options.h"
#include "model/calibrated_model.h"
#include "classifier.h"
#include "cli/text.h"
#include "data/folder_entries.h"
#include "data/memory_budget.h"
#include "data/picture_file.h"
#include "data/sandbox.h"
#include "cli/errors.h"
#include "cli/escape.h"
#include "cli/files.h"
#include "cli/json.h"
#include "cli/list.h"
#include "cli/memory.h"

#include <omp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char usage[] =
    "eyelet classify MODEL FILE|FOLDER...: classify images (JPEG, PNG, BMP), best classes first\n"
    "\n"
    "  eyelet classify web/models/tutorial.eyelet photo.jpg\n"
    "  eyelet classify web/models/tutorial.eyelet --json photos/ > photos.json\n"
    "\n"
    "Of a folder, the files in it that are images by their names or their first bytes, in the order of the bytes of\n"
    "their names. A calibrated model (`eyelet calibrate`) says \"not sure\" where the best score is below its\n"
    "threshold. Unreadable files are named and the others are classified; the exit status is then 1.";

enum { FILES_PER_CHILD = 256 };

struct classify_options {
    int top, threads, memory;
    bool json, logits;
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

/* What a child found out about a file, in shared memory. */
struct finding {
    char reason[PICTURE_REASON]; /* why there are no scores; empty: there are */
    const char *decoder;         /* as in struct picture_file */
    float *logits, *probabilities;
};

/* Whether the best score reaches the model's threshold. */
static bool is_sure(const struct eyelet_classifier *classifier, const struct finding *finding, const int *indices)
{
    return (double)finding->probabilities[indices[0]] >=
           calibrated_model_threshold(eyelet_classifier_notes(classifier));
}

static void print_table(const struct eyelet_classifier *classifier, const char *path, const struct finding *finding,
                        const int *indices, int top)
{
    print_escaped(stdout, path);
    if (finding->decoder)
        printf(" (read by %s)", finding->decoder);
    printf(is_sure(classifier, finding, indices) ? "\n" : ": not sure\n");
    for (int i = 0; i < top; i++) {
        printf("  %6.2f %%  ", 100 * (double)finding->probabilities[indices[i]]);
        print_escaped(stdout, eyelet_classifier_label(classifier, indices[i]));
        printf("\n");
    }
}

/* %.9g gives back every bit of a float. */
static void print_json(struct json *json, const struct eyelet_classifier *classifier, const char *path,
                       const struct finding *finding, const int *indices, const struct classify_options *o)
{
    json_line(json);
    json_object(json, NULL);
    json_text(json, "file", path);
    json_array(json, "predictions");
    for (int i = 0; i < o->top; i++) {
        json_object(json, NULL);
        json_text(json, "label", eyelet_classifier_label(classifier, indices[i]));
        json_number(json, "score", "%.9g", (double)finding->probabilities[indices[i]]);
        json_int(json, "index", indices[i]);
        json_close(json);
    }
    json_close(json);
    json_bool(json, "sure", is_sure(classifier, finding, indices));
    if (finding->decoder)
        json_text(json, "decoder", finding->decoder);
    if (o->logits) {
        json_array(json, "logits");
        for (int i = 0; i < eyelet_classifier_classes(classifier); i++)
            json_number(json, NULL, "%.9g", (double)finding->logits[i]);
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

/* ---- The files ---- */

static void add_path(struct text_list *paths, const char *folder, const char *name)
{
    char *path = text_format("%s%s%s", folder, *folder && folder[strlen(folder) - 1] != '/' ? "/" : "", name);
    LIST_ADD(paths->texts, paths->count, path);
}

/* A folder without images stays itself, and is then named as what cannot be read. */
static void add_operand(struct text_list *paths, const char *operand)
{
    struct folder_entries entries = folder_entries_of(operand, LINKS_APART);
    struct stat about;
    const int before = paths->count;
    if (entries.fault && stat(operand, &about) == 0 && S_ISDIR(about.st_mode))
        die(operand, NULL, "%s", entries.fault);
    for (int i = 0; i < entries.files.count; i++) {
        const char *fault;
        char *path = path_join(operand, entries.files.texts[i]);
        if (is_image_file(path, &fault))
            add_path(paths, operand, entries.files.texts[i]);
        free(path);
    }
    if (paths->count == before)
        add_path(paths, "", operand);
    folder_entries_free(&entries);
}

/* ---- Classifying, in child processes ---- */

struct classify_job {
    struct eyelet_classifier *classifier;
    const struct classify_options *options;
    char **paths;
    struct finding *findings; /* (window), shared; file i has that of i % window */
    int window;
    struct json json;
    int *indices; /* room for the classes that are shown */
    int failures;
};

static struct finding *finding_of(const struct classify_job *job, int i) { return &job->findings[i % job->window]; }

static void give_reason(struct finding *finding, const char *reason)
{
    snprintf(finding->reason, sizeof finding->reason, "%s", reason);
}

static enum status classify_picture(struct eyelet_classifier *classifier, const struct picture *picture)
{
    const int width = picture->width, height = picture->height;
    void *scratch = allocate_or_null(eyelet_classifier_scratch_bytes(classifier, width, height), 1);
    const enum status status =
        scratch ? eyelet_classifier_run(classifier, picture->rgba, width, height, scratch) : STATUS_MEMORY;
    free(scratch);
    return status;
}

static void classify_file(void *context, int i, struct sandbox_child *child)
{
    const struct classify_job *job = context;
    struct finding *finding = finding_of(job, i);
    struct picture_file file;
    enum status status = STATUS_OK;
    if (picture_file_read(&file, child, job->paths[i])) {
        status = classify_picture(job->classifier, &file.picture);
        free(file.picture.rgba);
    }
    finding->decoder = file.decoder;
    give_reason(finding, status ? picture_file_status_text(status) : file.reason);
    if (*finding->reason)
        return;
    const size_t score_bytes = (size_t)eyelet_classifier_classes(job->classifier) * sizeof(float);
    memcpy(finding->logits, eyelet_classifier_logits(job->classifier), score_bytes);
    memcpy(finding->probabilities, eyelet_classifier_probabilities(job->classifier), score_bytes);
}

static void stopped(void *context, int i, const char *reason) { give_reason(finding_of(context, i), reason); }

static void print_finding(void *context, int i)
{
    struct classify_job *job = context;
    const struct finding *finding = finding_of(job, i);
    const char *path = job->paths[i];
    if (*finding->reason) {
        job->failures++;
        warn(path, NULL, "%s", finding->reason);
        if (job->options->json)
            print_json_error(&job->json, path, finding->reason);
        return;
    }
    rank(job->indices, job->options->top, finding->probabilities, eyelet_classifier_classes(job->classifier));
    if (job->options->json)
        print_json(&job->json, job->classifier, path, finding, job->indices, job->options);
    else
        print_table(job->classifier, path, finding, job->indices, job->options->top);
}

/* Prints the classes of each file, in their order, and returns how many could not be read. Children are never further
 * ahead than a window of files: memory does not grow with their number. */
static int classify_all(struct eyelet_classifier *classifier, const struct text_list *paths,
                        const struct classify_options *o)
{
    const int classes = eyelet_classifier_classes(classifier), max_window = o->threads * FILES_PER_CHILD;
    const int window = paths->count < max_window ? paths->count : max_window;
    const size_t scores = 2 * (size_t)window * (size_t)classes;
    struct classify_job job = {.classifier = classifier,
                               .options = o,
                               .paths = paths->texts,
                               .findings = shared_memory((size_t)window, sizeof *job.findings),
                               .window = window,
                               .json = json_begin(stdout),
                               .indices = allocate((size_t)o->top, sizeof *job.indices)};
    float *shared = shared_memory(scores, sizeof *shared);
    for (int i = 0; i < window; i++) {
        job.findings[i].logits = shared + 2 * (size_t)i * (size_t)classes;
        job.findings[i].probabilities = job.findings[i].logits + classes;
    }
    if (o->json)
        json_array(&job.json, NULL);
    sandbox_run(&(struct sandbox){.count = paths->count,
                                  .children = o->threads,
                                  .memory = memory_budget(o->memory),
                                  .window = window,
                                  .context = &job,
                                  .work = classify_file,
                                  .stopped = stopped,
                                  .finished = print_finding});
    if (o->json) {
        json_close(&job.json);
        json_end(&job.json);
    }
    shared_memory_free(shared, scores, sizeof *shared);
    shared_memory_free(job.findings, (size_t)window, sizeof *job.findings);
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
        {"logits", NULL, OPTION_FLAG, &o->logits, "with --json: the logits too, in full precision", NULL},
        {0}};
    const int first = options_parse(options, usage, argc, argv);
    if (argc - first < 2)
        usage_error("classify", "classify takes a model and at least one image");
    if (o->logits && !o->json)
        usage_error("classify", "--logits needs --json");
    if (!o->top)
        usage_error("classify", "--top takes 1 or more");
    check_threads("classify", o->threads);
    o->threads = o->threads ? o->threads : omp_get_max_threads();
    return first;
}

int command_classify(int argc, char **argv)
{
    struct classify_options o = {.top = 5, .memory = MEMORY_UNSET};
    const int first = parse(&o, argc, argv);
    struct model *model = allocate(1, sizeof *model);
    size_t size, workspace;
    uint8_t *bytes = load_or_die(model, &size, argv[first]);
    free(model);
    struct eyelet_classifier *classifier;
    void *memory = NULL;
    enum status status = eyelet_classifier_bytes(&workspace, bytes, size);
    if (!status)
        status = eyelet_classifier_open(&classifier, memory = allocate(workspace, 1), bytes, size);
    if (status)
        die(argv[first], NULL, "%s", eyelet_status_text(status));
    struct text_list paths = {0};
    for (int i = first + 1; i < argc; i++)
        add_operand(&paths, argv[i]);
    const int classes = eyelet_classifier_classes(classifier);
    o.top = o.top < classes ? o.top : classes;
    const int failures = classify_all(classifier, &paths, &o);
    text_list_free(&paths);
    free(memory);
    free(bytes);
    return failures ? EXIT_ERROR : EXIT_SUCCESS;
}
