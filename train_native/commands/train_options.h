/* The options of `eyelet train`.
 *
 *     bool named;
 *     struct train_options o = train_options_parse(train_recipe(&named, argc, argv), argc, argv);
 *
 * A recipe gives every option its default, so that the same arguments may be read again over another recipe, once the data is
 * known. A mistake ends the program (options.h). */
#ifndef TRAIN_OPTIONS_H
#define TRAIN_OPTIONS_H

#include "data/dataset.h"
#include "model/recipes.h"
#include "model/transfer.h"

struct train_options {
    const char *output, *network;
    bool run_folder;             /* the output stands in a folder of its own, which may have to be made */
    struct data_options data;
    enum resize_mode fit;
    uint8_t background[3];       /* red, green, blue */
    struct settings settings;
    float validation;
    enum initializer initializer;
    int recipe, size, seed, threads, limit, shard;
    bool json, fetch, resume;
    bool find_rate, linear_probe;
    int class_weights;           /* 0: none, 1: balanced */
    const char *from, *freeze;   /* NULL: from nothing, all layers learn */
    int thaw;                    /* epochs after which all layers learn; 0: never */
    float rate_decay;            /* of the rates, from each layer with weights to the one before it */
};

/* The recipe that the arguments name, or that their kind of run starts from: then *named is false. */
const struct recipe *train_recipe(bool *named, int argc, char **argv);

/* argv[0] is "train". Refuses what contradicts itself. */
struct train_options train_options_parse(const struct recipe *recipe, int argc, char **argv);

/* Everything that decides the course of a run, for its checkpoint; what may change on the way (--threads, --json, names of files)
 * is left out. The caller frees it. transfer: NULL without --from. */
char *train_identity(const struct train_options *options, const struct net *net, const struct dataset *dataset,
                     const struct split *split, const struct transfer *transfer);

#endif
