#include "commands/commands.h"

#include "cli/errors.h"
#include "cli/memory.h"
#include "cli/text.h"
#include "commands/picture_run.h"
#include "commands/shared_options.h"
#include "data/memory_budget.h"
#include "model/picture_index.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char usage[] =
    "eyelet index MODEL FOLDER... -o photos.sqlite: an index over images, for `eyelet search`\n"
    "\n"
    "  eyelet index mine.eyelet ~/photos -o photos.sqlite\n"
    "\n"
    "Again with the same output, it is brought up to date: images that are new or have another size or time are read,\n"
    "those that are gone from the folders are removed, the others are left alone. What is read before an interruption is\n"
    "in the index. It is a SQLite file: tables `pictures` (path, size, modified, sha256, label, score) and `embeddings`.\n"
    "Unreadable files are named and left out; the exit status is then 1.";

struct index_options {
    const char *output;
    int threads, memory;
};

static bool is_there(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0 || (errno != ENOENT && errno != ENOTDIR);
}

struct job {
    struct picture_index *index;
    const struct eyelet_classifier *classifier;
    struct text_list paths;   /* of what is to be read */
    struct index_file *files; /* as they were before: a change meanwhile is seen the next time */
    int added, failures;
};

static void add_if_changed(struct job *job, const char *path)
{
    struct index_file file;
    if (!index_file_of(&file, path)) {
        warn(path, NULL, "%s", strerror(errno));
        job->failures++;
    } else if (picture_index_has(job->index, &file)) {
        free(file.path);
    } else {
        const int count = job->paths.count;
        LIST_ADD(job->paths.texts, job->paths.count, file.path);
        job->files = list_room(job->files, count, sizeof *job->files);
        job->files[count] = file;
    }
}

static int best_class(const float *probabilities, int classes)
{
    int best = 0;
    for (int i = 1; i < classes; i++)
        best = probabilities[i] > probabilities[best] ? i : best;
    return best;
}

static void put(void *context, int i, const struct picture_result *result)
{
    struct job *job = context;
    struct failure failure;
    const struct index_file *file = &job->files[i];
    if (result->reason) {
        job->failures++;
        warn(file->path, NULL, "%s", result->reason);
        return;
    }
    const int best = best_class(result->probabilities, eyelet_classifier_classes(job->classifier));
    const struct index_entry entry = {file->path,
                                      file->size,
                                      file->modified,
                                      result->sha256,
                                      eyelet_classifier_label(job->classifier, best),
                                      (double)result->probabilities[best]};
    if (!picture_index_put(job->index, &entry, result->embedding, &failure))
        die_of(&failure);
    job->added++;
}

static struct picture_index *open_index(const char *path, const struct opened_classifier *opened, const char *model)
{
    struct failure failure;
    struct index_file file = {0};
    char sha256[2 * SHA256_BYTES + 1];
    opened_classifier_sha256(sha256, opened);
    const struct index_about about = {index_file_of(&file, model) ? file.path : model, sha256,
                                      embedding_count_or_die(opened, model)};
    struct picture_index *index = picture_index_open(path, INDEX_CREATE, &failure);
    if (!index)
        die_of(&failure);
    if (!picture_index_describe(index, &about, &failure)) {
        picture_index_close(index, &(struct failure){0});
        die_of(&failure);
    }
    free(file.path);
    return index;
}

/* Removes what was in the folder, with all within it, and is there no more. */
static int64_t remove_gone(struct picture_index *index, const char *operand)
{
    struct failure failure;
    struct index_file file;
    struct stat about;
    int64_t removed = 0;
    if (stat(operand, &about) != 0 || !S_ISDIR(about.st_mode) || !index_file_of(&file, operand))
        return 0;
    char *folder = text_format("%s%s", file.path, file.path[strlen(file.path) - 1] == '/' ? "" : "/");
    removed = picture_index_remove(index, folder, is_there, &failure);
    if (removed < 0)
        die_of(&failure);
    free(folder);
    free(file.path);
    return removed;
}

int command_index(int argc, char **argv)
{
    struct index_options o = {.memory = MEMORY_UNSET};
    const struct option_entry options[] = {
        OUTPUT_OPTION(&o.output), THREADS_OPTION(&o.threads), MEMORY_OPTION(&o.memory), {0}};
    const int first = options_parse(options, usage, argc, argv);
    if (argc - first < 2 || !o.output)
        usage_error("index", "index takes a model, at least one folder and -o FILE");
    check_threads("index", o.threads);
    struct opened_classifier opened = open_classifier_or_die(argv[first]);
    struct job job = {.index = open_index(o.output, &opened, argv[first]), .classifier = opened.classifier};
    int64_t removed = 0;
    for (int i = first + 1; i < argc; i++) {
        struct text_list paths = {0};
        picture_paths_add(&paths, argv[i], NULL);
        for (int k = 0; k < paths.count; k++)
            add_if_changed(&job, paths.texts[k]);
        text_list_free(&paths);
        removed += remove_gone(job.index, argv[i]);
    }
    picture_run(&(struct picture_run){.classifier = opened.classifier,
                                      .paths = &job.paths,
                                      .threads = o.threads,
                                      .memory = o.memory,
                                      .hashes = true,
                                      .context = &job,
                                      .finished = put});
    const int64_t count = picture_index_count(job.index);
    struct failure failure;
    if (!picture_index_close(job.index, &failure))
        die_of(&failure);
    printf("%s: %s images, %s read, ", o.output, format_thousands((uint64_t)count),
           format_thousands((uint64_t)job.added));
    printf("%s removed\n", format_thousands((uint64_t)removed));
    free(job.files);
    text_list_free(&job.paths);
    opened_classifier_free(&opened);
    return job.failures ? EXIT_ERROR : EXIT_SUCCESS;
}
