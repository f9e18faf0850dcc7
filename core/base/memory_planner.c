#include "base/memory_planner.h"

#include "base/bounds.h"

#include <stddef.h>

static uint64_t smallest_gap(const struct lifetime *const placed[], int count, const struct lifetime *wanted)
{
    uint64_t best = 0, best_gap = UINT64_MAX, place = 0;
    for (;;) { /* walk upwards through what lives at the same time; each turn of the loop passes at least one tensor */
        const struct lifetime *next = NULL;
        for (int i = 0; i < count; i++)
            if (placed[i]->first <= wanted->last && wanted->first <= placed[i]->last &&
                placed[i]->place + placed[i]->size > place && (!next || placed[i]->place < next->place))
                next = placed[i];
        const uint64_t gap = !next ? UINT64_MAX - 1 : next->place > place ? next->place - place : 0;
        if (gap >= wanted->size && gap < best_gap) {
            best_gap = gap;
            best = place;
        }
        if (!next)
            return best;
        place = next->place + next->size > place ? next->place + next->size : place;
    }
}

uint64_t memory_plan(struct lifetime *tensors, int count)
{
    struct lifetime *order[LIMIT_NODES + 1];
    int ordered = 0;
    for (int t = 0; t < count; t++) {
        if (!tensors[t].size)
            continue;
        int at = ordered++;
        for (; at > 0 && order[at - 1]->size < tensors[t].size; at--)
            order[at] = order[at - 1];
        order[at] = &tensors[t];
    }
    uint64_t size = 0;
    for (int i = 0; i < ordered; i++) {
        order[i]->place = smallest_gap((const struct lifetime *const *)order, i, order[i]);
        size = order[i]->place + order[i]->size > size ? order[i]->place + order[i]->size : size;
    }
    return size;
}
