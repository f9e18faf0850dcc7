/* Damages pictures so that the damage is read: the chunks of a PNG, the segments of a JPEG and the header of a BMP, each
 * with its length, its checksum and what its pixels should take made right again, most of the time. For targets that
 * read pictures, as FUZZ_MODELS in model_parts.h:
 *
 *     FUZZ_PICTURES */
#ifndef PICTURE_PARTS_H
#define PICTURE_PARTS_H

#include "fuzz/fuzz.h"

#define FUZZ_PICTURES \
    size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed) \
    { \
        return picture_mutate(data, size, max_size, seed); \
    }

size_t picture_mutate(uint8_t *data, size_t size, size_t max_size, unsigned seed);

#endif
