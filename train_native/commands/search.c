#include "commands/commands.h"

#include "cli/errors.h"
#include "cli/escape.h"
#include "cli/json.h"
#include "cli/memory.h"
#include "commands/picture_run.h"
#include "commands/shared_options.h"
#include "data/memory_budget.h"
#include "model/picture_index.h"

#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char usage[] =
    "eyelet search INDEX IMAGE...: the images of an index (`eyelet index`) that are most like these\n"
    "\n"
    "  eyelet search photos.sqlite beach.jpg\n"
    "  eyelet search photos.sqlite --like beach.jpg --like dog.jpg --unlike snow.jpg --count 20\n"
    "  eyelet search photos.sqlite --duplicates\n"
    "\n"
    "Prints the cosine of the angle between the embeddings, 1 for the same image, and the path. Of several images the\n"
    "mean is taken, less the mean of those named by --unlike. An image that is not in the index is read by its model,\n"
    "which must be where it was, or be named by --model. --duplicates compares all images with each other.";

enum { SEARCH_MAX = 10000 };

struct search_options {
    struct text_list like, unlike; /* both are paths */
    const char *model;
    int count, threads;
    float threshold;
    bool duplicates, json;
};

struct searcher {
    struct picture_index *index;
    const struct search_options *options;
    struct json json;
    int dimensions;
};

/* ---- The query ---- */

struct wanted {
    const char *path;
    float *vector;
    int dimensions;
};

static void keep_embedding(void *context, int i, const struct picture_result *result)
{
    const struct wanted *wanted = context;
    (void)i;
    if (result->reason)
        die(wanted->path, NULL, "%s", result->reason);
    memcpy(wanted->vector, result->embedding, (size_t)wanted->dimensions * sizeof(float));
}

/* By the model of the index. */
static void embed(float *vector, const struct searcher *searcher, const char *path)
{
    const struct index_about about = picture_index_about(searcher->index);
    const char *model = searcher->options->model ? searcher->options->model : about.model;
    struct opened_classifier opened = open_classifier_or_die(model);
    struct wanted wanted = {path, vector, searcher->dimensions};
    struct text_list paths = {0};
    char sha256[2 * SHA256_BYTES + 1];
    opened_classifier_sha256(sha256, &opened);
    if (strcmp(sha256, about.sha256) != 0 || embedding_count_or_die(&opened, model) != searcher->dimensions)
        die(model, "Name the model that the index was made with: --model FILE.", "the index is of another model");
    text_list_add(&paths, path);
    picture_run(&(struct picture_run){.classifier = opened.classifier,
                                      .paths = &paths,
                                      .threads = 1,
                                      .memory = MEMORY_UNSET,
                                      .context = &wanted,
                                      .finished = keep_embedding});
    text_list_free(&paths);
    opened_classifier_free(&opened);
}

/* Adds the picture's direction, a vector of length 1, times `weight`. */
static void add_direction(float *query, const struct searcher *searcher, const char *path, double weight)
{
    float *vector = allocate((size_t)searcher->dimensions, sizeof *vector);
    struct index_file file = {0};
    if (!index_file_of(&file, path) || !picture_index_has(searcher->index, &file) ||
        !picture_index_vector(searcher->index, file.path, vector))
        embed(vector, searcher, path);
    double squares = 0;
    for (int k = 0; k < searcher->dimensions; k++)
        squares += (double)vector[k] * (double)vector[k];
    for (int k = 0; k < searcher->dimensions && squares > 0; k++)
        query[k] += (float)(weight * (double)vector[k] / sqrt(squares));
    free(file.path);
    free(vector);
}

/* ---- What is printed ---- */

static void put_entry(struct json *json, const struct index_entry *entry)
{
    json_text(json, "file", entry->path);
    json_text(json, "label", entry->label);
    json_number(json, "score", "%.6g", entry->score);
}

static void print_match(struct searcher *searcher, const struct index_match *match)
{
    struct index_entry entry;
    if (!picture_index_entry(searcher->index, match->id, &entry))
        return;
    if (searcher->options->json) {
        json_line(&searcher->json);
        json_object(&searcher->json, NULL);
        json_number(&searcher->json, "similarity", "%.6f", match->similarity);
        put_entry(&searcher->json, &entry);
        json_close(&searcher->json);
        return;
    }
    printf("%.4f  ", match->similarity);
    print_escaped(stdout, entry.path);
    printf("\n");
}

static void print_pair(void *context, int64_t a, int64_t b, double similarity)
{
    struct searcher *searcher = context;
    struct json *json = &searcher->json;
    struct index_entry entry;
    if (searcher->options->json) {
        json_line(json);
        json_object(json, NULL);
        json_number(json, "similarity", "%.6f", similarity);
        json_array(json, "files");
    } else {
        printf("%.4f", similarity);
    }
    for (int side = 0; side < 2; side++) {
        if (!picture_index_entry(searcher->index, side ? b : a, &entry))
            continue;
        if (searcher->options->json) {
            json_text(json, NULL, entry.path);
        } else {
            printf("  ");
            print_escaped(stdout, entry.path);
        }
    }
    if (searcher->options->json) {
        json_close(json);
        json_close(json);
    } else {
        printf("\n");
    }
}

/* JSON is begun when nothing but a damaged index can stop it. */
static void begin_json(struct searcher *searcher)
{
    searcher->json = json_begin(stdout);
    if (searcher->options->json)
        json_array(&searcher->json, NULL);
}

static void end_json(struct searcher *searcher)
{
    if (!searcher->options->json)
        return;
    json_close(&searcher->json);
    json_end(&searcher->json);
}

static bool print_duplicates(struct searcher *searcher, struct failure *failure)
{
    const struct search_options *o = searcher->options;
    begin_json(searcher);
    const bool found =
        picture_index_pairs(searcher->index, (double)o->threshold, o->threads, searcher, print_pair, failure);
    end_json(searcher);
    return found;
}

static bool print_nearest(struct searcher *searcher, struct failure *failure)
{
    const struct search_options *o = searcher->options;
    float *query = allocate((size_t)searcher->dimensions, sizeof *query);
    struct index_match *matches = allocate((size_t)o->count, sizeof *matches);
    for (int i = 0; i < o->like.count; i++)
        add_direction(query, searcher, o->like.texts[i], 1.0 / o->like.count);
    for (int i = 0; i < o->unlike.count; i++)
        add_direction(query, searcher, o->unlike.texts[i], -1.0 / o->unlike.count);
    const int found = picture_index_nearest(matches, o->count, searcher->index, query, o->threads, failure);
    begin_json(searcher);
    for (int i = 0; i < found; i++)
        print_match(searcher, &matches[i]);
    end_json(searcher);
    free(matches);
    free(query);
    return found >= 0;
}

static int parse(struct search_options *o, int argc, char **argv)
{
    const struct option_entry options[] = {
        {"count", "N", OPTION_COUNT, &o->count, "number of images to print", NULL},
        {"like", "IMAGE", OPTION_TEXTS, &o->like, "an image that they are like, the same as IMAGE; several times",
         NULL},
        {"unlike", "IMAGE", OPTION_TEXTS, &o->unlike, "away from this image; several times", NULL},
        {"duplicates", NULL, OPTION_FLAG, &o->duplicates, "pairs of images that are nearly the same", NULL},
        {"threshold", "COSINE", OPTION_NUMBER, &o->threshold, "with --duplicates: from which similarity on", NULL},
        {"model", "FILE", OPTION_TEXT, &o->model, "the model of the index, if it was moved", NULL},
        THREADS_OPTION(&o->threads),
        JSON_OPTION(&o->json),
        {0}};
    const int first = options_parse(options, usage, argc, argv);
    for (int i = first + 1; i < argc; i++)
        text_list_add(&o->like, argv[i]);
    if (first == argc || (!o->like.count && !o->duplicates))
        usage_error("search", "search takes an index, and at least one image that is like what is looked for, or "
                              "--duplicates");
    if (o->duplicates && o->like.count + o->unlike.count)
        usage_error("search", "--duplicates takes no image");
    if (o->count < 1 || o->count > SEARCH_MAX)
        usage_error("search", "--count takes 1 to %d", SEARCH_MAX);
    check_threads("search", o->threads);
    o->threads = o->threads ? o->threads : omp_get_max_threads();
    return first;
}

int command_search(int argc, char **argv)
{
    struct search_options o = {.count = 10, .threshold = 0.97f};
    const int first = parse(&o, argc, argv);
    struct failure failure;
    struct searcher searcher = {.index = picture_index_open(argv[first], INDEX_READ, &failure), .options = &o};
    if (!searcher.index)
        die_of(&failure);
    searcher.dimensions = picture_index_about(searcher.index).dimensions;
    if (!(o.duplicates ? print_duplicates(&searcher, &failure) : print_nearest(&searcher, &failure)))
        die_of(&failure);
    if (!picture_index_close(searcher.index, &failure))
        die_of(&failure);
    text_list_free(&o.like);
    text_list_free(&o.unlike);
    return EXIT_SUCCESS;
}
