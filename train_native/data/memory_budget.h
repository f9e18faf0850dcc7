/* How much memory images may take while they are read: one rule for every command that decodes them.
 *
 *     int memory = MEMORY_UNSET;                    // --memory, MiB
 *     uint64_t bytes = memory_budget(memory);
 */
#ifndef MEMORY_BUDGET_H
#define MEMORY_BUDGET_H

#include <stdint.h>

enum { MEMORY_UNSET = -1 };

/* So many MiB; unset: half of what the machine, the control group and the limits of the process leave. */
uint64_t memory_budget(int mib);

#endif
