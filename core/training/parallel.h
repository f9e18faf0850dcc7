/* Work on every core, and sums that do not depend on how many there are; of one process or of several, its ranks.
 *
 *     static void square(void *context, int i, int thread)
 *     {
 *         float *x = context;
 *         (void)thread;
 *         x[i] *= x[i];
 *     }
 *
 *     float a[2] = {1, 2}, b[2] = {3, 4}, *lanes[] = {a, b};
 *     const struct parallel parallel = parallel_threads(2);
 *     parallel.run(&parallel, 2, square, a);      // a is 1, 4
 *     parallel.sum(&parallel, lanes, 2, 2);       // a is 4, 8
 *
 * The functions are hooks: who has lanes in several processes brings others, which exchange them (MPI). Each rank does
 * its share of the items of parallel_divide, and parallel_share brings what came out of them to all the others:
 *
 *     parallel_divide(&parallel, 2, square, a);          // rank 0 of 2 does item 0, rank 1 does item 1
 *     parallel_share(&parallel, 2, 2, part_of, a);       // now all have both; part_of names a[0], then a[1] */
#ifndef PARALLEL_H
#define PARALLEL_H

#include <stddef.h>
#include <stdint.h>

/* One of the items. thread: 0 .. threads-1, different for those that run at the same time. */
typedef void parallel_task(void *context, int item, int thread);

/* Bytes that the rank with this item has and the others get; none: bytes is 0. */
struct parallel_part {
    int item;
    void *data;
    size_t bytes;
};
typedef struct parallel_part parallel_part_of(void *context, int part);

struct parallel {
    int threads; /* at most, 1 or more */
    /* Calls task for items 0 .. count-1, each once, in any order, and returns when all are done. */
    void (*run)(const struct parallel *parallel, int count, parallel_task *task, void *context);
    /* lanes[0][i] += lanes[1][i], then lanes[2][i], and so on: each sum in this order. Of several ranks each has the
     * lanes that are its items of lane_count, and all get the sum; what is in lanes of others is lost. */
    void (*sum)(const struct parallel *parallel, float *const lanes[], int lane_count, size_t count);
    int rank, ranks; /* which one of how many; ranks 0: there is one */
    /* With several ranks: parallel_share. */
    void (*share)(const struct parallel *parallel, int count, int part_count, parallel_part_of *part_of, void *context);
};

/* Threads of OpenMP; without it (WebAssembly) a plain loop, and threads is 1. */
struct parallel parallel_threads(int threads);

/* Of so many items rank r has those from parallel_start(parallel, r, count) to before parallel_start of r + 1. */
static inline int parallel_start(const struct parallel *parallel, int rank, int count)
{
    return parallel->ranks > 1 ? (int)((int64_t)count * rank / parallel->ranks) : rank * count;
}

/* As run, for this rank's items of 0 .. count-1. */
void parallel_divide(const struct parallel *parallel, int count, parallel_task *task, void *context);

/* Behind parallel_divide over `count` items, by all ranks alike: all parts, in order, come to every rank. */
static inline void parallel_share(const struct parallel *parallel, int count, int part_count, parallel_part_of *part_of,
                                  void *context)
{
    if (parallel->ranks > 1)
        parallel->share(parallel, count, part_count, part_of, context);
}

#endif
