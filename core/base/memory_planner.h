/* The memory planner: buffers that are reused across the lifetimes of tensors.
 *
 *     struct lifetime tensors[COUNT] = {{.size = 1024, .first = 0, .last = 1}, {.size = 512, .first = 1, .last = 2}};
 *     uint64_t size = memory_planner_place(tensors, COUNT);       // tensors[i].offset is set; all lie within `size`
 */
#ifndef MEMORY_PLANNER_H
#define MEMORY_PLANNER_H

#include <stdint.h>

struct lifetime {
    uint64_t offset, size; /* in any unit; size 0: needs no memory */
    int first, last;       /* the steps during which it is used, both inclusive */
    uint64_t floor;        /* the least offset that it may have: below it lies what the planner does not place */
};

/* Largest first, each into the smallest gap that the others leave it (XNNPACK's planner). Returns the size that
 * holds all of them. At most LIMIT_NODES + 1 tensors. */
uint64_t memory_planner_place(struct lifetime *tensors, int count);

#endif
