#include "commands/commands.h"

#include "cli/errors.h"
#include "cli/escape.h"
#include "cli/files.h"
#include "cli/memory.h"
#include "cli/options.h"
#include "cli/text.h"
#include "commands/choose.h"
#include "commands/curve.h"
#include "commands/epochs.h"
#include "commands/find_learning_rate.h"
#include "commands/or_die.h"
#include "commands/probe.h"
#include "commands/run_files.h"
#include "commands/run_folder.h"
#include "commands/sweep.h"
#include "commands/train_config.h"
#include "commands/training_job.h"
#include "data/fetch.h"
#include "data/pixel_file.h"
#include "model/calibrated_model.h"
#include "model/embedding_cache.h"
#include "ranks/ranks.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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
static void calibrate(const struct training_job *job, const char *last)
{
    const struct train_options *o = job->options;
    const struct split *split = &job->split;
    if (!ranks_first() || !split->validation_count || job->dataset.classes < 2)
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
static void write_report(const struct training_job *job, bool trained)
{
    const struct train_options *o = job->options;
    if (ranks_first() && o->run_folder && (trained || run_folder_lacks(o, RUN_REPORT)))
        run_folder_report(o, job->command, &job->dataset, &job->split);
}

static void write_configuration(const struct training_job *job, bool changed)
{
    const struct train_options *o = job->options;
    if (ranks_first() && o->run_folder && (changed || run_folder_lacks(o, RUN_CONFIGURATION)))
        run_folder_configuration(o, job->command, job->identity);
}

static void print_start(const struct training_job *job)
{
    epochs_print_start(job->options, job->net, job->train.count, job->validation.count, job->threads);
}

/* The file that keeps this run's embeddings: of images in files, beside the model; NULL for others. */
static char *embeddings_file(const struct training_job *job)
{
    const struct train_options *o = job->options;
    return !job->dataset.files ? NULL
           : o->embeddings     ? text_copy(o->embeddings)
                               : with_suffix(o->output, ".embeddings");
}

static void remove_embeddings(const struct training_job *job)
{
    if (!ranks_first())
        return;
    char *path = embeddings_file(job);
    embedding_cache_remove(path);
    if (job->options->teacher)
        teaching_remove(job->options);
    free(path);
}

/* Into the parameters that a run starts from. */
static struct epoch_result train_head(struct training_job *job)
{
    const struct parallel parallel = parallel_threads(job->threads);
    char *cache = embeddings_file(job);
    const struct epoch_result measured =
        probe(job->opened.parameters, &(struct probe){.writer = &job->writer,
                                                      .transfer = job->transfer,
                                                      .train = &job->train,
                                                      .validation = &job->validation,
                                                      .class_weights = job->class_weights,
                                                      .parallel = &parallel,
                                                      .gemm = training_job_gemm(job),
                                                      .cache = cache});
    job->opened.head_kept = true;
    free(cache);
    return measured;
}

/* The head alone, measured and saved as the model. */
static struct epoch_result save_head(struct training_job *job)
{
    const struct epoch_result measured = train_head(job);
    model_writer_save(&job->writer, job->opened.parameters, job->options->output, 0, &measured);
    return measured;
}

static double train_head_alone(struct training_job *job)
{
    write_configuration(job, true);
    print_start(job);
    const struct epoch_result measured = save_head(job);
    if (ranks_first())
        checkpoint_remove(job->options->output); /* of the run whose model this replaces */
    calibrate(job, NULL);
    write_report(job, true);
    return epoch_accuracy(&measured);
}

/* A head on the features of a model at hand, saved as the model that training from nothing has to better. */
static double train_rival(const struct training_job *job, bool size_named)
{
    struct train_options o = *job->options;
    const struct choice choice = choose_recipe(&job->dataset, job->rival.path, 0, job->options->use);
    o.from = job->rival.path;
    o.linear_probe = true;
    o.size = size_named ? o.size : choice.recipe.size;
    if (o.data.pixels) /* its images are of another size */
        o.data.pixels = text_format("%s.head", o.data.pixels);
    struct training_job rival = {.options = &o, .command = job->command};
    training_job_open(&rival, NULL);
    training_job_read(&rival);
    print_start(&rival);
    const struct epoch_result measured = save_head(&rival);
    if (ranks_first())
        checkpoint_remove(o.output);
    calibrate(&rival, NULL);
    write_report(&rival, true);
    training_job_free(&rival);
    if (o.remove_pixels && o.data.pixels)
        pixel_file_remove(o.data.pixels);
    free((char *)o.data.pixels);
    return epoch_accuracy(&measured);
}

static void try_learning_rates(struct training_job *job)
{
    void *memory;
    struct trainer *trainer = training_job_trainer(job, &memory);
    training_job_teach(job, trainer);
    print_start(job);
    find_learning_rate(trainer, &job->options->settings, &job->train, job->options->json);
    free(memory);
}

/* Whether the model is the head that was tried first: its notes say that its network is of another model. */
static bool is_rivals(const struct train_options *o)
{
    struct model *model = allocate(1, sizeof *model);
    size_t size;
    uint8_t *bytes = load_or_die(model, &size, o->output);
    char *notes = model_file_notes(model);
    const char *network = model_file_note(notes, "network");
    const bool rivals = network && strncmp(network, "of ", 3) == 0;
    free(notes);
    free(bytes);
    free(model);
    return rivals;
}

/* How the contest went, after the epochs. Returns whether the head has won. */
static bool end_contest(const struct training_job *job, const struct run *run)
{
    const struct train_options *o = job->options;
    const bool rivals = is_rivals(o);
    if (!o->json) {
        printf(rivals ? "kept: the head on the features of "
                      : "kept: what was trained from nothing, better than a head on ");
        print_escaped(stdout, job->rival.path);
        printf(run->beaten ? ", after a quarter of the epochs beyond the reach of training from nothing\n"
               : rivals    ? ", better than what was trained from nothing\n"
                           : "\n");
    }
    if (run->beaten) /* what was trained from nothing is not to go on */
        checkpoint_remove(o->output);
    return rivals;
}

/* The accuracy that the run has to better: of a head on a backbone's features; -1: there is none. */
static double start_of(struct training_job *job)
{
    const struct train_options *o = job->options;
    if (o->resume)
        return -1; /* the checkpoint has it */
    if (job->contested)
        return job->head_accuracy;
    if (!o->fine_tune || job->transfer->head_kept)
        return -1;
    const struct epoch_result measured = save_head(job);
    return measured.count ? epoch_accuracy(&measured) : -1;
}

/* Returns the exit status; *accuracy: of the model that was kept, on the validation images. */
static int train_all(struct training_job *job, const struct run_files *files, double *accuracy)
{
    void *memory;
    const struct train_options *o = job->options;
    const double best = start_of(job);
    struct run run = {.options = o,
                      .writer = &job->writer,
                      .best = best,
                      .contested = job->contested,
                      .trainer = training_job_trainer(job, &memory),
                      .train = job->train,
                      .validation = job->validation,
                      .identity = job->identity,
                      .log_path = files->log,
                      .last_path = files->last,
                      .frozen_nodes = job->frozen_nodes};
    const bool more = epochs_begin(&run);
    write_configuration(job, !o->resume || run.lengthened);
    if (more)
        training_job_teach(job, run.trainer);
    const int status = more ? epochs_run(&run) : EXIT_SUCCESS;
    free(memory); /* much of it, and calibrating takes its own */
    *accuracy = run.best;
    if (status != EXIT_SUCCESS || !ranks_first())
        return status;
    if (!more && access(o->output, F_OK))
        die(o->output, "--restart trains it anew.", "the run is complete, but its model is no longer there");
    if (!more)
        warn(o->output, "--resume with a greater --epochs trains it further.", "the run is complete");
    if (job->contested && end_contest(job, &run))
        return EXIT_SUCCESS; /* the head has been calibrated, and reported on */
    calibrate(job, files->last);
    write_report(job, more);
    return EXIT_SUCCESS;
}

/* ---- All of it ---- */

/* Returns the exit status. */
static int run(struct train_result *result, struct training_job *job, const struct run_files *files)
{
    const struct train_options *o = job->options;
    int status = EXIT_SUCCESS;
    double accuracy = 0;
    if (o->linear_probe)
        accuracy = train_head_alone(job);
    else if (o->find_learning_rate)
        try_learning_rates(job);
    else
        status = train_all(job, files, &accuracy);
    const int count = job->validation.count;
    *result = (struct train_result){job->train.count, (int)lround(accuracy * count), count};
    if (o->remove_embeddings && status == EXIT_SUCCESS)
        remove_embeddings(job);
    return status;
}

static int train(struct train_result *result, struct train_options *o, const char *command, int argc, char **argv)
{
    struct training_job job = {.options = o, .command = command};
    struct run_files files = run_files_open(o);
    training_job_open(&job, &(struct training_arguments){argc, argv});
    job.contested = job.rival.path && !job.rival.taken;
    if (job.contested && !o->resume)
        job.head_accuracy = train_rival(&job, train_argument("--size", argc, argv));
    training_job_read(&job);
    const int status = run(result, &job, &files);
    if (o->remove_pixels && o->data.pixels && status == EXIT_SUCCESS)
        pixel_file_remove(o->data.pixels);
    training_job_free(&job);
    run_files_free(&files);
    return status;
}

static int train_with(struct train_result *result, int argc, char **argv)
{
    bool named;
    /* Without these: a resumed run ends in the identical file. */
    char *command = options_command(
        argc, argv, (const char *const[]){"--resume", "--restart", "--remove-pixels", "--remove-embeddings", NULL});
    struct train_options o = train_options_parse(train_recipe(&named, argc, argv), argc, argv);
    fetch_without_asking = o.fetch;
    const int status = train(result, &o, command, argc, argv);
    free(command);
    return status;
}

int command_train(int argc, char **given)
{
    bool named;
    struct train_result result;
    char **argv = train_config(&argc, given);
    char **own = allocate((size_t)argc + 1, sizeof *own); /* parsing reorders them */
    memcpy(own, argv, (size_t)argc * sizeof *own);
    const struct train_options o = train_options_parse(train_recipe(&named, argc, own), argc, own);
    free(own);
    if (o.config)
        usage_error("train", "--config stands in full on the command line, once, and not in a configuration");
    if (o.curve || o.sweep.count)
        ranks_refuse(o.curve ? "train --curve" : "train --sweep");
    if (o.sweep.count)
        return train_sweep(&o, train_with, argc, argv);
    return o.curve ? train_curve(&o, train_with, argc, argv) : train_with(&result, argc, argv);
}
