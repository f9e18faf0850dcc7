/* An index over pictures: what a model makes of each (its embedding), in one SQLite file that every tool reads.
 *
 *     struct failure failure;
 *     struct picture_index *index = picture_index_open("photos.sqlite", INDEX_CREATE, &failure);
 *     struct index_about about = {.model = "mine.eyelet", .sha256 = sha256, .dimensions = 256};
 *     if (!index || !picture_index_describe(index, &about, &failure))
 *         die_of(&failure);
 *     if (!picture_index_put(index, &entry, embedding, &failure))
 *         die_of(&failure);
 *     if (!picture_index_close(index, &failure))
 *         die_of(&failure);
 *
 * Tables:
 *
 *     about(key, value)                       model, model_sha256, dimensions
 *     pictures(id, path, size, modified, sha256, label, score)    modified: nanoseconds since 1970
 *     embeddings(picture, norm, vector)       vector: a signed byte for each dimension, then zeros up to a multiple of
 *                                             64; norm: its length (Euclid's)
 *
 * A vector is the embedding times 127 / its largest absolute value, rounded: cosines need no scale. The file is in WAL
 * mode: what was put before a kill is there after it, a few hundred at a time. */
#ifndef PICTURE_INDEX_H
#define PICTURE_INDEX_H

#include "cli/errors.h"

#include <stdbool.h>
#include <stdint.h>

enum index_mode { INDEX_READ, INDEX_CREATE };

struct picture_index;

/* NULL, with the failure, for what is no index of ours or cannot be opened. INDEX_CREATE makes the file if there is
 * none. */
struct picture_index *picture_index_open(const char *path, enum index_mode mode, struct failure *failure);

/* Commits what was put; the index is gone in either case. */
bool picture_index_close(struct picture_index *index, struct failure *failure);

/* The model that the embeddings are of. */
struct index_about {
    const char *model;  /* its path */
    const char *sha256; /* of its file */
    int dimensions;
};

/* Of a new index: writes it. Of another: false, with the failure, unless the model is the same. */
bool picture_index_describe(struct picture_index *index, const struct index_about *about, struct failure *failure);

/* What is written there; the texts belong to the index. */
struct index_about picture_index_about(const struct picture_index *index);

struct index_entry {
    const char *path;
    int64_t size, modified;
    const char *sha256, *label;
    double score;
};

/* Adds a picture, or replaces the one of its path. embedding (dimensions). */
bool picture_index_put(struct picture_index *index, const struct index_entry *entry, const float *embedding,
                       struct failure *failure);

/* A file on disk as an index knows it. */
struct index_file {
    char *path; /* absolute, through links; the caller frees it */
    int64_t size, modified;
};

/* False, with errno and nothing to free, where there is no such file. */
bool index_file_of(struct index_file *file, const char *path);

/* Whether it is there with this size and time. */
bool picture_index_has(struct picture_index *index, const struct index_file *file);

/* Removes the pictures whose path begins with `folder` and that `is_there` does not name; their number, or -1. */
int64_t picture_index_remove(struct picture_index *index, const char *folder, bool (*is_there)(const char *path),
                             struct failure *failure);

int64_t picture_index_count(struct picture_index *index);

/* ---- Searching ---- */

struct index_match {
    int64_t id;
    double similarity; /* the cosine, -1 .. 1 */
};

/* The vector of a picture that is there, as floats (dimensions). */
bool picture_index_vector(struct picture_index *index, const char *path, float *vector);

/* The `count` most similar pictures, most similar first, the lower id first among equals; query (dimensions). Returns
 * how many there are, -1 with the failure. On `threads` threads; exact, over all vectors. */
int picture_index_nearest(struct index_match *matches, int count, struct picture_index *index, const float *query,
                          int threads, struct failure *failure);

/* Path, label and score of a picture, valid until the next call; false if there is none. */
bool picture_index_entry(struct picture_index *index, int64_t id, struct index_entry *entry);

/* Pairs of pictures at least so similar, each handed over once: by all pairs, so for thousands of pictures. */
bool picture_index_pairs(struct picture_index *index, double similarity, int threads, void *context,
                         void (*found)(void *context, int64_t a, int64_t b, double similarity),
                         struct failure *failure);

#endif
