/* A classifier run over picture files, in child processes, with the results in the order of the files.
 *
 *     struct opened_classifier opened = open_classifier_or_die("mine.eyelet");
 *     struct text_list paths = {0};
 *     picture_paths_add(&paths, "photos", NULL);
 *     picture_run(&(struct picture_run){.classifier = opened.classifier, .paths = &paths, .threads = 2,
 *                                       .memory = MEMORY_UNSET, .context = &sum, .finished = add_to_sum});
 *     text_list_free(&paths);
 *     opened_classifier_free(&opened); */
#ifndef PICTURE_RUN_H
#define PICTURE_RUN_H

#include "classifier.h"
#include "cli/list.h"
#include "cli/sha256.h"

#include <stdbool.h>

/* A model file, opened. */
struct opened_classifier {
    struct eyelet_classifier *classifier;
    uint8_t *bytes; /* of the file */
    size_t size;
    void *workspace;
};

/* Ends the program, naming the file, where it is no model. */
struct opened_classifier open_classifier_or_die(const char *path);
void opened_classifier_free(struct opened_classifier *opened);

/* Values of its embedding; ends the program, naming the file, where the model has none. */
int embedding_count_or_die(const struct opened_classifier *opened, const char *path);

/* The SHA-256 of the model file, in digits. */
void opened_classifier_sha256(char text[2 * SHA256_BYTES + 1], const struct opened_classifier *opened);

/* Classifies a decoded picture, with scratch memory of its own: STATUS_MEMORY, or as eyelet_classifier_run. */
struct picture; /* image/decode.h */
enum status picture_classify(struct eyelet_classifier *classifier, const struct picture *picture);

/* What stands in folders and is not among their images, but for what systems leave there. */
struct passed_over {
    struct text_list files; /* no images */
    struct text_list links; /* to folders */
};
void passed_over_free(struct passed_over *passed_over);

/* Adds the file, or the images in the folder and in all folders within, those of each in the order of the bytes of
 * their names. Links to folders are not followed: they may lead round in circles. A folder without images stays itself,
 * and is then named as what cannot be read. passed_over: gets the rest of a folder with images; NULL: nobody asks. */
void picture_paths_add(struct text_list *paths, const char *operand, struct passed_over *passed_over);

/* Of one file; the pointers are valid until the function that gets it returns. */
struct picture_result {
    const char *reason;                  /* why there are no results; NULL: there are */
    const char *decoder;                 /* as in struct picture_file */
    const float *logits, *probabilities; /* (classes) */
    const float *embedding;              /* (eyelet_classifier_embedding_count) */
    const char *sha256;                  /* of the file, with `hashes`; else "" */
};

struct picture_run {
    struct eyelet_classifier *classifier;
    const struct text_list *paths;
    int threads; /* 0: one per core */
    int memory;  /* of memory_budget (data/memory_budget.h) */
    bool hashes;
    void *context;
    void (*finished)(void *context, int i, const struct picture_result *result);
};

/* Of ranks each takes a part of the files, and `finished` is called on the first. Children are never further ahead than a window of files: memory does not grow with their number. */
void picture_run(const struct picture_run *run);

#endif
