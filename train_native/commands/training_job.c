#include "commands/training_job.h"

#include "cli/errors.h"
#include "cli/memory.h"
#include "cli/options.h"
#include "cli/text.h"
#include "commands/choose.h"
#include "commands/class_notes.h"
#include "commands/or_die.h"
#include "data/dataset_open.h"
#include "model/layer_name.h"
#include "training/unfold_batchnorm.h"
#include "training/whiten.h"

#include <omp.h>
#include <stdlib.h>
#include <string.h>

/* Inverse frequencies (King and Zeng 2001), 1 in the mean over the images; the caller frees them. */
static float *balanced_weights(const struct dataset *dataset, const struct split *split)
{
    float *weights = allocate((size_t)dataset->classes, sizeof(float));
    int present = 0;
    for (int i = 0; i < split->train_count; i++) {
        float *count = &weights[dataset->labels[split->train[i]]];
        present += *count == 0;
        *count += 1;
    }
    for (int k = 0; k < dataset->classes; k++)
        if (weights[k] > 0)
            weights[k] = (float)split->train_count / (float)present / weights[k];
    return weights;
}

/* Without a recipe or a network that the user names, the data decides the defaults of the options; CIFAR-10 is what the
 * recipes were made for. */
static void choose_options(struct train_options *o, const struct dataset *dataset, int argc, char **argv)
{
    bool named;
    const struct recipe *recipe = train_recipe(&named, argc, argv);
    const bool own_network = !o->from && strcmp(o->network, recipe->name) != 0;
    const bool cifar10 = !dataset->photos && !dataset->contents;
    if (named || own_network || (cifar10 && !o->from))
        return;
    const struct choice choice = choose_recipe(dataset, o->from);
    *o = train_options_parse(&choice.recipe, argc, argv);
    if (o->json || o->linear_probe)
        return;
    printf("chosen for %s images of %d pixels in %d classes: --recipe %s --epochs %d --batch %d --validation %g",
           format_thousands((uint64_t)choice.images), choice.side, choice.classes, choice.recipe.name,
           o->settings.epochs, o->settings.batch, (double)o->validation);
    if (o->size)
        printf(" --size %d", o->size);
    putchar('\n');
}

/* What --freeze names. */
static int frozen_nodes(const struct net *net, const char *text)
{
    const int count = transfer_frozen_nodes(net, text);
    if (count < 0)
        usage_error("train",
                    "--freeze takes `trunk`, a number of layers from 0 to %d, or the name of the last frozen layer, "
                    "like %s, not \"%s\"",
                    net_head(net), layer_name(net, 0, "").text, text);
    return count;
}

/* Batch normalisation back into a model that Muon goes on with. */
static void unfold(struct training_job *job)
{
    struct unfolding *unfolding = allocate(1, sizeof *unfolding);
    struct transfer *opened = &job->opened;
    const enum status status =
        unfold_batchnorm(unfolding, job->net, job->options->unfreeze ? 0 : job->frozen_nodes, opened->head);
    if (status)
        die(NULL, "Train it with --optimizer adamw.", "the network cannot be given batch normalisation: %s",
            eyelet_status_text(status));
    float *parameters = allocate(net_parameter_count(&unfolding->net), sizeof(float));
    unfold_batchnorm_parameters(parameters, unfolding, job->net, opened->parameters);
    free(opened->parameters);
    opened->parameters = parameters;
    opened->head = unfolding->node[opened->head];
    job->frozen_nodes = unfolding->node[job->frozen_nodes];
    *job->net = unfolding->net;
    free(unfolding);
}

static void open_net(struct training_job *job)
{
    const struct train_options *o = job->options;
    const struct dataset *dataset = &job->dataset;
    job->preprocess = (struct preprocess){.resize_mode = o->resize_mode};
    memcpy(job->preprocess.background, o->background, sizeof job->preprocess.background);
    if (!o->from) {
        read_network_or_die(job->net, o->network, o->size, dataset->classes);
        return;
    }
    struct failure failure;
    const struct transfer_start start = {o->from, dataset->classes, dataset->class_names, o->size, o->linear_probe};
    if (!transfer_open(&job->opened, job->net, &start, &failure))
        die_of(&failure);
    job->transfer = &job->opened;
    job->preprocess = job->opened.preprocess;
    job->frozen_nodes = o->freeze ? frozen_nodes(job->net, o->freeze) : 0;
    if (o->settings.optimizer.kind == OPTIMIZER_MUON && !o->linear_probe)
        unfold(job);
}

/* The images in memory as the net takes them, and which of them are trained from. */
static void read_images(struct training_job *job)
{
    const struct train_options *o = job->options;
    struct dataset *dataset = &job->dataset;
    dataset_read(dataset, job->net->input, &job->preprocess);
    if (o->limit)
        dataset_limit(dataset, o->limit);
    job->split = split_dataset(dataset, o->validation, (uint64_t)o->seed);
    if (!job->split.train_count)
        die(dataset->path, "Lower --validation.", "no images are left to train on");
    if (!job->transfer)
        dataset_statistics(job->preprocess.mean, job->preprocess.std, dataset, job->split.train,
                           job->split.train_count);
    class_notes(dataset, &job->split, o->class_weights);
    dataset_fit(dataset, job->net->input, &job->preprocess);
    job->images = dataset_images(dataset);
    job->train = (struct subset){&job->images, job->split.train, job->split.train_count};
    job->validation = (struct subset){&job->images, job->split.validation, job->split.validation_count};
}

gemm_function *training_job_gemm(const struct training_job *job)
{
    return job->options->exact ? gemm_exact : gemm_fast;
}

/* First weights that images decide. */
static void measure_weights(const struct training_job *job, float *parameters)
{
    struct arena memory = {0};
    if (job->transfer && job->options->settings.optimizer.kind == OPTIMIZER_MUON) {
        memory.size = unfold_batchnorm_bytes(job->net, job->train.count);
        memory.base = allocate((size_t)memory.size, 1);
        unfold_batchnorm_measure(parameters, job->net, &job->preprocess, &job->train, training_job_gemm(job), memory);
    } else if (!job->transfer && job->net->nodes[0].initial == INITIAL_WHITEN) {
        memory.size = whiten_bytes(job->net);
        memory.base = allocate((size_t)memory.size, 1);
        whiten_weights(parameters, job->net, &job->preprocess, &job->train, memory);
    }
    free(memory.base);
}

struct trainer *training_job_trainer(const struct training_job *job, void **memory)
{
    const struct train_options *o = job->options;
    const int validation = job->validation.count, train = job->train.count;
    const struct trainer_options options = {.net = job->net,
                                            .preprocess = job->preprocess,
                                            .parallel = parallel_threads(job->threads),
                                            .gemm = training_job_gemm(job),
                                            .seed = (uint64_t)o->seed,
                                            .initializer = o->initializer,
                                            .optimizer = o->settings.optimizer.kind,
                                            .shard = o->micro_batch,
                                            .max_images = train > validation ? train : validation,
                                            .ema = o->settings.ema_decay > 0};
    const uint64_t size = trainer_bytes(&options);
    struct trainer *trainer;
    *memory = allocate((size_t)size, 1);
    const enum status status = trainer_open(&trainer, *memory, size, &options);
    if (status)
        die(NULL, NULL, "%s", eyelet_status_text(status));
    if (job->transfer) {
        transfer_weights(trainer->parameters, job->net, job->transfer);
        transfer_learning_rate_scales(trainer->learning_rate_scales, job->net, o->layer_decay);
    }
    measure_weights(job, trainer->parameters);
    trainer->class_weights = job->class_weights;
    trainer->frozen_nodes = job->frozen_nodes;
    return trainer;
}

void training_job_open(struct training_job *job, int argc, char **argv)
{
    job->dataset = dataset_open(&job->options->data, DATASET_TRAIN);
    choose_options(job->options, &job->dataset, argc, argv);
}

void training_job_read(struct training_job *job)
{
    const struct train_options *o = job->options;
    job->net = allocate(1, sizeof *job->net);
    open_net(job);
    read_images(job);
    job->threads = o->threads ? o->threads : omp_get_max_threads();
    job->writer = (struct model_writer){job->net, &job->preprocess, &job->dataset, o, job->command, job->train.count};
    job->class_weights = o->class_weights ? balanced_weights(&job->dataset, &job->split) : NULL;
    job->identity = train_identity(o, job->net, &job->dataset, &job->split, job->transfer);
}

void training_job_free(struct training_job *job)
{
    if (job->transfer)
        transfer_free(&job->opened);
    free(job->identity);
    free(job->class_weights);
    split_free(&job->split);
    dataset_free(&job->dataset);
    free(job->net);
}
