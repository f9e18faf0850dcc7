#include "data/duplicates.h"

#include "cli/memory.h"

#include <stdlib.h>

enum {
    W = 9,
    H = 8,
    NUMBERS = W * H * 3,
    MAX_BITS = 4,
    PARTS = MAX_BITS + 1,
    MAX_DIFFERENCE = 8 * NUMBERS,
    MIN_CONTRAST = 24
};
const struct shape thumbnail_shape = {H, W, 3};

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

/* False if there is too little contrast to tell it from others by. */
static bool difference_hash(uint64_t *hash, const uint8_t *thumbnail)
{
    int grey[H * W], darkest = 255 * 1000, brightest = 0;
    for (int i = 0; i < H * W; i++) {
        grey[i] = 299 * thumbnail[i * 3] + 587 * thumbnail[i * 3 + 1] + 114 * thumbnail[i * 3 + 2]; /* ITU-R 601 */
        darkest = grey[i] < darkest ? grey[i] : darkest;
        brightest = grey[i] > brightest ? grey[i] : brightest;
    }
    *hash = 0;
    for (int y = 0; y < H; y++)
        for (int x = 0; x + 1 < W; x++)
            *hash = *hash << 1 | (grey[y * W + x] < grey[y * W + x + 1]);
    return brightest - darkest >= MIN_CONTRAST * 1000;
}

static bool similar(const uint8_t *a, const uint8_t *b)
{
    int sum = 0;
    for (int i = 0; i < NUMBERS; i++)
        sum += abs(a[i] - b[i]);
    return sum < MAX_DIFFERENCE;
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
static void join_by_part(int *parents, struct picture_key *keys, const uint64_t *hashes, const uint8_t *thumbnails,
                         int count, int part)
{
    const int from = 64 * part / PARTS, bits = 64 * (part + 1) / PARTS - from;
    for (int i = 0; i < count; i++)
        keys[i].value = hashes[keys[i].index] >> from & ((1u << bits) - 1);
    qsort(keys, (size_t)count, sizeof *keys, by_value);
    for (int start = 0; start < count; start++)
        for (int i = start + 1; i < count && keys[i].value == keys[start].value; i++) {
            const int a = keys[start].index, b = keys[i].index;
            if (__builtin_popcountll(hashes[a] ^ hashes[b]) <= MAX_BITS && root_of(parents, a) != root_of(parents, b) &&
                similar(thumbnails + (size_t)a * NUMBERS, thumbnails + (size_t)b * NUMBERS))
                join(parents, a, b);
        }
}

struct duplicates duplicates_find(const uint64_t *contents, const uint8_t *thumbnails, int count)
{
    struct duplicates duplicates = {allocate((size_t)count, sizeof(int)), allocate((size_t)count, sizeof(int))};
    struct picture_key *keys = allocate((size_t)count, sizeof *keys);
    uint64_t *hashes = allocate((size_t)count, sizeof *hashes);
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
        if (duplicates.same[i] == i && difference_hash(&hashes[i], thumbnails + (size_t)i * NUMBERS))
            keys[distinct++].index = i;
    for (int part = 0; part < PARTS; part++)
        join_by_part(duplicates.alike, keys, hashes, thumbnails, distinct, part);
    for (int i = 0; i < count; i++)
        duplicates.alike[i] = root_of(duplicates.alike, i);
    free(hashes);
    free(keys);
    return duplicates;
}

void duplicates_free(struct duplicates *duplicates)
{
    free(duplicates->same);
    free(duplicates->alike);
}
