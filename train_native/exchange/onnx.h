/* A model as ONNX, the format that most other programs for neural networks read (onnx.ai): opset 13.
 *
 *     size_t size;
 *     uint8_t *bytes = onnx_bytes(&size, &model);
 *     write_file("model.onnx", bytes, size, &reason);
 *     free(bytes);
 *
 * Input `image` (batch, c, h, w): red, green, blue, or luminance alone, from 0 to 1; the graph applies mean and std
 * itself. Outputs `logits` and `probabilities` (batch, classes). All values are float32, and the batch is as large as
 * the caller likes. metadata_props hold the preprocessing and the labels (layer_name.h). */
#ifndef ONNX_H
#define ONNX_H

#include "net/model.h"

enum { ONNX_OPSET = 13 };

/* The caller frees the bytes. The same model gives the same bytes. */
uint8_t *onnx_bytes(size_t *size, const struct model *model);

#endif
