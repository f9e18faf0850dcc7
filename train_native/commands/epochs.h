/* The epochs of a training run: trained, measured, shown and saved; the run's files and signals.
 *
 *     struct run run = {.options = &options, .writer = &writer, .trainer = trainer, .train = train,
 *                       .validation = validation, .identity = identity, .log_path = "mine.csv",
 *                       .last_path = "mine.last.eyelet", .best = -1};
 *     int status = EXIT_SUCCESS;
 *     if (epochs_begin(&run))
 *         status = epochs_run(&run);        // EXIT_SUCCESS or EXIT_INTERRUPTED */
#ifndef EPOCHS_H
#define EPOCHS_H

#include "commands/model_writer.h"
#include "commands/pretraining.h"
#include "commands/progress.h"
#include "model/checkpoint_files.h"

struct run {
    const struct train_options *options;
    const struct model_writer *writer;
    struct trainer *trainer;
    struct subset train, validation;
    const struct pretraining *pretraining; /* without labels, and without validation; else NULL */
    const char *identity, *log_path, *last_path;
    double
        best; /* the validation accuracy that an epoch has to better to be kept; -1: none, 0 is more. Behind epochs_run:
                    of the model that was kept */
    bool contested;   /* by a head on a backbone's features, of that accuracy (contest.h) */
    bool beaten;      /* it has won before the last epoch; set by epochs_run */
    int frozen_nodes; /* nodes 0 .. frozen_nodes-1 are frozen until --unfreeze */
    bool lengthened;  /* a complete run gets more epochs; set by epochs_begin */
    /* private: */
    struct run_state state;
    struct progress *progress;
    struct epoch_result seen; /* of the epoch, up to the last step */
    int far_since, far_steps; /* the step from which the loss is far above its start, and how many they are */
};

/* At the start, which takes the place of what is there, or with --resume where the checkpoint is. False: nothing is
 * left to train. */
bool epochs_begin(struct run *run);

/* What goes wrong ends the program; a signal ends it after the step under way, which is saved. */
int epochs_run(struct run *run);

/* "photos: 1,234 parameters, ..." */
void epochs_print_start(const struct train_options *options, const struct net *net, int train_count,
                        int validation_count, int threads);

#endif
