/* What pictures are by their pixels: a hash that is equal for equal ones.
 *
 *     uint64_t hash = content_hash(rgba, size, (uint64_t)width << 32); */
#ifndef CONTENT_H
#define CONTENT_H

#include <stddef.h>
#include <stdint.h>

/* Equal for equal bytes and start; for others different but for a chance of 1 in 2^64. */
uint64_t content_hash(const uint8_t *bytes, size_t size, uint64_t start);

/* The same of bytes that come piece by piece: the size of all is known before. */
struct content {
    uint64_t sum;
    size_t count; /* of the first bytes of a word that the others are still to come of */
    uint8_t word[8];
};
void content_start(struct content *content, size_t size, uint64_t start);
void content_add(struct content *content, const uint8_t *bytes, size_t size);
uint64_t content_end(const struct content *content);

#endif
