#include "commands/training_job.h"

#include "cli/errors.h"
#include "cli/escape.h"
#include "cli/memory.h"
#include "cli/options.h"
#include "cli/text.h"
#include "commands/choose.h"
#include "commands/class_notes.h"
#include "commands/class_weights.h"
#include "commands/flip_choice.h"
#include "commands/or_die.h"
#include "commands/trainer_memory.h"
#include "data/dataset_open.h"
#include "data/photo_list.h"
#include "model/backbones.h"
#include "model/blocks.h"
#include "model/layer_name.h"
#include "training/unfold_batchnorm.h"
#include "training/whiten.h"

#include <omp.h>
#include <stdlib.h>
#include <string.h>

static void print_choice(const struct train_options *o, const struct choice *choice)
{
    if (o->json)
        return;
    printf("chosen for %s images of %d pixels in %d classes: ", format_thousands((uint64_t)choice->images),
           choice->side, choice->classes);
    if (o->linear_probe)
        printf("--linear-probe");
    else
        printf("--recipe %s --epochs %d --batch %d", choice->recipe.name, o->settings.epochs, o->settings.batch);
    printf(" --validation %g", (double)o->validation);
    if (o->size)
        printf(" --size %d", o->size);
    putchar('\n');
}

/* The options again, over the recipe that the data and a model to start from ask for. */
static struct choice adopt(struct train_options *o, const struct dataset *dataset, const char *from,
                           const struct training_arguments *arguments)
{
    /* What says how layers are trained asks for more than a head. */
    static const char *const of_layers[] = {"--epochs",        "--freeze",    "--layer-decay",
                                            "--learning-rate", "--optimizer", "--teacher"};
    const int argc = arguments->argc;
    const struct choice choice = choose_recipe(dataset, from, o->fine_tune, o->use);
    char **argv = allocate((size_t)argc + 3, sizeof *argv);
    memcpy(argv, arguments->argv, (size_t)argc * sizeof *argv);
    if (from && !o->from) {
        argv[argc] = "--from";
        argv[argc + 1] = (char *)from;
    }
    *o = train_options_parse(&choice.recipe, argc + (from && !o->from ? 2 : 0), argv);
    bool layers = o->find_learning_rate;
    for (size_t i = 0; i < sizeof of_layers / sizeof *of_layers; i++)
        layers |= train_argument(of_layers[i], argc, argv);
    o->linear_probe |= choice.probe && !layers;
    if (o->linear_probe)
        o->freeze = NULL;
    free(argv);
    return choice;
}

/* Whether a model can be a start for these classes; if not, it is named and left. */
static bool is_start(const char *path, const struct dataset *dataset, uint32_t *checksum)
{
    struct net *net = allocate(1, sizeof *net);
    struct transfer transfer;
    struct failure failure;
    const struct transfer_start start = {
        .path = path, .classes = dataset->classes, .labels = dataset->class_names, .new_head = true};
    const bool opened = transfer_open(&transfer, net, &start, &failure);
    const bool dense = opened && net->nodes[transfer.head].kind == NODE_DENSE;
    if (!opened)
        warn(failure.subject, "Training starts from nothing.", "%s", failure.reason);
    else if (!dense)
        warn(path, "Training starts from nothing.", "its head is no dense layer");
    if (opened) {
        *checksum = transfer.checksum;
        transfer_free(&transfer);
    }
    free(net);
    return dense;
}

static bool has_validation(const struct dataset *dataset, float fraction)
{
    const struct photo_list *list = dataset->photos;
    for (int i = 0; list && i < list->count; i++)
        if (list->photos[i].part == PHOTO_VALIDATION)
            return true;
    return fraction > 0;
}

/* Images in files, of which nothing more is said, are given to a model that is at hand. All layers of a small one are
 * trained in less time than training from nothing takes, so that only a head on a large one's features is a rival. */
static void find_rival(struct training_job *job, const struct training_arguments *arguments)
{
    struct train_options *o = job->options;
    char *path = backbones_find();
    if (!path || !is_start(path, &job->dataset, &job->rival_checksum)) {
        if (!path && !o->json)
            printf("no trained model is at hand to start from; `eyelet import NAME` fetches one\n");
        free(path);
        return;
    }
    job->rival = path;
    const bool few = !has_validation(&job->dataset, o->validation);
    if (!few && choose_recipe(&job->dataset, path, 0, o->use).probe)
        return;
    const struct choice choice = adopt(o, &job->dataset, path, arguments);
    if (!o->json) {
        printf("from ");
        print_escaped(stdout, path);
        printf("%s; --from none trains from nothing\n",
               few ? ", with so few images that none are set aside to try it" : "");
    }
    print_choice(o, &choice);
    job->rival_taken = true;
}

/* Without a recipe or a network that the user names, the data decides the defaults of the options; CIFAR-10 is what the
 * recipes were made for. */
static void choose_options(struct training_job *job, const struct training_arguments *arguments)
{
    struct train_options *o = job->options;
    const struct dataset *dataset = &job->dataset;
    bool named;
    const struct recipe *recipe = train_recipe(&named, arguments->argc, arguments->argv);
    const bool own_network = !o->from && strcmp(o->network, recipe->name) != 0;
    const bool cifar10 = !dataset->photos && !dataset->contents;
    if (named || own_network || (cifar10 && !o->from))
        return;
    const bool asked = o->linear_probe;
    const struct choice choice = adopt(o, dataset, o->from, arguments);
    if (!o->from && !o->from_nothing && dataset->photos && !o->find_learning_rate)
        find_rival(job, arguments);
    if (!asked && !job->rival_taken)
        print_choice(o, &choice);
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
    const struct transfer_start start = {o->from, dataset->classes, dataset->class_names, o->size, o->linear_probe};
    if (!transfer_open(&job->opened, job->net, &start, &failure))
        die_of(&failure);
    job->transfer = &job->opened;
    job->preprocess = job->opened.preprocess;
    job->frozen_nodes = o->freeze ? frozen_nodes(job->net, o->freeze) : o->fine_tune ? last_blocks(job) : 0;
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
    class_notes(dataset, &job->split, (enum class_weighting)o->class_weights);
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
    return (struct trainer_options){.net = job->net,
                                    .preprocess = job->preprocess,
                                    .parallel = parallel_threads(job->threads),
                                    .gemm = training_job_gemm(job),
                                    .seed = (uint64_t)o->seed,
                                    .initializer = o->initializer,
                                    .optimizer = o->settings.optimizer.kind,
                                    .shard = o->micro_batch,
                                    .max_images = train > validation ? train : validation,
                                    .ema = o->settings.ema_decay > 0,
                                    .distilled = o->teacher != NULL,
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
        transfer_weights(trainer->parameters, job->net, job->transfer);
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
    const bool contested = job->rival && !job->rival_taken;
    char *own = train_identity(job->options, job->net, &job->dataset, &job->split, job->transfer);
    char *teacher = job->options->teacher ? teaching_identity(&job->teaching) : text_copy("");
    char *rival = contested ? text_format("against=%08x\n", job->rival_checksum) : text_copy("");
    char *identity = text_format("%s%s%s", own, teacher, rival);
    free(own);
    free(teacher);
    free(rival);
    return identity;
}

void training_job_open(struct training_job *job, const struct training_arguments *arguments)
{
    job->dataset = dataset_open(&job->options->data, DATASET_TRAIN);
    if (arguments)
        choose_options(job, arguments);
}

void training_job_read(struct training_job *job)
{
    const struct train_options *o = job->options;
    job->net = allocate(1, sizeof *job->net);
    open_net(job);
    if (o->teacher)
        teaching_open(&job->teaching, &job->dataset, o);
    read_images(job);
    measure_unfolded(job);
    job->threads = o->threads ? o->threads : omp_get_max_threads();
    if (job->transfer && !o->linear_probe)
        fit_memory(job);
    if (job->dataset.photos || job->dataset.contents) /* of CIFAR-10 it is known */
        flip_choose(job->options, &job->train, training_job_gemm(job));
    job->writer = (struct model_writer){job->net,     &job->preprocess, &job->dataset,      o,
                                        job->command, job->train.count, job->teaching.note, NULL};
    job->identity = identity_of(job);
}

void training_job_free(struct training_job *job)
{
    if (job->transfer)
        transfer_free(&job->opened);
    if (job->options->teacher)
        teaching_free(&job->teaching);
    free(job->identity);
    free(job->rival);
    free(job->class_weights);
    split_free(&job->split);
    dataset_free(&job->dataset);
    free(job->net);
}
