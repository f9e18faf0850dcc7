#include "commands/pretraining.h"

#include "cli/errors.h"
#include "cli/memory.h"
#include "cli/text.h"
#include "commands/or_die.h"
#include "data/memory_budget.h"
#include "model/embeddings.h"
#include "model/projector.h"

#include <math.h>
#include <stdlib.h>

struct pretraining pretraining_open(const struct train_options *options)
{
    struct pretraining opened = {.net = allocate(1, sizeof *opened.net), .twins = allocate(1, sizeof *opened.twins)};
    read_network_or_die(opened.net, options->network, options->size, 1);
    const enum status status = projector_attach(opened.twins, opened.net, options->projector);
    if (status == STATUS_NODE)
        die(options->network, "Take a network with convolutions.",
            "no layer in front of its dense layers has weights that could be trained without labels");
    if (status)
        die(options->network, "Take a smaller --projector, or a network whose last pool leaves fewer features.",
            "the network with its projector is too large");
    opened.embedding = projector_embedding(opened.net);
    return opened;
}

void pretraining_free(struct pretraining *pretraining)
{
    free(pretraining->net);
    free(pretraining->twins);
}

/* x (rows, features) is scaled row by row. */
static double spread_of(float *x, int rows, int features)
{
    double sum = 0;
    for (int i = 0; i < rows; i++) {
        double squares = 0;
        float *row = x + (ptrdiff_t)i * features;
        for (int k = 0; k < features; k++)
            squares += (double)row[k] * (double)row[k];
        for (int k = 0; k < features && squares > 0; k++)
            row[k] = (float)((double)row[k] / sqrt(squares));
    }
    for (int k = 0; k < features; k++) {
        double mean = 0, variance = 0;
        for (int i = 0; i < rows; i++)
            mean += (double)x[(ptrdiff_t)i * features + k] / rows;
        for (int i = 0; i < rows; i++) {
            const double apart = (double)x[(ptrdiff_t)i * features + k] - mean;
            variance += apart * apart / rows;
        }
        sum += sqrt(variance);
    }
    return sum / features * sqrt(features);
}

double pretraining_spread(const struct pretraining *pretraining, const struct trainer *trainer,
                          const struct subset *subset, const struct train_options *options)
{
    enum { LOOKED_AT = 300 };
    const struct net *twins = pretraining->twins;
    const int features = (int)shape_count(twins->shapes[pretraining->embedding]);
    struct subset some = *subset;
    some.count = some.count < LOOKED_AT ? some.count : LOOKED_AT;
    const struct embedder embedder = {.net = twins,
                                      .parameters = trainer_weights(trainer),
                                      .preprocess = &trainer->options.preprocess,
                                      .tensor = pretraining->embedding,
                                      .parallel = &trainer->options.parallel,
                                      .memory = memory_budget(options->data.memory)};
    const struct views views = {.subset = &some, .count = 1};
    struct embedding_cache none = {.path = NULL};
    struct failure failure;
    float *x = allocate((size_t)some.count * (size_t)features, sizeof(float));
    if (!embeddings_compute(x, features, &embedder, &views, &none, &failure))
        die_of(&failure);
    const double spread = spread_of(x, some.count, features);
    free(x);
    return spread;
}

void pretraining_check(double spread, int epoch, const struct train_options *options)
{
    static const double least = 0.01;
    if (spread >= least) /* which no NaN is */
        return;
    char *hint = text_format("Lower --learning-rate (it was %g), raise --batch or weaken --resized-crop and --jitter, "
                             "with --restart; and see whether the images differ (`eyelet doctor`).",
                             (double)options->settings.optimizer.learning_rate);
    die(options->output, hint,
        "pretraining has collapsed: after epoch %d the embeddings of all images are nearly the same (spread %.4f, which "
        "must be %g)",
        epoch + 1, spread, least);
}
