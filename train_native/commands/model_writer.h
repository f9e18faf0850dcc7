/* Writes a trained network as a model file, with notes on its origin.
 *
 *     const struct model_writer writer = {.net = &net, .preprocess = &preprocess, .dataset = &dataset,
 *                                         .options = &options, .command = command, .train_count = train_count};
 *     model_writer_save(&writer, weights, "mine.eyelet", epochs, &validation); */
#ifndef MODEL_WRITER_H
#define MODEL_WRITER_H

#include "commands/train_options.h"

struct model_writer {
    const struct net *net;
    const struct preprocess *preprocess;
    const struct dataset *dataset;
    const struct train_options *options;
    const char *command; /* the command line, for the notes */
    int train_count;     /* training images */
    const char *more;    /* a line for the notes, with its end; NULL: there is none */
    /* At most one of: */
    const struct net
        *untaught; /* what is written in place of `net`, its twins (projector.h), and knows no classes; NULL */
    const struct net *projected; /* what is trained in place of `net` (projection.h); NULL */
};

/* Of ranks, the first alone writes. epochs: 0 where there were none; validation: count 0 where nothing was measured. A failure ends the program; what
 * stood at `path` stays. */
void model_writer_save(const struct model_writer *writer, const float *weights, const char *path, int epochs,
                       const struct epoch_result *validation);

#endif
