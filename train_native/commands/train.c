#include "commands/commands.h"

#include "cli/errors.h"
#include "cli/memory.h"
#include "cli/options.h"
#include "cli/text.h"
#include "commands/choose.h"
#include "commands/class_notes.h"
#include "commands/epochs.h"
#include "commands/find_learning_rate.h"
#include "commands/or_die.h"
#include "commands/probe.h"
#include "commands/run_files.h"
#include "commands/run_folder.h"
#include "commands/train_options.h"
#include "data/dataset_open.h"
#include "data/fetch.h"
#include "data/split.h"
#include "model/calibrated_model.h"
#include "model/layer_name.h"
#include "model/transfer.h"
#include "training/unfold_batchnorm.h"
#include "training/whiten.h"

#include <omp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- What a run needs ---- */

struct job {
    struct train_options *options;
    const char *command; /* the command line */
    struct run_files files;
    struct net *net;
    struct dataset dataset;
    struct split split;
    struct preprocess preprocess;
    struct transfer opened;
    const struct transfer *transfer; /* &opened; NULL without --from */
    int frozen_nodes, threads;
    float *class_weights; /* NULL: all 1 */
    char *identity;
    struct images images;
    struct subset train, validation;
    struct model_writer writer;
};

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
static void unfold(struct job *job)
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

static void open_net(struct job *job)
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
static void read_images(struct job *job)
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

static gemm_function *gemm_of(const struct train_options *o) { return o->exact ? gemm_exact : gemm_fast; }

/* First weights that images decide. */
static void measure_weights(const struct job *job, float *parameters)
{
    struct arena memory = {0};
    if (job->transfer && job->options->settings.optimizer.kind == OPTIMIZER_MUON) {
        memory.size = unfold_batchnorm_bytes(job->net, job->train.count);
        memory.base = allocate((size_t)memory.size, 1);
        unfold_batchnorm_measure(parameters, job->net, &job->preprocess, &job->train, gemm_of(job->options), memory);
    } else if (!job->transfer && job->net->nodes[0].initial == INITIAL_WHITEN) {
        memory.size = whiten_bytes(job->net);
        memory.base = allocate((size_t)memory.size, 1);
        whiten_weights(parameters, job->net, &job->preprocess, &job->train, memory);
    }
    free(memory.base);
}

/* *memory: the trainer's, which the caller frees. */
static struct trainer *open_trainer(const struct job *job, void **memory)
{
    const struct train_options *o = job->options;
    const int validation = job->validation.count, train = job->train.count;
    const struct trainer_options options = {.net = job->net,
                                            .preprocess = job->preprocess,
                                            .parallel = parallel_threads(job->threads),
                                            .gemm = gemm_of(o),
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

/* ---- Kinds of runs ---- */

static bool is_calibrated(const char *path)
{
    struct model *model = allocate(1, sizeof *model);
    size_t size;
    uint8_t *bytes = load_or_die(model, &size, path);
    char *notes = model_file_notes(model);
    const bool calibrated = calibrated_model_note(notes) != NULL;
    free(notes);
    free(bytes);
    free(model);
    return calibrated;
}

/* Fits the scores of the models that were written to the validation images, where it is still to be done; last: NULL
 * if there is only one. */
static void calibrate(const struct job *job, const char *last)
{
    const struct train_options *o = job->options;
    const struct split *split = &job->split;
    if (!split->validation_count || job->dataset.classes < 2)
        return;
    if (split->validation_count < CALIBRATION_MIN_ANSWERS) {
        calibrated_model_print(&(struct calibration){.images = split->validation_count}, o->json);
        return;
    }
    omp_set_num_threads(job->threads);
    const struct calibration_input input = {&job->dataset, split->validation, split->validation_count,
                                            CALIBRATE_PRECISION};
    struct calibration found;
    struct failure failure;
    if (last && access(last, F_OK) == 0 && !is_calibrated(last) &&
        !calibrated_model_file(&found, last, &input, &failure))
        die_of(&failure);
    if (is_calibrated(o->output))
        return;
    if (!calibrated_model_file(&found, o->output, &input, &failure))
        die_of(&failure);
    calibrated_model_print(&found, o->json);
}

/* The run's folder, where it has one: what is still missing in it, or all of it for a run that has trained something. */
static void write_report(const struct job *job, bool trained)
{
    const struct train_options *o = job->options;
    if (o->run_folder && (trained || run_folder_lacks(o, RUN_REPORT)))
        run_folder_report(o, job->command, &job->dataset, &job->split);
}

static void write_configuration(const struct job *job, bool changed)
{
    const struct train_options *o = job->options;
    if (o->run_folder && (changed || run_folder_lacks(o, RUN_CONFIGURATION)))
        run_folder_configuration(o, job->command, job->identity);
}

static void print_start(const struct job *job)
{
    epochs_print_start(job->options, job->net, job->train.count, job->validation.count, job->threads);
}

static void train_head(const struct job *job)
{
    const struct parallel parallel = parallel_threads(job->threads);
    write_configuration(job, true);
    print_start(job);
    probe(&(struct probe){.writer = &job->writer,
                          .transfer = job->transfer,
                          .train = &job->train,
                          .validation = &job->validation,
                          .class_weights = job->class_weights,
                          .parallel = &parallel,
                          .gemm = gemm_of(job->options)});
    checkpoint_remove(job->options->output); /* of the run whose model this replaces */
    calibrate(job, NULL);
    write_report(job, true);
}

static void try_learning_rates(const struct job *job)
{
    void *memory;
    struct trainer *trainer = open_trainer(job, &memory);
    print_start(job);
    find_learning_rate(trainer, &job->options->settings, &job->train, job->options->json);
    free(memory);
}

/* Returns the exit status. */
static int train_all(const struct job *job)
{
    void *memory;
    struct run run = {.options = job->options,
                      .writer = &job->writer,
                      .trainer = open_trainer(job, &memory),
                      .train = job->train,
                      .validation = job->validation,
                      .identity = job->identity,
                      .log_path = job->files.log,
                      .last_path = job->files.last,
                      .frozen_nodes = job->frozen_nodes};
    const struct train_options *o = job->options;
    const bool more = epochs_begin(&run);
    write_configuration(job, !o->resume || run.lengthened);
    const int status = more ? epochs_run(&run) : EXIT_SUCCESS;
    free(memory); /* much of it, and calibrating takes its own */
    if (status != EXIT_SUCCESS)
        return status;
    if (!more && access(o->output, F_OK))
        die(o->output, "--restart trains it anew.", "the run is complete, but its model is no longer there");
    if (!more)
        warn(o->output, "--resume with a greater --epochs trains it further.", "the run is complete");
    calibrate(job, job->files.last);
    write_report(job, more);
    return EXIT_SUCCESS;
}

/* ---- All of it ---- */

static int run(struct job *job)
{
    const struct train_options *o = job->options;
    if (o->linear_probe)
        train_head(job);
    else if (o->find_learning_rate)
        try_learning_rates(job);
    else
        return train_all(job);
    return EXIT_SUCCESS;
}

static void free_job(struct job *job)
{
    if (job->transfer)
        transfer_free(&job->opened);
    free(job->identity);
    free(job->class_weights);
    run_files_free(&job->files);
    split_free(&job->split);
    dataset_free(&job->dataset);
    free(job->net);
}

static int train(struct train_options *o, const char *command, int argc, char **argv)
{
    struct job job = {
        .options = o, .command = command, .files = run_files_open(o), .net = allocate(1, sizeof *job.net)};
    job.dataset = dataset_open(&o->data, DATASET_TRAIN);
    choose_options(o, &job.dataset, argc, argv);
    open_net(&job);
    read_images(&job);
    job.threads = o->threads ? o->threads : omp_get_max_threads();
    job.writer = (struct model_writer){job.net, &job.preprocess, &job.dataset, o, command, job.train.count};
    job.class_weights = o->class_weights ? balanced_weights(&job.dataset, &job.split) : NULL;
    job.identity = train_identity(o, job.net, &job.dataset, &job.split, job.transfer);
    const int status = run(&job);
    free_job(&job);
    return status;
}

int command_train(int argc, char **argv)
{
    bool named;
    /* Without these: a resumed run ends in the identical file. */
    char *command = options_command(argc, argv, (const char *const[]){"--resume", "--restart", NULL});
    struct train_options o = train_options_parse(train_recipe(&named, argc, argv), argc, argv);
    fetch_without_asking = o.fetch;
    const int status = train(&o, command, argc, argv);
    free(command);
    return status;
}
