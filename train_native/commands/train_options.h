/* The options of `eyelet train`.
 *
 *     bool named;
 *     struct train_options o = train_options_parse(train_recipe(&named, argc, argv), argc, argv);
 *
 * A recipe gives every option its default, so that the same arguments may be read again over another recipe, once the
 * data is known. A mistake ends the program (options.h). */
#ifndef TRAIN_OPTIONS_H
#define TRAIN_OPTIONS_H

#include "commands/train_arguments.h"
#include "data/dataset.h"
#include "data/split.h"
#include "model/recipes.h"
#include "model/transfer.h"

/* The recipe that the arguments name, or that their kind of run starts from: then *named is false. */
const struct recipe *train_recipe(bool *named, int argc, char **argv);

/* Whether the arguments name this option, as "--epochs". */
bool train_argument(const char *name, int argc, char **argv);

/* argv[0] is "train". Refuses what contradicts itself. */
struct train_options train_options_parse(const struct recipe *recipe, int argc, char **argv);

/* Everything that decides the course of a run, for its checkpoint; what may change on the way (--threads, --json,
 * names of files) is left out. The caller frees it. transfer: NULL without --from. */
char *train_identity(const struct train_options *options, const struct net *net, const struct dataset *dataset,
                     const struct split *split, const struct transfer *transfer);

#endif
