#include "training/parallel.h"

#include <assert.h>

#ifdef _OPENMP

static void run(const struct parallel *parallel, int count, parallel_task *task, void *context)
{
    int next = 0;
#pragma omp parallel num_threads(parallel->threads)
    {
        int thread;
#pragma omp atomic capture
        thread = next++;
#pragma omp for schedule(dynamic)
        for (int item = 0; item < count; item++)
            task(context, item, thread);
    }
}

#else

static void run(const struct parallel *parallel, int count, parallel_task *task, void *context)
{
    (void)parallel;
    for (int item = 0; item < count; item++)
        task(context, item, 0);
}

#endif

/* Lanes are added in chunks, which fit into the first-level cache. */
enum { CHUNK = 4096 };

struct addition {
    float *const *lanes;
    int lane_count;
    size_t count;
};

static void add_chunk(void *context, int chunk, int thread)
{
    (void)thread;
    const struct addition *addition = context;
    const size_t start = (size_t)chunk * CHUNK, left = addition->count - start,
                 end = start + (left < CHUNK ? left : CHUNK);
    for (int lane = 1; lane < addition->lane_count; lane++)
        for (size_t i = start; i < end; i++)
            addition->lanes[0][i] += addition->lanes[lane][i];
}

static void sum(const struct parallel *parallel, float *const lanes[], int lane_count, size_t count)
{
    assert(lane_count > 0);
    struct addition addition = {lanes, lane_count, count};
    parallel->run(parallel, (int)((count + CHUNK - 1) / CHUNK), add_chunk, &addition);
}

struct parallel parallel_threads(int threads)
{
    assert(threads > 0);
#ifndef _OPENMP
    threads = 1;
#endif
    return (struct parallel){.threads = threads, .run = run, .sum = sum};
}

/* ---- Several ranks ---- */

struct share {
    parallel_task *task;
    void *context;
    int start;
};

static void do_own(void *context, int item, int thread)
{
    const struct share *share = context;
    share->task(share->context, share->start + item, thread);
}

void parallel_divide(const struct parallel *parallel, int count, parallel_task *task, void *context)
{
    struct share share = {task, context, parallel_start(parallel, parallel->rank, count)};
    parallel->run(parallel, parallel_start(parallel, parallel->rank + 1, count) - share.start, do_own, &share);
}
