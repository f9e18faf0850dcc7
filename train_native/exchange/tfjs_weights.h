/* The weights of a TensorFlow.js model: its manifest in model.json, and the shards that this names.
 *
 *     struct named_weights weights = {0};
 *     if (!tfjs_weights_read(&weights, json_tree_member(model, "weightsManifest"), package, &failure))
 *         die_of(&failure);
 *     named_weights_free(&weights);
 *
 * All become float32: uint8 and uint16 by `quantization` (q * scale + min), float16, int32 and bool as they are; the
 * state of an optimizer and texts are passed over. A shard that is missing, too short or too long is named. */
#ifndef TFJS_WEIGHTS_H
#define TFJS_WEIGHTS_H

#include "exchange/json_tree.h"
#include "exchange/named_weights.h"
#include "exchange/package.h"

/* Adds to weights, sorted. False with the failure; what has been added is the caller's to free either way. */
bool tfjs_weights_read(struct named_weights *weights, const cJSON *manifest, const struct package *package,
                       struct failure *failure);

#endif
