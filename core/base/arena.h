/* A bump allocator in a block that the caller owns.
 *
 *     struct arena measure = {0};                    // base == NULL: only counts
 *     plan(&measure);
 *     struct arena arena = {.base = aligned_alloc(ARENA_ALIGNMENT, measure.used), .size = measure.used};
 *     plan(&arena);                                  // the same calls, now for real
 *
 * The function that measures is the function that allocates, so the two cannot disagree. */
#ifndef ARENA_H
#define ARENA_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#define ARENA_ALIGNMENT 64 /* one cache line, and the widest vector */

struct arena {
    unsigned char *base; /* aligned to ARENA_ALIGNMENT, or NULL to measure */
    uint64_t size;       /* bytes at base */
    uint64_t used;       /* bytes handed out; 64 bits wide, so that a plan too large for a 32-bit machine shows */
};

/* `count` items of `item` bytes, aligned; NULL while measuring. The caller bounds count * item (bounds.h keeps every
 * product far below 2^63). */
static inline void *arena_alloc(struct arena *arena, uint64_t count, size_t item)
{
    uint64_t bytes = (count * item + ARENA_ALIGNMENT - 1) / ARENA_ALIGNMENT * ARENA_ALIGNMENT;
    uint64_t offset = arena->used;
    arena->used += bytes;
    if (!arena->base)
        return NULL;
    assert(arena->used <= arena->size);
    return arena->base + offset;
}

#endif
