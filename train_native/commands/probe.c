#include "commands/probe.h"

#include "cli/clock.h"
#include "cli/errors.h"
#include "cli/memory.h"
#include "cli/text.h"
#include "commands/regression_choice.h"
#include "data/memory_budget.h"
#include "model/embeddings.h"
#include "training/standardize.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What is between the head's sums and the logits: a factor. */
static float scale_behind(const struct net *net, int head)
{
    static const char hint[] = "Train without --linear-probe, with --freeze trunk.";
    float scale = 1;
    if (net->nodes[head].kind != NODE_DENSE)
        die(NULL, hint, "a linear probe needs a model whose last layer with weights is dense");
    for (int i = head + 1; i < net->node_count - 1; i++) {
        if (net->nodes[i].kind != NODE_SCALE)
            die(NULL, hint,
                "a linear probe needs a model whose last dense layer nothing follows but `scale` and the softmax");
        scale *= net->nodes[i].rate;
    }
    return scale;
}

/* ---- Embeddings ---- */

/* The labels of the views, one behind the other, and room for their embeddings, with a 1 behind each. */
static struct regression regression_of(const struct views *views, int features, const struct probe *p)
{
    const int rows = views_rows(views);
    float *x = allocate((size_t)rows * (size_t)features + 1, sizeof(float));
    struct target *targets = allocate((size_t)rows + 1, sizeof *targets);
    for (int i = 0; i < rows; i++) {
        targets[i] = target_of(subset_label(views->subset, i / views->count));
        targets[i].weight = p->class_weights ? p->class_weights[targets[i].label] : 1;
        x[(size_t)(i + 1) * (size_t)features - 1] = 1;
    }
    return (struct regression){x, targets, rows, features, net_classes(p->writer->net), p->gemm, p->parallel};
}

static void regression_free(struct regression *data)
{
    free((void *)data->x);
    free((void *)data->targets);
}

/* What the regression takes beside the images, before it is taken. */
static void check_memory(const struct probe *p, const struct regression *like, int train_rows, int validation_rows)
{
    struct regression train = *like;
    train.count = train_rows;
    const uint64_t budget = memory_budget(p->writer->options->data.memory);
    const uint64_t row = (uint64_t)like->features * sizeof(float);
    const uint64_t need = ((uint64_t)train_rows + (uint64_t)validation_rows) * row + softmax_regression_bytes(&train);
    if (need > budget)
        die(NULL, "Give it more with --memory, or fewer images with --limit.",
            "%s embeddings of %s numbers and the regression on them take %s MiB of memory; %s MiB are left for them",
            format_thousands((uint64_t)train_rows + (uint64_t)validation_rows),
            format_thousands((uint64_t)like->features - 1), format_thousands((need >> 20) + 1),
            format_thousands(budget >> 20));
}

/* The tensor that is embedded: in front of a layer that is to standardise it. */
static int features_of(const struct probe *p)
{
    const struct transfer *transfer = p->transfer;
    return p->writer->net->nodes[transfer->standardizer ? transfer->standardizer : transfer->head].input[0];
}

/* The head of what was trained on standardised features; where a layer standardises them, the two. */
static void put_weights(float *parameters, const float *w, const struct standardizer *standardizer,
                        const struct probe *p)
{
    const struct net *net = p->writer->net;
    const int layer = p->transfer->standardizer, head = p->transfer->head, inputs = standardizer->features - 1;
    const float scale = scale_behind(net, head);
    if (!layer) {
        standardizer_head(parameters + net->offset[head], w, standardizer, net_classes(net), scale);
        return;
    }
    float *factors = parameters + net->offset[layer], *offsets = factors + inputs;
    for (int k = 0; k < inputs; k++) {
        factors[k] = 1 / standardizer->std[k];
        offsets[k] = -standardizer->mean[k] / standardizer->std[k];
    }
    for (size_t k = 0; k < (size_t)standardizer->features * (size_t)net_classes(net); k++)
        parameters[net->offset[head] + k] = w[k] / scale;
}

/* Fills in both, from the file that keeps them or anew. */
static void embed(struct regression *train, struct regression *validation, const struct probe *p,
                  const struct views *train_views, const struct views *validation_views)
{
    const struct train_options *o = p->writer->options;
    const double start = seconds_now();
    const int features = train->features, rows = train->count + validation->count;
    const struct embedder embedder = {.net = p->writer->net,
                                      .parameters = p->transfer->parameters,
                                      .preprocess = p->writer->preprocess,
                                      .tensor = features_of(p),
                                      .parallel = p->parallel,
                                      .memory = memory_budget(o->data.memory),
                                      .live = !o->json && isatty(STDOUT_FILENO)};
    struct embedding_cache cache;
    struct failure failure;
    uint8_t key[SHA256_BYTES];
    embeddings_key(key, &embedder);
    embedding_cache_open(&cache, p->cache, key, features - 1, rows);
    if (!embeddings_compute((float *)train->x, features, &embedder, train_views, &cache, &failure) ||
        !embeddings_compute((float *)validation->x, features, &embedder, validation_views, &cache, &failure))
        die_of(&failure);
    embedding_cache_save(&cache);
    if (!o->json && cache.found)
        printf("%s of ", format_thousands((uint64_t)cache.found));
    if (!o->json)
        printf("%s embeddings of %s numbers %s %.1f s\n", format_thousands((uint64_t)rows),
               format_thousands((uint64_t)features - 1), cache.found ? "were kept from before;" : "in",
               seconds_now() - start);
    fflush(stdout);
    embedding_cache_free(&cache);
}

struct epoch_result probe(float *parameters, const struct probe *p)
{
    const struct net *net = p->writer->net;
    const struct train_options *o = p->writer->options;
    const int head = p->transfer->head, classes = net_classes(net);
    scale_behind(net, head); /* before the work */
    const int features = (int)shape_count(net->shapes[net->nodes[head].input[0]]) + 1;
    const struct views train_views = {p->train, o->views, &o->settings.augment, (uint64_t)o->seed};
    const struct views validation_views = {.subset = p->validation, .count = 1};
    const struct regression like = {.features = features, .classes = classes, .gemm = p->gemm, .parallel = p->parallel};
    check_memory(p, &like, views_rows(&train_views), views_rows(&validation_views));
    struct regression train = regression_of(&train_views, features, p);
    struct regression validation = regression_of(&validation_views, features, p);
    embed(&train, &validation, p, &train_views, &validation_views);
    for (int i = 0; i < validation.count; i++)
        ((struct target *)validation.targets)[i].weight = 1;

    float *moments = allocate(2 * (size_t)features, sizeof *moments);
    const struct standardizer standardizer = standardizer_of(train.x, train.count, features, moments);
    standardize((float *)train.x, train.count, &standardizer);
    standardize((float *)validation.x, validation.count, &standardizer);
    const double start = seconds_now();
    float *w = allocate((size_t)features * (size_t)classes, sizeof(float));
    const struct epoch_result measured = regression_choose(w, o, &train, &validation);
    if (!o->json)
        printf("trained in %.1f s\n", seconds_now() - start);
    put_weights(parameters, w, &standardizer, p);
    free(w);
    free(moments);
    regression_free(&train);
    regression_free(&validation);
    return measured;
}
