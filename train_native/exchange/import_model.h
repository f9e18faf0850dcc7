/* From another program's model to the bytes of a model file, in a child process (sandbox.h): what `eyelet import` does.
 *
 *     const struct import_options options = {.path = "model.onnx", .labels = "labels.txt"};
 *     struct import_report *report = allocate(1, sizeof *report);
 *     struct failure failure;
 *     size_t size;
 *     uint8_t *bytes = import_model(&size, report, &options, &failure);
 *     if (!bytes)
 *         die_of(&failure);
 *     printf("%s: %d layers\n", report->format, report->layers);
 *     free(bytes);
 *     free(report); */
#ifndef IMPORT_MODEL_H
#define IMPORT_MODEL_H

#include "base/shape.h"
#include "cli/errors.h"
#include "cli/list.h"
#include "exchange/known_models.h"
#include "exchange/package.h"

#include <stddef.h>
#include <stdint.h>

struct import_options {
    const char *path;                /* a file, folder or zip */
    const char *labels;              /* a file of labels (import_labels.h), or NULL: the model's own */
    const char *preprocess;          /* as import_preprocess.h says, or NULL: the model's own */
    const struct known_model *known; /* of whose file it is, or NULL */
    const char *network;             /* a file that describes the network (network.h), for bare weights, or NULL */
    float epsilon;                   /* of the batch normalisations of bare weights */
};

/* What was found, and where it was found. Text comes from outside: escape it. */
struct import_report {
    char format[64], exporter[96], name[96], licence[96]; /* empty: not said */
    char labels_from[300], preprocess_from[200];
    char preprocess[200]; /* import_preprocess_text */
    char sha256[65];      /* of the file; empty: it is a folder */
    struct shape input;
    int classes, layers, embedding; /* embedding: values of the second output, or 0 */
    uint64_t parameters, multiply_adds;
    bool features_only; /* a trunk: it knows no classes */
};

/* The model's bytes, which have been read back and have classified a picture; the caller frees them. NULL with the failure. */
uint8_t *import_model(size_t *size, struct import_report *report, const struct import_options *options,
                      struct failure *failure);

/* What --labels names: a file, or "imagenet", whose classes a published network has; NULL: nothing. */
const char *import_named_labels(const struct import_options *options);

/* The same in this process, of files that are at hand, and without the picture; the module of the page has this alone
 * (wasm/importer). labels: those of what import_named_labels names, or none. The report's sha256 is the caller's, all
 * else is filled in. The bytes, which have been read back, are the caller's to free. NULL with the failure. */
uint8_t *import_bytes(size_t *size, struct import_report *report, const struct import_options *options,
                      const struct package *package, struct text_list *labels, struct failure *failure);

#endif
