/* Post-training quantization: from a model in float to the same in int8, with scales from images of a data set
 * (quantize.h). */
#ifndef QUANTIZER_H
#define QUANTIZER_H

#include "cli/errors.h"
#include "data/dataset.h"
#include "net/model.h"

/* The bytes of the quantized model, which the caller frees. seen: images fitted to the model's input. NULL, with the
 * failure filled in, for a model that cannot be quantized. */
uint8_t *quantized_bytes(size_t *size, const struct model *model, const char *notes, const struct dataset *seen,
                         struct failure *failure);

#endif
