/* Embeddings kept in a file, found by the pixels that they were computed from.
 *
 *     struct embedding_cache cache;
 *     embedding_cache_open(&cache, "mine.embeddings", key, features, rows);     // empty where nothing can be used
 *     const float *row = embedding_cache_find(&cache, content_hash(pixels, size, 0));      // (features) or NULL
 *     embedding_cache_add(&cache, content_hash(pixels, size, 0), row);          // row: the caller's until it is saved
 *     embedding_cache_save(&cache);
 *     embedding_cache_free(&cache);
 *
 * The key is the SHA-256 of all that embeddings follow from but the pixels: the trunk's layers and weights, its input,
 * the preprocessing. A file of another key is not used; nor is one whose own SHA-256 is wrong, and then a warning names
 * it. What was added replaces what was there, completely or not at all; a file that this module has not made never.
 *
 * Numbers are as they are in memory, for the file stays on the machine that wrote it:
 *
 *     offset  bytes
 *          0      8  "\x89" "EYEM" "\r\n" and the version, 1
 *          8     32  the key
 *         40      4  features
 *         44      4  number of rows
 *         48         of each row 8 bytes, content_hash of its pixels, in ascending order
 *                    of each row its features, float32, in the same order
 *                    32 bytes, SHA-256 of everything before */
#ifndef EMBEDDING_CACHE_H
#define EMBEDDING_CACHE_H

#include "cli/sha256.h"

#include <stdbool.h>

struct embedding_row {
    uint64_t content;
    const float *values;
};

struct embedding_cache {
    int found; /* how many were asked for and are in the file */
    /* private: */
    const char *path; /* NULL: embeddings are not kept */
    uint8_t key[SHA256_BYTES];
    int features;
    uint8_t *bytes; /* the file */
    int count;      /* rows in it */
    struct embedding_row *added;
    int added_count;
    bool changed; /* something was added that the file does not have */
};

/* path: NULL keeps nothing. rows: how many the run has; a file of far more is not read. */
void embedding_cache_open(struct embedding_cache *cache, const char *path, const uint8_t key[SHA256_BYTES],
                          int features, int rows);
void embedding_cache_free(struct embedding_cache *cache);

const float *embedding_cache_find(struct embedding_cache *cache, uint64_t content);
void embedding_cache_add(struct embedding_cache *cache, uint64_t content, const float *values);

/* Of ranks, the first alone writes. Where that fails a warning says so, and the next run computes them again. */
void embedding_cache_save(struct embedding_cache *cache);

/* Removes such a file, and nothing else. */
void embedding_cache_remove(const char *path);

#endif
