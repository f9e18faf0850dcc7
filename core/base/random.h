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

static inline uint64_t random_next(struct random *random)
{
    return random_mix(random->state += 0x9e3779b97f4a7c15u);
}

/* [0, 1), 24 bits. */
static inline float random_uniform(struct random *random)
{
    return (float)(random_next(random) >> 40) * 0x1p-24f;
}

/* 0 .. bound-1, bound >= 1 (Lemire's multiplication; the bias is below bound / 2^32). */
static inline uint32_t random_below(struct random *random, uint32_t bound)
{
    return (uint32_t)(((random_next(random) >> 32) * bound) >> 32);
}

#endif
