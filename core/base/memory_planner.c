#include "base/memory_planner.h"

#include "base/bounds.h"

#include <assert.h>
#include <stddef.h>

static uint64_t smallest_gap(const struct lifetime *const placed[], int count, const struct lifetime *wanted)
{
    uint64_t best = 0, best_gap = UINT64_MAX, offset = wanted->floor;
    for (;;) { /* walk upwards through what lives at the same time; each turn of the loop passes at least one tensor */
        const struct lifetime *next = NULL;
        for (int i = 0; i < count; i++)
            if (placed[i]->first <= wanted->last && wanted->first <= placed[i]->last &&
                placed[i]->offset + placed[i]->size > offset && (!next || placed[i]->offset < next->offset))
                next = placed[i];
        const uint64_t gap = !next ? UINT64_MAX - 1 : next->offset > offset ? next->offset - offset : 0;
        if (gap >= wanted->size && gap < best_gap) {
            best_gap = gap;
            best = offset;
        }
        if (!next)
            return best;
        offset = next->offset + next->size > offset ? next->offset + next->size : offset;
    }
}

uint64_t memory_planner_place(struct lifetime *tensors, int count)
{
    assert(count >= 0 && count <= LIMIT_NODES + 1);
    struct lifetime *order[LIMIT_NODES + 1];
    int ordered = 0;
    for (int t = 0; t < count; t++) {
        if (!tensors[t].size)
            continue;
        assert(tensors[t].first <= tensors[t].last);
        int at = ordered++;
        for (; at > 0 && order[at - 1]->size < tensors[t].size; at--)
            order[at] = order[at - 1];
        order[at] = &tensors[t];
    }
    uint64_t size = 0;
    for (int i = 0; i < ordered; i++) {
        order[i]->offset = smallest_gap((const struct lifetime *const *)order, i, order[i]);
        size = order[i]->offset + order[i]->size > size ? order[i]->offset + order[i]->size : size;
    }
    return size;
}
