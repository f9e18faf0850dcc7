/* Memory for the pixels of a data set, which child processes (sandbox.h) write and their parent reads. */
#ifndef PIXELS_H
#define PIXELS_H

#include <stddef.h>
#include <stdint.h>

/* Up to `budget` bytes in memory, beyond it in an unnamed file that is mapped. The program ends where there is no
 * room. */
uint8_t *pixels_new(size_t *mapped, size_t bytes, size_t budget);
void pixels_free(uint8_t *pixels, size_t mapped);

#endif
