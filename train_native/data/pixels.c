#include "data/pixels.h"

#include "cli/errors.h"
#include "cli/memory.h"
#include "data/sandbox.h"

#include <stdlib.h>
#include <string.h>

enum { MIN_WINDOW = 16 << 20, MAX_WINDOW = 256 << 20 }; /* the latter is two batches of 800 images of 224 x 224 */

bool pixels_fit(int count, size_t size, uint64_t memory) { return (uint64_t)count * size <= memory / 2; }

struct pixels *pixels_new(int count, size_t size, uint64_t memory)
{
    if (!pixels_fit(count, size, memory)) {
        struct large_file file;
        struct failure failure;
        if (!large_file_create_unnamed(&file, (size_t)count * size, &failure))
            die_of(&failure);
        return pixels_in_file(&file, 0, count, size, memory);
    }
    struct pixels *pixels = allocate(1, sizeof *pixels);
    pixels->bytes = shared_memory((size_t)count, size);
    pixels->count = count;
    pixels->size = size;
    return pixels;
}

struct pixels *pixels_own(int count, size_t size)
{
    struct pixels *pixels = allocate(1, sizeof *pixels);
    *pixels = (struct pixels){.bytes = allocate((size_t)count, size), .count = count, .size = size, .own = true};
    return pixels;
}

struct pixels *pixels_in_file(const struct large_file *file, size_t offset, int count, size_t size, uint64_t memory)
{
    struct pixels *pixels = allocate(1, sizeof *pixels);
    const uint64_t half = memory / 2;
    pixels->bytes = file->bytes + offset;
    pixels->count = count;
    pixels->size = size;
    pixels->in_file = true;
    pixels->file = *file;
    pixels->window = half < MIN_WINDOW ? MIN_WINDOW : half > MAX_WINDOW ? MAX_WINDOW : (size_t)half;
    return pixels;
}

void pixels_free(struct pixels *pixels)
{
    if (pixels && pixels->in_file)
        large_file_close(&pixels->file);
    else if (pixels && pixels->own)
        free(pixels->bytes);
    else if (pixels)
        shared_memory_free(pixels->bytes, (size_t)pixels->count, pixels->size);
    free(pixels);
}

static size_t offset_of(const struct pixels *pixels, int i)
{
    return (size_t)(pixels_at(pixels, i) - pixels->file.bytes);
}

bool pixels_put(const struct pixels *pixels, int i, const uint8_t *image, const char **reason)
{
    if (pixels->in_file)
        return large_file_write(&pixels->file, offset_of(pixels, i), image, pixels->size, reason);
    memcpy(pixels_at(pixels, i), image, pixels->size);
    return true;
}

/* All of the mapping is let go of at once, when about a window of it was read: what is read next is still in the
 * system's cache. */
void pixels_expect(void *context, int i)
{
    struct pixels *pixels = context;
    if (!pixels->in_file)
        return;
    size_t in_window = atomic_fetch_add(&pixels->in_window, pixels->size) + pixels->size;
    if (in_window > pixels->window && atomic_compare_exchange_strong(&pixels->in_window, &in_window, 0))
        large_file_release(&pixels->file);
    large_file_fetch(&pixels->file, offset_of(pixels, i), pixels->size);
}
