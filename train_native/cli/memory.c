#include "cli/memory.h"

#include "cli/errors.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

void *allocate(size_t count, size_t size)
{
    size_t bytes;
    void *block = NULL;
    if (__builtin_mul_overflow(count, size, &bytes) || bytes > SIZE_MAX / 2 ||
        !(block = aligned_alloc(64, (bytes + 64) / 64 * 64)))
        die(NULL, "Close other programs, or use a smaller batch or network.",
            "there is not enough memory for %zu x %zu bytes", count, size);
    memset(block, 0, bytes);
    return block;
}
