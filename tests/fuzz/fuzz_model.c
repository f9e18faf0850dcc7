/* libFuzzer target: the reader of models, and what it gives: weights, labels, notes and examples. No network is
 * opened (fuzz_classify.c does), so this is fast. */
#include "fuzz/model_parts.h"
#include "net/model.h"

#include <stdlib.h>
#include <string.h>

FUZZ_MODELS

/* The weights of every node, read into blocks of exactly their size. */
static void read_weights(const struct model *model)
{
    for (int i = 0; i < model->net.node_count; i++) {
        const size_t count = model->net.offset[i + 1] - model->net.offset[i];
        float *parameters = malloc(count * sizeof *parameters + !count);
        model_parameters(parameters, model, i);
        for (size_t k = 0; k < count; k++)
            fuzz_require(parameters[k] - parameters[k] == 0); /* finite */
        free(parameters);
        if (model->type == WEIGHTS_QUANTIZED && count) {
            struct int8_weights weights;
            float *memory = malloc(2 * (size_t)model->net.shapes[i + 1].c * sizeof *memory);
            model_quantized(&weights, memory, model, i);
            free(memory);
        }
    }
}

static void read_examples(const struct model *model, const uint8_t *bytes, size_t size)
{
    const size_t side = (size_t)model->examples.thumbnail_side;
    float *embedding = malloc((size_t)model_embedding_count(model) * sizeof *embedding + 1);
    for (int i = 0; i < model->examples.count; i++) {
        fuzz_require(model_example_class(model, i) < net_classes(&model->net));
        const uint8_t *thumbnail = model_example_thumbnail(model, i);
        fuzz_require(!thumbnail || (thumbnail >= bytes && thumbnail + 3 * side * side <= bytes + size));
        if (model->examples.has_embeddings)
            model_example_embedding(embedding, model, i);
    }
    free(embedding);
}

/* What is written again says the same: all but the bytes that fill up to the next block. */
static void write_again(const struct model *model, const uint8_t *bytes, size_t size)
{
    static struct model again;
    fuzz_require(model_size(model) == size);
    uint8_t *copy = malloc(size);
    model_write(copy, model, NULL);
    const size_t text = (size_t)((const uint8_t *)model->notes - bytes) + (size_t)model->notes_length;
    const size_t weights = (size_t)(model->weights - bytes);
    fuzz_require(memcmp(copy, bytes, text) == 0);
    fuzz_require(model_read(&again, copy, size) == STATUS_OK && (size_t)(again.weights - copy) == weights);
    for (int i = 0; i < model->net.node_count; i++)
        fuzz_require(again.net.offset[i + 1] == model->net.offset[i + 1]);
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct model model;
    uint8_t *bytes = fuzz_copy(data, size);
    const enum status status = model_read(&model, bytes, size);
    fuzz_require(!status_is_of_image(status) && *eyelet_status_text(status));
    if (!status) {
        read_weights(&model);
        read_examples(&model, bytes, size);
        write_again(&model, bytes, size);
        size_t text = (size_t)model.notes_length;
        for (int i = 0; i < net_classes(&model.net); i++) {
            int length;
            const char *label = model_label(&length, &model, i);
            fuzz_require((const uint8_t *)label >= bytes && (const uint8_t *)label + length <= bytes + size);
            text += (size_t)length;
        }
        fuzz_require(text <= size);
    }
    free(bytes);
    return 0;
}
