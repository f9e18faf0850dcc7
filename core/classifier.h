/* Classifies images with a model: the public face of core, for programs that link it.
 *
 *     static int classify(const void *model, size_t size, const uint8_t *rgba, int width, int height)
 *     {
 *         size_t bytes;
 *         enum status status = eyelet_classifier_bytes(&bytes, model, size);
 *         if (status) {
 *             fprintf(stderr, "%s\n", eyelet_status_text(status));
 *             return -1;
 *         }
 *         void *workspace = aligned_alloc(64, bytes), *scratch = NULL;
 *         struct eyelet_classifier *classifier = NULL;
 *         int best = -1;
 *         if (workspace && !eyelet_classifier_open(&classifier, workspace, model, size)) {
 *             const size_t needed = eyelet_classifier_scratch_bytes(classifier, width, height);
 *             scratch = needed ? aligned_alloc(64, needed) : NULL;
 *             if (scratch && !eyelet_classifier_run(classifier, rgba, width, height, scratch)) {
 *                 const float *probabilities = eyelet_classifier_probabilities(classifier);
 *                 best = 0;
 *                 for (int i = 1; i < eyelet_classifier_classes(classifier); i++)
 *                     best = probabilities[i] > probabilities[best] ? i : best;
 *                 printf("%s %.3f\n", eyelet_classifier_label(classifier, best), (double)probabilities[best]);
 *             }
 *         }
 *         free(scratch);
 *         free(workspace);
 *         return best;
 *     }
 *
 * The caller owns all memory; nothing is allocated here and there is nothing to close. The workspace and the scratch
 * start on a multiple of 64 bytes, the model must outlive the classifier; both sizes are
 * multiples of 64. Results do not depend on the machine: the same pixels and model give the same logits to the last
 * bit. One classifier serves one thread; several may share a model. */
#ifndef EYELET_CLASSIFIER_H
#define EYELET_CLASSIFIER_H

#include "base/status.h"

#include <stddef.h>
#include <stdint.h>

struct eyelet_classifier;

/* Checks the model's header, layers, text and sizes and returns the size of the workspace; 0 with an error. */
enum status eyelet_classifier_bytes(size_t *workspace_bytes, const void *model, size_t size);

/* Opens a model that eyelet_classifier_bytes accepted, float or quantized (model.h); checks the rest of it (checksum,
 * weights, examples) as it unpacks the weights into the workspace. With an error *classifier is as it was. */
enum status eyelet_classifier_open(struct eyelet_classifier **classifier, void *workspace, const void *model,
                                   size_t size);

/* Bytes that eyelet_classifier_run needs beside the workspace for a picture of this size; 0 if the size is refused. */
size_t eyelet_classifier_scratch_bytes(const struct eyelet_classifier *classifier, int width, int height);

/* Classifies rgba (height, width, 4): red, green, blue, alpha, a byte each, alpha not premultiplied. STATUS_IMAGE_SIZE;
 * STATUS_NOT_FINITE: the model's weights, though finite, overflowed. */
enum status eyelet_classifier_run(struct eyelet_classifier *classifier, const uint8_t *rgba, int width, int height,
                                  void *scratch);

/* The same row by row, as a decoder gives them, so that the picture need not be in memory: _begin, then each row of the
 * file once from the first to the last, (width, 4), then _finish. Width and height are as stored; the orientation is
 * EXIF's, 1 to 8, 1: upright. The scratch, of _stored_bytes (0: size or orientation is refused), stays in use until
 * _finish; _begin alone starts another picture. */
size_t eyelet_classifier_stored_bytes(const struct eyelet_classifier *classifier, int width, int height,
                                      int orientation);
enum status eyelet_classifier_begin(struct eyelet_classifier *classifier, int width, int height, int orientation,
                                    void *scratch);
void eyelet_classifier_row(struct eyelet_classifier *classifier, int y, const uint8_t *rgba);
enum status eyelet_classifier_finish(struct eyelet_classifier *classifier);

/* Classifies pixels (input height, input width, 3) that need no resizing: a data set's own records. */
enum status eyelet_classifier_run_pixels(struct eyelet_classifier *classifier, const uint8_t *pixels);

/* What the last run made of the picture, (input height, input width, 3) bytes of red, green, blue, and
 * which part of it that is: x, y, width, height as fractions of the picture's sides, beyond 0 .. 1 where it was padded.
 * Valid until the next run. */
const uint8_t *eyelet_classifier_pixels(const struct eyelet_classifier *classifier);
void eyelet_classifier_part(double part[4], const struct eyelet_classifier *classifier);

/* Results of the last run, (classes): scores before and after softmax. Valid until the next run. */
const float *eyelet_classifier_logits(const struct eyelet_classifier *classifier);
const float *eyelet_classifier_probabilities(const struct eyelet_classifier *classifier);

/* What the last run made of the picture before its last layer: a vector that is near for pictures that look alike to
 * the model. embedding (eyelet_classifier_embedding_count), which is 0 if the model names none. */
int eyelet_classifier_embedding_count(const struct eyelet_classifier *classifier);
void eyelet_classifier_embedding(float *embedding, const struct eyelet_classifier *classifier);

int eyelet_classifier_classes(const struct eyelet_classifier *classifier);
void eyelet_classifier_input(const struct eyelet_classifier *classifier, int *height, int *width, int *channels);

/* UTF-8, zero-terminated; text from whoever made the model, so escape it before showing it. Labels have no control
 * characters. Notes are lines of "key: value": name, network, data, accuracy, command. */
const char *eyelet_classifier_label(const struct eyelet_classifier *classifier, int index);
const char *eyelet_classifier_notes(const struct eyelet_classifier *classifier);

#endif
