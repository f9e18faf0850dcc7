#include "commands/epochs.h"

#include "base/vec/vec.h"
#include "cli/errors.h"
#include "cli/escape.h"
#include "cli/text.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
    interrupted = number;
    signal(number, SIG_DFL); /* a second one ends the program at once */
}

static bool on_progress(void *context, const struct epoch_result *so_far, int images)
{
    progress_step(context, so_far, images);
    return !interrupted;
}

/* Ends the program, naming the step and the layer that overflowed first. */
_Noreturn static void fail_overflown(const struct run *run)
{
    const struct trainer_settings *settings = &run->options->settings;
    const struct trainer *trainer = run->trainer;
    const int count = run->state.so_far.count;
    char layer[80] = "in the loss itself";
    if (trainer->overflown >= 0)
        snprintf(layer, sizeof layer, "first in layer %d (%s)", trainer->overflown + 1,
                 kind_names[trainer->options.net->nodes[trainer->overflown].kind]);
    die(run->options->output, "Lower --learning-rate. The models of the epochs before are kept.",
        "the loss is no longer a finite number in epoch %d, step %d, after %d images: %s", run->state.epoch + 1,
        (count + settings->batch - 1) / settings->batch, count, layer);
}

static void save(const struct run *run, const char *path, const struct epoch_result *measured)
{
    model_writer_save(run->writer, trainer_weights(run->trainer), path, run->state.epoch + 1, measured);
}

static void save_checkpoint(const struct run *run)
{
    struct failure failure;
    if (!checkpoint_save(run->options->output, run->identity, run->trainer, &run->state, &failure))
        die_of(&failure);
}

static void resume(struct run *run)
{
    const char *output = run->options->output;
    struct failure failure;
    const enum checkpoint_found found = checkpoint_load(output, run->identity, run->trainer, &run->state, &failure);
    if (found == CHECKPOINT_OTHER)
        die_of(&failure);
    if (found == CHECKPOINT_NONE)
        die(output, "Leave --resume away to start.", "there is no checkpoint of this model to resume from");
}

/* A signal came within an epoch. */
static int stop(struct run *run)
{
    const struct epoch_result unmeasured = {0};
    const char *output = run->options->output;
    save_checkpoint(run);
    save(run, run->last_path, &unmeasured);
    if (access(output, F_OK))
        save(run, output, &unmeasured);
    warn(NULL, "Go on with the same command and --resume.",
         "stopped by a signal in epoch %d; saved %s and a checkpoint", run->state.epoch + 1, run->last_path);
    return EXIT_INTERRUPTED;
}

/* Measures and saves what an epoch has trained. False ends the run: early stopping. */
static bool finish_epoch(struct run *run)
{
    const struct trainer_settings *settings = &run->options->settings;
    struct run_state *state = &run->state;
    const struct epoch_result measured = trainer_measure(run->trainer, &run->validation);
    if (!measured.finite)
        die(run->options->output, "Lower --learning-rate. The models of the epochs before are kept.",
            "the loss on the validation images is no longer a finite number after epoch %d", state->epoch + 1);
    const bool better = !run->validation.count || epoch_accuracy(&measured) > state->best;
    progress_epoch(run->progress, &state->so_far, &measured, better);
    save(run, run->last_path, &measured);
    if (better) {
        save(run, run->options->output, &measured);
        state->best = epoch_accuracy(&measured);
    }
    state->epochs_waited = better ? 0 : state->epochs_waited + 1;
    if (settings->schedule == SCHEDULE_PLATEAU)
        plateau_step(&state->plateau, epoch_loss(&measured), settings->plateau_epochs);
    const bool over = settings->early_stopping && state->epochs_waited >= settings->early_stopping;
    if (over && !run->options->json && state->epoch + 1 < settings->epochs)
        printf("ended early: %d epochs without a better validation\n", settings->early_stopping);
    return !over;
}

/* The epochs from run->state on. */
static int train_epochs(struct run *run)
{
    const struct train_options *o = run->options;
    struct run_state *state = &run->state;
    struct trainer *trainer = run->trainer;
    for (bool more = true; more && state->epoch < o->settings.epochs;) {
        trainer->frozen_nodes = o->unfreeze && state->epoch >= o->unfreeze ? 0 : run->frozen_nodes;
        trainer->learning_rate_factor = state->plateau.factor;
        progress_start(run->progress, state->epoch, state->so_far.count);
        const struct epoch epoch = {.settings = &o->settings,
                                    .subset = run->train,
                                    .number = state->epoch,
                                    .so_far = &state->so_far,
                                    .progress = on_progress,
                                    .context = run->progress};
        state->so_far = trainer_epoch(trainer, &epoch);
        if (!state->so_far.finite)
            fail_overflown(run);
        if (interrupted && state->so_far.count < run->train.count)
            return stop(run);
        more = finish_epoch(run);
        state->epoch++;
        state->so_far = (struct epoch_result){0};
        if (more && state->epoch < o->settings.epochs)
            save_checkpoint(run);
    }
    return EXIT_SUCCESS;
}

void epochs_print_start(const struct train_options *options, const struct net *net, int train_count,
                        int validation_count, int threads)
{
    if (options->json)
        return;
    print_escaped(stdout, options->from ? options->from : options->network);
    printf(": %s parameters, %s training and %s validation images, seed %d, %d thread%s, %s%s\n",
           format_thousands(net_parameter_count(net)), format_thousands((uint64_t)train_count),
           format_thousands((uint64_t)validation_count), options->seed, threads, threads == 1 ? "" : "s", VEC_NAME,
           options->exact ? ", exact" : "");
    fflush(stdout);
}

int epochs_run(struct run *run)
{
    const struct train_options *o = run->options;
    run->state = (struct run_state){.best = -1, .plateau = PLATEAU_START};
    if (o->resume)
        resume(run);
    if (!o->resume && checkpoint_exists(o->output)) {
        warn(o->output, NULL,
             "starting anew; the checkpoint of an earlier run is removed (--resume would have gone on with it)");
        checkpoint_remove(o->output);
    }
    struct progress progress = progress_open(o, run->log_path, o->resume ? run->state.epoch : -1);
    run->progress = &progress;
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    epochs_print_start(o, run->trainer->options.net, run->train.count, run->validation.count,
                       run->trainer->options.parallel.threads);
    return train_epochs(run);
}
