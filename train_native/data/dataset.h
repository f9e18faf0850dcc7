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
#include "cli/list.h"
#include "image/image.h"
#include "training/images.h"
#include "data/pixels.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum dataset_part { DATASET_TRAIN, DATASET_TEST };

/* How many times the images of the smallest class the largest has, from where on that is noted. */
enum { NOTED_IMBALANCE = 3 };

struct data_options {
    const char *path;    /* NULL: $EYELET_DATA, else CIFAR-10 in data/ and ../shared/data/ */
    int limit;           /* the first so many images of the part are kept (0: all); no records behind them are read */
    float test;          /* fraction of a set without a test folder that is held out */
    int split_seed;      /* random seed of that split */
    int memory;          /* MiB for pixels and for decoding (memory_budget.h); pixels above half of it are in a file */
    const char *pixels;  /* the file that keeps decoded images for the next run (pixel_file.h); NULL: it has no name */
    bool keep_pixels;    /* in that file even where they would fit into memory */
    float allow_bad;     /* fraction of images that may be unreadable */
    bool skip_empty;     /* leave out classes without training images */
    bool any_classes;    /* for a model that is trained: one class is enough, and this part may lack images of some */
    bool unlabelled;     /* labels do not matter: a folder of images without classes will do (folder.h) */
    const char *parts;   /* which folders are which part (part_names.h); NULL: found by structure */
    const char *columns; /* of a CSV file (columns.h); NULL: found by what is in them */
    int threads;         /* 0: one per core */
    bool shared;         /* all ranks open it: their files are compared, and each decodes its share of the images */
    const char *taught;  /* a model whose own pictures are training images, too (dataset_taught.h); NULL: none */
    bool may_fetch;      /* offer to fetch CIFAR-10 into data/ (fetch.h) where no path is named */
};
extern const struct data_options usual_data;

struct dataset {
    char *name; /* "CIFAR-10"; the folder's name; valid text */
    char *path; /* what it was read from */
    int count;
    struct shape shape; /* of an image; c == 3 */
    uint16_t *labels;   /* (count), 0 .. classes-1 */
    int classes;
    char **class_names;        /* (classes), valid text of 1 to LIMIT_LABEL bytes */
    struct text_list sources;  /* the files that it was read from or is listed in, but for images */
    char **files;              /* (count), where each image is from; NULL: records of one file */
    uint64_t *contents;        /* (count), content_hash of each; NULL: CIFAR-10, which is split as its recipes were */
    bool *validates;           /* (count), images of a folder val; NULL: there is none */
    bool drawn;                /* the test set was held out by a random split */
    struct photo_list *photos; /* images in files: of every part until dataset_read, then of this one; else NULL */
    struct taught *taught;     /* the pictures of options.taught, if it has some */
    struct pixels *pixels;     /* dataset_pixels finds those of an image; NULL until dataset_read, of images in files */
    /* private: */
    int *rows;           /* (count), which of the pixels are an image's; NULL: all in their order */
    uint32_t *checksums; /* (count), CRC-32 of each image's pixels; NULL: not known */
    struct data_options options;
    enum dataset_part part;
};

void dataset_free(struct dataset *dataset);

/* Its images, once they are read: a view, valid until dataset_free. */
static inline struct images dataset_images(const struct dataset *dataset)
{
    return (struct images){.pixels = dataset->pixels->bytes,
                           .rows = dataset->rows,
                           .labels = dataset->labels,
                           .shape = dataset->shape,
                           .count = dataset->count,
                           .classes = dataset->classes,
                           .expect = pixels_expect,
                           .store = dataset->pixels};
}

static inline int dataset_row(const struct dataset *dataset, int i) { return dataset->rows ? dataset->rows[i] : i; }

/* (h, w, 3) of an image. */
static inline const uint8_t *dataset_pixels(const struct dataset *dataset, int i)
{
    return pixels_at(dataset->pixels, dataset_row(dataset, i));
}

/* Soon they are read: whoever goes through many images says so, for they may be in a file. */
static inline void dataset_expect(const struct dataset *dataset, int i)
{
    if (i >= 0 && i < dataset->count)
        pixels_expect(dataset->pixels, dataset_row(dataset, i));
}

/* The CRC-32 of all pixels in a row. */
uint32_t dataset_checksum(const struct dataset *dataset);

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
