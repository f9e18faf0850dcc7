#include "cli/memory.h"

#include "cli/errors.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#ifdef __linux__
#include <sys/mman.h>
#endif

#if defined __SANITIZE_ADDRESS__ /* gcc's */
#define ADDRESS_SANITIZER 1
#elif defined __has_feature /* clang's */
#define ADDRESS_SANITIZER __has_feature(address_sanitizer)
#else
#define ADDRESS_SANITIZER 0
#endif

enum { ALIGNMENT = 64, LARGE_PAGE = 2 << 20 };

/* aligned_alloc takes multiples of the alignment alone, whose end AddressSanitizer would take for the block's. Large
 * blocks come in large pages where Linux has them: one page fault every 2 MB in the place of 512. */
static void *aligned_block(size_t bytes)
{
#if ADDRESS_SANITIZER
    void *block;
    return posix_memalign(&block, ALIGNMENT, bytes ? bytes : 1) ? NULL : block;
#else
    const bool large = bytes >= 2 * (size_t)LARGE_PAGE;
    void *block = aligned_alloc(large ? LARGE_PAGE : ALIGNMENT, (bytes + ALIGNMENT) / ALIGNMENT * ALIGNMENT);
#ifdef MADV_HUGEPAGE
    if (block && large)
        madvise(block, bytes / LARGE_PAGE * LARGE_PAGE, MADV_HUGEPAGE);
#endif
    return block;
#endif
}

void *allocate_or_null(size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes) || bytes > SIZE_MAX / 2)
        return NULL;
    void *block = aligned_block(bytes);
    return block ? memset(block, 0, bytes) : NULL;
}

void *allocate(size_t count, size_t size)
{
    void *block = allocate_or_null(count, size);
    if (!block)
        die(NULL, "Close other programs, or use a smaller batch or network.",
            "there is not enough memory for %zu x %zu bytes", count, size);
    return block;
}

void *reallocate(void *block, size_t bytes)
{
    void *moved = realloc(block, bytes ? bytes : 1);
    if (!moved)
        die_of_memory();
    return moved;
}
