/* Labelled images, and where they come from. What a path is, its content says:
 *
 *     a folder of CIFAR-10 or CIFAR-100 files, binary version     a folder of MNIST or Fashion-MNIST files (IDX), also *.gz
 *     a folder with a folder of pictures for each class           a CSV file, a line `path,label` for each picture
 *
 *     struct data_options options = usual_data;
 *     struct dataset train = dataset_open(&options, DATASET_TRAIN);        // options.path NULL: CIFAR-10 in the usual indices
 *     dataset_read(&train, net->input, &preprocess);                       // pictures in files are decoded and fitted here
 *     struct split split = dataset_split(&train, 0.1f, seed);
 *     dataset_statistics(mean, std, &train, split.train, split.train_count);
 *     dataset_fit(&train, net->input, &preprocess);                        // sets of a size of their own are fitted here
 *
 * Pictures in files: JPEG, PNG and BMP, each class in a folder of its name, with whatever folders are in it; or so in the folders
 * train, test and, if there is one, val, which must have the same classes. Classes stand in natural order (img2 before img10),
 * files in the order of their bytes, and images one of each class in turn, so that the first N are of all classes. Without a
 * folder test, a share of every class is set apart for it, drawn with a seed by what the pictures show: the same for everyone
 * who has the pictures, and never one picture on both sides.
 *
 * Everything is read once; what becomes of the files afterwards does not matter. A file that cannot be read, is damaged or is
 * cut short is named, counted and left out; more than a share of them (1 %) ends the program, as does a set that is damaged, a
 * class that is missing from a part, and anything else that would mislead. */
#ifndef DATASET_H
#define DATASET_H

#include "image/image.h"
#include "base/shape.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum dataset_part { DATASET_TRAIN, DATASET_TEST };

struct data_options {
    const char *path;  /* NULL: $EYELET_DATA, else CIFAR-10 in data/ and ../shared/data/ */
    float test;        /* the share of a set without a test folder that is set apart */
    int split_seed;    /* of that choice */
    int memory;        /* MiB for pixels and for decoding; what is more lies in a file */
    float allow_bad;   /* the share of pictures that may be unreadable */
    int threads;       /* 0: as many as there are cores */
    bool may_fetch;    /* offer to fetch CIFAR-10 into data/ (fetch.h) where no path is named */
};
extern const struct data_options usual_data;

struct dataset {
    char *name;         /* "CIFAR-10"; the folder's name; valid text */
    char *path;         /* what it was read from */
    int count;
    struct shape shape; /* of an image; c == 3 */
    uint8_t *pixels;    /* (count, h, w, 3); NULL until dataset_read, of pictures in files */
    uint16_t *labels;   /* (count), 0 .. classes-1 */
    int classes;
    char **class_names; /* (classes), valid text of 1 to LIMIT_LABEL bytes */
    char **files;       /* (count), where each image is from; NULL: records of one file */
    uint64_t *contents; /* (count), equal for equal pictures; NULL: CIFAR-10, which is split as its recipes were */
    bool *validates;    /* (count), images of a folder val; NULL: there is none */
    bool drawn;         /* the test images were set apart by us */
    struct photo_list *photos; /* of pictures in files: those of every part until dataset_read, then of this one; else NULL */
    /* private: */
    struct data_options options;
    enum dataset_part part;
    size_t mapped; /* bytes of pixels that are mapped; 0: allocated */
};

/* Whether dataset_open would find data without fetching it. */
bool dataset_is_there(const char *path);

/* Finds the data, its classes and, where it has a size of its own, its images. Says on standard error what it took. */
struct dataset dataset_open(const struct data_options *options, enum dataset_part part);

/* Reads pictures in files, all cores at once, each through the fit and over the background that the network's input asks for;
 * never more of them at full size than options.memory holds. Other data is there already. */
void dataset_read(struct dataset *dataset, struct shape input, const struct preprocess *preprocess);
void dataset_free(struct dataset *dataset);

/* Brings every image to the size and through the fit that a network's input asks for. */
void dataset_fit(struct dataset *dataset, struct shape input, const struct preprocess *preprocess);

/* Keeps `count` images, or all there are, drawn with the seed. */
void dataset_draw(struct dataset *dataset, int count, uint64_t seed);

/* Keeps the first `count` images. */
void dataset_limit(struct dataset *dataset, int count);

/* The indices in a data set of the images to learn from and of those to validate on. */
struct split {
    int *train, *validation;
    int train_count, validation_count;
};

/* The images of the folder val validate; without one a share of every class, drawn with the seed. Equal pictures stay together. */
struct split dataset_split(const struct dataset *dataset, float share, uint64_t seed);
void split_free(struct split *split);

/* How the test images were set apart, in the words of the command line; NULL if they were not. The caller frees it. A model
 * keeps it in its notes, so that it is not measured on what it has trained. */
char *dataset_division(const struct dataset *dataset);

/* Mean and std of each channel on a scale of 0 to 1, over these images. */
void dataset_statistics(float mean[3], float std[3], const struct dataset *dataset, const int *indices, int count);

#endif
