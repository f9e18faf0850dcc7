/* Labelled images, and a choice among them: what training sees of a data set. Views: they own nothing.
 *
 *     const uint8_t pixels[2 * 4 * 4 * 3] = {0};
 *     const uint16_t labels[2] = {0, 1};
 *     const int indices[1] = {1};
 *     const struct images images = {.pixels = pixels, .labels = labels, .shape = {4, 4, 3}, .count = 2, .classes = 2};
 *     const struct subset second = {&images, indices, 1};
 *     assert(subset_label(&second, 0) == 1 && subset_pixels(&second, 0) == pixels + 48); */
#ifndef IMAGES_H
#define IMAGES_H

#include "base/shape.h"

#include <assert.h>
#include <stdint.h>

struct images {
    const uint8_t *pixels;  /* (count, h, w, 3) */
    const uint16_t *labels; /* (count), 0 .. classes-1 */
    struct shape shape;     /* of one image; c is 3 */
    int count, classes;
    const int *rows; /* (count), which of the pixels are an image's; NULL: all in their order */
    /* Where not all pixels are in memory, fetches those of a row that is read soon. NULL: they are. */
    void (*expect)(void *store, int row);
    void *store;
};

/* The images at indices[0 .. count), in this order; count may be 0. */
struct subset {
    const struct images *images;
    const int *indices;
    int count;
};

static inline const uint8_t *images_pixels(const struct images *images, int index)
{
    assert(index >= 0 && index < images->count);
    return images->pixels + (size_t)(images->rows ? images->rows[index] : index) * shape_count(images->shape);
}

/* Of number i of the subset. */
static inline const uint8_t *subset_pixels(const struct subset *subset, int i)
{
    assert(i >= 0 && i < subset->count);
    return images_pixels(subset->images, subset->indices[i]);
}

/* Images from .. from+count-1 of the subset, or those of them that there are, are read soon: whoever goes through many
 * says so some time ahead. */
static inline void subset_expect(const struct subset *subset, int from, int count)
{
    const struct images *images = subset->images;
    for (int i = from; images->expect && i < subset->count && i - from < count; i++)
        images->expect(images->store, images->rows ? images->rows[subset->indices[i]] : subset->indices[i]);
}

static inline int subset_label(const struct subset *subset, int i)
{
    assert(i >= 0 && i < subset->count);
    return subset->images->labels[subset->indices[i]];
}

#endif
