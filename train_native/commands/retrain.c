#include "commands/retrain.h"

#include "cli/errors.h"
#include "cli/memory.h"
#include "cli/text.h"
#include "model/head.h"
#include "training/unfold_batchnorm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* For Muon: the network with batch normalisation, and its weights, which the caller frees. */
static float *unfolded(struct retraining *retraining, const float *weights, const struct subset *train)
{
    struct unfolding *unfolding = allocate(1, sizeof *unfolding);
    const int head = head_find(retraining->net).last;
    const enum status status = unfold_batchnorm(unfolding, retraining->net, retraining->frozen_nodes, head);
    if (status)
        die(NULL, "Fine-tune it with --recipe finetune.", "the network cannot be given batch normalisation: %s",
            eyelet_status_text(status));
    float *parameters = allocate(net_parameter_count(&unfolding->net), sizeof(float));
    unfold_batchnorm_parameters(parameters, unfolding, retraining->net, weights);
    retraining->frozen_nodes = unfolding->node[retraining->frozen_nodes];
    *retraining->net = unfolding->net;
    free(unfolding);
    struct arena memory = {.size = unfold_batchnorm_bytes(retraining->net, train->count)};
    memory.base = allocate((size_t)memory.size, 1);
    unfold_batchnorm_measure(parameters, retraining->net, retraining->preprocess, train, gemm_fast, memory);
    free(memory.base);
    return parameters;
}

static struct trainer *open_trainer(const struct retraining *retraining, const struct subset *train, void **memory)
{
    const struct trainer_options options = {.net = retraining->net,
                                            .preprocess = *retraining->preprocess,
                                            .parallel = parallel_threads(retraining->threads),
                                            .gemm = gemm_fast,
                                            .seed = (uint64_t)retraining->seed,
                                            .initializer = retraining->recipe->initializer,
                                            .optimizer = retraining->recipe->settings.optimizer.kind,
                                            .shard = retraining->recipe->shard,
                                            .max_images = train->count};
    const uint64_t size = trainer_bytes(&options);
    struct trainer *trainer;
    *memory = allocate((size_t)size, 1);
    const enum status status = trainer_open(&trainer, *memory, size, &options);
    if (status)
        die(NULL, NULL, "%s", eyelet_status_text(status));
    return trainer;
}

static void print_epoch(const struct retraining *retraining, int number, const struct epoch_result *trained)
{
    printf("epoch %d of %d: loss %.4f, accuracy %.2f %% of %s training images\n", number + 1, retraining->epochs,
           epoch_loss(trained), 100 * epoch_accuracy(trained), format_thousands((uint64_t)trained->count));
    fflush(stdout);
}

float *retrain(struct retraining *retraining, const float *weights, const struct subset *train)
{
    struct trainer_settings settings = retraining->recipe->settings;
    settings.epochs = retraining->epochs;
    settings.optimizer.learning_rate = retraining->learning_rate;
    if (settings.warmup > (float)settings.epochs / 2)
        settings.warmup = (float)settings.epochs / 2;
    const bool muon = settings.optimizer.kind == OPTIMIZER_MUON;
    float *own = muon ? unfolded(retraining, weights, train) : NULL;
    void *memory;
    struct trainer *trainer = open_trainer(retraining, train, &memory);
    const size_t bytes = net_parameter_count(retraining->net) * sizeof(float);
    memcpy(trainer->parameters, own ? own : weights, bytes);
    free(own);
    trainer->frozen_nodes = retraining->frozen_nodes;
    for (int number = 0; number < settings.epochs; number++) {
        const struct epoch epoch = {.settings = &settings, .subset = *train, .number = number};
        const struct epoch_result trained = trainer_epoch(trainer, &epoch);
        if (!trained.finite)
            die(NULL, "Nothing was written. Take the other --recipe, or fewer --epochs.",
                "the loss is no longer a finite number in epoch %d of fine-tuning", number + 1);
        if (!retraining->quiet)
            print_epoch(retraining, number, &trained);
    }
    float *result = allocate(net_parameter_count(retraining->net) + 1, sizeof(float));
    memcpy(result, trainer_weights(trainer), bytes);
    free(memory);
    return result;
}
