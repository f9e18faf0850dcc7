#include "ranks/exchange.h"

#include "cli/clock.h"
#include "cli/memory.h"
#include "ranks/transport.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Floats of a block: small enough for the caches, for a chain of many ranks to fill soon, and for OpenMPI to send over TCP
 * without asking first (below 64 KiB); large enough that messages are few. Bytes that are shared at a time: the sizes of MPI are ints. */
enum { BLOCK = 15 * 1024, MAX_SHARED = 1 << 26 };

static const volatile sig_atomic_t *watched;
static bool interrupted;
static double seconds;

void exchange_watch(const volatile sig_atomic_t *flag) { watched = flag; }
bool exchange_interrupted(void) { return interrupted; }
double exchange_seconds(void) { return seconds; }

/* ---- Lanes ---- */

struct addition {
    const struct parallel *parallel;
    float *const *lanes;
    int from, to; /* this rank's */
};

static void add_block(void *context, size_t start, size_t end)
{
    const struct addition *addition = context;
    const struct parallel here = parallel_threads(addition->parallel->threads);
    float **lanes = allocate((size_t)(addition->to - addition->from) + 1, sizeof *lanes);
    int count = 0;
    if (addition->from > 0) /* the sum of the lanes before */
        lanes[count++] = addition->lanes[0] + start;
    for (int lane = addition->from; lane < addition->to; lane++)
        lanes[count++] = addition->lanes[lane] + start;
    if (count > 1)
        here.sum(&here, lanes, count, end - start);
    free(lanes);
}

static void sum(const struct parallel *parallel, float *const lanes[], int lane_count, size_t count)
{
    const double start = seconds_now();
    struct addition addition = {parallel, lanes, parallel_start(parallel, parallel->rank, lane_count),
                                parallel_start(parallel, parallel->rank + 1, lane_count)};
    transport_sum(&(struct transport_chain){.sums = lanes[0],
                                            .count = count,
                                            .block = BLOCK,
                                            .receives = addition.from > 0,
                                            .sends = addition.to > 0,
                                            .add = add_block,
                                            .context = &addition});
    seconds += seconds_now() - start;
}

/* ---- Parts ---- */

/* Some parts in a row, packed by their ranks, with a byte in front of each rank's. */
struct packet {
    const struct parallel *parallel;
    int count; /* of items */
    parallel_part_of *part_of;
    void *context;
    int from, to;        /* parts */
    int *sizes, *starts; /* (ranks) */
    uint8_t *all;
};

static int rank_of(const struct packet *packet, int item)
{
    int rank = 0;
    while (item >= parallel_start(packet->parallel, rank + 1, packet->count))
        rank++;
    return rank;
}

/* How far the packet goes, and how much of it is whose. */
static void measure(struct packet *packet, int part_count)
{
    const int ranks = packet->parallel->ranks;
    size_t bytes = 0;
    for (int rank = 0; rank < ranks; rank++)
        packet->sizes[rank] = 1;
    for (packet->to = packet->from; packet->to < part_count; packet->to++) {
        const struct parallel_part part = packet->part_of(packet->context, packet->to);
        assert(part.bytes <= MAX_SHARED);
        bytes += part.bytes;
        if (bytes > MAX_SHARED)
            break;
        packet->sizes[rank_of(packet, part.item)] += (int)part.bytes;
    }
    for (int rank = 0; rank < ranks; rank++)
        packet->starts[rank] = rank ? packet->starts[rank - 1] + packet->sizes[rank - 1] : 0;
}

/* Between the parts of one rank, or of all but it, and the packet. */
static void copy(const struct packet *packet, bool own, uint8_t *packed)
{
    const int ranks = packet->parallel->ranks;
    size_t *at = allocate((size_t)ranks, sizeof *at);
    for (int rank = 0; rank < ranks; rank++)
        at[rank] = (own ? 0 : (size_t)packet->starts[rank]) + 1;
    for (int i = packet->from; i < packet->to; i++) {
        const struct parallel_part part = packet->part_of(packet->context, i);
        const int rank = rank_of(packet, part.item);
        if (own && rank == packet->parallel->rank && part.bytes)
            memcpy(packed + at[rank], part.data, part.bytes);
        if (!own && rank != packet->parallel->rank && part.bytes)
            memcpy(part.data, packed + at[rank], part.bytes);
        at[rank] += part.bytes;
    }
    free(at);
}

static void send(struct packet *packet)
{
    const int ranks = packet->parallel->ranks, rank = packet->parallel->rank;
    uint8_t *own = allocate((size_t)packet->sizes[rank], 1);
    uint8_t *all = allocate((size_t)packet->starts[ranks - 1] + (size_t)packet->sizes[ranks - 1], 1);
    own[0] = watched && *watched;
    copy(packet, true, own);
    transport_gather(all, own, packet->sizes);
    for (int i = 0; i < ranks; i++)
        interrupted |= all[packet->starts[i]];
    copy(packet, false, all);
    free(own);
    free(all);
}

static void share(const struct parallel *parallel, int count, int part_count, parallel_part_of *part_of, void *context)
{
    const double start = seconds_now();
    struct packet packet = {.parallel = parallel, .count = count, .part_of = part_of, .context = context};
    packet.sizes = allocate((size_t)parallel->ranks, sizeof *packet.sizes);
    packet.starts = allocate((size_t)parallel->ranks, sizeof *packet.starts);
    for (; packet.from < part_count; packet.from = packet.to) {
        measure(&packet, part_count);
        send(&packet);
    }
    free(packet.sizes);
    free(packet.starts);
    seconds += seconds_now() - start;
}

struct parallel exchange_parallel(int threads, int rank, int ranks)
{
    struct parallel parallel = parallel_threads(threads);
    if (ranks > 1) {
        parallel.rank = rank;
        parallel.ranks = ranks;
        parallel.sum = sum;
        parallel.share = share;
    }
    return parallel;
}
