/* Labelled images in memory, and where they come from: CIFAR-10 in the binary layout in which it is published.
 *
 *     struct dataset train = dataset_open(path, DATASET_TRAIN, true);      // path NULL: look in the usual places
 *     struct split split = dataset_split(&train, 0.1f, seed);
 *
 * A file that is cut short or altered ends the program, named, with the record at fault. */
#ifndef DATASET_H
#define DATASET_H

#include "image.h"
#include "tensor.h"

#include <stdbool.h>
#include <stdint.h>

struct dataset {
    char *name;         /* "CIFAR-10" */
    char *path;         /* the folder it was read from */
    int count;
    struct shape shape; /* of an image; c == 3 */
    uint8_t *pixels;    /* (count, h, w, 3) */
    uint8_t *labels;    /* (count), 0 .. classes-1 */
    int classes;
    char **class_names; /* (classes) */
};

enum dataset_part { DATASET_TRAIN, DATASET_TEST };

/* Whether dataset_open would find the data without fetching it. */
bool dataset_is_there(const char *path);

/* Looks for the data in `path`; without one in $EYELET_DATA, data/ and ../shared/data/; and, with may_fetch, offers to
 * fetch the official archive into data/ (fetch.h). Says on standard error which folder it took. */
struct dataset dataset_open(const char *path, enum dataset_part part, bool may_fetch);
void dataset_free(struct dataset *dataset);

/* Brings every image to the size and through the fit that a network's input asks for. */
void dataset_fit(struct dataset *dataset, struct shape input, const struct preprocess *preprocess);

/* Keeps `count` images, or all there are, drawn with the seed. */
void dataset_draw(struct dataset *dataset, int count, uint64_t seed);

/* Keeps the first `count` images. */
void dataset_limit(struct dataset *dataset, int count);

/* The places in a data set of the images to learn from and of those to validate on. */
struct split {
    int *train, *validation;
    int train_count, validation_count;
};

/* A share of every class, drawn with the seed, validates; the rest trains. */
struct split dataset_split(const struct dataset *dataset, float share, uint64_t seed);
void split_free(struct split *split);

/* Mean and deviation of each channel on a scale of 0 to 1, over these images. */
void dataset_statistics(float mean[3], float deviation[3], const struct dataset *dataset, const int *places, int count);

#endif
