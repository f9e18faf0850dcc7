/* libFuzzer target: any bytes as a model. The checksum is made right first, so that damage gets past it.
 *
 *     make fuzz
 *     build/fuzz/fuzz-model build/fuzz/corpus/model build/fuzz/seeds/model */
#include "classifier.h"
#include "net/model.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint32_t crc32(const uint8_t *bytes, size_t size)
{
    uint32_t crc = 0xffffffff;
    for (size_t i = 0; i < size; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
    }
    return ~crc;
}

static void require(bool condition)
{
    if (!condition)
        abort();
}

/* Opening needs memory and running needs time; a fuzzer wants many small models. */
enum { MAX_WORKSPACE = 4 << 20 };
#define MAX_MULTIPLY_ADDS 20000000u

static void use(const uint8_t *model_bytes, size_t size, const struct model *model, size_t workspace_bytes)
{
    uint64_t work = 0;
    for (int i = 0; i < model->net.node_count; i++)
        work += net_multiply_adds(&model->net, i) + shape_count(model->net.shapes[i + 1]) * LIMIT_KERNEL * LIMIT_KERNEL;
    if (workspace_bytes > MAX_WORKSPACE || work > MAX_MULTIPLY_ADDS)
        return;
    void *workspace = aligned_alloc(64, workspace_bytes);
    struct eyelet_classifier *classifier = NULL;
    require(workspace && eyelet_classifier_open(&classifier, workspace, model_bytes, size) == STATUS_OK);
    static const uint8_t rgba[7 * 5 * 4] = {1, 2, 3, 4, 255, 254, 253, 252};
    const size_t scratch_bytes = eyelet_classifier_scratch_bytes(classifier, 7, 5);
    void *scratch = aligned_alloc(64, (scratch_bytes + 63) / 64 * 64);
    const enum status status = eyelet_classifier_run(classifier, rgba, 7, 5, scratch);
    require(status == STATUS_OK || status == STATUS_NOT_FINITE);
    float *embedding = malloc((size_t)model_embedding_count(model) * sizeof *embedding + 1);
    eyelet_classifier_embedding(embedding, classifier);
    for (int i = 0; i < model->examples.count; i++) {
        require(model_example_class(model, i) < eyelet_classifier_classes(classifier));
        const uint8_t *thumbnail = model_example_thumbnail(model, i);
        const size_t side = (size_t)model->examples.thumbnail_side;
        require(!thumbnail || (thumbnail >= model_bytes && thumbnail + 3 * side * side <= model_bytes + size));
        if (model->examples.has_embeddings)
            model_example_embedding(embedding, model, i);
    }
    free(embedding);
    size_t text = strlen(eyelet_classifier_notes(classifier));
    for (int i = 0; i < eyelet_classifier_classes(classifier); i++)
        text += strlen(eyelet_classifier_label(classifier, i));
    require(text <= size);
    free(scratch);
    free(workspace);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *sealed = malloc(size + 1); /* of its own, so that AddressSanitizer sees its end */
    memcpy(sealed, data, size);
    if (size >= 4)
        for (size_t i = 0, crc = crc32(sealed, size - 4); i < 4; i++)
            sealed[size - 4 + i] = (uint8_t)(crc >> (8 * i));
    sealed = realloc(sealed, size ? size : 1);

    struct model model;
    size_t workspace_bytes;
    const enum status status = model_read(&model, sealed, size);
    const enum status measured = eyelet_classifier_bytes(&workspace_bytes, sealed, size);
    require(measured == status || measured == STATUS_OK || (status == STATUS_OK && measured == STATUS_LIMIT));
    require(workspace_bytes <= LIMIT_WORKSPACE_BYTES);
    if (status == STATUS_OK && measured == STATUS_OK)
        use(sealed, size, &model, workspace_bytes);
    free(sealed);
    return 0;
}
