/* Decodes the messages of an ONNX file (onnx.proto) in bounded memory.
 *
 *     struct failure failure;
 *     struct onnx_file *file = onnx_decode(bytes, size, "model.onnx", &failure);
 *     if (!file)
 *         die_of(&failure);
 *     printf("%zu nodes\n", file->model->graph->n_node);
 *     onnx_decode_free(file);
 *
 * What decoding takes is counted, and ends where a file takes far more than its bytes account for: two bytes can stand
 * for an empty message of a hundred. Texts and numbers are copied out of `bytes`, which may be freed. Texts may be NULL,
 * and lists empty: nothing is required in a protocol buffer but that the file has a graph, which is checked. */
#ifndef ONNX_DECODE_H
#define ONNX_DECODE_H

#include "cli/errors.h"

#include <onnx.pb-c.h>

#include <stdint.h>

#define ONNX_MAX_BYTES ((size_t)512 << 20) /* of a file; four times the largest network's weights */

struct onnx_file {
    const Onnx__Model *model; /* with a graph */
    /* private: */
    ProtobufCAllocator allocator;
    size_t used, limit; /* bytes taken so far, and how many may be */
};

/* NULL with the failure, whose subject is `name`. */
struct onnx_file *onnx_decode(const uint8_t *bytes, size_t size, const char *name, struct failure *failure);
void onnx_decode_free(struct onnx_file *file); /* NULL does nothing */

#endif
