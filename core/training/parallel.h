/* Work on every core, and sums that do not depend on how many there are.
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
 * The two functions are hooks: who has lanes on several machines brings others, which exchange them before they are
 * added (MPI). */
#ifndef PARALLEL_H
#define PARALLEL_H

#include <stddef.h>

/* One of the items. thread: 0 .. threads-1, different for those that run at the same time. */
typedef void parallel_task(void *context, int item, int thread);

struct parallel {
    int threads; /* at most, 1 or more */
    /* Calls task for items 0 .. count-1, each once, in any order, and returns when all are done. */
    void (*run)(const struct parallel *parallel, int count, parallel_task *task, void *context);
    /* lanes[0][i] += lanes[1][i], then lanes[2][i], and so on: each sum in this order. */
    void (*sum)(const struct parallel *parallel, float *const lanes[], int lane_count, size_t count);
};

/* Threads of OpenMP; without it (WebAssembly) a plain loop, and threads is 1. */
struct parallel parallel_threads(int threads);

#endif
