/* What is seen of a training run: a line for each epoch, the bar on a terminal, and the log (CSV).
 *
 *     struct display display = display_open(&options, "mine.csv", -1);
 *     display_start(&display, epoch, 0);
 *     ... display_progress(&display, &so_far, images); ...          // after each step
 *     display_epoch(&display, &trained, &measured, better);
 *     display_close(&display);
 *
 * A log that cannot be written ends the program; its last line is a whole one. */
#ifndef PROGRESS_H
#define PROGRESS_H

#include "commands/train_options.h"

#include <stdio.h>

struct display {
    const struct train_options *options;
    bool live; /* a terminal: one line, redrawn */
    int epoch, first; /* the images of the epoch that were trained before this call */
    double epoch_start, drawn;
    const char *log_path;
    FILE *log;
};

/* epochs: how many of a run that goes on are in its log already; -1: a new log. */
struct display display_open(const struct train_options *options, const char *log_path, int epochs);
void display_close(struct display *display);

/* An epoch (from 0) begins, or goes on after so many images. */
void display_start(struct display *display, int epoch, int images);
void display_progress(struct display *display, const struct epoch_result *so_far, int images);
void display_epoch(struct display *display, const struct epoch_result *train, const struct epoch_result *validation, bool best);

#endif
