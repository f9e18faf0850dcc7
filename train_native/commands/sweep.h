/* eyelet train -o runs/ --sweep learning-rate=0.1,0.3 --sweep epochs=5,10: a run for each combination of values, in
 * runs/1/, runs/2/ and so on; their validation accuracies as a table, runs/sweep.csv and the plot runs/sweep.svg.
 *
 *     int status = train_sweep(&options, run, argc, argv);        // run: a whole `eyelet train` */
#ifndef SWEEP_H
#define SWEEP_H

#include "commands/child_run.h"
#include "commands/train_options.h"

/* Trains with the arguments (argv[0] is "train", --sweep among them), each run in a child process; what is wrong with the
 * arguments of one of them, or an earlier sweep in the folder without --restart, ends the program before the first. A run that fails is named, and the others follow. Returns
 * the exit status: EXIT_SUCCESS, EXIT_ERROR if a run failed, EXIT_INTERRUPTED. */
int train_sweep(const struct train_options *options, train_run *run, int argc, char **argv);

#endif
