/* eyelet train --curve: the same run on fewer of the training images, for what more of them would give.
 *
 *     int status = train_curve(&options, run, argc, argv);        // run: a whole `eyelet train` */
#ifndef CURVE_H
#define CURVE_H

#include "commands/child_run.h"
#include "commands/train_options.h"

/* Trains with the arguments (argv[0] is "train", --curve among them), then on parts of the images, each into files of
 * its own that are removed again, and prints the curve. Each run in a child process. Returns the exit status: of the
 * first run that fails, or EXIT_SUCCESS. */
int train_curve(const struct train_options *options, train_run *run, int argc, char **argv);

#endif
