/* The WebAssembly module: numbers and bytes over core/classifier.h. web/engine.js is its only caller.
 *
 *     model_buffer(size) -> address for a model        model_open() -> status
 *     pixel_buffer(width, height) -> address for RGBA  classify_pixels(width, height) -> status
 *     file_buffer(size) -> address for an image file   classify_file(size) -> status
 *     logits(), probabilities() -> address of class_count() floats
 *     embedding() -> address of embedding_count() floats; the count is 0, and so the address, if the model has none
 *     label(index), notes(), status_message(status) -> address of zero-terminated UTF-8
 *
 * A buffer is 0 when there is not enough memory. One model an instance; after a trap the instance is to be
 * discarded. */
#include "instance.h"

#include "image/decode.h"
#include "base/bounds.h"

#include <stdint.h>
#include <stdlib.h>

enum { ALIGNMENT = 64 };

struct instance instance;

/* Aligned here: emmalloc's aligned_alloc claims memory without room for the alignment, and then all of it again. */
bool reserve(struct block *block, size_t size)
{
    if (block->bytes && size <= block->size)
        return true;
    free(block->allocated);
    block->allocated = size <= SIZE_MAX - ALIGNMENT ? malloc(size + ALIGNMENT) : NULL;
    block->bytes =
        block->allocated ? (void *)(((uintptr_t)block->allocated + ALIGNMENT - 1) & ~(uintptr_t)(ALIGNMENT - 1)) : NULL;
    block->size = block->bytes ? size : 0;
    return block->bytes != NULL;
}

void *EXPORT(model_buffer)(size_t size)
{
    if (instance.model.bytes || size > LIMIT_MODEL_BYTES || !reserve(&instance.model, size))
        return NULL;
    return instance.model.bytes;
}

enum status EXPORT(model_open)(void)
{
    const struct block *const model = &instance.model;
    size_t bytes;
    enum status status = eyelet_classifier_bytes(&bytes, model->bytes, model->size);
    if (status)
        return status;
    if (!reserve(&instance.workspace, bytes))
        return STATUS_MEMORY;
    return eyelet_classifier_open(&instance.classifier, instance.workspace.bytes, model->bytes, model->size);
}

void *EXPORT(pixel_buffer)(int width, int height)
{
    if (!eyelet_classifier_scratch_bytes(instance.classifier, width, height) ||
        !reserve(&instance.input, (size_t)width * (size_t)height * 4))
        return NULL;
    return instance.input.bytes;
}

static enum status classify(const uint8_t *rgba, int width, int height)
{
    size_t bytes = eyelet_classifier_scratch_bytes(instance.classifier, width, height);
    if (!bytes)
        return STATUS_IMAGE_SIZE;
    if (!reserve(&instance.scratch, bytes))
        return STATUS_MEMORY;
    return eyelet_classifier_run(instance.classifier, rgba, width, height, instance.scratch.bytes);
}

enum status EXPORT(classify_pixels)(int width, int height) { return classify(instance.input.bytes, width, height); }

#ifndef WITHOUT_DECODERS

void *EXPORT(file_buffer)(size_t size)
{
    if (size > LIMIT_IMAGE_BYTES || !reserve(&instance.input, size))
        return NULL;
    return instance.input.bytes;
}

static enum status begin(void *context, const struct picture *stored)
{
    (void)context;
    const size_t bytes =
        eyelet_classifier_stored_bytes(instance.classifier, stored->width, stored->height, stored->orientation);
    if (!reserve(&instance.scratch, bytes))
        return STATUS_MEMORY;
    return eyelet_classifier_begin(instance.classifier, stored->width, stored->height, stored->orientation,
                                   instance.scratch.bytes);
}

static void take_row(void *context, int y, const uint8_t *rgba)
{
    (void)context;
    eyelet_classifier_row(instance.classifier, y, rgba);
}

enum status EXPORT(classify_file)(size_t size)
{
    static const struct picture_rows rows = {.begin = begin, .row = take_row};
    const enum status status = decode_rows(&rows, instance.input.bytes, size);
    return status ? status : eyelet_classifier_finish(instance.classifier);
}

#endif

const float *EXPORT(logits)(void) { return eyelet_classifier_logits(instance.classifier); }
const float *EXPORT(probabilities)(void) { return eyelet_classifier_probabilities(instance.classifier); }
int EXPORT(embedding_count)(void) { return eyelet_classifier_embedding_count(instance.classifier); }

const float *EXPORT(embedding)(void)
{
    const int count = eyelet_classifier_embedding_count(instance.classifier);
    if (!count || !reserve(&instance.embedding, (size_t)count * sizeof(float)))
        return NULL;
    float *const embedding = (float *)(void *)instance.embedding.bytes;
    eyelet_classifier_embedding(embedding, instance.classifier);
    return embedding;
}

int EXPORT(class_count)(void) { return eyelet_classifier_classes(instance.classifier); }
const char *EXPORT(label)(int index) { return eyelet_classifier_label(instance.classifier, index); }
const char *EXPORT(notes)(void) { return eyelet_classifier_notes(instance.classifier); }
const char *EXPORT(status_message)(int status) { return eyelet_status_text((enum status)status); }

int EXPORT(input_height)(void)
{
    int height, width, channels;
    eyelet_classifier_input(instance.classifier, &height, &width, &channels);
    return height;
}

int EXPORT(input_width)(void)
{
    int height, width, channels;
    eyelet_classifier_input(instance.classifier, &height, &width, &channels);
    return width;
}
