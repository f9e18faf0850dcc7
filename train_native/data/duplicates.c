#include "data/duplicates.h"

#include "cli/memory.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

enum {
    SIDE = 24,
    PIXELS = SIDE * SIDE,
    NUMBERS = PIXELS * 3,
    FREQUENCIES = 8,
    MAX_BITS = 7,
    PARTS = MAX_BITS + 1,
    PART_BITS = 8,
    MAX_SHIFT = 40,   /* of a channel's mean */
    MIN_DEVIATION = 4 /* standard deviation of a picture with contrast */
};
const struct shape thumbnail_shape = {SIDE, SIDE, 3};

static const float min_correlation = 0.85f, min_correlation_of_plain = 0.995f;
/* A picture is plain where this fraction of it is within so many steps of one of two greys: paper and ink. */
static const float plain_fraction = 0.36f;
enum { PLAIN_STEPS = 3 };

/* What a picture is told from others by. */
struct look {
    uint64_t hash;
    float energy; /* the sum of squares around the channels' means */
    bool plain;
};

/* A sort key, and the index of its picture. */
struct picture_key {
    uint64_t value;
    int index;
};

static int by_value(const void *a, const void *b)
{
    const struct picture_key *x = a, *y = b;
    return x->value != y->value ? (x->value < y->value ? -1 : 1) : x->index - y->index;
}

static void take_grey(float *grey, const uint8_t *thumbnail) /* ITU-R 601 */
{
    for (int i = 0; i < PIXELS; i++)
        grey[i] = 0.299f * thumbnail[i * 3] + 0.587f * thumbnail[i * 3 + 1] + 0.114f * thumbnail[i * 3 + 2];
}

/* The signs of the lowest frequencies of the discrete cosine transform, but for the mean. cosines: (FREQUENCIES, SIDE) */
static uint64_t hash_of(const float *grey, const float *cosines)
{
    float rows[SIDE * FREQUENCIES]; /* transformed along x */
    uint64_t hash = 0;
    for (int y = 0; y < SIDE; y++)
        for (int u = 0; u < FREQUENCIES; u++) {
            float sum = 0;
            for (int x = 0; x < SIDE; x++)
                sum += cosines[u * SIDE + x] * grey[y * SIDE + x];
            rows[y * FREQUENCIES + u] = sum;
        }
    for (int k = 1; k < FREQUENCIES * FREQUENCIES; k++) {
        float sum = 0;
        for (int y = 0; y < SIDE; y++)
            sum += cosines[k / FREQUENCIES * SIDE + y] * rows[y * FREQUENCIES + k % FREQUENCIES];
        hash = hash << 1 | (sum > 0);
    }
    return hash;
}

static bool is_plain(const float *grey)
{
    enum { WIDTH = 2 * PLAIN_STEPS + 1 };
    int counts[256 + WIDTH] = {0}, near[256], lower = 0, max = 0; /* counts: of each grey, moved up by PLAIN_STEPS */
    for (int i = 0; i < PIXELS; i++)
        counts[(int)grey[i] + PLAIN_STEPS]++;
    for (int value = 0; value < 256; value++) {
        near[value] = 0;
        for (int k = 0; k < WIDTH; k++)
            near[value] += counts[value + k];
        if (value >= WIDTH && near[value - WIDTH] > lower)
            lower = near[value - WIDTH];
        max = near[value] + lower > max ? near[value] + lower : max;
    }
    return (float)max >= plain_fraction * (float)PIXELS;
}

/* The energy of a picture around its mean colour, or of the difference of two around the difference of theirs; negative
 * if that is too large. b: NULL for one picture. */
static float energy_of(const uint8_t *a, const uint8_t *b)
{
    int sums[3] = {0}, squares = 0;
    for (int y = 0; y < SIDE; y++)
        for (int c = 0; c < 3; c++)
            for (int i = y * SIDE * 3 + c; i < (y + 1) * SIDE * 3; i += 3) {
                const int x = a[i] - (b ? b[i] : 0);
                sums[c] += x;
                squares += x * x;
            }
    float energy = (float)squares;
    for (int c = 0; c < 3; c++) {
        if (b && abs(sums[c]) > MAX_SHIFT * PIXELS)
            return -1;
        energy -= (float)sums[c] * (float)sums[c] / (float)PIXELS;
    }
    return energy;
}

/* |a - b|^2 = |a|^2 + |b|^2 - 2 a b, each around its mean, gives the correlation. */
static bool similar(const struct look *x, const struct look *y, const uint8_t *a, const uint8_t *b)
{
    const float difference = energy_of(a, b), product = (x->energy + y->energy - difference) / 2;
    const float min = x->plain || y->plain ? min_correlation_of_plain : min_correlation;
    return difference >= 0 && product > min * sqrtf(x->energy) * sqrtf(y->energy);
}

/* Where there is too little contrast to tell a picture from others the energy is 0. */
static struct look look_at(const uint8_t *thumbnail, const float *cosines)
{
    float grey[PIXELS];
    struct look look = {.energy = energy_of(thumbnail, NULL)};
    take_grey(grey, thumbnail);
    look.hash = hash_of(grey, cosines);
    look.plain = is_plain(grey);
    if (look.energy < (float)(MIN_DEVIATION * MIN_DEVIATION * NUMBERS))
        look.energy = 0;
    return look;
}

/* The first picture of a group (union-find with path halving; the root is the smallest index). */
static int root_of(int *parents, int i)
{
    while (parents[i] != i)
        i = parents[i] = parents[parents[i]];
    return i;
}

static void join(int *parents, int a, int b)
{
    a = root_of(parents, a);
    b = root_of(parents, b);
    parents[a > b ? a : b] = a < b ? a : b;
}

/* Joins those whose hashes have this part in common and differ little beside it. */
static void join_by_part(int *parents, struct picture_key *keys, const struct look *looks, const uint8_t *thumbnails,
                         int count, int part)
{
    for (int i = 0; i < count; i++)
        keys[i].value = looks[keys[i].index].hash >> PART_BITS * part & ((1u << PART_BITS) - 1);
    qsort(keys, (size_t)count, sizeof *keys, by_value);
    for (int start = 0; start < count; start++)
        for (int i = start + 1; i < count && keys[i].value == keys[start].value; i++) {
            const int a = keys[start].index, b = keys[i].index;
            if (__builtin_popcountll(looks[a].hash ^ looks[b].hash) <= MAX_BITS &&
                root_of(parents, a) != root_of(parents, b) &&
                similar(&looks[a], &looks[b], thumbnails + (size_t)a * NUMBERS, thumbnails + (size_t)b * NUMBERS))
                join(parents, a, b);
        }
}

struct duplicates duplicates_find(const uint64_t *contents, const uint8_t *thumbnails, int count)
{
    struct duplicates duplicates = {allocate((size_t)count, sizeof(int)), allocate((size_t)count, sizeof(int))};
    struct picture_key *keys = allocate((size_t)count, sizeof *keys);
    struct look *looks = allocate((size_t)count, sizeof *looks);
    float cosines[FREQUENCIES * SIDE];
    for (int i = 0; i < FREQUENCIES * SIDE; i++)
        cosines[i] = cosf((float)M_PI * (float)(i / SIDE) * ((float)(i % SIDE) + 0.5f) / (float)SIDE);
    for (int i = 0; i < count; i++) {
        duplicates.same[i] = duplicates.alike[i] = i;
        keys[i] = (struct picture_key){contents[i], i};
    }
    qsort(keys, (size_t)count, sizeof *keys, by_value);
    for (int i = 1; i < count; i++)
        if (keys[i].value == keys[i - 1].value)
            duplicates.alike[keys[i].index] = duplicates.same[keys[i].index] = duplicates.same[keys[i - 1].index];

    int distinct = 0; /* one of each group of equal pictures, with contrast */
    for (int i = 0; i < count; i++)
        if (duplicates.same[i] == i) {
            looks[i] = look_at(thumbnails + (size_t)i * NUMBERS, cosines);
            keys[distinct].index = i;
            distinct += looks[i].energy > 0;
        }
    for (int part = 0; part < PARTS; part++)
        join_by_part(duplicates.alike, keys, looks, thumbnails, distinct, part);
    for (int i = 0; i < count; i++)
        duplicates.alike[i] = root_of(duplicates.alike, i);
    free(looks);
    free(keys);
    return duplicates;
}

void duplicates_free(struct duplicates *duplicates)
{
    free(duplicates->same);
    free(duplicates->alike);
}
