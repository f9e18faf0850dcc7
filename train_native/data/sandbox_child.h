/* What runs in a child process of the sandbox (sandbox.h): it takes items until there is none left.
 *
 *     static void work(void *context, int i, struct sandbox_child *child)
 *     {
 *         ((bool *)context)[i] = sandbox_admit(child, 1000);
 *     }
 */
#ifndef SANDBOX_CHILD_H
#define SANDBOX_CHILD_H

#include "cli/options.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct sandbox_child;

/* Waits until the children together stay within the sandbox's memory; false if these bytes alone are more. They are
 * given back when the item is done. */
bool sandbox_admit(struct sandbox_child *child, uint64_t bytes);

/* ---- For sandbox.c ---- */

/* An item; or, where a child holds it, 1 and the child's index. */
enum { ITEM_FREE = 0, ITEM_DONE = -1 };

/* In shared memory. A child may be killed at any instruction: an item and the lock always name their owner. */
struct sandbox_board {
    pthread_mutex_t lock; /* of `admitted` where it grows */
    _Atomic uint64_t admitted[MAX_THREADS];
    atomic_int next; /* no item before it is free */
    atomic_int end;  /* no item from here on may be begun yet */
    atomic_int items[];
};

struct sandbox_child {
    struct sandbox_board *board;
    int index, children, count;
    int again;       /* an item that another process was killed at; -1: none */
    uint64_t memory; /* for all children */
    void *context;
    void (*work)(void *context, int i, struct sandbox_child *child);
};

_Noreturn void sandbox_child_run(struct sandbox_child child, pid_t parent);

#endif
