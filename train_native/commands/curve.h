/* eyelet train --curve: the same run on fewer of the training images, for what more of them would give.
 *
 *     int status = train_curve(&options, run, argc, argv);        // run: a whole `eyelet train` */
#ifndef CURVE_H
#define CURVE_H

#include "commands/train_options.h"

/* Of a run that is complete. */
struct train_result {
    int images;       /* that it was trained on */
    int right, count; /* of the validation images, by the model that was kept */
};

typedef int train_run(struct train_result *result, int argc, char **argv);

/* Trains with the arguments (argv[0] is "train", --curve among them), then on parts of the images, each into files of
 * its own that are removed again, and prints the curve. Each run in a child process. Returns the exit status: of the
 * first run that fails, or EXIT_SUCCESS. */
int train_curve(const struct train_options *options, train_run *run, int argc, char **argv);

#endif
