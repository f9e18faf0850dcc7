/* The pixels of a data set, which child processes (sandbox.h) write and their parent reads: in memory, or in a file that
 * is mapped, of which only a window is in memory at a time.
 *
 *     struct pixels *pixels = pixels_new(count, size, memory_budget(MEMORY_UNSET));
 *     const char *reason;
 *     pixels_put(pixels, 0, image, &reason);        // in any process
 *     pixels_expect(pixels, 1);                     // soon image 1 is read
 *     const uint8_t *first = pixels_at(pixels, 0);
 *     pixels_free(pixels); */
#ifndef PIXELS_H
#define PIXELS_H

#include "cli/large_file.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pixels {
    uint8_t *bytes; /* (count, size); those of a file that keeps its name are read only */
    int count;
    size_t size; /* bytes of an image */
    bool in_file;
    /* private: */
    bool own; /* memory of this process alone */
    struct large_file file;
    size_t window;             /* bytes that may be in memory at a time */
    _Atomic(size_t) in_window; /* about so many are */
};

/* Whether so many images stay in memory: up to half of it, the other half is for decoding. */
bool pixels_fit(int count, size_t size, uint64_t memory);

/* Zeroed, in memory of this process alone: no child process can write them. */
struct pixels *pixels_own(int count, size_t size);

/* Zeroed, in memory if they fit, else in a file without a name. The program ends where there is no room. */
struct pixels *pixels_new(int count, size_t size, uint64_t memory);

/* In a file, behind its first `offset` bytes; takes the file over. */
struct pixels *pixels_in_file(const struct large_file *file, size_t offset, int count, size_t size, uint64_t memory);
void pixels_free(struct pixels *pixels);

/* False, with *reason set: the disk does not take them. */
bool pixels_put(const struct pixels *pixels, int i, const uint8_t *image, const char **reason);

static inline uint8_t *pixels_at(const struct pixels *pixels, int i)
{
    return pixels->bytes + (size_t)i * pixels->size;
}

/* Image i is read soon: fetches it where it is in a file, and lets go of others. As struct images has it. */
void pixels_expect(void *pixels, int i);

#endif
