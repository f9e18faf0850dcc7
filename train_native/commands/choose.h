/* What `eyelet train DATA` starts from when no recipe and no network is named: the recipe, its size and its length, by
 * the number of classes and images and by their size.
 *
 *     const struct choice choice = choose_recipe(&dataset, NULL, 0, 1);
 *     o = train_options_parse(&choice.recipe, argc, argv);      // what the user names comes first */
#ifndef CHOOSE_H
#define CHOOSE_H

#include "data/dataset.h"
#include "model/recipes.h"

struct choice {
    struct recipe recipe;
    int images, classes;
    int side;   /* the usual shorter side of the images */
    bool probe; /* of a trained model only the head is trained */
};

/* dataset: opened, not read yet. from: the file of the trained model to go on from, or NULL. fine_tune: how many of its
 * last blocks are trained when the head is; 0: no such order. use: the fraction of the images that is trained on. */
struct choice choose_recipe(const struct dataset *dataset, const char *from, int fine_tune, float use);

#endif
