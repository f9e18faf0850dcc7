/* Where in a picture a model sees what speaks for a class: two maps in one, as in Guided Grad-CAM. Grad-CAM (Selvaraju
 * et al. 2017, "Grad-CAM: Visual Explanations from Deep Networks via Gradient-based Localization") of the last feature
 * map says what belongs to the class, coarsely; HiResCAM (Draelos & Carin 2020, "Use HiResCAM instead of Grad-CAM for
 * faithful explanations of convolutional neural networks") of a finer one says where that is.
 *
 *     static enum status explain(float *heat, const void *model, size_t size, const uint8_t *pixels, int class)
 *     {
 *         size_t bytes;
 *         enum status status = eyelet_explainer_bytes(&bytes, model, size);
 *         if (status)
 *             return status;
 *         struct eyelet_explainer *explainer = NULL;
 *         void *workspace = aligned_alloc(64, bytes);
 *         status = workspace ? eyelet_explainer_open(&explainer, workspace, model, size) : STATUS_MEMORY;
 *         if (!status)
 *             status = eyelet_explainer_run(explainer, pixels, class); // of eyelet_classifier_pixels
 *         if (!status)
 *             eyelet_explainer_heat(heat, explainer, 224, 224);        // 224 * 224 numbers from 0 to 1
 *         free(workspace);
 *         return status;
 *     }
 *
 * With A (h, w, c) the last feature map, the last output of a layer that has more than one pixel; B (h', w', c') the
 * last one of at least 14 x 14 pixels through which everything goes, or A where there is none; and y the logit of the
 * class,
 *
 *     coarse[i, j] = max(0, sum over k of (mean over i, j of dy / dA[i, j, k]) * A[i, j, k])
 *     fine[i, j]   = max(0, sum over k of dy / dB[i, j, k] * B[i, j, k])
 *     map[i, j]    = sqrt(fine[i, j] * coarse, resized as heat below, [i, j])
 *
 * each divided by its largest. Where A is B and the mean of its pixels follows, both are one map.
 *
 * Is it right? Covering the quarter of a picture where the map is warmest should lower the logit, and does so more than
 * with the coarse map alone: tests/cli/explain.test.js.
 *
 * The gradient goes back from the logits to B only. A quantized model is computed in floating point here, with the
 * values that its integers stand for; the scores are the classifier's. As with the classifier (classifier.h), the
 * caller owns all memory, the model must outlive the explainer, one explainer serves one thread, and the numbers do not
 * depend on the machine. */
#ifndef EYELET_EXPLAIN_H
#define EYELET_EXPLAIN_H

#include "classifier.h"

struct eyelet_explainer;

/* Checks the model as eyelet_classifier_bytes does and returns the size of the workspace, a multiple of 64; 0 with an
 * error. STATUS_NO_FEATURE_MAP: no layer of this model makes more than one pixel. */
enum status eyelet_explainer_bytes(size_t *workspace_bytes, const void *model, size_t size);

/* Opens a model that eyelet_explainer_bytes accepted; workspace: aligned to 64 bytes. With an error *explainer is as it
 * was. */
enum status eyelet_explainer_open(struct eyelet_explainer **explainer, void *workspace, const void *model, size_t size);

/* Explains a class, 0 <= class < classes, of pixels (input height, input width, 3): those of eyelet_classifier_pixels.
 * STATUS_NOT_FINITE: the model's weights, though finite, overflowed. */
enum status eyelet_explainer_run(struct eyelet_explainer *explainer, const uint8_t *pixels, int class);

/* Rows and columns of the map, those of B, and the map itself (height, width), from 0 to 1: the largest is 1, or all are
 * 0 where nothing speaks for the class. Valid until the next run. */
void eyelet_explainer_grid(const struct eyelet_explainer *explainer, int *height, int *width);
const float *eyelet_explainer_map(const struct eyelet_explainer *explainer);

/* The map resized to heat (height, width), from 0 to 1: bilinear between the centres of its cells. */
void eyelet_explainer_heat(float *heat, const struct eyelet_explainer *explainer, int height, int width);

#endif
