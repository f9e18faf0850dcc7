#include "data/content.h"

#include "base/random.h"

#include <string.h>

static inline uint64_t with_word(uint64_t sum, const uint8_t *bytes)
{
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
    sum = (sum ^ word) * 0x9e3779b97f4a7c15u; /* as random.h: the golden ratio in 64 bits */
    return sum ^ sum >> 29;
}

void content_start(struct content *content, size_t size, uint64_t start)
{
    *content = (struct content){.sum = random_mix(start + size)};
}

void content_add(struct content *content, const uint8_t *bytes, size_t size)
{
    enum { WORD = sizeof content->word };
    while (size && (content->count || size < WORD)) {
        content->word[content->count++] = *bytes++;
        size--;
        if (content->count == WORD) {
            content->sum = with_word(content->sum, content->word);
            content->count = 0;
        }
    }
    uint64_t sum = content->sum; /* in a register */
    for (; size >= WORD; bytes += WORD, size -= WORD)
        sum = with_word(sum, bytes);
    content->sum = sum;
    memcpy(content->word, bytes, size);
    content->count = content->count + size;
}

uint64_t content_end(const struct content *content)
{
    uint64_t word = 0;
    memcpy(&word, content->word, content->count);
    return random_mix(content->sum ^ word);
}

uint64_t content_hash(const uint8_t *bytes, size_t size, uint64_t start)
{
    struct content content;
    content_start(&content, size, start);
    content_add(&content, bytes, size);
    return content_end(&content);
}
