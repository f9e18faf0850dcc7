/* Quantized models for tests, and what they should answer: the formulas of core/net/net_int8.h in 64-bit loops. */
#ifndef INT8_ORACLE_H
#define INT8_ORACLE_H

#include "net/model.h"
#include "base/random.h"

/* The file of a model of this net with random weights, batchnorm made depthwise, and scales for twice what one
 * picture brings about; memory that goes with the test. */
uint8_t *int8_model_of(size_t *size, const struct net *net, struct random *random);

/* The logits (classes) for pixels (h, w, 3). */
void int8_oracle(float *logits, const struct model *model, const uint8_t *pixels);

#endif
