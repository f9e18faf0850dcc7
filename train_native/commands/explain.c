#include "commands/commands.h"

#include "base/argmax.h"
#include "base/text.h"
#include "cli/errors.h"
#include "cli/escape.h"
#include "cli/files.h"
#include "cli/json.h"
#include "cli/memory.h"
#include "cli/text.h"
#include "commands/picture_run.h"
#include "commands/shared_options.h"
#include "data/memory_budget.h"
#include "data/name_key.h"
#include "data/name_match.h"
#include "data/picture_file.h"
#include "data/sandbox.h"
#include "explain.h"
#include "report/heat_picture.h"
#include "report/thumbnail.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char usage[] =
    "eyelet explain MODEL PICTURE -o heat.png: where in a picture a model sees what speaks for a class\n"
    "\n"
    "  eyelet explain web/models/objects160.eyelet photo.jpg -o heat.png\n"
    "  eyelet explain web/models/objects160.eyelet photo.jpg -o heat.png --class dog\n"
    "\n"
    "Grad-CAM (Selvaraju et al. 2017) of the last feature map, times HiResCAM (Draelos & Carin 2020) of a finer one: how\n"
    "much what is seen there raises the class's logit. The output is the picture, at most 1024 pixels a side, with the\n"
    "map over it; what the model does not see of the picture has none. Without --class, the best class is explained.";

struct explain_options {
    const char *output, *class;
    int memory;
    bool json;
};

/* What the child found out, in shared memory. */
struct finding {
    char reason[PICTURE_REASON]; /* why there is nothing; empty: there is */
    const char *decoder;
    int class;
    float score;
    double part[4]; /* of the picture, that the map is of */
    struct heat_picture picture;
};

struct job {
    struct eyelet_classifier *classifier;
    struct eyelet_explainer *explainer;
    const char *path;
    int class; /* -1: the best */
    struct finding *finding;
    struct shape grid, input;
    float *map, *heat; /* (grid), (input), shared */
};

static enum status explain(const struct job *job, const struct picture *picture)
{
    struct finding *finding = job->finding;
    enum status status = picture_classify(job->classifier, picture);
    if (status)
        return status;
    const float *probabilities = eyelet_classifier_probabilities(job->classifier);
    finding->class = job->class >= 0 ? job->class : argmax(probabilities, eyelet_classifier_classes(job->classifier));
    finding->score = probabilities[finding->class];
    eyelet_classifier_part(finding->part, job->classifier);
    status = eyelet_explainer_run(job->explainer, eyelet_classifier_pixels(job->classifier), finding->class);
    if (status)
        return status;
    memcpy(job->map, eyelet_explainer_map(job->explainer), shape_count(job->grid) * sizeof(float));
    eyelet_explainer_heat(job->heat, job->explainer, job->input.h, job->input.w);
    return heat_picture_draw(&finding->picture, picture, job->heat, job->input, finding->part) ? STATUS_OK
                                                                                               : STATUS_MEMORY;
}

static void work(void *context, int i, struct sandbox_child *child)
{
    (void)i;
    const struct job *job = context;
    struct finding *finding = job->finding;
    struct picture picture;
    struct picture_file file;
    enum status status = STATUS_OK;
    if (picture_file_read(&file, child, job->path, &picture)) {
        status = explain(job, &picture);
        free(picture.rgba);
    }
    finding->decoder = file.decoder;
    snprintf(finding->reason, sizeof finding->reason, "%s", status ? picture_file_status_text(status) : file.reason);
}

static void stopped(void *context, int i, const char *reason)
{
    (void)i;
    const struct job *job = context;
    snprintf(job->finding->reason, sizeof job->finding->reason, "%s", reason);
}

/* ---- The class ---- */

/* Levenshtein's distance: bytes to insert, delete or replace. Of labels, which have at most 255. */
static int edit_distance(const char *a, const char *b)
{
    enum { LONGEST = 256 };
    int row[LONGEST + 1];
    const int width = (int)strnlen(b, LONGEST);
    for (int k = 0; k <= width; k++)
        row[k] = k;
    for (int i = 0; a[i]; i++) {
        int diagonal = row[0]++;
        for (int k = 1; k <= width; k++) {
            const int above = row[k], replaced = diagonal + (a[i] != b[k - 1]);
            const int other = 1 + (above < row[k - 1] ? above : row[k - 1]);
            row[k] = replaced < other ? replaced : other;
            diagonal = above;
        }
    }
    return row[width];
}

/* The few labels that are spelt most alike; the caller frees the text. */
static char *nearest_labels(const char *name, char *const *labels, int count)
{
    enum { FEW = 5 };
    int nearest[FEW], distances[FEW], found = 0;
    char *key = name_key(name, NAME_KEY_ALL);
    for (int i = 0; i < count; i++) {
        char *other = name_key(labels[i], NAME_KEY_ALL);
        const int distance = edit_distance(key, other);
        free(other);
        int at = found < FEW ? found++ : FEW;
        for (; at > 0 && distance < distances[at - 1]; at--)
            if (at < FEW) {
                nearest[at] = nearest[at - 1];
                distances[at] = distances[at - 1];
            }
        if (at < FEW) {
            nearest[at] = i;
            distances[at] = distance;
        }
    }
    free(key);
    char *text;
    size_t size;
    FILE *out = text_open(&text, &size);
    for (int i = 0; i < found; i++) {
        fputs(i ? ", " : "", out);
        print_escaped(out, labels[nearest[i]]);
    }
    text_close(out);
    return text;
}

/* The index of the class that --class means. */
static int class_or_die(const char *name, const struct eyelet_classifier *classifier, const char *model)
{
    const int count = eyelet_classifier_classes(classifier);
    if (!text_valid(name, (int)strnlen(name, 1 << 16), false))
        die("--class", NULL, "the name is not valid UTF-8");
    char **labels = allocate((size_t)count, sizeof *labels);
    for (int i = 0; i < count; i++)
        labels[i] = text_copy(eyelet_classifier_label(classifier, i));
    struct name_match *found = name_match((char *const[]){(char *)(uintptr_t)name}, 1, labels, count);
    const int index = found[0].index;
    if (index < 0) {
        char *nearest = nearest_labels(name, labels, count);
        char *hint = text_format("Of its %d classes, these are spelt most alike: %s", count, nearest);
        die(model, hint, "the model has no class \"%s\"", name);
    }
    if (found[0].other >= 0)
        die(model, "Give the whole label.", "several classes are called \"%s\"", name);
    free(found);
    for (int i = 0; i < count; i++)
        free(labels[i]);
    free(labels);
    return index;
}

/* ---- What is printed ---- */

static bool is_empty(const struct job *job)
{
    for (size_t i = 0; i < shape_count(job->grid); i++)
        if (job->map[i] > 0)
            return false;
    return true;
}

static void print_text(const struct job *job, const struct explain_options *o)
{
    print_escaped(stdout, job->path);
    if (job->finding->decoder)
        printf(" (read by %s)", job->finding->decoder);
    printf("\n  %6.2f %%  ", 100 * (double)job->finding->score);
    print_escaped(stdout, eyelet_classifier_label(job->classifier, job->finding->class));
    printf("\n  a map of %d x %d cells%s: ", job->grid.h, job->grid.w,
           is_empty(job) ? ", all 0: nothing in the picture speaks for this class" : "");
    print_escaped(stdout, o->output);
    printf("\n");
}

/* %.9g gives back every bit of a float, %.17g of a double. */
static void print_json(const struct job *job)
{
    struct json json = json_begin(stdout);
    json_object(&json, NULL);
    json_text(&json, "file", job->path);
    json_text(&json, "label", eyelet_classifier_label(job->classifier, job->finding->class));
    json_int(&json, "index", job->finding->class);
    json_number(&json, "score", "%.9g", (double)job->finding->score);
    if (job->finding->decoder)
        json_text(&json, "decoder", job->finding->decoder);
    json_array(&json, "part");
    for (int i = 0; i < 4; i++)
        json_number(&json, NULL, "%.17g", job->finding->part[i]);
    json_close(&json);
    json_ints(&json, "grid", (int[]){job->grid.h, job->grid.w}, 2);
    json_array(&json, "map");
    for (size_t i = 0; i < shape_count(job->grid); i++)
        json_number(&json, NULL, "%.9g", (double)job->map[i]);
    json_close(&json);
    json_close(&json);
    json_end(&json);
}

/* ---- The command ---- */

static struct eyelet_explainer *open_explainer_or_die(void **workspace, const struct opened_classifier *opened,
                                                      const char *path)
{
    size_t bytes;
    struct eyelet_explainer *explainer = NULL;
    enum status status = eyelet_explainer_bytes(&bytes, opened->bytes, opened->size);
    if (!status) {
        *workspace = allocate(bytes, 1);
        status = eyelet_explainer_open(&explainer, *workspace, opened->bytes, opened->size);
    }
    if (status)
        die(path, NULL, "%s", eyelet_status_text(status));
    return explainer;
}

static void run(struct job *job, const struct explain_options *o)
{
    int channels;
    eyelet_classifier_input(job->classifier, &job->input.h, &job->input.w, &channels);
    eyelet_explainer_grid(job->explainer, &job->grid.h, &job->grid.w);
    job->input.c = job->grid.c = 1;
    job->finding = shared_memory(1, sizeof *job->finding);
    job->map = shared_memory(shape_count(job->grid), sizeof(float));
    job->heat = shared_memory(shape_count(job->input), sizeof(float));
    sandbox_run(&(struct sandbox){.count = 1,
                                  .children = 1,
                                  .memory = memory_budget(o->memory),
                                  .context = job,
                                  .work = work,
                                  .stopped = stopped});
    if (*job->finding->reason)
        die(job->path, NULL, "%s", job->finding->reason);
    if (o->output) {
        size_t size;
        uint8_t *png = thumbnail_png(&size, job->finding->picture.pixels, job->finding->picture.shape);
        save_file(o->output, png, size, "the picture");
        free(png);
    }
    if (o->json)
        print_json(job);
    else
        print_text(job, o);
    shared_memory_free(job->finding, 1, sizeof *job->finding);
    shared_memory_free(job->map, shape_count(job->grid), sizeof(float));
    shared_memory_free(job->heat, shape_count(job->input), sizeof(float));
}

static void check_output(const char *path)
{
    const size_t length = strlen(path);
    const char *reason;
    if (length < 4 || strcmp(path + length - 4, ".png") != 0)
        usage_error("explain", "%s: the output must end in .png", path);
    if (!can_write_file(path, &reason))
        die(path, NULL, "%s", reason);
}

int command_explain(int argc, char **argv)
{
    struct explain_options o = {.memory = MEMORY_UNSET};
    const struct option_entry options[] = {
        OUTPUT_OPTION(&o.output),
        {"class", "LABEL", OPTION_TEXT, &o.class, "the class to explain (default: the best)", NULL},
        MEMORY_OPTION(&o.memory),
        {"json", NULL, OPTION_FLAG, &o.json, "print JSON: class, score, map and the part of the picture it is of",
         NULL},
        {0}};
    const int first = options_parse(options, usage, argc, argv);
    if (argc - first != 2 || (!o.output && !o.json))
        usage_error("explain", "explain takes a model, one picture and -o FILE.png or --json");
    if (o.output)
        check_output(o.output);
    struct stat about;
    if (stat(argv[first + 1], &about) == 0 && S_ISDIR(about.st_mode))
        die(argv[first + 1], "eyelet classify takes folders.", "this is a folder: give one picture");
    struct opened_classifier opened = open_classifier_or_die(argv[first]);
    void *workspace = NULL;
    struct job job = {.classifier = opened.classifier, .path = argv[first + 1], .class = -1};
    job.explainer = open_explainer_or_die(&workspace, &opened, argv[first]);
    if (o.class)
        job.class = class_or_die(o.class, opened.classifier, argv[first]);
    run(&job, &o);
    free(workspace);
    opened_classifier_free(&opened);
    return EXIT_SUCCESS;
}
