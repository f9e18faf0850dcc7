#include "commands/epochs.h"

#include "base/bytes.h"
#include "base/vec/vec.h"
#include "cli/errors.h"
#include "cli/escape.h"
#include "cli/text.h"
#include "commands/contest.h"
#include "ranks/exchange.h"
#include "ranks/ranks.h"
#include "training/precise_batchnorm.h"

#include <math.h> /* fmax, log */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static volatile sig_atomic_t interrupted;

/* Ranks that get a signal tell the others, and all stop behind the same step. */
static bool stop_asked(void) { return ranks_count() > 1 ? exchange_interrupted() : interrupted != 0; }

static void on_signal(int number)
{
    interrupted = number;
    signal(number, SIG_DFL); /* a second one ends the program at once */
}

/* ---- Runs that diverge ---- */

/* A loss so many times that of the first step, or of guessing, is no noise; nor are so many steps with it, if there are
 * so many in an epoch. */
static const double far_above = 10;
enum { FAR_STEPS = 100 };

static double far_loss(const struct run *run)
{
    return far_above * fmax(run->state.first_loss, log(run->writer->dataset->classes));
}

static int steps_of(const struct run *run, int images)
{
    const int batch = run->options->settings.batch;
    return images / batch + (images % batch != 0);
}

/* Counts the steps in a row whose loss is far above the start's. */
static void watch_loss(struct run *run, const struct epoch_result *so_far)
{
    const double loss = (so_far->loss_sum - run->seen.loss_sum) / (so_far->count - run->seen.count);
    if (run->state.first_loss == 0)
        run->state.first_loss = loss;
    run->far_steps = loss > far_loss(run) ? run->far_steps + 1 : 0;
    if (run->far_steps == 1)
        run->far_since = steps_of(run, so_far->count);
    run->seen = *so_far;
}

_Noreturn static void fail_diverged(const struct run *run, const char *reason)
{
    const struct optimizer *optimizer = &run->options->settings.optimizer;
    char *dense = optimizer->kind == OPTIMIZER_MUON
                      ? text_format(", --dense-learning-rate (%g)", (double)optimizer->dense_learning_rate)
                      : text_copy("");
    char *hint = text_format(
        "Lower --learning-rate (it was %g%s)%s or lengthen --warmup, with --restart. What the epochs "
        "before have saved is kept.",
        (double)optimizer->learning_rate, run->pretraining ? "" : "; --find-learning-rate suggests one", dense);
    die(run->options->output, hint, "%s", reason);
}

/* Names the step and the layer that overflowed first. */
_Noreturn static void fail_overflown(const struct run *run)
{
    const struct trainer *trainer = run->trainer;
    const int count = run->state.so_far.count;
    char layer[80] = "in the loss itself";
    if (trainer->overflown >= 0)
        snprintf(layer, sizeof layer, "first in layer %d (%s)", trainer->overflown + 1,
                 kind_names[trainer->options.net->nodes[trainer->overflown].kind]);
    fail_diverged(run, text_format("the loss is no longer a finite number in epoch %d, step %d, after %d images: %s",
                                   run->state.epoch + 1, steps_of(run, count), count, layer));
}

/* What has been trained of the epoch is worth going on from, or the program ends. */
static void check_loss(const struct run *run)
{
    const struct run_state *state = &run->state;
    if (!state->so_far.finite)
        fail_overflown(run);
    const bool whole = state->so_far.count == run->train.count;
    if (run->far_steps >= FAR_STEPS || (whole && run->far_steps && epoch_loss(&state->so_far) > far_loss(run)))
        fail_diverged(run,
                      text_format("training has diverged: the loss is %.4g in epoch %d, far above the %.4g of the "
                                  "first step, since step %d",
                                  epoch_loss(&state->so_far), state->epoch + 1, state->first_loss, run->far_since));
}

/* ---- An epoch and what is saved ---- */

static bool on_progress(void *context, const struct epoch_result *so_far, int images)
{
    struct run *run = context;
    watch_loss(run, so_far);
    progress_step(run->progress, so_far, images);
    return !stop_asked() && run->far_steps < FAR_STEPS;
}

static void save(const struct run *run, const char *path, const struct epoch_result *measured)
{
    model_writer_save(run->writer, trainer_weights(run->trainer), path, run->state.epoch + 1, measured);
}

static void compare_weights(const struct run *run)
{
    char *when = text_format("after epoch %d", run->state.epoch + 1);
    ranks_compare_weights(run->trainer->parameters, net_parameter_count(run->trainer->options.net), when);
    free(when);
}

static struct checkpoint_run checkpoint_of(const struct run *run)
{
    const struct trainer_settings *settings = &run->options->settings;
    return (struct checkpoint_run){run->options->output, run->identity, run->train.count, settings->batch,
                                   settings->epochs};
}

static void save_checkpoint(const struct run *run)
{
    const struct checkpoint_run checkpoint = checkpoint_of(run);
    struct failure failure;
    if (ranks_first() && !checkpoint_save(run->trainer, &run->state, &checkpoint, &failure))
        die_of(&failure);
}

static void remove_old_checkpoint(const struct run *run)
{
    if (ranks_first())
        checkpoint_remove_old(run->options->output);
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

static bool ended_early(const struct run *run)
{
    const int patience = run->options->settings.early_stopping;
    return patience && run->state.epochs_waited >= patience;
}

/* Measures and saves what an epoch has trained without labels; embeddings that are all the same end the program. */
static void finish_unlabelled(struct run *run)
{
    const struct train_options *o = run->options;
    precise_batchnorm(run->trainer, &run->train, o->precise_batchnorm);
    const double spread = pretraining_spread(run->pretraining, run->trainer, &run->train, o);
    progress_unlabelled(run->progress, &run->state.so_far, spread);
    pretraining_check(spread, run->state.epoch, o);
    const struct epoch_result unmeasured = {0};
    save(run, run->last_path, &unmeasured);
    save(run, o->output, &unmeasured);
}

/* Measures and saves what an epoch has trained. False ends the run: early stopping. */
static bool finish_epoch(struct run *run)
{
    const struct trainer_settings *settings = &run->options->settings;
    struct run_state *state = &run->state;
    if (run->validation.count)
        precise_batchnorm(run->trainer, &run->train, run->options->precise_batchnorm);
    const struct epoch_result measured = trainer_measure(run->trainer, &run->validation);
    if (!measured.finite)
        fail_diverged(run, text_format("the loss on the validation images is no longer a finite number after epoch %d",
                                       state->epoch + 1));
    const bool better = !run->validation.count || epoch_accuracy(&measured) > state->best;
    progress_epoch(run->progress, &state->so_far, &measured, better);
    save(run, run->last_path, &measured);
    if (better) {
        save(run, run->options->output, &measured);
        state->best = epoch_accuracy(&measured);
    }
    run->beaten = run->contested && !better && state->epoch + 1 == contest_epoch(settings->epochs) &&
                  contest_decided(state->best, &measured);
    state->epochs_waited = better ? 0 : state->epochs_waited + 1;
    if (settings->schedule == SCHEDULE_PLATEAU)
        plateau_step(&state->plateau, epoch_loss(&measured), settings->plateau_epochs);
    const bool over = ended_early(run);
    if (over && !run->options->json && state->epoch + 1 < settings->epochs)
        printf("ended early: %d epochs without a better validation\n", settings->early_stopping);
    return !over && !run->beaten;
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
        run->seen = state->so_far;
        run->far_steps = 0;
        const struct epoch epoch = {.settings = &o->settings,
                                    .subset = run->train,
                                    .number = state->epoch,
                                    .so_far = &state->so_far,
                                    .progress = on_progress,
                                    .context = run};
        state->so_far = trainer_epoch(trainer, &epoch);
        check_loss(run);
        compare_weights(run);
        if (stop_asked() && state->so_far.count < run->train.count)
            return stop(run);
        if (run->pretraining)
            finish_unlabelled(run);
        else
            more = finish_epoch(run);
        state->epoch++;
        state->so_far = (struct epoch_result){0};
        save_checkpoint(run);
    }
    remove_old_checkpoint(run);
    return EXIT_SUCCESS;
}

void epochs_print_start(const struct train_options *options, const struct net *net, int train_count,
                        int validation_count, int threads)
{
    if (options->json)
        return;
    print_escaped(stdout, options->from ? options->from : options->network);
    printf(": %s parameters, %s ", format_thousands(net_parameter_count(net)), format_thousands((uint64_t)train_count));
    if (options->data.unlabelled)
        printf("images without labels, ");
    else
        printf("training and %s validation images, ", format_thousands((uint64_t)validation_count));
    printf("seed %d, ", options->seed);
    if (ranks_count() > 1)
        printf("%d ranks of ", ranks_count());
    printf("%d thread%s, %s%s\n", threads, threads == 1 ? "" : "s", VEC_NAME, options->exact ? ", exact" : "");
    fflush(stdout);
}

/* A complete run gets more epochs than the `epochs` that it had. */
static void lengthen(struct run *run, int epochs)
{
    const struct trainer_settings *settings = &run->options->settings;
    struct run_state *state = &run->state;
    run->lengthened = true;
    fprintf(stderr, "lengthening a complete run from %d to %d epochs, from epoch %d on", epochs, settings->epochs,
            state->epoch + 1);
    if (settings->schedule != SCHEDULE_CONSTANT && settings->schedule != SCHEDULE_PLATEAU) {
        const struct optimizer now = schedule_optimizer(&settings->optimizer, settings->schedule, state->epoch,
                                                        (double)settings->warmup, settings->epochs);
        fprintf(stderr,
                "; the schedule %s is that of %d epochs from here on: the learning rate starts again at %.3g of %.3g, "
                "and the weights will be others than those of %d epochs at once",
                schedule_names[settings->schedule], settings->epochs, (double)now.learning_rate,
                (double)settings->optimizer.learning_rate, settings->epochs);
    }
    if (ended_early(run)) {
        state->epochs_waited = 0;
        fputs("; --patience counts from here on", stderr);
    }
    fputc('\n', stderr);
}

static void resume(struct run *run)
{
    const char *output = run->options->output;
    const struct checkpoint_run checkpoint = checkpoint_of(run);
    struct failure failure;
    int epochs;
    switch (checkpoint_load(run->trainer, &run->state, &epochs, &checkpoint, &failure)) {
    case CHECKPOINT_REFUSED: die_of(&failure);
    case CHECKPOINT_NONE:
        die(output, "Leave --resume away to start.", "there is no checkpoint of this model to resume from");
    case CHECKPOINT_LOADED: break;
    }
    if (epochs < checkpoint.epochs)
        lengthen(run, epochs);
}

/* What rank 0 has loaded comes to all. */
static void share_start(struct run *run)
{
    struct trainer *trainer = run->trainer;
    const size_t bytes = net_parameter_count(trainer->options.net) * sizeof(float);
    ranks_broadcast(&run->state, sizeof run->state);
    ranks_broadcast(&trainer->step, sizeof trainer->step);
    ranks_broadcast(&trainer->images_seen, sizeof trainer->images_seen);
    ranks_broadcast(trainer->parameters, bytes);
    ranks_broadcast(trainer->first, bytes);
    ranks_broadcast(trainer->second, bytes);
    if (trainer->ema)
        ranks_broadcast(trainer->ema, bytes);
}

static uint32_t weights_checksum(const struct run *run)
{
    const struct trainer *trainer = run->trainer;
    return bytes_crc32((const uint8_t *)trainer->parameters, net_parameter_count(trainer->options.net) * sizeof(float));
}

bool epochs_begin(struct run *run)
{
    const struct train_options *o = run->options;
    run->state = (struct run_state){.best = run->best, .plateau = PLATEAU_START};
    char *weights = text_format("weights=%08x\n", weights_checksum(run));
    if (o->resume && ranks_first()) {
        resume(run);
    } else if (ranks_first() && checkpoint_exists(o->output)) { /* which must not outlive the files that it is of */
        save_checkpoint(run);
        remove_old_checkpoint(run);
    }
    ranks_compare(weights);
    ranks_begin();
    if (o->resume)
        share_start(run);
    free(weights);
    const bool more = run->state.epoch < o->settings.epochs && !ended_early(run);
    if (!more)
        remove_old_checkpoint(run);
    return more;
}

int epochs_run(struct run *run)
{
    const struct train_options *o = run->options;
    struct progress progress = progress_open(o, run->log_path, o->resume ? run->state.epoch : -1);
    run->progress = &progress;
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    exchange_watch(&interrupted);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    epochs_print_start(o, run->trainer->options.net, run->train.count, run->validation.count,
                       run->trainer->options.parallel.threads);
    const int status = train_epochs(run);
    run->best = run->state.best;
    return status;
}
