/* CIFAR-10 and CIFAR-100 (Krizhevsky 2009), binary version. */
#ifndef CIFAR_H
#define CIFAR_H

#include "cli/errors.h"
#include "data/record_source.h"

extern const struct record_source cifar10_source, cifar100_source;

/* ---- The format: a record is one or two labels, then the planes of red, green and blue, 32 x 32 each ---- */

struct cifar_file {
    const char *name;     /* "CIFAR-10", for the failure */
    const uint8_t *bytes; /* of the first `wanted` records or more */
    size_t size;          /* of the whole file */
    int records, wanted, classes;
    int label_bytes; /* the last of them is the label */
};

/* Fills in pixels (wanted, 32, 32, 3) and labels (wanted). False for another size, or a label that is no class. path:
 * for the failure. */
bool cifar_parse(uint8_t *pixels, uint16_t *labels, const struct cifar_file *file, const char *path,
                 struct failure *failure);

#endif
