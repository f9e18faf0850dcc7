/* libFuzzer target: a model, measured, opened and run on a small picture. */
#include "classifier.h"
#include "fuzz/model_parts.h"
#include "net/model.h"

#include <stdlib.h>
#include <string.h>

FUZZ_MODELS

/* Opening needs memory and running needs time; a fuzzer wants many small models. */
enum { MAX_WORKSPACE = 4 << 20, WIDTH = 7, HEIGHT = 5 };
#define MAX_MULTIPLY_ADDS 2000000u

static bool small(const struct net *net, size_t workspace_bytes)
{
    uint64_t work = 0;
    for (int i = 0; i < net->node_count; i++)
        work += net_multiply_adds(net, i) + shape_count(net->shapes[i + 1]) * LIMIT_KERNEL * LIMIT_KERNEL;
    return workspace_bytes <= MAX_WORKSPACE && work <= MAX_MULTIPLY_ADDS;
}

static void use(const uint8_t *bytes, size_t size, size_t workspace_bytes)
{
    static const uint8_t rgba[WIDTH * HEIGHT * 4] = {1, 2, 3, 4, 255, 254, 253, 252};
    void *workspace = aligned_alloc(64, workspace_bytes);
    struct eyelet_classifier *classifier = NULL;
    fuzz_require(workspace && eyelet_classifier_open(&classifier, workspace, bytes, size) == STATUS_OK);
    const size_t scratch_bytes = eyelet_classifier_scratch_bytes(classifier, WIDTH, HEIGHT);
    void *scratch = aligned_alloc(64, scratch_bytes);
    const enum status status = eyelet_classifier_run(classifier, rgba, WIDTH, HEIGHT, scratch);
    fuzz_require(status == STATUS_OK || status == STATUS_NOT_FINITE);
    const float *probabilities = eyelet_classifier_probabilities(classifier);
    double sum = 0;
    for (int i = 0; i < eyelet_classifier_classes(classifier); i++)
        sum += (double)probabilities[i];
    fuzz_require(status || (sum > 0.99 && sum < 1.01));
    float *embedding = malloc((size_t)eyelet_classifier_embedding_count(classifier) * sizeof *embedding + 1);
    eyelet_classifier_embedding(embedding, classifier);
    free(embedding);
    size_t text = strlen(eyelet_classifier_notes(classifier));
    for (int i = 0; i < eyelet_classifier_classes(classifier); i++)
        text += strlen(eyelet_classifier_label(classifier, i));
    fuzz_require(text <= size);
    free(scratch);
    free(workspace);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct model model;
    uint8_t *bytes = fuzz_copy(data, size);
    size_t workspace_bytes;
    const enum status status = model_read(&model, bytes, size);
    const enum status measured = eyelet_classifier_bytes(&workspace_bytes, bytes, size);
    fuzz_require(measured == status || measured == STATUS_OK || (status == STATUS_OK && measured == STATUS_LIMIT));
    fuzz_require(workspace_bytes <= LIMIT_WORKSPACE_BYTES && (measured == STATUS_OK) == (workspace_bytes > 0));
    if (status == STATUS_OK && measured == STATUS_OK && small(&model.net, workspace_bytes))
        use(bytes, size, workspace_bytes);
    free(bytes);
    return 0;
}
