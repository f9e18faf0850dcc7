/* Divides images into training, validation and test sets.
 *
 *     struct split split = split_dataset(&train, 0.1f, seed);
 *     for (int i = 0; i < split.train_count; i++)
 *         printf("image %d trains\n", split.train[i]);
 *     split_free(&split); */
#ifndef SPLIT_H
#define SPLIT_H

#include "data/dataset.h"

/* Indices into a data set. */
struct split {
    int *train, *validation;
    int train_count, validation_count;
};

/* The images of the folder val are the validation set; without one a fraction of every class, drawn with the seed: one
 * image at least, where that leaves another to train on. Equal images stay on one side. */
struct split split_dataset(const struct dataset *dataset, float fraction, uint64_t seed);
void split_free(struct split *split);

/* Keeps this fraction of the training images of every class, one at least, drawn with the seed: a greater fraction keeps
 * all that a smaller one does. Equal images stay together. */
void split_use(struct split *split, const struct dataset *dataset, float fraction, uint64_t seed);

/* What is drawn from, (count) each. */
struct split_source {
    const uint64_t *contents; /* equal for equal images */
    const uint16_t *labels;
    int count;
};

/* Draws a fraction of every class: true in drawn (count). The draw depends on the seed and on the images' pixels, not
 * on their names or indices. Equal images are drawn together, with the first class among theirs. min_count: of a
 * class, on either side; a class too small for that stays undrawn. */
void split_by_content(bool *drawn, const struct split_source *source, float fraction, int min_count, uint64_t seed);

#endif
