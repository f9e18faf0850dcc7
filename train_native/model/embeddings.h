/* Embeddings of images: what a network's trunk computes of each, for whoever trains a head on them.
 *
 *     const struct embedder embedder = {.net = &net, .parameters = parameters, .preprocess = &preprocess,
 *                                       .tensor = net.nodes[head].input[0], .parallel = &parallel, .memory = memory};
 *     const struct views views = {.subset = &subset, .count = 1};
 *     float *x = allocate((size_t)subset.count * (size_t)stride, sizeof(float));
 *     struct failure failure;
 *     if (!embeddings_compute(x, stride, &embedder, &views, &cache, &failure))
 *         die_of(&failure);
 *
 * The trunk runs with the exact kernels of inference, so they are the same bits on every machine and for any number of
 * threads. */
#ifndef EMBEDDINGS_H
#define EMBEDDINGS_H

#include "cli/errors.h"
#include "image/image.h"
#include "model/embedding_cache.h"
#include "net/net.h"
#include "training/augment.h"
#include "training/parallel.h"

struct embedder {
    const struct net *net;
    const float *parameters; /* the flat array; those up to the tensor are read */
    const struct preprocess *preprocess;
    int tensor; /* whose values are the embedding */
    const struct parallel *parallel;
    uint64_t memory; /* bytes for the work of all threads */
    bool live;       /* draw the progress on standard output, a terminal */
};

/* Each image of a subset `count` times: as it is, then augmented as in the epochs 1, 2, .. of a run with this seed; or,
 * for a count of 2, its mirror image. */
struct views {
    const struct subset *subset;
    int count;
    const struct augment *augment; /* where count > 1; NULL: the mirror image */
    uint64_t seed;
};

static inline int views_rows(const struct views *views) { return views->subset->count * views->count; }

/* The SHA-256 of all that embeddings follow from but the pixels. */
void embeddings_key(uint8_t key[SHA256_BYTES], const struct embedder *embedder);

/* Writes x (views_rows, stride), the views of an image one behind the other, features <= stride. Those that the cache
 * has are taken from there, and all are added to it. Fewer images at a time, then fewer threads, where memory is short;
 * false, with the failure set, where it does not do for one. */
bool embeddings_compute(float *x, int stride, const struct embedder *embedder, const struct views *views,
                        struct embedding_cache *cache, struct failure *failure);

#endif
