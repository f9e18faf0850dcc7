/* Writes a trained network as a model file, with notes that say where it comes from.
 *
 *     const struct saver saver = {&net, &trainer->preprocess, &dataset, &options, command, train_count};
 *     saver_save(&saver, weights, "mine.eyelet", epochs, &validation); */
#ifndef SAVER_H
#define SAVER_H

#include "commands/train_options.h"

struct saver {
    const struct net *net;
    const struct preprocess *preprocess;
    const struct dataset *dataset;
    const struct train_options *options;
    const char *command; /* the command line, for the notes */
    int train_count;     /* images learnt from */
};

/* epochs: 0 where there were none; validation: count 0 where nothing was measured. A failure ends the program; what stood at
 * `path` stays. */
void saver_save(const struct saver *saver, const float *weights, const char *path, int epochs,
                const struct epoch_result *validation);

#endif
