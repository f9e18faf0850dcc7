#include "exchange/import_model.h"

#include "exchange/import_labels.h"
#include "exchange/import_preprocess.h"
#include "exchange/importer.h"
#include "model/model_file.h"
#include "data/sandbox.h"
#include "cli/files.h"
#include "cli/memory.h"
#include "cli/sha256.h"
#include "cli/text.h"
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

/* ---- Preprocessing ---- */

static const char own_front[] = "the network's own normalisation";

/* Where nothing says how pictures come in. Networks that normalise by themselves read bytes, or numbers from 0 to 1:
 * the factor tells. PyTorch users export to ONNX; 1,001 classes are TensorFlow's of ImageNet. */
static const char *usual_preprocess(const char **from, const struct imported *imported, const struct importer *importer)
{
    const struct graph_result *network = &imported->network;
    const bool pytorch = strcmp(importer->name, "ONNX") == 0 && net_classes(&network->net) != 1001;
    *from = own_front;
    if (network->has_front)
        return network->front_scale[0] < 0.1f ? "bytes" : "unit";
    *from = "assumed, as nothing in the file says it (--preprocess)";
    if (network->net.input.c == 1)
        return "unit";
    *from =
        pytorch ? "assumed, as usual with PyTorch (--preprocess)" : "assumed, as usual with TensorFlow (--preprocess)";
    return pytorch ? "imagenet" : "tf";
}

/* What is being written: by whom it was read, and for whom. */
struct import {
    const struct import_options *options;
    const struct importer *importer;
    struct imported *imported;
    struct import_report *report;
    struct failure *failure;
    struct text_list labels; /* those that are given, or that stand beside the file: */
    const char *labels_from; /* by --labels, or the file's name; NULL: there are none */
};

static bool choose_preprocess(struct preprocess *preprocess, const struct import *import)
{
    const struct imported *imported = import->imported;
    struct import_report *report = import->report;
    struct failure *failure = import->failure;
    const struct known_model *known = import->options->known;
    const char *wanted = import->options->preprocess;
    const struct graph_result *network = &imported->network;
    const struct shape input = network->net.input;
    const char *from = imported->preprocess_from;
    if (!wanted && known) {
        from = "its makers";
        if (!import_preprocess_parse(preprocess, known->preprocess, input, failure))
            return false;
    } else if (wanted || !imported->has_preprocess) {
        const char *usual = wanted ? wanted : usual_preprocess(&from, imported, import->importer);
        from = wanted ? "--preprocess" : from;
        if (!import_preprocess_parse(preprocess, usual, input, failure))
            return false;
    } else {
        *preprocess = imported->preprocess;
    }
    if (network->has_front && !import_preprocess_front(preprocess, network->front_scale, network->front_shift, input.c))
        return failure_set(failure, NULL, NULL, "the network multiplies its picture by a factor that is not above 0");
    snprintf(report->preprocess_from, sizeof report->preprocess_from, "%s%s", from,
             network->has_front && from != own_front ? ", with the network's own factors" : "");
    import_preprocess_text(report->preprocess, preprocess, input);
    const char *fault = import_preprocess_fault(preprocess, input);
    return !fault || failure_set(failure, NULL, "Another one can be named: --preprocess.",
                                 "no model can have this preprocessing (%s): %s: %s", report->preprocess_from,
                                 report->preprocess, fault);
}

/* ---- Labels ---- */

/* What --labels names; NULL: nothing. A published network has ImageNet's classes. */
static const char *named_labels(const struct import_options *options)
{
    return !options->labels && options->known ? "imagenet" : options->labels;
}

/* Those at hand before the network is known. A folder or zip is one model's, but of single files only TensorFlow.js's
 * are never alone. */
static bool list_labels(struct import *import, const struct package *package)
{
    size_t size;
    const char *named = named_labels(import->options);
    import->labels_from = named;
    if (named)
        return import_labels_read(&import->labels, named, import->failure);
    if (!package_bytes(&size, package) || import->importer == &tfjs_importer)
        import->labels_from = import_labels_beside(&import->labels, package);
    return true;
}

/* The labels that were named are those, or there is no model. */
static char **take_named(struct import *import, const char *path, int classes)
{
    const int count = import->labels.count;
    if (import->imported->network.features_only) {
        failure_set(import->failure, path, "Without --labels it is imported for `eyelet train --from`.",
                    "the network has no classes, only features: %d, and there are %d labels", import->report->embedding,
                    count);
        return NULL;
    }
    char **labels = import_labels_fitted(&import->labels, classes);
    if (!labels)
        failure_set(import->failure, path, "It takes a label for each class, in the network's order.",
                    "there are %d labels, and the network has %d classes", count, classes);
    return labels;
}

static char **choose_labels(struct import *import)
{
    struct imported *imported = import->imported;
    const char *named = named_labels(import->options);
    const int classes = net_classes(&imported->network.net), beside = import->labels.count;
    char *from = import->report->labels_from, **labels = imported->labels;
    const size_t size = sizeof import->report->labels_from;
    snprintf(from, size, "%s", import->labels_from && (named || !labels) ? import->labels_from : imported->labels_from);
    if (named)
        return take_named(import, named, classes);
    imported->labels = NULL; /* taken over */
    if (!labels && !imported->network.features_only)
        labels = import_labels_fitted(&import->labels, classes);
    if (!labels) {
        labels = import_labels_numbered(classes);
        if (beside && !imported->network.features_only)
            snprintf(from, size, "numbered, as %s has %d labels for %d classes (--labels)", import->labels_from, beside,
                     classes);
        else
            snprintf(from, size, "numbered, as %s (--labels)",
                     *imported->labels_from ? imported->labels_from : "the file names none");
    }
    import_labels_clean(labels, classes);
    return labels;
}

/* ---- The model ---- */

static void add_note(char notes[LIMIT_NOTES + 1], const char *key, const char *value)
{
    if (!*value)
        return;
    char *line = text_copy(value);
    import_labels_clean(&line, 1); /* text of one line, as a label is */
    const size_t length = strlen(notes);
    snprintf(notes + length, LIMIT_NOTES + 1 - length, "%s: %s\n", key, line);
    free(line);
}

static char *write_notes(const struct import_report *report, const struct import_options *options)
{
    const struct known_model *known = options->known;
    char *notes = allocate(LIMIT_NOTES + 1, 1);
    const char *name = strrchr(options->path, '/');
    add_note(notes, "name", report->name);
    add_note(notes, "source", known ? known->source : name && name[1] ? name + 1 : options->path);
    add_note(notes, "format", report->format);
    add_note(notes, "exporter", report->exporter);
    add_note(notes, "licence", report->licence);
    add_note(notes, "sha256", report->sha256);
    add_note(notes, "preprocessing", report->preprocess);
    add_note(notes, "preprocessing from", report->preprocess_from);
    add_note(notes, "labels from", report->labels_from);
    return notes;
}

static void describe(struct import_report *report, const struct imported *imported, const struct known_model *known)
{
    const struct net *net = &imported->network.net;
    memcpy(report->format, imported->format, sizeof report->format);
    memcpy(report->exporter, imported->exporter, sizeof report->exporter);
    memcpy(report->name, imported->name, sizeof report->name);
    memcpy(report->licence, imported->licence, sizeof report->licence);
    if (known)
        snprintf(report->licence, sizeof report->licence, "%s", known->licence);
    report->input = net->input;
    report->classes = net_classes(net);
    report->layers = net->node_count;
    report->embedding = net->embedding ? net->shapes[net->embedding].c : 0;
    report->parameters = net_parameter_count(net);
    for (int i = 0; i < net->node_count; i++)
        report->multiply_adds += net_multiply_adds(net, i);
    report->features_only = imported->network.features_only;
}

/* Labels as a model holds them: a byte of length, then the text. */
static uint8_t *packed_labels(char *const *labels, int classes)
{
    uint8_t *bytes = allocate((size_t)classes, 1 + LIMIT_LABEL), *p = bytes;
    for (int i = 0; i < classes; i++) {
        const size_t length = strlen(labels[i]);
        *p++ = (uint8_t)length;
        memcpy(p, labels[i], length);
        p += length;
    }
    return bytes;
}

static uint8_t *write_model(size_t *size, struct import *import)
{
    const struct imported *imported = import->imported;
    struct model *model = allocate(1, sizeof *model);
    uint8_t *bytes = NULL;
    char **labels = NULL;
    const int classes = net_classes(&imported->network.net);
    describe(import->report, imported, import->options->known);
    if (choose_preprocess(&model->preprocess, import) && (labels = choose_labels(import))) {
        char *notes = write_notes(import->report, import->options);
        uint8_t *packed = packed_labels(labels, classes);
        model->net = imported->network.net;
        model->temperature = imported->network.temperature;
        model->labels = packed;
        model->notes = notes;
        model->notes_length = (int)strlen(notes);
        bytes = model_file_written(size, model, imported->network.parameters, import->failure);
        free(packed);
        free(notes);
    }
    import_labels_free(labels, classes);
    free(model);
    return bytes;
}

/* ---- The check ---- */

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
    struct package *package = package_open(job->options->path, &job->failure);
    const struct importer *importer = package ? importer_for(package, &job->failure) : NULL;
    struct imported *imported = allocate(1, sizeof *imported);
    imported->network_text = job->options->network;
    imported->epsilon = job->options->epsilon;
    struct import import = {job->options, importer, imported, &job->report, &job->failure, {0}, NULL};
    const bool listed = importer && list_labels(&import, package);
    imported->label_count = import.labels.count;
    if (listed && importer->read(imported, package, &job->failure)) {
        hash_file(job->report.sha256, package);
        uint8_t *bytes = write_model(&job->size, &import);
        if (bytes && classifies(bytes, job->size, &job->failure)) {
            memcpy(job->bytes, bytes, job->size); /* within LIMIT_MODEL_BYTES: it has been read back */
            job->done = true;
        }
        free(bytes);
    }
    text_list_free(&import.labels);
    imported_free(imported);
    free(imported);
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
