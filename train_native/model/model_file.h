/* Model files on disk, written from a network in training and read back whole. What returns NULL has filled in the
 * failure. */
#ifndef MODEL_FILE_H
#define MODEL_FILE_H

#include "cli/errors.h"
#include "net/model.h"

/* The network as it ships and, returned, its parameters (fold_batchnorm.h); the caller frees them. */
float *model_file_folded(struct net *folded, const struct net *net, const float *parameters, struct failure *failure);

/* What a model file is written from. */
struct model_parts {
    const struct net *net;
    const float *parameters;
    const struct preprocess *preprocess;
    char *const *labels; /* (classes), zero-terminated, at most LIMIT_LABEL bytes each */
    const char *notes;   /* lines "key: value" */
};

/* The bytes of a model file with the network folded; the caller frees them. */
uint8_t *model_file_bytes(size_t *size, const struct model_parts *parts, struct failure *failure);

/* The bytes that model_write makes, read back, so that no file is written that could not be opened; the caller frees
 * them. */
uint8_t *model_file_written(size_t *size, const struct model *model, const float *parameters, struct failure *failure);

/* The bytes of a model that was read, with these notes and weights of this type, which is WEIGHTS_QUANTIZED only if
 * it is already; the caller frees them. */
uint8_t *model_file_again(size_t *size, const struct model *model, const char *notes, enum weights type,
                          struct failure *failure);

/* A model file read whole. model points into the result, which the caller frees. */
uint8_t *model_file_load(struct model *model, size_t *size, const char *path, struct failure *failure);

/* The notes and a label as zero-terminated text; the caller frees them. */
char *model_file_notes(const struct model *model);
char *model_file_label(const struct model *model, int index);

/* Where the value of a key starts in the notes, up to the end of its line; NULL if it is not there. */
const char *model_file_note(const char *notes, const char *key);

/* The notes with the value of one key set, or added; NULL: left out. The caller frees them. */
char *model_file_set_note(const char *notes, const char *key, const char *value);

#endif
