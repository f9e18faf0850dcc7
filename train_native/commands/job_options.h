/* The options of a training run that follow from its data and from the models at hand: recipe, epochs, batch, size, what
 * to start from. */
#ifndef JOB_OPTIONS_H
#define JOB_OPTIONS_H

#include "commands/train_options.h"

/* What the options were read from: argv[0] is "train". */
struct training_arguments {
    int argc;
    char **argv;
};

/* A model at hand, against which training from nothing is tried. */
struct rival {
    char *path;        /* NULL: there is none */
    bool taken;        /* there are too few images to try it, and the options start from it */
    uint32_t checksum; /* of its weights */
};

/* Reads the options anew over the recipe that the data asks for, prints what was chosen, and looks for a rival, whose
 * path the caller frees. Where the user names a recipe or a network the options stay as they are, and of CIFAR-10, which
 * the recipes were made for. What goes wrong ends the program. */
struct rival job_options_choose(struct train_options *options, const struct dataset *dataset,
                                const struct training_arguments *arguments);

#endif
