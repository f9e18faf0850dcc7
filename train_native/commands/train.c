#include "commands/commands.h"

#include "model/calibrated_model.h"
#include "model/checkpoint.h"
#include "commands/choose.h"
#include "data/dataset.h"
#include "commands/progress.h"
#include "data/fetch.h"
#include "data/dataset_open.h"
#include "data/split.h"
#include "commands/find_learning_rate.h"
#include "model/layer_name.h"
#include "model/network.h"
#include "cli/options.h"
#include "commands/probe.h"
#include "model/unfold_batchnorm.h"
#include "commands/run_folder.h"
#include "commands/model_writer.h"
#include "cli/errors.h"
#include "cli/escape.h"
#include "cli/files.h"
#include "cli/memory.h"
#include "cli/text.h"
#include "commands/train_options.h"
#include "model/trainer.h"
#include "model/transfer.h"
#include "base/vec/vec.h"
#include "model/whiten.h"

#include <errno.h>
#include <omp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
    interrupted = number;
    signal(number, SIG_DFL); /* a second one ends the program at once */
}

/* ---- The epochs ---- */

/* A run and where its results go. */
struct run {
    const struct train_options *options;
    const struct model_writer *saver;
    struct trainer *trainer;
    const struct split *split;
    struct display *display;
    struct progress progress;
    const char *identity, *last_path;
    int frozen; /* nodes, from the first on, that do not learn until --unfreeze */
};

static bool on_progress(void *context, const struct epoch_result *so_far, int images)
{
    display_progress(context, so_far, images);
    return !interrupted;
}

/* Ends the program, naming the step and the layer that overflowed first. */
_Noreturn static void fail_overflown(const struct train_options *o, const struct trainer *trainer, int epoch, int count)
{
    char layer[80] = "in the loss itself";
    if (trainer->overflown >= 0)
        snprintf(layer, sizeof layer, "first in layer %d (%s)", trainer->overflown + 1,
                 kind_names[trainer->net->nodes[trainer->overflown].kind]);
    die(o->output, "Lower --learning-rate. The models of the epochs before are kept.",
         "the loss is no longer a finite number in epoch %d, step %d, after %d images: %s", epoch + 1,
         (count + o->settings.batch - 1) / o->settings.batch, count, layer);
}

static void save(const struct run *run, const char *path, const struct epoch_result *measured)
{
    model_writer_save(run->saver, trainer_weights(run->trainer), path, run->progress.epoch + 1, measured);
}

/* A signal came within an epoch. */
static int stop(struct run *run)
{
    const struct epoch_result unmeasured = {0};
    const char *output = run->options->output;
    checkpoint_save(output, run->identity, run->trainer, &run->progress);
    save(run, run->last_path, &unmeasured);
    if (access(output, F_OK))
        save(run, output, &unmeasured);
    warn(NULL, "Go on with the same command and --resume.", "stopped by a signal in epoch %d; saved %s and a checkpoint",
             run->progress.epoch + 1, run->last_path);
    return EXIT_INTERRUPTED;
}

/* Measures and saves what an epoch has trained. False ends the run: --patience is at its end. */
static bool finish_epoch(struct run *run)
{
    const struct settings *settings = &run->options->settings;
    const struct split *split = run->split;
    struct progress *progress = &run->progress;
    const struct epoch_result measured =
        trainer_measure(run->trainer, run->saver->dataset, split->validation, split->validation_count);
    if (!measured.finite)
        die(run->options->output, "Lower --learning-rate. The models of the epochs before are kept.",
             "the loss on the validation images is no longer a finite number after epoch %d", progress->epoch + 1);
    const bool better = !split->validation_count || epoch_accuracy(&measured) > progress->best;
    display_epoch(run->display, &progress->so_far, &measured, better);
    save(run, run->last_path, &measured);
    if (better) {
        save(run, run->options->output, &measured);
        progress->best = epoch_accuracy(&measured);
    }
    progress->waited = better ? 0 : progress->waited + 1;
    if (settings->schedule == SCHEDULE_PLATEAU)
        plateau_step(&progress->plateau, epoch_loss(&measured), settings->plateau);
    const bool over = settings->patience && progress->waited >= settings->patience;
    if (over && !run->options->json && progress->epoch + 1 < settings->epochs)
        printf("ended early: %d epochs without a better validation\n", settings->patience);
    return !over;
}

/* Fits the scores of the models that were written to the validation images; last: NULL if there is only one. */
static void calibrate(const struct train_options *o, const char *last, const struct dataset *dataset, const struct split *split,
                      int threads)
{
    if (!split->validation_count || dataset->classes < 2)
        return;
    omp_set_num_threads(threads);
    if (last)
        calibrated_model_file(last, dataset, split->validation, split->validation_count, CALIBRATE_PRECISION);
    const struct calibration best =
        calibrated_model_file(o->output, dataset, split->validation, split->validation_count, CALIBRATE_PRECISION);
    calibrated_model_print(&best, o->json);
}

/* The epochs from progress on. Returns the exit status. */
static int learn(struct run *run)
{
    const struct settings *settings = &run->options->settings;
    const struct split *split = run->split;
    struct progress *progress = &run->progress;
    struct trainer *trainer = run->trainer;
    for (bool more = true; more && progress->epoch < settings->epochs;) {
        const int unfreeze = run->options->unfreeze;
        trainer->frozen_nodes = unfreeze && progress->epoch >= unfreeze ? 0 : run->frozen;
        trainer->rates_left = progress->plateau.share;
        display_start(run->display, progress->epoch, progress->so_far.count);
        progress->so_far = trainer_epoch(trainer, settings, run->saver->dataset, split->train, split->train_count,
                                         progress->epoch, &progress->so_far, on_progress, run->display);
        if (!progress->so_far.finite)
            fail_overflown(run->options, trainer, progress->epoch, progress->so_far.count);
        if (interrupted && progress->so_far.count < split->train_count)
            return stop(run);
        more = finish_epoch(run);
        progress->epoch++;
        progress->so_far = (struct epoch_result){0};
        if (more && progress->epoch < settings->epochs)
            checkpoint_save(run->options->output, run->identity, trainer, progress);
    }
    return EXIT_SUCCESS;
}

/* ---- What a run needs ---- */

/* Finds out before the first epoch, and not after it, that nothing can be written there. */
static void check_place(const char *path)
{
    struct stat about;
    if (stat(path, &about) == 0 && !S_ISREG(about.st_mode))
        die(path, "Name a file with -o, like MODEL.eyelet, or a folder with a slash at its end.", "cannot be written: this is no regular file");
}

/* Where the log and the model of the last epoch go; the caller frees the names. */
struct indices {
    char *log, *last;
};

static struct indices check_places(const struct train_options *o)
{
    struct indices indices = {NULL, NULL};
    if (o->find_learning_rate)
        return indices;
    if (o->run_folder) {
        char *folder = text_copy_bytes(o->output, (size_t)(strrchr(o->output, '/') - o->output));
        struct stat about;
        if (mkdir(folder, 0777) && !(errno == EEXIST && stat(folder, &about) == 0 && S_ISDIR(about.st_mode)))
            die(folder, "Name another place with -o.", "the folder of the run cannot be made: %m");
        free(folder);
    }
    check_place(o->output);
    if (!o->linear_probe) {
        indices = (struct indices){with_suffix(o->output, ".csv"), with_suffix(o->output, ".last.eyelet")};
        check_place(indices.last);
        check_place(indices.log);
    }
    return indices;
}

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

static struct trainer *open_trainer(const struct train_options *o, const struct net *net, const struct preprocess *preprocess,
                                    const struct transfer *transfer, const struct dataset *dataset, const struct split *split,
                                    int threads)
{
    struct trainer *trainer =
        trainer_new(net, preprocess, threads, o->micro_batch, (uint64_t)o->seed, o->initializer, o->settings.average > 0);
    if (transfer) {
        transfer_weights(trainer->parameters, net, transfer);
        transfer_learning_rate_scales(trainer->learning_rate_scales, net, o->layer_decay);
        if (o->settings.optimizer.kind == OPTIMIZER_MUON)
            unfold_batchnorm_measure(trainer->parameters, net, preprocess, dataset, split->train, split->train_count);
    } else if (net->nodes[0].initial == INITIAL_WHITEN) {
        whiten_weights(trainer->parameters, net, preprocess, dataset, split->train, split->train_count);
    }
    return trainer;
}

static void print_start(const struct train_options *o, const struct net *net, const struct split *split, int threads)
{
    if (o->json)
        return;
    print_escaped(stdout, o->from ? o->from : o->network);
    printf(": %s parameters, %s training and %s validation images, seed %d, %d thread%s, %s\n",
           format_thousands(net_parameter_count(net)), format_thousands((uint64_t)split->train_count), format_thousands((uint64_t)split->validation_count),
           o->seed, threads, threads == 1 ? "" : "s", VEC_NAME);
    fflush(stdout);
}

/* Opens what a run leaves behind and goes through its epochs; returns the exit status. */
static int run_epochs(struct run *run, const struct indices *indices, int threads)
{
    const struct train_options *o = run->options;
    run->last_path = indices->last;
    run->progress = (struct progress){.best = -1, .plateau = PLATEAU_START};
    if (o->resume && !checkpoint_load(o->output, run->identity, run->trainer, &run->progress))
        die(o->output, "Leave --resume away to start.", "there is no checkpoint of this model to resume from");
    if (!o->resume && checkpoint_exists(o->output)) {
        warn(o->output, NULL, "starting anew; the checkpoint of an earlier run is removed (--resume would have gone on with it)");
        checkpoint_remove(o->output);
    }
    struct display display = display_open(o, indices->log, o->resume ? run->progress.epoch : -1);
    run->display = &display;
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    print_start(o, run->trainer->net, run->split, threads);
    const int status = learn(run);
    display_close(&display);
    return status;
}

/* Without a recipe or a network that the user names, the data says what the options start from; CIFAR-10 is what the recipes
 * were made for. */
static void choose(struct train_options *o, const struct dataset *dataset, int argc, char **argv)
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
    printf("chosen for %s pictures of %d pixels in %d classes: --recipe %s --epochs %d --batch %d --validation %g",
           format_thousands((uint64_t)choice.pictures), choice.side, choice.classes, choice.recipe.name, o->settings.epochs, o->settings.batch,
           (double)o->validation);
    if (o->size)
        printf(" --size %d", o->size);
    putchar('\n');
}

/* What --freeze names. */
static int frozen_nodes(const struct net *net, const char *text)
{
    const int count = transfer_frozen_nodes(net, text);
    if (count < 0)
        usage_error("train", "--freeze takes `trunk`, a number of layers from 0 to %d, or the name of the last frozen layer, "
                    "like %s, not \"%s\"", transfer_head(net), layer_name(net, 0, "").text, text);
    return count;
}

static int train(struct train_options *o, const char *command, int argc, char **argv)
{
    const struct indices indices = check_places(o);
    struct net *net = allocate(1, sizeof *net);
    struct dataset dataset = dataset_open(&o->data, DATASET_TRAIN);
    choose(o, &dataset, argc, argv);
    struct transfer opened = {0}, *transfer = o->from ? &opened : NULL;
    int frozen = 0;
    if (transfer) {
        opened = transfer_open(net, o->from, o->size, dataset.classes, dataset.class_names, o->linear_probe);
        frozen = o->freeze ? frozen_nodes(net, o->freeze) : 0;
        if (o->settings.optimizer.kind == OPTIMIZER_MUON && !o->linear_probe)
            unfold_batchnorm(net, &opened.parameters, o->unfreeze ? 0 : frozen, &opened.head, &frozen);
    } else {
        network_read(net, o->network, o->size, o->size, dataset.classes);
    }
    struct preprocess preprocess = {.resize_mode = o->resize_mode};
    memcpy(preprocess.background, o->background, sizeof preprocess.background);
    if (transfer)
        preprocess = transfer->preprocess;
    dataset_read(&dataset, net->input, &preprocess);
    if (o->limit)
        dataset_limit(&dataset, o->limit);
    struct split split = split_dataset(&dataset, o->validation, (uint64_t)o->seed);
    if (!split.train_count)
        die(dataset.path, "Lower --validation.", "no images are left to train on");
    if (!transfer)
        dataset_statistics(preprocess.mean, preprocess.std, &dataset, split.train, split.train_count);
    dataset_fit(&dataset, net->input, &preprocess);

    const int threads = o->threads ? o->threads : omp_get_max_threads();
    const struct model_writer saver = {net, &preprocess, &dataset, o, command, split.train_count};
    float *class_weights = o->class_weights ? balanced_weights(&dataset, &split) : NULL;
    char *identity = train_identity(o, net, &dataset, &split, transfer);
    if (o->run_folder && !o->resume)
        run_folder_configuration(o, command, identity);
    int status = EXIT_SUCCESS;
    if (o->linear_probe) {
        print_start(o, net, &split, threads);
        probe(&saver, transfer, &split, class_weights, threads);
        calibrate(o, NULL, &dataset, &split, threads);
    } else {
        struct trainer *trainer = open_trainer(o, net, &preprocess, transfer, &dataset, &split, threads);
        trainer->class_weights = class_weights;
        struct run run = {.options = o, .saver = &saver, .trainer = trainer, .split = &split, .identity = identity,
                          .frozen = frozen};
        trainer->frozen_nodes = run.frozen;
        if (o->find_learning_rate) {
            print_start(o, net, &split, threads);
            find_rate(trainer, &o->settings, &dataset, split.train, split.train_count, o->json);
        } else {
            status = run_epochs(&run, &indices, threads);
        }
        trainer_free(trainer); /* much memory, and calibrating takes its own */
        if (status == EXIT_SUCCESS && !o->find_learning_rate) {
            calibrate(o, indices.last, &dataset, &split, threads);
            checkpoint_remove(o->output);
        }
    }
    if (o->run_folder && status == EXIT_SUCCESS)
        run_folder_report(o, command, &dataset, &split);
    if (transfer)
        transfer_free(transfer);
    free(identity);
    free(class_weights);
    free(indices.log);
    free(indices.last);
    split_free(&split);
    dataset_free(&dataset);
    free(net);
    return status;
}

int command_train(int argc, char **argv)
{
    bool named;
    char *command = options_command(argc, argv, "--resume"); /* without it: a resumed run ends in the identical file */
    struct train_options o = train_options_parse(train_recipe(&named, argc, argv), argc, argv);
    fetch_without_asking = o.fetch;
    const int status = train(&o, command, argc, argv);
    free(command);
    return status;
}
