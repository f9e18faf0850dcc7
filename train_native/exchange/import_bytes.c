#include "exchange/import_model.h"

#include "exchange/import_labels.h"
#include "exchange/import_preprocess.h"
#include "exchange/importer.h"
#include "model/model_file.h"
#include "cli/memory.h"
#include "cli/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
    struct text_list *labels; /* those that are given, or that stand beside the file: */
    const char *labels_from;  /* by --labels, or the file's name; NULL: there are none */
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

const char *import_named_labels(const struct import_options *options)
{
    return !options->labels && options->known ? "imagenet" : options->labels;
}

/* Those at hand before the network is known. A folder or zip is one model's, but of single files only TensorFlow.js's
 * are never alone. */
static void list_labels(struct import *import, const struct package *package)
{
    size_t size;
    import->labels_from = import_named_labels(import->options);
    if (!import->labels_from && (!package_bytes(&size, package) || import->importer == &tfjs_importer))
        import->labels_from = import_labels_beside(import->labels, package);
}

/* The labels that were named are those, or there is no model. */
static char **take_named(struct import *import, const char *path, int classes)
{
    const int count = import->labels->count;
    if (import->imported->network.features_only) {
        failure_set(import->failure, path, "Without --labels it is imported for `eyelet train --from`.",
                    "the network has no classes, only features: %d, and there are %d labels", import->report->embedding,
                    count);
        return NULL;
    }
    char **labels = import_labels_fitted(import->labels, classes);
    if (!labels)
        failure_set(import->failure, path, "It takes a label for each class, in the network's order.",
                    "there are %d labels, and the network has %d classes", count, classes);
    return labels;
}

static char **choose_labels(struct import *import)
{
    struct imported *imported = import->imported;
    const char *named = import_named_labels(import->options);
    const int classes = net_classes(&imported->network.net), beside = import->labels->count;
    char *from = import->report->labels_from, **labels = imported->labels;
    const size_t size = sizeof import->report->labels_from;
    snprintf(from, size, "%s", import->labels_from && (named || !labels) ? import->labels_from : imported->labels_from);
    if (named)
        return take_named(import, named, classes);
    imported->labels = NULL; /* taken over */
    if (!labels && !imported->network.features_only)
        labels = import_labels_fitted(import->labels, classes);
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

uint8_t *import_bytes(size_t *size, struct import_report *report, const struct import_options *options,
                      const struct package *package, struct text_list *labels, struct failure *failure)
{
    const struct importer *importer = importer_for(package, failure);
    if (!importer)
        return NULL;
    struct imported *imported = allocate(1, sizeof *imported);
    struct import import = {options, importer, imported, report, failure, labels, NULL};
    uint8_t *bytes = NULL;
    list_labels(&import, package);
    imported->network_text = options->network;
    imported->epsilon = options->epsilon;
    imported->label_count = labels->count;
    if (importer->read(imported, package, failure))
        bytes = write_model(size, &import);
    imported_free(imported);
    free(imported);
    return bytes;
}
