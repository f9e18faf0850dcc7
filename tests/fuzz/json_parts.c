#include "fuzz/json_parts.h"

#include "base/random.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_VALUES = 2000, MAX_DEPTH = 64 };

/* A value of the text, or a member with its key. */
struct span {
    size_t start, end;
    bool text;
};

struct spans {
    struct span list[MAX_VALUES];
    int count;
};

static void add(struct spans *spans, size_t start, size_t end, bool text)
{
    if (spans->count < MAX_VALUES)
        spans->list[spans->count++] = (struct span){start, end, text};
}

static bool is_plain(uint8_t c) /* of a number or a name like `true` */
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '-' || c == '+' || c == '.' || c == 'E';
}

static void values_of(struct spans *spans, const uint8_t *data, size_t size)
{
    size_t open[MAX_DEPTH];
    int depth = 0;
    spans->count = 0;
    for (size_t i = 0; i < size; i++) {
        const size_t start = i;
        const uint8_t c = data[i];
        if (c == '"') {
            for (i++; i < size && data[i] != '"' && data[i] != '\n'; i++)
                i += data[i] == '\\';
            if (i < size && data[i] == '"') /* or else what is not JSON has led here */
                add(spans, start, i + 1, true);
        } else if ((c == '[' || c == '{') && depth < MAX_DEPTH) {
            open[depth++] = i;
        } else if ((c == ']' || c == '}') && depth) {
            add(spans, open[--depth], i + 1, false);
        } else if (is_plain(c)) {
            while (i + 1 < size && is_plain(data[i + 1]))
                i++;
            add(spans, start, i + 1, false);
        }
    }
}

/* Puts bytes in the place of others; the new size, or the old one without room. */
static size_t splice(uint8_t *data, size_t size, size_t max_size, const struct span *span, const struct fuzz_part *part)
{
    const size_t behind = size - span->end;
    if (span->start + part->size + behind > max_size)
        return size;
    memmove(data + span->start + part->size, data + span->end, behind);
    if (part->size)
        memcpy(data + span->start, part->bytes, part->size);
    return span->start + part->size + behind;
}

static struct fuzz_part odd_value(struct random *random)
{
    static const char *const values[] = {"0",   "1",   "-1",         "2",         "3",    "2147483647", "-2147483648",
                                         "1e9", "0.5", "4294967296", "1e-320",    "null", "true",       "false",
                                         "[]",  "{}",  "\"\"",       "[1,1,1,1]", "1e40", "65536",      "\"same\""};
    const char *value = values[random_below(random, sizeof values / sizeof *values)];
    return (struct fuzz_part){(const uint8_t *)value, strlen(value)};
}

/* A value goes with the comma before or behind it, or comes once more. */
static size_t damage_list(struct random *random, uint8_t *data, size_t size, size_t max_size, struct span span)
{
    if (random_below(random, 2)) {
        if (span.end < size && data[span.end] == ',')
            span.end++;
        else if (span.start && data[span.start - 1] == ',')
            span.start--;
        return splice(data, size, max_size, &span, &(struct fuzz_part){data, 0});
    }
    const size_t length = span.end - span.start;
    uint8_t *twice = malloc(2 * length + 1);
    memcpy(twice, data + span.start, length);
    twice[length] = ',';
    memcpy(twice + length + 1, data + span.start, length);
    const size_t made = splice(data, size, max_size, &span, &(struct fuzz_part){twice, 2 * length + 1});
    free(twice);
    return made;
}

static size_t damage_text(uint8_t *data, size_t size, size_t max_size, struct span span)
{
    span.start++;
    span.end--;
    const size_t length = span.end - span.start, room = max_size - size + length;
    uint8_t *text = malloc(room + 1);
    memcpy(text, data + span.start, length);
    const struct fuzz_part part = {text, room ? LLVMFuzzerMutate(text, length, room) : 0};
    const size_t made = splice(data, size, max_size, &span, &part);
    free(text);
    return made;
}

static size_t damage(struct random *random, uint8_t *data, size_t size, size_t max_size, const struct spans *spans)
{
    const struct span span = spans->list[random_below(random, (uint32_t)spans->count)];
    const struct span other = spans->list[random_below(random, (uint32_t)spans->count)];
    struct fuzz_part value = odd_value(random);
    switch (random_below(random, 8)) {
    case 0:
    case 1: return damage_list(random, data, size, max_size, span);
    case 2: return splice(data, size, max_size, &span, &value);
    case 3:
        if (span.text)
            return damage_text(data, size, max_size, span);
        break;
    default: break;
    }
    /* another value of the same kind, as far as that is quickly found */
    struct span from = other;
    for (int tries = 0; tries < 20 && (from.text != span.text || data[from.start] == '{'); tries++)
        from = spans->list[random_below(random, (uint32_t)spans->count)];
    uint8_t *copy = fuzz_copy(data + from.start, from.end - from.start);
    value = (struct fuzz_part){copy, from.end - from.start};
    const size_t made = splice(data, size, max_size, &span, &value);
    free(copy);
    return made;
}

size_t json_mutate(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
    static struct spans spans;
    struct random random = random_seed(seed, 0);
    if (random_below(&random, 8) == 0)
        return LLVMFuzzerMutate(data, size, max_size);
    do {
        values_of(&spans, data, size);
        size = spans.count ? damage(&random, data, size, max_size, &spans) : LLVMFuzzerMutate(data, size, max_size);
    } while (random_below(&random, 2));
    return size;
}
