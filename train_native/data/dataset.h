/* A data set in memory: labelled images and where they are from. dataset_open.h makes one of files:
 *
 *     struct data_options options = usual_data;
 *     struct dataset train = dataset_open(&options, DATASET_TRAIN);
 *     dataset_read(&train, net->input, &preprocess);
 *     dataset_statistics(mean, std, &train, indices, count);
 *     dataset_fit(&train, net->input, &preprocess);        // records have a size of their own
 *     dataset_free(&train); */
#ifndef DATASET_H
#define DATASET_H

#include "base/shape.h"
#include "image/image.h"
#include "training/images.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum dataset_part { DATASET_TRAIN, DATASET_TEST };

/* How many times the images of the smallest class the largest has, from where on that is noted. */
enum { NOTED_IMBALANCE = 3 };

struct data_options {
    const char *path;    /* NULL: $EYELET_DATA, else CIFAR-10 in data/ and ../shared/data/ */
    float test;          /* fraction of a set without a test folder that is held out */
    int split_seed;      /* random seed of that split */
    int memory;          /* MiB for pixels and for decoding (memory_budget.h); pixels above it are in a mapped file */
    float allow_bad;     /* fraction of images that may be unreadable */
    bool skip_empty;     /* leave out classes without training images */
    const char *parts;   /* which folders are which part (part_names.h); NULL: found by structure */
    const char *columns; /* of a CSV file (columns.h); NULL: found by what is in them */
    int threads;         /* 0: one per core */
    bool may_fetch;      /* offer to fetch CIFAR-10 into data/ (fetch.h) where no path is named */
};
extern const struct data_options usual_data;

struct dataset {
    char *name; /* "CIFAR-10"; the folder's name; valid text */
    char *path; /* what it was read from */
    int count;
    struct shape shape; /* of an image; c == 3 */
    uint8_t *pixels;    /* (count, h, w, 3); NULL until dataset_read, of images in files */
    uint16_t *labels;   /* (count), 0 .. classes-1 */
    int classes;
    char **class_names;        /* (classes), valid text of 1 to LIMIT_LABEL bytes */
    char **files;              /* (count), where each image is from; NULL: records of one file */
    uint64_t *contents;        /* (count), content_hash of each; NULL: CIFAR-10, which is split as its recipes were */
    bool *validates;           /* (count), images of a folder val; NULL: there is none */
    bool drawn;                /* the test set was held out by a random split */
    struct photo_list *photos; /* images in files: of every part until dataset_read, then of this one; else NULL */
    /* private: */
    struct data_options options;
    enum dataset_part part;
    size_t mapped; /* bytes of pixels that are mapped; 0: allocated */
};

void dataset_free(struct dataset *dataset);

/* Its images, once they are read: a view, valid until dataset_free. */
static inline struct images dataset_images(const struct dataset *dataset)
{
    return (struct images){.pixels = dataset->pixels,
                           .labels = dataset->labels,
                           .shape = dataset->shape,
                           .count = dataset->count,
                           .classes = dataset->classes};
}

/* Brings every image to the size that a network's input asks for, by the preprocessing's resize mode. */
void dataset_fit(struct dataset *dataset, struct shape input, const struct preprocess *preprocess);

/* Keeps `count` images, or all there are, drawn with the seed. */
void dataset_draw(struct dataset *dataset, int count, uint64_t seed);

/* Keeps the first `count` images. */
void dataset_limit(struct dataset *dataset, int count);

/* The options of the split that held out the test set, as on the command line; NULL if there was none. The caller
 * frees it. A model keeps it in its notes, so that it is not tested on images that it was trained on. */
char *dataset_division(const struct dataset *dataset);

/* Mean and standard deviation of each channel on a scale of 0 to 1, over these images. */
void dataset_statistics(float mean[3], float std[3], const struct dataset *dataset, const int *indices, int count);

#endif
