/* Memory that is there, or the program ends. */
#ifndef MEMORY_H
#define MEMORY_H

#include <stddef.h>

/* Zeroed, aligned for every vector; freed with free(). The program ends with a message where there is none. */
void *allocate(size_t count, size_t size);

#endif
