/* Readers of other programs' models, each a row of importers[]: what `eyelet import` (import_model.h) goes through.
 *
 *     struct failure failure;
 *     struct package *package = package_open("model.onnx", &failure);
 *     const struct importer *importer = package ? importer_for(package, &failure) : NULL;
 *     struct imported imported = {0};
 *     if (!importer || !importer->read(&imported, package, &failure))
 *         die_of(&failure);
 *     ...
 *     imported_free(&imported);
 *     package_close(package);
 *
 * To add a format: a file like onnx_reader.c, its name below, its row in importers.c. A reader runs in a child process
 * (sandbox.h): whatever a file holds, it costs the import alone. */
#ifndef IMPORTER_H
#define IMPORTER_H

#include "exchange/graph.h"
#include "exchange/package.h"
#include "image/image.h"

#include <stdbool.h>

/* What a reader found. It begins as all zeros but for what is given; imported_free frees what it holds. */
struct imported {
    const char *network_text; /* given: the file that describes the network of bare weights, or NULL */
    float epsilon;            /* given: of their batch normalisations */
    int label_count;          /* given: of the labels that --labels names or that stand beside the file; 0: none */
    struct graph_result network;
    char format[64];              /* "ONNX, opset 13" */
    char exporter[96];            /* "pytorch 1.13.1"; empty: not said */
    char name[96];                /* of the network, from the file; empty: not said */
    char licence[96];             /* from the file; empty: not said */
    char **labels;                /* (classes), each allocated, or NULL: none in the file */
    char labels_from[96];         /* "the file's metadata"; where labels is NULL: why there are none, or empty */
    bool has_preprocess;          /* the file says, or its format implies, how pictures come in: */
    struct preprocess preprocess; /* before network.front_scale and front_shift, which import_model folds in */
    char preprocess_from[96];     /* "the input's quantization", "metadata.json (Teachable Machine)" */
};
void imported_free(struct imported *imported);

struct importer {
    const char *name; /* of the format: "ONNX" */
    bool (*recognises)(const struct package *package);
    /* False with the failure; what *imported holds by then is freed all the same. */
    bool (*read)(struct imported *imported, const struct package *package, struct failure *failure);
};
extern const struct importer onnx_importer;        /* onnx_reader.c */
extern const struct importer tflite_importer;      /* tflite_reader.c */
extern const struct importer keras_importer;       /* keras_reader.c */
extern const struct importer tfjs_importer;        /* tfjs_reader.c */
extern const struct importer safetensors_importer; /* safetensors_reader.c */
extern const struct importer *const importers[];   /* importers.c; ends with NULL */

/* The libraries that not every build has: " libhdf5", or "". */
extern const char importer_libraries[];

/* The first that recognises the package; NULL, with the failure, which names the formats that there are. */
const struct importer *importer_for(const struct package *package, struct failure *failure);

#endif
