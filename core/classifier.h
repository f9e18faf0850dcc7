/* Classifies pictures with a model: the public face of core, and all that WebAssembly sees.
 *
 *     size_t bytes;
 *     enum status status = classifier_bytes(&bytes, model, size);
 *     struct classifier *classifier;
 *     if (!status)
 *         status = classifier_open(&classifier, aligned_alloc(64, bytes), model, size);
 *     void *scratch = aligned_alloc(64, classifier_scratch_bytes(classifier, width, height));
 *     if (!status)
 *         status = classifier_run(classifier, rgba, width, height, scratch);
 *     if (!status)
 *         printf("%s %g\n", classifier_label(classifier, 0), classifier_probabilities(classifier)[0]);
 *
 * The caller owns all memory; nothing is allocated here and there is nothing to close. The workspace and the scratch
 * start on a multiple of 64 bytes, the model stays in place as long as the classifier is used. Results do not depend on the machine: the same
 * pixels and model give the same logits to the last bit. One classifier serves one thread; several may share a model. */
#ifndef CLASSIFIER_H
#define CLASSIFIER_H

#include "base/status.h"

#include <stddef.h>
#include <stdint.h>

struct classifier;

/* Checks the model (all of it: header, layers, text, checksum, weights) and says how large a workspace it needs. */
enum status classifier_bytes(size_t *workspace_bytes, const void *model, size_t size);

/* Opens a model that classifier_bytes accepted, in floats or quantized (model.h); unpacks its weights into the workspace. */
enum status classifier_open(struct classifier **classifier, void *workspace, const void *model, size_t size);

/* Bytes that classifier_run needs beside the workspace for a picture of this size; 0 if the size is refused. */
size_t classifier_scratch_bytes(const struct classifier *classifier, int width, int height);

/* Classifies rgba (height, width, 4): red, green, blue, alpha, a byte each, alpha not premultiplied. */
enum status classifier_run(struct classifier *classifier, const uint8_t *rgba, int width, int height, void *scratch);

/* Classifies pixels (input height, input width, 3) that need no fitting: a data set's own records. */
enum status classifier_run_fitted(struct classifier *classifier, const uint8_t *pixels);

/* Results of the last run, (classes): scores before and after softmax. Valid until the next run. */
const float *classifier_logits(const struct classifier *classifier);
const float *classifier_probabilities(const struct classifier *classifier);

int classifier_classes(const struct classifier *classifier);
void classifier_input(const struct classifier *classifier, int *height, int *width, int *channels);

/* UTF-8, zero-terminated; text from whoever made the model, so escape it before showing it. Labels have no control
 * characters. Notes are lines of "key: value": name, network, data, accuracy, command. */
const char *classifier_label(const struct classifier *classifier, int index);
const char *classifier_notes(const struct classifier *classifier);

#endif
