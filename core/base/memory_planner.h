/* Memory that tensors share by turns.
 *
 *     struct lifetime tensors[COUNT] = {{.size = 1024, .first = 0, .last = 1}, {.size = 512, .first = 1, .last = 2}};
 *     uint64_t size = memory_plan(tensors, COUNT);       // tensors[i].place is set; all lie within `size`
 */
#ifndef MEMORY_PLANNER_H
#define MEMORY_PLANNER_H

#include <stdint.h>

struct lifetime {
    uint64_t place, size; /* in any unit; size 0: needs no place */
    int first, last;      /* the steps during which it is used, both inclusive */
};

/* Largest first, each into the smallest gap that the others leave it (XNNPACK's planner). At most LIMIT_NODES + 1. */
uint64_t memory_plan(struct lifetime *tensors, int count);

#endif
