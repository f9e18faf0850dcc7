/* What pictures are by their pixels: a hash that is equal for equal ones.
 *
 *     uint64_t hash = content_hash(rgba, size, (uint64_t)width << 32); */
#ifndef CONTENT_H
#define CONTENT_H

#include <stddef.h>
#include <stdint.h>

/* Equal for equal bytes and start; for others different but for a chance of 1 in 2^64. */
uint64_t content_hash(const uint8_t *bytes, size_t size, uint64_t start);

#endif
