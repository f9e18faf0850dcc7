#include "data/content.h"

#include "base/random.h"

#include <string.h>

uint64_t content_hash(const uint8_t *bytes, size_t size, uint64_t start)
{
    uint64_t sum = random_mix(start + size), word;
    for (; size >= sizeof word; bytes += sizeof word, size -= sizeof word) {
        memcpy(&word, bytes, sizeof word);
        sum = (sum ^ word) * 0x9e3779b97f4a7c15u; /* as random.h: the golden ratio in 64 bits */
        sum ^= sum >> 29;
    }
    word = 0;
    memcpy(&word, bytes, size);
    return random_mix(sum ^ word);
}
