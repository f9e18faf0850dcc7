/* MNIST (LeCun et al. 1998) and Fashion-MNIST (Xiao et al. 2017): IDX files, also gzipped. */
#ifndef IDX_H
#define IDX_H

#include "cli/errors.h"
#include "data/record_source.h"

extern const struct record_source idx_source;

/* ---- The format: 0, 0, 8 for bytes, the number of dimensions; each dimension, 4 bytes, high byte first; the values
 * ---- */

enum { IDX_MAX_DIMENSIONS = 3 };

struct idx {
    uint32_t dimensions[IDX_MAX_DIMENSIONS];
    const uint8_t *values; /* in the bytes that were parsed */
};

/* False where the bytes are no such file of so many dimensions, to the byte. path: for the failure. */
bool idx_parse(struct idx *idx, const uint8_t *bytes, size_t size, int dimensions, const char *path,
               struct failure *failure);

#endif
