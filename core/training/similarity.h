/* How alike pictures are by their embeddings: the cosine of the angle between them, 1 for the same direction.
 *
 *     float similarities[count];
 *     similarity_find(similarities, embedding, embeddings, count, features);
 *     float limit = similarity_limit(embeddings, folds, count, features, memory);
 *     if (largest of similarities < limit)
 *         puts("nothing like what was taught");
 *
 * The same bits on every machine: each sum is in one order. */
#ifndef SIMILARITY_H
#define SIMILARITY_H

#include "base/arena.h"

/* similarities (count) of one embedding (features) with each of embeddings (count, features); 0 with one that is all
 * zeros. */
void similarity_find(float *similarities, const float *embedding, const float *embeddings, int count, int features);

/* The similarity that 95 % of the embeddings have, or more, with the nearest of another fold (cross_validation.h):
 * a picture that has less is unlike all of them. Of many embeddings, some are looked at, evenly spaced. From fewer than
 * SIMILARITY_MIN_COUNT that have a fold nothing follows, and the limit is -1, which all similarities reach. */
enum { SIMILARITY_MIN_COUNT = 10 };
uint64_t similarity_limit_bytes(int count);
float similarity_limit(const float *embeddings, const uint8_t *folds, int count, int features, struct arena memory);

#endif
