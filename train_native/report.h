/* What is seen of a training run: a line for each epoch, the bar on a terminal, and the log (CSV).
 *
 *     struct report report = report_open(&options, "mine.csv", -1);
 *     report_start(&report, epoch, 0);
 *     ... report_progress(&report, &so_far, images); ...          // after each step
 *     report_epoch(&report, &learnt, &measured, better);
 *     report_close(&report);
 *
 * A log that cannot be written ends the program; its last line is a whole one. */
#ifndef REPORT_H
#define REPORT_H

#include "train_options.h"

#include <stdio.h>

struct report {
    const struct train_options *options;
    bool live; /* a terminal: one line, redrawn */
    int epoch, first; /* the images of the epoch that were learnt before this call */
    double epoch_start, drawn;
    const char *log_path;
    FILE *log;
};

/* epochs: how many of a run that goes on are in its log already; -1: a new log. */
struct report report_open(const struct train_options *options, const char *log_path, int epochs);
void report_close(struct report *report);

/* An epoch (from 0) begins, or goes on after so many images. */
void report_start(struct report *report, int epoch, int images);
void report_progress(struct report *report, const struct epoch_result *so_far, int images);
void report_epoch(struct report *report, const struct epoch_result *train, const struct epoch_result *validation, bool best);

#endif
