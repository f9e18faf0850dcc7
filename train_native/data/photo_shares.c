#include "data/photo_shares.h"

#include "cli/memory.h"
#include "ranks/ranks.h"

#include <stdlib.h>
#include <string.h>

/* Bytes of pixels that are in a message; and at most, as the sizes of MPI are ints. */
enum { MESSAGE = 16 << 20, MAX_MESSAGE = 1 << 30 };

struct photo_shares photo_shares_of(int count, size_t size)
{
    const size_t item = size + sizeof(struct photo_facts), ranks = (size_t)ranks_count(), max = MAX_MESSAGE / item;
    const size_t wanted = MESSAGE / item > ranks ? MESSAGE / item : ranks, fitting = wanted < max ? wanted : max;
    return (struct photo_shares){count, fitting > 1 ? (int)fitting : 1};
}

/* Of the images from `first` on that are shared out together: how many, and which are this rank's. */
struct row {
    int first, count, from, to;
};

static struct row row_at(const struct photo_shares *shares, int first)
{
    const struct parallel parallel = ranks_parallel(1);
    const int left = shares->count - first, count = left < shares->at_a_time ? left : shares->at_a_time;
    return (struct row){first, count, parallel_start(&parallel, parallel.rank, count),
                        parallel_start(&parallel, parallel.rank + 1, count)};
}

int *photo_shares_own(const struct photo_shares *shares, int *own_count)
{
    int *own = allocate((size_t)shares->count + 1, sizeof *own), count = 0;
    for (int first = 0; first < shares->count; first += shares->at_a_time) {
        const struct row row = row_at(shares, first);
        for (int i = row.from; i < row.to; i++)
            own[count++] = first + i;
    }
    *own_count = count;
    return own;
}

/* The facts of an image, then its pixels. */
static void pack(uint8_t *item, const struct photo_facts *facts, struct pixels *pixels, int i)
{
    memcpy(item, &facts[i], sizeof *facts);
    pixels_expect(pixels, i);
    memcpy(item + sizeof *facts, pixels_at(pixels, i), pixels->size);
}

static bool unpack(struct photo_facts *facts, const struct pixels *pixels, int i, const uint8_t *item,
                   const char **reason)
{
    static const char another_decoder[] = "another decoder";
    memcpy(&facts[i], item, sizeof *facts);
    facts[i].decoder = facts[i].decoder ? another_decoder : NULL; /* an address in the other process */
    return facts[i].reason[0] || pixels_put(pixels, i, item + sizeof *facts, reason);
}

bool photo_shares_exchange(const struct photo_shares *shares, struct photo_facts *facts, const struct pixels *pixels,
                           const char **reason)
{
    const size_t item = sizeof *facts + pixels->size;
    const size_t most = (size_t)(shares->count < shares->at_a_time ? shares->count : shares->at_a_time);
    uint8_t *own = allocate(most + 1, item), *all = allocate(most + 1, item);
    bool stored = true;
    for (int first = 0; first < shares->count; first += shares->at_a_time) {
        const struct row row = row_at(shares, first);
        for (int i = row.from; i < row.to; i++)
            pack(own + (size_t)(i - row.from) * item, facts, (struct pixels *)pixels, first + i);
        ranks_gather(all, own, row.count, item);
        for (int i = 0; i < row.count && stored; i++)
            if (i < row.from || i >= row.to)
                stored = unpack(facts, pixels, first + i, all + (size_t)i * item, reason);
    }
    free(own);
    free(all);
    return stored;
}
