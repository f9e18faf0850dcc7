#include "commands/training_job.h"

#include "base/bytes.h"
#include "cli/errors.h"
#include "cli/memory.h"
#include "cli/options.h"
#include "cli/text.h"
#include "commands/class_notes.h"
#include "commands/class_weights.h"
#include "commands/flip_choice.h"
#include "commands/job_options.h"
#include "commands/label_list.h"
#include "commands/model_dataset.h"
#include "commands/or_die.h"
#include "commands/trainer_memory.h"
#include "data/dataset_open.h"
#include "model/blocks.h"
#include "model/layer_name.h"
#include "model/projection.h"
#include "ranks/ranks.h"
#include "training/unfold_batchnorm.h"
#include "training/whiten.h"

#include <stdlib.h>
#include <string.h>

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

/* What --fine-tune names: the nodes in front of it. */
static int last_blocks(const struct training_job *job)
{
    const int blocks = blocks_count(job->net, job->opened.head), count = job->options->fine_tune;
    if (count > blocks)
        usage_error("train", "--fine-tune takes 1 to %d, the blocks that %s has, not %d", blocks, job->options->from,
                    count);
    return blocks_start(job->net, job->opened.head, count);
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
    opened->trunk = unfolding->node[opened->trunk];
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
    const struct transfer_start start = {.path = o->from,
                                         .classes = dataset->classes,
                                         .labels = dataset->class_names,
                                         .size = o->size,
                                         .new_head = o->linear_probe,
                                         .standardize = o->standardize};
    if (!transfer_open(&job->opened, job->net, &start, &failure))
        die_of(&failure);
    job->transfer = &job->opened;
    job->preprocess = job->opened.preprocess;
    job->frozen_nodes = o->freeze ? frozen_nodes(job->net, o->freeze) : o->fine_tune ? last_blocks(job) : 0;
    if (o->settings.optimizer.kind == OPTIMIZER_MUON && !o->linear_probe)
        unfold(job);
}

static void open_teacher(struct training_job *job)
{
    const struct train_options *o = job->options;
    teaching_open(&job->teaching, &job->dataset, o);
    if (!(o->embedding_weight > 0))
        return;
    job->projected = allocate(1, sizeof *job->projected);
    const enum status status = projection_attach(job->projected, job->net, job->teaching.teacher.features);
    if (status)
        die(o->teacher, "Leave out --embedding-weight.", "the network cannot match its embedding of %s numbers: %s",
            format_thousands((uint64_t)job->teaching.teacher.features),
            status == STATUS_NODE ? "it does not end in a dense layer" : eyelet_status_text(status));
}

static const struct net *trained_net(const struct training_job *job)
{
    return job->projected ? job->projected : job->net;
}

static void open_small(struct training_job *job)
{
    const int size = job->options->small_size;
    const struct net *net = trained_net(job);
    if (size >= net->input.h || size >= net->input.w)
        usage_error("train", "--small-size takes fewer than the %d pixels of the input", net->input.h);
    job->small = allocate(1, sizeof *job->small);
    *job->small = *net;
    job->small->input.h = job->small->input.w = size;
    if (net_check(job->small, NULL) || net_parameter_count(job->small) != net_parameter_count(net))
        die(job->options->from ? job->options->from : job->options->network,
            "Leave out --small-size, or take a network whose head reads a pool over the whole map.",
            "with an input of %dx%d the network is no longer the same one", size, size);
}

/* The images in memory as the net takes them, and which of them are trained from. */
static void read_images(struct training_job *job)
{
    const struct train_options *o = job->options;
    struct dataset *dataset = &job->dataset;
    dataset_read(dataset, job->net->input, &job->preprocess);
    job->split = split_dataset(dataset, o->validation, (uint64_t)o->seed);
    split_use(&job->split, dataset, o->use, (uint64_t)o->seed);
    if (!job->split.train_count)
        die(dataset->path, "Lower --validation.", "no images are left to train on");
    if (!job->transfer)
        dataset_statistics(job->preprocess.mean, job->preprocess.std, dataset, job->split.train,
                           job->split.train_count);
    int *counts = class_counts(dataset, job->split.train, job->split.train_count);
    if (o->linear_probe && !o->class_weights_named && class_imbalance(counts, dataset->classes) >= WEIGHTED_IMBALANCE)
        job->options->class_weights = CLASS_WEIGHTS_BALANCED;
    job->class_weights = class_weights(counts, dataset->classes, (enum class_weighting)o->class_weights);
    free(counts);
    class_notes(dataset, &job->split, (enum class_weighting)o->class_weights, o->labels);
    dataset_fit(dataset, job->net->input, &job->preprocess);
    job->images = dataset_images(dataset);
    job->train = (struct subset){&job->images, job->split.train, job->split.train_count};
    job->validation = (struct subset){&job->images, job->split.validation, job->split.validation_count};
}

gemm_function *training_job_gemm(const struct training_job *job)
{
    return job->options->exact ? gemm_exact : gemm_fast;
}

/* The batch normalisation that unfold has put in. */
static void measure_unfolded(struct training_job *job)
{
    if (!job->transfer || job->options->linear_probe || job->options->settings.optimizer.kind != OPTIMIZER_MUON)
        return;
    struct arena memory = {.size = unfold_batchnorm_bytes(job->net, job->train.count)};
    memory.base = allocate((size_t)memory.size, 1);
    unfold_batchnorm_measure(job->opened.parameters, job->net, &job->preprocess, &job->train, training_job_gemm(job),
                             memory);
    free(memory.base); /* before the trainer takes its own */
}

/* First weights that images decide. */
static void measure_whitening(const struct training_job *job, float *parameters)
{
    if (job->transfer || job->net->nodes[0].initial != INITIAL_WHITEN)
        return;
    struct arena memory = {.size = whiten_bytes(job->net)};
    memory.base = allocate((size_t)memory.size, 1);
    whiten_weights(parameters, job->net, &job->preprocess, &job->train, memory);
    free(memory.base);
}

static struct trainer_options trainer_options_of(const struct training_job *job)
{
    const struct train_options *o = job->options;
    const int validation = job->validation.count, train = job->train.count;
    return (struct trainer_options){.net = trained_net(job),
                                    .small = job->small,
                                    .preprocess = job->preprocess,
                                    .parallel = ranks_parallel(job->threads),
                                    .gemm = training_job_gemm(job),
                                    .seed = (uint64_t)o->seed,
                                    .initializer = o->initializer,
                                    .optimizer = o->settings.optimizer.kind,
                                    .shard = o->micro_batch,
                                    .lanes = o->lanes,
                                    .max_images = train > validation ? train : validation,
                                    .ema = o->settings.ema_decay > 0,
                                    .distilled = o->teacher != NULL,
                                    .projections = job->projected ? job->teaching.teacher.features : 0,
                                    .twins = o->projector ? o->settings.batch : 0};
}

/* Sets threads and micro-batch, and prints what they take. */
static void fit_memory(struct training_job *job)
{
    struct train_options *o = job->options;
    struct trainer_options options = trainer_options_of(job);
    const uint64_t bytes = trainer_memory_fit(&options, o->micro_batch_named, o->data.memory);
    job->threads = options.parallel.threads;
    o->micro_batch = options.shard;
    if (o->json)
        return;
    if (o->fine_tune)
        printf("fine-tuning the last %d of %d blocks", o->fine_tune, blocks_count(job->net, job->opened.head));
    else
        printf("fine-tuning");
    printf(" takes %s MiB of memory, %d image%s at a time in %d thread%s\n", format_thousands((bytes >> 20) + 1),
           o->micro_batch, o->micro_batch == 1 ? "" : "s", job->threads, job->threads == 1 ? "" : "s");
}

/* The weights that the run starts from; what is new keeps those that were drawn. */
static void take_weights(const struct training_job *job, float *parameters)
{
    if (!job->projected) {
        transfer_weights(parameters, job->net, job->transfer);
        return;
    }
    float *own = allocate(net_parameter_count(job->net) + 1, sizeof(float));
    projection_detach(own, job->net, parameters, job->projected);
    transfer_weights(own, job->net, job->transfer);
    projection_fill(parameters, job->projected, own, job->net);
    free(own);
}

struct trainer *training_job_trainer(const struct training_job *job, void **memory)
{
    const struct train_options *o = job->options;
    const struct trainer_options options = trainer_options_of(job);
    const uint64_t size = trainer_bytes(&options);
    struct trainer *trainer;
    *memory = allocate((size_t)size, 1);
    const enum status status = trainer_open(&trainer, *memory, size, &options);
    if (status)
        die(NULL, NULL, "%s", eyelet_status_text(status));
    if (job->transfer) {
        take_weights(job, trainer->parameters);
        transfer_learning_rate_scales(trainer->learning_rate_scales, job->net, o->layer_decay);
    }
    measure_whitening(job, trainer->parameters);
    trainer->class_weights = job->class_weights;
    trainer->frozen_nodes = job->frozen_nodes;
    return trainer;
}

void training_job_teach(struct training_job *job, struct trainer *trainer)
{
    if (!job->options->teacher)
        return;
    const struct parallel parallel = parallel_threads(job->threads);
    teaching_run(&job->teaching, &(struct teaching_input){&job->dataset, &job->train, &job->validation,
                                                          job->class_weights, &parallel, training_job_gemm(job)});
    trainer->distillation = &job->teaching.distillation;
}

/* What decides the course of the run. */
static char *identity_of(const struct training_job *job)
{
    const bool contested = job->rival.path && !job->rival.taken;
    char *own = train_identity(job->options, job->net, &job->dataset, &job->split, job->transfer);
    char *teacher = job->options->teacher ? teaching_identity(&job->teaching) : text_copy("");
    char *rival = contested ? text_format("against=%08x\n", job->rival.checksum) : text_copy("");
    char *identity = text_format("%s%s%s", own, teacher, rival);
    free(own);
    free(teacher);
    free(rival);
    return identity;
}

/* All that the model is to have, in the place of the data's. */
static void take_labels(struct dataset *dataset, const char *path)
{
    struct failure failure;
    struct label_list labels;
    if (!label_list_read(&labels, path, &failure) || !model_dataset_take_labels(dataset, &labels, &failure))
        die_of(&failure);
}

void training_job_open(struct training_job *job, const struct training_arguments *arguments)
{
    const struct train_options *o = job->options;
    struct data_options data = o->data;
    if (ranks_count() > 1) {
        data.shared = true;
        data.may_fetch = false;
        if (data.pixels && !ranks_first()) /* ranks write none of each other's files */
            data.pixels = job->options->data.pixels = text_format("%s.%d", data.pixels, ranks_own());
    }
    data.taught = o->labels ? NULL : o->from;
    data.any_classes = o->labels;
    job->dataset = dataset_open(&data, DATASET_TRAIN);
    if (o->labels)
        take_labels(&job->dataset, o->labels);
    if (arguments)
        job->rival = job_options_choose(job->options, &job->dataset, arguments);
}

void training_job_read(struct training_job *job)
{
    const struct train_options *o = job->options;
    job->net = allocate(1, sizeof *job->net);
    open_net(job);
    if (o->teacher)
        open_teacher(job);
    if (o->small_size)
        open_small(job);
    read_images(job);
    measure_unfolded(job);
    job->threads = o->threads ? o->threads : ranks_threads();
    if (job->transfer && !o->linear_probe)
        fit_memory(job);
    if (job->dataset.photos || job->dataset.contents) /* of CIFAR-10 it is known */
        flip_choose(job->options, &job->train, training_job_gemm(job));
    job->writer = (struct model_writer){.net = job->net,
                                        .preprocess = &job->preprocess,
                                        .dataset = &job->dataset,
                                        .options = o,
                                        .command = job->command,
                                        .train_count = job->train.count,
                                        .more = job->teaching.note,
                                        .projected = job->projected};
    job->identity = identity_of(job);
    training_job_compare(job);
}

void training_job_compare(const struct training_job *job)
{
    if (ranks_count() > job->options->lanes)
        die(NULL, "Give it --lanes, a multiple of the ranks; other lanes are other roundings, and so other weights.",
            "a step has %d lanes, and there are %d ranks to share them", job->options->lanes, ranks_count());
    ranks_compare(job->identity);
    if (!job->options->exact)
        ranks_compare_vectors();
}

void training_job_free(struct training_job *job)
{
    if (job->transfer)
        transfer_free(&job->opened);
    if (job->options->teacher)
        teaching_free(&job->teaching);
    free(job->identity);
    free(job->rival.path);
    free(job->class_weights);
    split_free(&job->split);
    dataset_free(&job->dataset);
    free(job->small);
    free(job->projected);
    free(job->net);
}
