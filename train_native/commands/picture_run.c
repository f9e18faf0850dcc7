#include "commands/picture_run.h"

#include "base/bounds.h"
#include "cli/errors.h"
#include "cli/files.h"
#include "cli/memory.h"
#include "cli/text.h"
#include "commands/or_die.h"
#include "data/folder_entries.h"
#include "data/memory_budget.h"
#include "data/picture_file.h"
#include "data/sandbox.h"
#include "ranks/ranks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { FILES_PER_CHILD = 256, HASH_TEXT = 2 * SHA256_BYTES + 1 };

struct opened_classifier open_classifier_or_die(const char *path)
{
    struct opened_classifier opened = {0};
    struct model *model = allocate(1, sizeof *model);
    size_t workspace;
    opened.bytes = load_or_die(model, &opened.size, path);
    free(model);
    enum status status = eyelet_classifier_bytes(&workspace, opened.bytes, opened.size);
    if (!status) {
        opened.workspace = allocate(workspace, 1);
        status = eyelet_classifier_open(&opened.classifier, opened.workspace, opened.bytes, opened.size);
    }
    if (status)
        die(path, NULL, "%s", eyelet_status_text(status));
    return opened;
}

void opened_classifier_free(struct opened_classifier *opened)
{
    free(opened->workspace);
    free(opened->bytes);
}

int embedding_count_or_die(const struct opened_classifier *opened, const char *path)
{
    const int count = eyelet_classifier_embedding_count(opened->classifier);
    if (!count)
        die(path, NULL, "the model has no embedding: no layer of one pixel stands in front of its last layer");
    return count;
}

static void sha256_of(char text[HASH_TEXT], const void *bytes, size_t size)
{
    uint8_t digest[SHA256_BYTES];
    struct sha256 state = sha256_begin();
    sha256_add(&state, bytes, size);
    sha256_end(digest, &state);
    sha256_text(text, digest);
}

void opened_classifier_sha256(char text[HASH_TEXT], const struct opened_classifier *opened)
{
    sha256_of(text, opened->bytes, opened->size);
}

/* ---- The files ---- */

/* folder/name; the caller frees it. */
static char *path_in(const char *folder, const char *name)
{
    return text_format("%s%s%s", folder, *folder && folder[strlen(folder) - 1] != '/' ? "/" : "", name);
}

static void add_folder(struct text_list *paths, const char *folder, struct passed_over *passed_over)
{
    struct folder_entries entries = folder_entries_of(folder, LINKS_APART);
    struct stat about;
    if (entries.fault && stat(folder, &about) == 0 && S_ISDIR(about.st_mode))
        die(folder, NULL, "%s", entries.fault);
    for (int i = 0; i < entries.files.count; i++) {
        const char *fault;
        char *path = path_in(folder, entries.files.texts[i]);
        struct text_list *list = is_image_file(path, &fault) || fault ? paths : &passed_over->files;
        LIST_ADD(list->texts, list->count, path);
    }
    for (int i = 0; i < entries.links.count; i++) {
        char *path = path_in(folder, entries.links.texts[i]);
        LIST_ADD(passed_over->links.texts, passed_over->links.count, path);
    }
    for (int i = 0; i < entries.folders.count; i++) {
        char *path = path_in(folder, entries.folders.texts[i]);
        add_folder(paths, path, passed_over);
        free(path);
    }
    folder_entries_free(&entries);
}

static void add_all(struct text_list *list, const struct text_list *added)
{
    for (int i = 0; i < added->count; i++)
        text_list_add(list, added->texts[i]);
}

void passed_over_free(struct passed_over *passed_over)
{
    text_list_free(&passed_over->files);
    text_list_free(&passed_over->links);
}

void picture_paths_add(struct text_list *paths, const char *operand, struct passed_over *passed_over)
{
    struct passed_over own = {0};
    const int before = paths->count;
    add_folder(paths, operand, &own);
    if (paths->count == before) {
        text_list_add(paths, operand);
    } else if (passed_over) {
        add_all(&passed_over->files, &own.files);
        add_all(&passed_over->links, &own.links);
    }
    passed_over_free(&own);
}

/* ---- In child processes ---- */

/* What a child found out about a file, in shared memory. */
struct finding {
    char reason[PICTURE_REASON]; /* why there are no scores; empty: there are */
    char sha256[HASH_TEXT];
    const char *decoder;
    float *logits, *probabilities, *embedding;
};

struct job {
    const struct picture_run *run;
    struct finding *findings; /* (window), shared; file i has that of i % window */
    int window;
};

static struct finding *finding_of(const struct job *job, int i) { return &job->findings[i % job->window]; }

static void give_reason(struct finding *finding, const char *reason)
{
    snprintf(finding->reason, sizeof finding->reason, "%s", reason);
}

enum status picture_classify(struct eyelet_classifier *classifier, const struct picture *picture)
{
    const int width = picture->width, height = picture->height;
    void *scratch = allocate_or_null(eyelet_classifier_scratch_bytes(classifier, width, height), 1);
    const enum status status =
        scratch ? eyelet_classifier_run(classifier, picture->rgba, width, height, scratch) : STATUS_MEMORY;
    free(scratch);
    return status;
}

static void hash_file(struct finding *finding, const char *path)
{
    size_t size;
    const char *reason;
    uint8_t *bytes = read_file(&size, &reason, path, LIMIT_IMAGE_BYTES);
    if (bytes)
        sha256_of(finding->sha256, bytes, size);
    else
        give_reason(finding, reason);
    free(bytes);
}

/* A picture on its way through the classifier, row by row. */
struct classifying {
    struct eyelet_classifier *classifier;
    void *scratch;
};

static uint64_t scratch_bytes(void *context, const struct picture *stored)
{
    const struct classifying *classifying = context;
    return eyelet_classifier_stored_bytes(classifying->classifier, stored->width, stored->height, stored->orientation);
}

static enum status begin(void *context, const struct picture *stored)
{
    struct classifying *classifying = context;
    free(classifying->scratch);
    classifying->scratch = allocate_or_null((size_t)scratch_bytes(context, stored), 1);
    if (!classifying->scratch)
        return STATUS_MEMORY;
    return eyelet_classifier_begin(classifying->classifier, stored->width, stored->height, stored->orientation,
                                   classifying->scratch);
}

static void take_row(void *context, int y, const uint8_t *rgba)
{
    eyelet_classifier_row(((struct classifying *)context)->classifier, y, rgba);
}

static void work(void *context, int i, struct sandbox_child *child)
{
    const struct job *job = context;
    struct eyelet_classifier *classifier = job->run->classifier;
    const char *path = job->run->paths->texts[i];
    struct finding *finding = finding_of(job, i);
    struct classifying classifying = {.classifier = classifier};
    const struct picture_taker taker = {{&classifying, begin, take_row}, scratch_bytes};
    struct picture_file file;
    enum status status = STATUS_OK;
    if (picture_file_take(&file, child, path, &taker))
        status = eyelet_classifier_finish(classifier);
    free(classifying.scratch);
    finding->decoder = file.decoder;
    *finding->sha256 = 0;
    give_reason(finding, status ? picture_file_status_text(status) : file.reason);
    if (*finding->reason)
        return;
    const size_t score_bytes = (size_t)eyelet_classifier_classes(classifier) * sizeof(float);
    memcpy(finding->logits, eyelet_classifier_logits(classifier), score_bytes);
    memcpy(finding->probabilities, eyelet_classifier_probabilities(classifier), score_bytes);
    if (eyelet_classifier_embedding_count(classifier))
        eyelet_classifier_embedding(finding->embedding, classifier);
    if (job->run->hashes)
        hash_file(finding, path);
}

static void stopped(void *context, int i, const char *reason) { give_reason(finding_of(context, i), reason); }

static void finished(void *context, int i)
{
    const struct job *job = context;
    const struct finding *finding = finding_of(job, i);
    job->run->finished(job->run->context, i,
                       &(struct picture_result){*finding->reason ? finding->reason : NULL, finding->decoder,
                                                finding->logits, finding->probabilities, finding->embedding,
                                                finding->sha256});
}

static void run_here(const struct picture_run *run)
{
    const int threads = run->threads ? run->threads : ranks_threads(), count = run->paths->count;
    const int classes = eyelet_classifier_classes(run->classifier), max_window = threads * FILES_PER_CHILD;
    struct job job = {.run = run, .window = count < max_window ? count : max_window};
    if (!count)
        return;
    const size_t each = 2 * (size_t)classes + (size_t)eyelet_classifier_embedding_count(run->classifier);
    float *shared = shared_memory((size_t)job.window * each, sizeof *shared);
    job.findings = shared_memory((size_t)job.window, sizeof *job.findings);
    for (int i = 0; i < job.window; i++) {
        job.findings[i].logits = shared + (size_t)i * each;
        job.findings[i].probabilities = job.findings[i].logits + classes;
        job.findings[i].embedding = job.findings[i].probabilities + classes;
    }
    sandbox_run(&(struct sandbox){.count = count,
                                  .children = threads,
                                  .memory = memory_budget(run->memory),
                                  .window = job.window,
                                  .context = &job,
                                  .work = work,
                                  .stopped = stopped,
                                  .finished = finished});
    shared_memory_free(shared, (size_t)job.window * each, sizeof *shared);
    shared_memory_free(job.findings, (size_t)job.window, sizeof *job.findings);
}

/* ---- Among ranks ---- */

/* What a rank found out about a file, as it goes to the others: the numbers stand behind it. */
struct parcel {
    bool classified;
    char reason[PICTURE_REASON], sha256[HASH_TEXT], decoder[32];
};

struct round {
    const struct picture_run *run;
    int classes, embedding;
    size_t bytes; /* of a parcel with its numbers */
    uint8_t *own, *all;
};

static float *numbers_of(uint8_t *parcel) { return (float *)(void *)(parcel + sizeof(struct parcel)); }

static void pack(void *context, int i, const struct picture_result *result)
{
    const struct round *round = context;
    uint8_t *bytes = round->own + (size_t)i * round->bytes;
    struct parcel *parcel = (struct parcel *)(void *)bytes;
    *parcel = (struct parcel){.classified = !result->reason};
    snprintf(parcel->reason, sizeof parcel->reason, "%s", result->reason ? result->reason : "");
    snprintf(parcel->sha256, sizeof parcel->sha256, "%s", result->sha256);
    snprintf(parcel->decoder, sizeof parcel->decoder, "%s", result->decoder ? result->decoder : "");
    if (result->reason)
        return;
    float *numbers = numbers_of(bytes);
    memcpy(numbers, result->logits, (size_t)round->classes * sizeof *numbers);
    memcpy(numbers + round->classes, result->probabilities, (size_t)round->classes * sizeof *numbers);
    memcpy(numbers + 2 * round->classes, result->embedding, (size_t)round->embedding * sizeof *numbers);
}

static void unpack(const struct round *round, int first, int count)
{
    for (int i = 0; i < count; i++) {
        uint8_t *bytes = round->all + (size_t)i * round->bytes;
        const struct parcel *parcel = (const struct parcel *)(const void *)bytes;
        const float *numbers = numbers_of(bytes);
        round->run->finished(round->run->context, first + i,
                             &(struct picture_result){
                                 parcel->classified ? NULL : parcel->reason, *parcel->decoder ? parcel->decoder : NULL,
                                 numbers, numbers + round->classes, numbers + 2 * round->classes, parcel->sha256});
    }
}

/* Each rank does a part of the next files, and rank 0 goes through them in their order. */
static void run_among_ranks(const struct picture_run *run)
{
    enum { MAX_FILES = 1024, MAX_BYTES = 1 << 25 }; /* of a rank in a round */
    struct round round = {.run = run,
                          .classes = eyelet_classifier_classes(run->classifier),
                          .embedding = eyelet_classifier_embedding_count(run->classifier)};
    round.bytes = sizeof(struct parcel) + (size_t)(2 * round.classes + round.embedding) * sizeof(float);
    round.bytes = (round.bytes + 7) / 8 * 8;
    const int fitting = (int)(MAX_BYTES / round.bytes), each = fitting < 1           ? 1
                                                               : fitting < MAX_FILES ? fitting
                                                                                     : MAX_FILES;
    round.own = allocate((size_t)each, round.bytes);
    round.all = allocate((size_t)each * (size_t)ranks_count(), round.bytes);
    for (int first = 0, n; first < run->paths->count; first += n) {
        n = run->paths->count - first < each * ranks_count() ? run->paths->count - first : each * ranks_count();
        const struct parallel parallel = ranks_parallel(1);
        const int start = parallel_start(&parallel, ranks_own(), n),
                  end = parallel_start(&parallel, ranks_own() + 1, n);
        const struct text_list own = {.texts = run->paths->texts + first + start, .count = end - start};
        struct picture_run part = *run;
        part.paths = &own;
        part.context = &round;
        part.finished = pack;
        run_here(&part);
        ranks_gather(round.all, round.own, n, round.bytes);
        if (ranks_first())
            unpack(&round, first, n);
    }
    free(round.own);
    free(round.all);
}

void picture_run(const struct picture_run *run)
{
    if (ranks_count() > 1)
        run_among_ranks(run);
    else
        run_here(run);
}
