#include "exchange/onnx_decode.h"

#include "cli/memory.h"

#include <stdlib.h>

/* A list of varints of a byte each takes eight times its bytes; what messages take beside is their number times a
 * hundred, so a file of a few kilobytes may take some megabytes. */
enum { GROWTH = 8 };
#define BASE_BYTES ((size_t)64 << 20)
#define MOST_BYTES ((size_t)1 << 30)

static void *take(void *context, size_t size)
{
    struct onnx_file *file = context;
    const size_t with_header = size + 80; /* with what aligning it and the allocator itself take */
    if (size > file->limit || with_header > file->limit - file->used) {
        file->used = file->limit;
        return NULL;
    }
    file->used += with_header;
    return allocate_or_null(size ? size : 1, 1);
}

static void give_back(void *context, void *block)
{
    (void)context;
    free(block);
}

struct onnx_file *onnx_decode(const uint8_t *bytes, size_t size, const char *name, struct failure *failure)
{
    if (size > ONNX_MAX_BYTES) {
        failure_set(failure, name, NULL,
                    "%zu MB are more than an ONNX file of a network that Eyelet can run has (%zu MB)", size >> 20,
                    ONNX_MAX_BYTES >> 20);
        return NULL;
    }
    struct onnx_file *file = allocate(1, sizeof *file);
    const size_t grown = BASE_BYTES + GROWTH * size;
    file->limit = grown < MOST_BYTES ? grown : MOST_BYTES;
    file->allocator = (ProtobufCAllocator){.alloc = take, .free = give_back, .allocator_data = file};
    Onnx__Model *model = onnx__model__unpack(&file->allocator, size, bytes);
    file->model = model;
    if (model && model->graph)
        return file;
    if (model)
        failure_set(failure, name, NULL, "an ONNX file without a graph: there is no network in it");
    else if (file->used >= file->limit)
        failure_set(failure, name, NULL, "its messages take more than %zu MB, far more than its %zu bytes account for",
                    file->limit >> 20, size);
    else
        failure_set(failure, name, "Fetch or export it again.",
                    "the ONNX file is cut short or damaged: its messages (protocol buffers) cannot be decoded");
    onnx_decode_free(file);
    return NULL;
}

void onnx_decode_free(struct onnx_file *file)
{
    if (!file)
        return;
    if (file->model)
        onnx__model__free_unpacked((Onnx__Model *)file->model, &file->allocator);
    free(file);
}
