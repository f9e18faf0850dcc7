#include "commands/commands.h"

#include "commands/picture_run.h"
#include "commands/shared_options.h"
#include "model/suggestion.h"
#include "cli/csv_field.h"
#include "cli/errors.h"
#include "cli/escape.h"
#include "cli/files.h"
#include "cli/json.h"
#include "cli/memory.h"
#include "cli/text.h"
#include "data/memory_budget.h"

#include <omp.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "eyelet suggest MODEL FILE|FOLDER...: which unlabelled images to label next\n"
    "\n"
    "  eyelet suggest mine.eyelet unsorted/\n"
    "  eyelet suggest mine.eyelet unsorted/ --count 50 -o next.csv\n"
    "\n"
    "The images that the model is least sure of, and that are unlike each other: labelled, they teach it more than as\n"
    "many drawn by chance. Of a folder, the images in it and in all folders within it. The table has a column \"label\"\n"
    "to fill in: then `eyelet train next.csv` reads it.\n"
    "\n"
    "Unreadable files are named and left out; the exit status is then 1.";

enum { DEFAULT_COUNT = 20 };

struct suggest_options {
    const char *output;
    int count, threads, memory;
    bool json;
};

/* What the model makes of the images that can be read. */
struct candidates {
    const struct text_list *all; /* the files that were given */
    struct text_list paths;
    float *embeddings, *margins, *scores; /* (paths.count, dimensions); (paths.count) */
    int *answers;                         /* (paths.count) */
    int classes, dimensions, failures;
};

static void add_candidate(void *context, int i, const struct picture_result *result)
{
    struct candidates *candidates = context;
    if (result->reason) {
        candidates->failures++;
        warn(candidates->all->texts[i], NULL, "%s", result->reason);
        return;
    }
    const int at = candidates->paths.count;
    float best = -1, second = 0;
    for (int class = 0; class < candidates->classes; class ++) {
        const float p = result->probabilities[class];
        if (p > best) {
            second = best < 0 ? 0 : best;
            best = p;
            candidates->answers[at] = class;
        } else if (p > second)
            second = p;
    }
    candidates->scores[at] = best;
    candidates->margins[at] = best - second;
    memcpy(candidates->embeddings + (ptrdiff_t)at * candidates->dimensions, result->embedding,
           (size_t)candidates->dimensions * sizeof(float));
    text_list_add(&candidates->paths, candidates->all->texts[i]);
}

static struct candidates candidates_of(const struct opened_classifier *opened, const char *model,
                                       const struct text_list *paths, const struct suggest_options *o)
{
    const size_t count = (size_t)paths->count;
    struct candidates candidates = {.all = paths,
                                    .classes = eyelet_classifier_classes(opened->classifier),
                                    .dimensions = embedding_count_or_die(opened, model)};
    candidates.embeddings = allocate(count * (size_t)candidates.dimensions, sizeof(float));
    candidates.margins = allocate(count, sizeof(float));
    candidates.scores = allocate(count, sizeof(float));
    candidates.answers = allocate(count, sizeof(int));
    picture_run(&(struct picture_run){.classifier = opened->classifier,
                                      .paths = paths,
                                      .threads = o->threads,
                                      .memory = o->memory,
                                      .context = &candidates,
                                      .finished = add_candidate});
    return candidates;
}

/* ---- Output: the chosen images, in the order of their choice ---- */

struct choice {
    const struct candidates *candidates;
    const struct eyelet_classifier *classifier;
    int *images, count;
};

static const char *answer_of(const struct choice *choice, int image)
{
    return eyelet_classifier_label(choice->classifier, choice->candidates->answers[image]);
}

static void print_text(const struct choice *choice)
{
    for (int n = 0; n < choice->count; n++) {
        const int image = choice->images[n];
        print_escaped(stdout, choice->candidates->paths.texts[image]);
        printf("  ");
        print_escaped(stdout, answer_of(choice, image));
        printf("? %.1f %%, %.1f points above the next class\n", 100 * (double)choice->candidates->scores[image],
               100 * (double)choice->candidates->margins[image]);
    }
}

static void print_json(const struct choice *choice)
{
    struct json json = json_begin(stdout);
    json_array(&json, NULL);
    for (int n = 0; n < choice->count; n++) {
        const int image = choice->images[n];
        json_line(&json);
        json_object(&json, NULL);
        json_text(&json, "file", choice->candidates->paths.texts[image]);
        json_text(&json, "answer", answer_of(choice, image));
        json_number(&json, "score", "%.6f", (double)choice->candidates->scores[image]);
        json_number(&json, "margin", "%.6f", (double)choice->candidates->margins[image]);
        json_close(&json);
    }
    json_close(&json);
    json_end(&json);
}

static void write_table(const char *path, const struct choice *choice)
{
    char *text;
    size_t size;
    FILE *out = text_open(&text, &size);
    fprintf(out, "file,label,answer,score,margin\n");
    for (int n = 0; n < choice->count; n++) {
        const int image = choice->images[n];
        char *absolute = realpath(choice->candidates->paths.texts[image], NULL); /* wherever the table lies */
        print_csv_field(out, absolute ? absolute : choice->candidates->paths.texts[image]);
        free(absolute);
        fprintf(out, ",,");
        print_csv_field(out, answer_of(choice, image));
        fprintf(out, ",%.6f,%.6f\n", (double)choice->candidates->scores[image],
                (double)choice->candidates->margins[image]);
    }
    text_close(out);
    save_file(path, text, size, "the table of images");
    free(text);
}

int command_suggest(int argc, char **argv)
{
    struct suggest_options o = {.count = DEFAULT_COUNT, .memory = MEMORY_UNSET};
    const struct option_entry options[] = {
        {"count", "N", OPTION_COUNT, &o.count, "images to suggest", NULL},
        {"output", "FILE", OPTION_TEXT, &o.output, "(or -o) write them as CSV, with a label to fill in", NULL},
        THREADS_OPTION(&o.threads),
        MEMORY_OPTION(&o.memory),
        JSON_OPTION(&o.json),
        {0}};
    const int first = options_parse(options, usage, argc, argv);
    if (argc - first < 2 || !o.count)
        usage_error("suggest", "suggest takes a model, at least one image and a --count of at least 1");
    check_threads("suggest", o.threads);
    if (o.threads)
        omp_set_num_threads(o.threads);
    struct opened_classifier opened = open_classifier_or_die(argv[first]);
    struct text_list paths = {0};
    for (int i = first + 1; i < argc; i++)
        picture_paths_add(&paths, argv[i], NULL);
    struct candidates candidates = candidates_of(&opened, argv[first], &paths, &o);
    const int count = candidates.paths.count;
    if (!count)
        die(argv[first + 1], NULL, "none of the %d files is an image that can be read", paths.count);

    struct choice choice = {&candidates, opened.classifier, allocate((size_t)count, sizeof(int)), 0};
    choice.count = suggestion_choose(choice.images, o.count, candidates.margins, candidates.embeddings, count,
                                     candidates.dimensions);
    if (o.output)
        write_table(o.output, &choice);
    if (o.json)
        print_json(&choice);
    else if (!o.output)
        print_text(&choice);
    free(choice.images);
    free(candidates.embeddings);
    free(candidates.margins);
    free(candidates.scores);
    free(candidates.answers);
    text_list_free(&candidates.paths);
    text_list_free(&paths);
    opened_classifier_free(&opened);
    return candidates.failures ? EXIT_ERROR : EXIT_SUCCESS;
}
