/* Work on files from outside, in child processes: one that is stopped by a trap (core/image/decode.h) or runs for too
 * long ends one item, and the others go on.
 *
 *     struct job *job = shared_memory(count, sizeof *job);       // the children write there, the caller reads
 *     sandbox_run(count, threads, work, stopped, job);
 *     shared_memory_free(job, count, sizeof *job);
 *
 * A child has everything that the program had when it was started; only what it writes into shared memory lasts. */
#ifndef SANDBOX_H
#define SANDBOX_H

#include <stddef.h>

/* Zeroed memory that children share with their parent; the program ends with a message where there is none. */
void *shared_memory(size_t count, size_t size);
void shared_memory_free(void *block, size_t count, size_t size);

/* Calls work(context, i) for every i in 0 .. count-1, each in one of `children` processes that take the next i when
 * they are done with one. A child that ends before it is done calls stopped(context, i) in the parent and is replaced.
 * The program ends when no child can be started or one is killed from outside (too little memory). */
void sandbox_run(int count, int children, void work(void *context, int i), void stopped(void *context, int i),
                 void *context);

#endif
