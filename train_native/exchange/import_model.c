#include "exchange/import_model.h"

#include "exchange/import_labels.h"
#include "data/sandbox.h"
#include "cli/files.h"
#include "cli/memory.h"
#include "cli/sha256.h"
#include "base/bounds.h"
#include "classifier.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What the child may take: the file, its weights as they stand there, in the graph and in the model, and the workspace
 * of the check. */
static const uint64_t child_memory = (uint64_t)2 << 30;

/* Shared with the child, with room for a model behind it. */
struct job {
    const struct import_options *options;
    struct failure failure;
    struct import_report report;
    bool done;
    size_t size;
    uint8_t bytes[LIMIT_MODEL_BYTES];
};

/* Whether the model classifies a grey picture. */
static bool classifies(const uint8_t *bytes, size_t size, struct failure *failure)
{
    enum { SIDE = 32 };
    uint8_t picture[SIDE * SIDE * 4];
    memset(picture, 128, sizeof picture);
    struct eyelet_classifier *classifier = NULL;
    size_t needed = 0;
    enum status status = eyelet_classifier_bytes(&needed, bytes, size);
    void *workspace = status ? NULL : allocate(needed, 1), *scratch = NULL;
    if (!status)
        status = eyelet_classifier_open(&classifier, workspace, bytes, size);
    if (!status) {
        scratch = allocate(eyelet_classifier_scratch_bytes(classifier, SIDE, SIDE) + 1, 1);
        status = eyelet_classifier_run(classifier, picture, SIDE, SIDE, scratch);
    }
    bool finite = !status;
    for (int i = 0; finite && i < eyelet_classifier_classes(classifier); i++)
        finite = isfinite(eyelet_classifier_logits(classifier)[i]);
    free(scratch);
    free(workspace);
    if (!finite)
        failure_set(failure, NULL, NULL, "the imported network does not classify a grey picture: %s",
                    status ? eyelet_status_text(status) : "its scores are not finite");
    return finite;
}

/* The digest of the file that was named, a zip too; "" for a folder. */
static void hash_file(char text[65], const struct package *package)
{
    size_t size;
    const char *reason;
    const uint8_t *bytes = package_bytes(&size, package);
    uint8_t *zip = bytes ? NULL : read_file(&size, &reason, package_path(package), PACKAGE_MAX_BYTES);
    if (bytes || zip) {
        struct sha256 state = sha256_begin();
        uint8_t digest[SHA256_BYTES];
        sha256_add(&state, bytes ? bytes : zip, size);
        sha256_end(digest, &state);
        sha256_text(text, digest);
    }
    free(zip);
}

static void read_and_write(void *context, int i, struct sandbox_child *child)
{
    (void)i;
    (void)child;
    struct job *job = context;
    const char *named = import_named_labels(job->options);
    struct text_list labels = {0};
    struct package *package = package_open(job->options->path, &job->failure);
    if (package && (!named || import_labels_read(&labels, named, &job->failure))) {
        hash_file(job->report.sha256, package);
        uint8_t *bytes = import_bytes(&job->size, &job->report, job->options, package, &labels, &job->failure);
        if (bytes && classifies(bytes, job->size, &job->failure)) {
            memcpy(job->bytes, bytes, job->size); /* within LIMIT_MODEL_BYTES: it has been read back */
            job->done = true;
        }
        free(bytes);
    }
    text_list_free(&labels);
    package_close(package);
}

/* Of a process that crashed the sandbox says what it means where images are read. */
static void stopped(void *context, int i, const char *reason)
{
    (void)i;
    struct job *job = context;
    const bool crashed = strcmp(reason, eyelet_status_text(STATUS_IMAGE_CORRUPT)) == 0;
    failure_set(&job->failure, NULL, NULL, "%s", crashed ? "it is damaged: the process that read it crashed" : reason);
}

uint8_t *import_model(size_t *size, struct import_report *report, const struct import_options *options,
                      struct failure *failure)
{
    struct job *job = shared_memory(1, sizeof *job);
    uint8_t *bytes = NULL;
    job->options = options;
    sandbox_run(&(struct sandbox){
        .count = 1, .children = 1, .memory = child_memory, .context = job, .work = read_and_write, .stopped = stopped});
    if (job->done) {
        *size = job->size;
        *report = job->report;
        bytes = allocate(job->size, 1);
        memcpy(bytes, job->bytes, job->size);
    } else {
        *failure = job->failure;
        if (!*failure->subject)
            snprintf(failure->subject, sizeof failure->subject, "%s", options->path);
    }
    shared_memory_free(job, 1, sizeof *job);
    return bytes;
}
