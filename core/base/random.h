/* Random numbers without hidden state: the caller holds the state, or names the number by its coordinates.
 *
 *     struct random random = random_seed(42, 0);
 *     float a = random_uniform(&random);             // [0, 1)
 *     uint64_t b = random_at(seed, stream, index);   // the same whatever was drawn before, on any thread
 *
 * SplitMix64 (Steele, Lea and Flood, 2014): 64 bits of state, the same numbers on every machine. */
#ifndef RANDOM_H
#define RANDOM_H

#include <stdint.h>

struct random {
    uint64_t state;
};

/* The streams of a run, all from its one seed; each use has its own, so that one option does not change what another
 * one draws. The numbers decide what is drawn: never change one. */
enum random_stream {
    STREAM_WEIGHTS = 1,       /* first weights */
    STREAM_DROPOUT = 2,       /* a seed of its own, whose streams are the numbers of the nodes */
    STREAM_SPLIT_CONTENT = 3, /* images set apart by what they show */
    STREAM_ORDER = 4,         /* of the images in an epoch */
    STREAM_VALIDATION = 5,    /* a seed for STREAM_SPLIT_CONTENT */
    STREAM_USE = 6,           /* a seed for STREAM_SPLIT_CONTENT: the training images that are used */
    STREAM_STATISTICS = 7,    /* images that batch normalisation is measured on */
    STREAM_MIRRORING = 8,     /* images that tell whether mirroring changes their meaning */
    STREAM_MOVE = 10,         /* augmentation, from here to STREAM_GREY */
    STREAM_FIRST_FLIP = 11,
    STREAM_FLIP = 12,
    STREAM_CUTOUT = 13,
    STREAM_RECTANGLE = 14,
    STREAM_JITTER = 15,
    STREAM_ERASE = 16,
    STREAM_MIX = 17,
    STREAM_GREY = 18,
    STREAM_SPLIT_CLASS = 1000, /* + class, below STREAM_SPLIT_CLASSES: validation images of CIFAR-10 */
    STREAM_SUBSET = 2000       /* the images of a data set that are kept */
};
enum { STREAM_SPLIT_CLASSES = 10 };
_Static_assert(STREAM_SPLIT_CLASS > STREAM_GREY && STREAM_SPLIT_CLASS + STREAM_SPLIT_CLASSES <= STREAM_SUBSET,
               "no stream is used twice");

static inline uint64_t random_mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

/* Number `index` of stream `stream`: for work that must not depend on its order. */
static inline uint64_t random_at(uint64_t seed, uint64_t stream, uint64_t index)
{
    return random_mix(random_mix(seed + 0x9e3779b97f4a7c15u * (stream + 1)) + 0x9e3779b97f4a7c15u * (index + 1));
}

static inline struct random random_seed(uint64_t seed, uint64_t stream)
{
    return (struct random){random_mix(seed + 0x9e3779b97f4a7c15u * (stream + 1))};
}

static inline uint64_t random_next(struct random *random) { return random_mix(random->state += 0x9e3779b97f4a7c15u); }

/* [0, 1), 24 bits. */
static inline float random_uniform(struct random *random) { return (float)(random_next(random) >> 40) * 0x1p-24f; }

/* 0 .. bound-1, bound >= 1 (Lemire's multiplication; the bias is below bound / 2^32). */
static inline uint32_t random_below(struct random *random, uint32_t bound)
{
    return (uint32_t)(((random_next(random) >> 32) * bound) >> 32);
}

#endif
