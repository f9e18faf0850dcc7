/* The WebAssembly module: numbers and bytes over core/classifier.h. web/engine.js is its only caller.
 *
 *     model_buffer(size) -> address for a model        model_open() -> status
 *     pixel_buffer(width, height) -> address for RGBA  classify_pixels(width, height) -> status
 *     file_buffer(size) -> address for an image file   classify_file(size) -> status
 *     logits(), probabilities() -> address of class_count() floats
 *     label(index), notes(), status_message(status) -> address of zero-terminated UTF-8
 *
 * A buffer is 0 when there is not enough memory. One model an instance; after a trap the instance is to be
 * discarded. */
#include "classifier.h"
#include "image/decode.h"
#include "base/bounds.h"

#include <stdbool.h>
#include <stdlib.h>

#define EXPORT(name) __attribute__((export_name(#name))) name

static struct {
    unsigned char *model;
    size_t model_size;
    void *workspace;
    struct eyelet_classifier *classifier;
    unsigned char *input; /* pixels or an encoded file */
    size_t input_size;
    void *scratch;
    size_t scratch_size;
} instance;

/* Grows *block to at least `size` bytes; it never shrinks, so a page that classifies again allocates nothing. */
static bool reserve(void **block, size_t *reserved, size_t size)
{
    if (size <= *reserved)
        return true;
    free(*block);
    *block = aligned_alloc(64, (size + 63) / 64 * 64);
    *reserved = *block ? size : 0;
    return *block != NULL;
}

void *EXPORT(model_buffer)(size_t size)
{
    if (instance.model || size > LIMIT_MODEL_BYTES)
        return NULL;
    instance.model_size = size;
    return instance.model = aligned_alloc(64, (size + 64) / 64 * 64);
}

enum status EXPORT(model_open)(void)
{
    size_t bytes;
    enum status status = eyelet_classifier_bytes(&bytes, instance.model, instance.model_size);
    if (status)
        return status;
    instance.workspace = aligned_alloc(64, bytes);
    if (!instance.workspace)
        return STATUS_MEMORY;
    return eyelet_classifier_open(&instance.classifier, instance.workspace, instance.model, instance.model_size);
}

void *EXPORT(pixel_buffer)(int width, int height)
{
    if (!eyelet_classifier_scratch_bytes(instance.classifier, width, height) ||
        !reserve((void **)&instance.input, &instance.input_size, (size_t)width * (size_t)height * 4))
        return NULL;
    return instance.input;
}

static enum status classify(const uint8_t *rgba, int width, int height)
{
    size_t bytes = eyelet_classifier_scratch_bytes(instance.classifier, width, height);
    if (!bytes)
        return STATUS_IMAGE_SIZE;
    if (!reserve(&instance.scratch, &instance.scratch_size, bytes))
        return STATUS_MEMORY;
    return eyelet_classifier_run(instance.classifier, rgba, width, height, instance.scratch);
}

enum status EXPORT(classify_pixels)(int width, int height) { return classify(instance.input, width, height); }

#ifndef WITHOUT_DECODERS

void *EXPORT(file_buffer)(size_t size)
{
    if (size > LIMIT_IMAGE_BYTES || !reserve((void **)&instance.input, &instance.input_size, size))
        return NULL;
    return instance.input;
}

enum status EXPORT(classify_file)(size_t size)
{
    struct picture picture;
    enum status status = decode_picture(&picture, instance.input, size);
    if (status)
        return status;
    status = classify(picture.rgba, picture.width, picture.height);
    free(picture.rgba);
    return status;
}

#endif

const float *EXPORT(logits)(void) { return eyelet_classifier_logits(instance.classifier); }
const float *EXPORT(probabilities)(void) { return eyelet_classifier_probabilities(instance.classifier); }
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
