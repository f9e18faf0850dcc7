/* Networks of known quality, each with the options that train it best: `eyelet train --recipe NAME`, `--network NAME`.
 *
 *     for (int i = 0; i < recipe_count; i++) puts(recipes[i].name); */
#ifndef RECIPES_H
#define RECIPES_H

#include "training/trainer.h"

struct recipe {
    const char *name;
    const char *network; /* its text (network.h); NULL: for a network that another option brings */
    struct trainer_settings settings;
    enum initializer initializer;
    int size;           /* height and width of the input; 0: the network's */
    int small_size;     /* the same in the first settings.small_part of the epochs; 0: no other */
    float validation;   /* the fraction of the training images set aside */
    int shard;          /* images at a time (trainer.h) */
    const char *freeze; /* which layers of a model are frozen (transfer.h), or NULL */
};

enum { MAX_RECIPES = 16 };
extern const struct recipe recipes[];
extern const int recipe_count;

/* NULL if there is none of this name. */
const struct recipe *recipe_named(const char *name);

#endif
