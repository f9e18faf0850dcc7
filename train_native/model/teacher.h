/* The teacher of knowledge distillation (training/distillation.h): a model, and what it computes of images, each at the
 * model's own size and with its own preprocessing.
 *
 *     struct teacher teacher;
 *     struct failure failure;
 *     if (!teacher_open(&teacher, "teacher.eyelet", &dataset, false, &failure))
 *         die_of(&failure);
 *     float *x[2] = {plain, mirrored};                    // (subset.count, stride) each, stride >= teacher.features
 *     const struct teacher_images images = {&subset, dataset.files, contents, 2};
 *     const struct teacher_work work = {&parallel, memory, true, &cache};
 *     if (!teacher_outputs(x, stride, &teacher, &images, &work, &failure))
 *         die_of(&failure);
 *     teacher_free(&teacher);
 *
 * Where all classes of the data are among the teacher's, by their names, it is asked for its logits; else, or where
 * that is what is wanted of it, for its embedding, on which a head for the data's classes can be fitted. */
#ifndef TEACHER_H
#define TEACHER_H

#include "data/dataset.h"
#include "model/embeddings.h"

struct teacher {
    const char *path; /* stays the caller's */
    struct net *net;
    float *parameters;
    struct preprocess preprocess;
    int tensor, features; /* what it is asked for: a tensor of its net, and the numbers in it */
    int *classes;         /* (the data's classes), which of the logits is theirs; NULL: it is asked for its embedding */
    float temperature;    /* of its softmax */
    char sha256[2 * SHA256_BYTES + 1]; /* of its file */
};

/* embedding: to ask it for that, whatever its classes are. False, with nothing to free: no model, fewer than two
 * classes, or an embedding is to be asked for and there is no head that another one could stand in place of. */
bool teacher_open(struct teacher *teacher, const char *path, const struct dataset *dataset, bool embedding,
                  struct failure *failure);
void teacher_free(struct teacher *teacher);

/* The SHA-256 of all that the outputs follow from but the images. */
void teacher_key(uint8_t key[SHA256_BYTES], const struct teacher *teacher);

/* Images as the student has them, and where they are from. */
struct teacher_images {
    const struct subset *subset;
    char *const *files;       /* of each image of the data set: read again; NULL: the student's pixels are resized */
    const uint64_t *contents; /* (subset->count), a hash of each (teacher_contents) */
    int views;                /* 1: each image; 2: and its mirror image */
};

/* contents (dataset's subset), by which outputs are kept: of the pixels in the file, or of those that the student has. */
void teacher_contents(uint64_t *contents, const struct dataset *dataset, const struct subset *subset);

/* The one by which that of a view is kept. */
uint64_t teacher_view_content(uint64_t content, int view);

struct teacher_work {
    const struct parallel *parallel;
    uint64_t memory; /* bytes, for images and the work of all threads */
    bool live;       /* draw the progress on standard output, a terminal */
    struct embedding_cache *cache;
};

/* Writes x[view] (subset->count, stride); what the cache has is taken from there, and all is added to it, which points
 * into x and is saved every other minute. The same bits for any number of threads. False: a file is not what it was, or memory does not do. */
bool teacher_outputs(float *const *x, int stride, const struct teacher *teacher, const struct teacher_images *images,
                     const struct teacher_work *work, struct failure *failure);

#endif
