/* What the files behind dataset.h share: the kinds of data, how they are divided, where their pixels lie. */
#ifndef DATASET_SOURCES_H
#define DATASET_SOURCES_H

#include "data/dataset.h"

/* A kind whose images are records of large files. */
struct record_source {
    /* The folder itself or a usual one in it, if it holds this data, else NULL; the caller frees it. */
    char *(*find)(const char *folder);
    /* Fills in name, shape, classes and images; path is what `find` gave. Damage ends the program. */
    void (*read)(struct dataset *dataset);
};
extern const struct record_source cifar10_source, cifar100_source, idx_source;

/* A number that is equal for equal bytes, and for others differs but for a chance of 1 in 2^64. */
uint64_t content_of(const uint8_t *bytes, size_t size, uint64_t start);

/* Draws a share of every class: true in drawn (count). The draw depends on the seed and on what the pictures show, not on
 * their names or indices. Equal pictures are drawn together, with the first class among theirs. `least`: of a class, on
 * either side; a class too small for that stays undrawn. */
void draw_by_content(bool *drawn, const uint64_t *contents, const uint16_t *labels, int count, float share, int least,
                     uint64_t seed);

/* Room for pixels that child processes share: in memory up to `budget` bytes, beyond it in an unnamed file that is mapped. */
uint8_t *pixels_new(size_t *mapped, size_t bytes, size_t budget);
void pixels_free(uint8_t *pixels, size_t mapped);

#endif
