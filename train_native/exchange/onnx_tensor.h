/* Numbers that an ONNX file holds, or that follow from them alone: initializers, constants, the shapes of tensors.
 *
 *     struct onnx_memory memory = {0};
 *     struct onnx_constant weights;
 *     char reason[ONNX_REASON];
 *     if (!onnx_tensor_read(&weights, tensor, package, &memory, reason))
 *         puts(reason);
 *     else
 *         printf("%zu numbers of rank %d\n", weights.count, weights.rank);
 *     onnx_memory_free(&memory);
 *
 * Elements of every floating-point type become float32, all others int64. What they take together is bounded, since an
 * Expand of a few bytes can ask for any number of them. */
#ifndef ONNX_TENSOR_H
#define ONNX_TENSOR_H

#include "exchange/graph.h"
#include "exchange/package.h"

#include <onnx.pb-c.h>

#include <stddef.h>
#include <stdint.h>

/* Element types, as onnx.proto3 numbers them. */
enum onnx_type {
    ONNX_FLOAT = 1,
    ONNX_UINT8 = 2,
    ONNX_INT8 = 3,
    ONNX_UINT16 = 4,
    ONNX_INT16 = 5,
    ONNX_INT32 = 6,
    ONNX_INT64 = 7,
    ONNX_BOOL = 9,
    ONNX_FLOAT16 = 10,
    ONNX_DOUBLE = 11,
    ONNX_UINT32 = 12,
    ONNX_UINT64 = 13,
    ONNX_BFLOAT16 = 16,
    ONNX_TYPES = 17
};

/* "float16"; "element type 99" of one that is not read: the text lasts until the next call. */
const char *onnx_type_name(int type);
bool onnx_type_is_float(int type);

struct onnx_constant {
    enum onnx_type type; /* in the file: of what it was quantised to */
    int rank, dims[GRAPH_RANK];
    size_t count;
    const float *floats;     /* (dims) of floating-point types, else NULL */
    const int64_t *integers; /* of all others, else NULL */
};

/* Element i, whatever the type; integers of more than 53 bits are rounded. */
static inline double onnx_element(const struct onnx_constant *constant, size_t i)
{
    return constant->floats ? (double)constant->floats[i] : (double)constant->integers[i];
}

/* Memory of numbers, freed together. */
struct onnx_memory {
    void **blocks;
    int count;
    size_t bytes; /* of all blocks */
};
#ifndef ONNX_MEMORY_BYTES
#define ONNX_MEMORY_BYTES ((size_t)512 << 20)
#endif

/* Zeroed; NULL where more than ONNX_MEMORY_BYTES would be taken altogether. */
void *onnx_memory_take(struct onnx_memory *memory, size_t count, size_t size);
void onnx_memory_free(struct onnx_memory *memory);

/* Sets type, dims and count, and makes room for the elements: in *floats or *integers, by the type, unless that is NULL.
 * False where dims are negative, too many, or of more than LIMIT_PARAMETERS elements, which no network has, or where
 * there is no memory for them. */
struct onnx_elements {
    float *floats;
    int64_t *integers;
};
bool onnx_constant_make(struct onnx_constant *out, struct onnx_elements *elements, enum onnx_type type, int rank,
                        const int64_t *dims, struct onnx_memory *memory);

enum { ONNX_REASON = 600 };
/* A tensor of the file, or of one beside it (external data), which is looked for in the package. False with the reason. */
bool onnx_tensor_read(struct onnx_constant *out, const Onnx__Tensor *tensor, const struct package *package,
                      struct onnx_memory *memory, char reason[ONNX_REASON]);

#endif
