/* Where a training run writes, found out and locked before the first epoch and not after it.
 *
 *     struct run_files files = run_files_open(&options);
 *     run_files_free(&files);
 *
 * What cannot be written there, an interrupted run that --resume or --restart decide about, and another process on the
 * same run end the program; nothing has changed then. */
#ifndef RUN_FILES_H
#define RUN_FILES_H

#include "commands/train_options.h"

struct run_files {
    char *log, *last; /* the metrics, and the model of the last epoch; NULL where the run has none */
};

/* Makes the run's folder, if it has one. The lock lasts until the program ends. */
struct run_files run_files_open(const struct train_options *options);
void run_files_free(struct run_files *files);

#endif
