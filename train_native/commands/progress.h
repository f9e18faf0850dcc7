/* The progress of a training run: a line for each epoch, the bar on a terminal, and the log (CSV).
 *
 *     struct progress progress = progress_open(&options, "mine.csv", -1);
 *     progress_start(&progress, epoch, 0);
 *     ... progress_step(&progress, &so_far, images); ...          // after each step
 *     progress_epoch(&progress, &trained, &measured, better);
 *
 * A log that cannot be written ends the program; its last line is a whole one. */
#ifndef PROGRESS_H
#define PROGRESS_H

#include "cli/json.h"
#include "commands/train_options.h"

struct progress {
    const struct train_options *options;
    bool live;        /* a terminal: one line, redrawn */
    int epoch, first; /* images of the epoch that were trained before progress_start */
    double epoch_start, drawn, exchange_start;
    double epoch_seconds; /* of the last whole one; 0: there is none yet */
    const char *log_path; /* NULL: another rank writes it */
};

/* epochs: how many of a run that goes on are in its log already; -1: a new log. */
struct progress progress_open(const struct train_options *options, const char *log_path, int epochs);

/* An epoch (from 0) begins, or goes on after so many images. */
void progress_start(struct progress *progress, int epoch, int images);
void progress_step(struct progress *progress, const struct epoch_result *so_far, int images);
void progress_epoch(struct progress *progress, const struct epoch_result *train, const struct epoch_result *validation,
                    bool best);

/* The same where labels are not known: the spread of the embeddings (pretraining.h) in place of the accuracy. */
void progress_unlabelled(struct progress *progress, const struct epoch_result *train, double spread);

/* The members of an object that tell of an epoch, or of what stands for one: loss and accuracy, and those of
 * validation if anything was measured. */
void json_epoch(struct json *json, const struct epoch_result *train, const struct epoch_result *validation);

#endif
