/* What the files of wasm/ share: the memory of the one model of an instance. web/classifier.wasm is exports.c alone,
 * web/teacher.wasm all of them.
 *
 *     static struct block scratch;
 *     if (!reserve(&scratch, bytes))
 *         return STATUS_MEMORY;
 *     use(instance.classifier, scratch.bytes); */
#ifndef INSTANCE_H
#define INSTANCE_H

#include "classifier.h"

#include <stdbool.h>
#include <stddef.h>

#define EXPORT(name) __attribute__((export_name(#name))) name

struct block {
    void *allocated;
    unsigned char *bytes; /* aligned */
    size_t size;
};

struct instance {
    struct block model, workspace, input, scratch, embedding; /* input: pixels or an encoded file */
    struct eyelet_classifier *classifier;                     /* NULL until model_open */
};
extern struct instance instance;

/* Grows the block to at least `size` bytes; it never shrinks, so a page that classifies again allocates nothing. False:
 * there is not enough memory, and the block is empty. */
bool reserve(struct block *block, size_t size);

#endif
