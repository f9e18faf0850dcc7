/* What an ONNX file says of its classes and pictures beside the network: metadata_props.
 *
 *     struct onnx_metadata metadata;
 *     onnx_metadata_read(&metadata, model);
 *     printf("%d labels\n", metadata.label_count);
 *     onnx_metadata_free(&metadata);
 *
 * Keys that are read: Eyelet's own (layer_name.h), Ultralytics' (names, imgsz), and labels, classes, class_names and
 * id2label, as JSON, as Python prints it, or with a line or a comma between them. */
#ifndef ONNX_METADATA_H
#define ONNX_METADATA_H

#include "image/image.h"

#include <onnx.pb-c.h>

#include <stdbool.h>

struct onnx_metadata {
    int label_count; /* 0: none */
    char **labels;   /* allocated */
    const char *labels_key;
    bool has_preprocess;
    struct preprocess preprocess;
    const char *preprocess_from;
    /* Eyelet's own files apply mean and std themselves: what they subtract and what they divide by then. */
    bool is_ours;
    int side; /* of the input, for one that the graph leaves open; 0: not said */
};

void onnx_metadata_read(struct onnx_metadata *metadata, const Onnx__Model *model);
void onnx_metadata_free(struct onnx_metadata *metadata);

/* Texts from a list or a dictionary from 0 on: `["a", "b"]`, `{0: 'a', 1: 'b'}`, `a, b`, or one a line. NULL where it is
 * none of these. The caller frees them and the list. */
char **onnx_metadata_texts(int *count, const char *text);

#endif
