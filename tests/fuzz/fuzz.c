#include "fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

void fuzz_require(bool condition)
{
    if (!condition)
        abort();
}

uint8_t *fuzz_copy(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size ? size : 1);
    fuzz_require(copy);
    if (size)
        memcpy(copy, data, size);
    return copy;
}

bool fuzz_next(struct fuzz_part *part, struct fuzz_part *rest)
{
    static const char cut[] = "\n--8<--\n";
    if (!rest->bytes)
        return false;
    const uint8_t *end = memmem(rest->bytes, rest->size, cut, sizeof cut - 1);
    *part = (struct fuzz_part){rest->bytes, end ? (size_t)(end - rest->bytes) : rest->size};
    const size_t taken = part->size + sizeof cut - 1;
    *rest = end ? (struct fuzz_part){end + sizeof cut - 1, rest->size - taken} : (struct fuzz_part){NULL, 0};
    return true;
}
