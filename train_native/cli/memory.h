/* Memory that is there, or the program ends: nothing outside this folder calls malloc and its kin, so that no failure of
 * theirs goes unseen. */
#ifndef MEMORY_H
#define MEMORY_H

#include <stddef.h>

/* Zeroed, aligned for every vector; freed with free(). The program ends with a message where there is none. */
void *allocate(size_t count, size_t size);

/* The same, but NULL where there is none: for what costs one file among several, and not the program. */
void *allocate_or_null(size_t count, size_t size);

/* As realloc, for blocks of realloc's; the program ends with a message where there is no memory. */
void *reallocate(void *block, size_t bytes);

#endif
