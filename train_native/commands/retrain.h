/* Trains a network that has its weights already for some more epochs, as `eyelet train --from` does by the recipes
 * finetune and finetune-muon, without validation, files or checkpoints.
 *
 *     struct retraining retraining = {.net = &net, .preprocess = &model->preprocess, .recipe = recipe_named("finetune"),
 *                                     .epochs = 3, .learning_rate = 0.002f, .seed = 1, .threads = 2};
 *     float *trained = retrain(&retraining, weights, &train);           // of retraining.net; the caller frees it */
#ifndef RETRAIN_H
#define RETRAIN_H

#include "model/recipes.h"
#include "net/net.h"
#include "training/images.h"

struct retraining {
    struct net *net; /* as in a model file; behind retrain it may have batch normalisation, which writing folds again */
    const struct preprocess *preprocess;
    const struct recipe *recipe;
    int epochs, seed, threads;
    float learning_rate; /* the max, in place of the recipe's */
    int frozen_nodes;    /* from the first on */
    bool quiet;          /* else a line for each epoch, to standard output */
};

/* The same seed gives the same weights for any number of threads. What goes wrong ends the program. */
float *retrain(struct retraining *retraining, const float *weights, const struct subset *train);

#endif
