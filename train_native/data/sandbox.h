/* Work on files from outside, in child processes: one that is stopped by a trap (core/image/decode.h), is killed,
 * stands still or runs for too long ends one item, and the others go on.
 *
 *     struct job *job = shared_memory(count, sizeof *job);       // the children write there, the caller reads
 *     sandbox_run(&(struct sandbox){count, threads, .memory = 1 << 30, .context = job, .work = work}); // sandbox_child.h
 *     shared_memory_free(job, count, sizeof *job);
 *
 * A child has everything that the program had when it was started; only what it writes into shared memory lasts. */
#ifndef SANDBOX_H
#define SANDBOX_H

#include "data/sandbox_child.h"

#include <stddef.h>
#include <stdint.h>

/* Zeroed memory that children share with their parent; the program ends with a message where there is none. */
void *shared_memory(size_t count, size_t size);
void shared_memory_free(void *block, size_t count, size_t size);

struct sandbox {
    int count, children;
    uint64_t memory; /* bytes that all children together may take by sandbox_admit; at least SANDBOX_MEMORY */
    int window;      /* with `finished`: at most so many items are begun before the first of them is finished */
    void *context;   /* of all three: */
    /* In a child. */
    void (*work)(void *context, int i, struct sandbox_child *child);
    /* In the parent, instead of what the child would have left: why there is nothing. NULL: what was there before. */
    void (*stopped)(void *context, int i, const char *reason);
    /* In the parent, in the order of the items, soon after each is done. May be NULL. */
    void (*finished)(void *context, int i);
};

enum { SANDBOX_MEMORY = 16 << 20 };

/* Does every item in 0 .. count-1, each in one of `children` processes that take the next when they are done with one.
 * What was killed from outside, as for want of memory, is tried once more, alone. */
void sandbox_run(const struct sandbox *sandbox);

#endif
