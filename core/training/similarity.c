#include "training/similarity.h"

#include "training/cross_validation.h"

#include <math.h> /* sqrt, which is rounded correctly everywhere */
#include <stddef.h>

enum { LANES = 8 /* sums at a time: the same on every machine, so that a compiler may use its vectors */ };

static float dot(const float *a, const float *b, int features)
{
    float sums[LANES] = {0};
    int k = 0;
    for (; k + LANES <= features; k += LANES)
        for (int lane = 0; lane < LANES; lane++)
            sums[lane] += a[k + lane] * b[k + lane];
    for (int lane = 0; k < features; k++, lane++)
        sums[lane] += a[k] * b[k];
    return ((sums[0] + sums[4]) + (sums[1] + sums[5])) + ((sums[2] + sums[6]) + (sums[3] + sums[7]));
}

/* 0 for a vector without direction. */
static float inverse_length(const float *a, int features)
{
    const float squares = dot(a, a, features);
    return squares > 0 && squares - squares == 0 ? 1 / sqrtf(squares) : 0;
}

void similarity_find(float *similarities, const float *embedding, const float *embeddings, int count, int features)
{
    const float inverse = inverse_length(embedding, features);
    for (int i = 0; i < count; i++, embeddings += features)
        similarities[i] = dot(embedding, embeddings, features) * inverse * inverse_length(embeddings, features);
}

enum { MAX_LOOKED_AT = 200, REFUSED_PERCENT = 5 };

uint64_t similarity_limit_bytes(int count)
{
    struct arena measure = {0};
    arena_alloc(&measure, (uint64_t)count, sizeof(float));
    arena_alloc(&measure, MAX_LOOKED_AT, sizeof(float));
    return measure.used;
}

/* Insertion into ascending order. */
static void insert(float *sorted, int count, float x)
{
    for (; count > 0 && sorted[count - 1] > x; count--)
        sorted[count] = sorted[count - 1];
    sorted[count] = x;
}

float similarity_limit(const float *embeddings, const uint8_t *folds, int count, int features, struct arena memory)
{
    float *inverse = arena_alloc(&memory, (uint64_t)count, sizeof(float));
    float *nearest = arena_alloc(&memory, MAX_LOOKED_AT, sizeof(float));
    int held_out = 0, looked_at = 0, seen = 0;
    for (int i = 0; i < count; i++) {
        held_out += folds[i] != CROSS_VALIDATION_KEPT;
        inverse[i] = inverse_length(embeddings + (ptrdiff_t)i * features, features);
    }
    if (held_out < SIMILARITY_MIN_COUNT)
        return -1;
    const int step = (held_out + MAX_LOOKED_AT - 1) / MAX_LOOKED_AT;
    for (int i = 0; i < count; i++) {
        if (folds[i] == CROSS_VALIDATION_KEPT || seen++ % step)
            continue;
        float largest = -1;
        for (int k = 0; k < count; k++) {
            const float similarity = folds[k] == folds[i] ? -1
                                                          : dot(embeddings + (ptrdiff_t)i * features,
                                                                embeddings + (ptrdiff_t)k * features, features) *
                                                                inverse[i] * inverse[k];
            largest = similarity > largest ? similarity : largest;
        }
        insert(nearest, looked_at++, largest);
    }
    return nearest[looked_at * REFUSED_PERCENT / 100];
}
