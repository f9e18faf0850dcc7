/* Model files on disk, written from a network in training and read back whole. */
#ifndef MODEL_FILE_H
#define MODEL_FILE_H

#include "net/model.h"

/* The network as it ships and, returned, its parameters (fold_batchnorm.h); the caller frees them. */
float *model_file_folded(struct net *folded, const struct net *net, const float *parameters);

/* The bytes of a model file with the network folded; the caller frees them. labels: (classes), zero-terminated, at most
 * LIMIT_LABEL bytes each; notes: lines "key: value". */
uint8_t *model_file_bytes(size_t *size, const struct net *net, const float *parameters,
                          const struct preprocess *preprocess, char *const *labels, const char *notes);

/* The bytes that model_write makes, read back, so that no file is written that could not be opened; the caller frees them. */
uint8_t *model_file_written(size_t *size, const struct model *model, const float *parameters);

/* The bytes of a model that was read, with these notes and weights of this type, which is WEIGHTS_QUANTIZED only if it is already;
 * the caller frees them. */
uint8_t *model_file_again(size_t *size, const struct model *model, const char *notes, enum weights type);

/* A model file read whole, or the end of the program with what is wrong with it. model points into the result, which
 * the caller frees. */
uint8_t *model_file_load(struct model *model, size_t *size, const char *path);

/* The notes and a label as zero-terminated text; the caller frees them. */
char *model_file_notes(const struct model *model);
char *model_file_label(const struct model *model, int index);

/* Where the value of a key starts in the notes, up to the end of its line; NULL if it is not there. */
const char *model_file_note(const char *notes, const char *key);

/* The notes with the value of one key set, or added; NULL: left out. The caller frees them. */
char *model_file_set_note(const char *notes, const char *key, const char *value);

#endif
