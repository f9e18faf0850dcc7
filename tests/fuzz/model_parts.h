/* Damages models so that the damage is read: by their fields (net/model_fields.h), nodes, labels, notes and weights,
 * and then the counts, the sizes and the checksum around it are made right again, most of the time. For targets that
 * read models:
 *
 *     FUZZ_MODELS
 *
 * defines the functions that libFuzzer looks for. */
#ifndef MODEL_PARTS_H
#define MODEL_PARTS_H

#include "fuzz/fuzz.h"

#define FUZZ_MODELS \
    size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed) \
    { \
        return model_mutate(data, size, max_size, seed); \
    } \
    size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size, uint8_t *out, \
                                     size_t max_size, unsigned seed) \
    { \
        return model_cross((const struct fuzz_part[]){{a, a_size}, {b, b_size}}, out, max_size, seed); \
    }

size_t model_mutate(uint8_t *data, size_t size, size_t max_size, unsigned seed);

/* One model with some parts of another. */
size_t model_cross(const struct fuzz_part parents[2], uint8_t *out, size_t max_size, unsigned seed);

#endif
