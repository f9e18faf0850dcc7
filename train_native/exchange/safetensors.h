/* A model as safetensors (huggingface.co/docs/safetensors): named float32 arrays behind a header in JSON, for PyTorch
 * and others.
 *
 *     size_t size;
 *     struct failure failure;
 *     uint8_t *bytes = safetensors_bytes(&size, &model, "mine.eyelet", &failure);
 *     if (!bytes) die_of(&failure);
 *     write_file("mine.safetensors", bytes, size, &reason);
 *     free(bytes);
 *
 * Tensors are named, laid out and ordered as PyTorch's layers have them: `conv2d_1.weight` (out, in, h, w),
 * `depthwise_2.weight` (c, 1, h, w), `dense_5.weight` (out, in), each with `.bias`; `batchnorm_3.weight`, `.bias`,
 * `.running_mean`, `.running_var`. The numbering is that of `eyelet summary` and of the ONNX export. Images are (batch,
 * c, h, w), and flatten goes through them in that order. `__metadata__` has what ONNX's metadata have (layer_name.h)
 * and `network`, a list of layers in JSON: name, kind, inputs (0 is the image, n the output of the n-th layer), output
 * (c, h, w), and what the kind has of kernel (h, w), stride, padding (top, left, bottom, right), groups, epsilon,
 * factor. `eyelet export --help` shows how to read it. */
#ifndef SAFETENSORS_H
#define SAFETENSORS_H

#include "cli/errors.h"
#include "net/model.h"

/* The caller frees the bytes. The same model gives the same bytes. A network that treats a flattened image as something
 * else than the input of a layer with weights has no such order: NULL, with the failure naming the model. */
uint8_t *safetensors_bytes(size_t *size, const struct model *model, const char *path, struct failure *failure);

#endif
