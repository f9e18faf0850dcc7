/* Post-training quantization: from a model in float to the same in int8 (net_int8.h).
 *
 * Weights are rounded to 8 bits with a scale for each output channel. The scale of a tensor follows from the largest
 * number that some images bring about in it, and a quarter more: with 12 bits for an activation there is room, so
 * nothing needs to be clipped (compare Jacob et al. 2018, who have 8). Batch normalisation that no layer took in
 * (fold_batchnorm.h) becomes a depthwise layer of 1x1. */
#ifndef QUANTIZER_H
#define QUANTIZER_H

#include "data/dataset.h"
#include "net/model.h"

/* The bytes of the quantized model, which the caller frees. seen: images fitted to the model's input. A model that
 * cannot be quantized ends the program. */
uint8_t *quantized_bytes(size_t *size, const struct model *model, const char *notes, const struct dataset *seen);

#endif
