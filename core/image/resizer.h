/* Resizes a picture row by row, as it is decoded, so that its pixels are never all in memory: a phone's photo has 50 MB
 * of them, a network's input 12 KB.
 *
 *     struct resizer resizer;
 *     struct arena arena = {0};
 *     resizer_plan_stored(&resizer, stored, input, &preprocess, &arena);  // measure; with arena.base set: for real
 *     ...
 *     resizer_start(&resizer, pixels);
 *     for (int y = 0; y < stored.height; y++)
 *         resizer_row(&resizer, y, rgba + (size_t)y * (size_t)stored.width * 4);
 *     resizer_finish(&resizer);
 *
 * The rows are those of the file, which EXIF's orientation turns: of an upright picture each is narrowed at once; where
 * the file's rows are the picture's columns, they are summed up, a few at a time. The pixels are those of the picture
 * turned upright and then resized, to the bit: both passes are sums of integers. */
#ifndef RESIZER_H
#define RESIZER_H

#include "base/arena.h"
#include "image/orientation.h"
#include "image/placement.h"
#include "image/resize_kernels.h"

/* A picture as it is stored; its orientation is EXIF's, 1 to 8, 1: upright. */
struct stored_picture {
    int width, height, orientation;
};

struct resizer {
    struct shape input;
    uint8_t background[3];
    struct placement placement; /* of the picture turned upright */
    void (*row)(struct resizer *resizer, int y, const uint8_t *rgba);
    struct resize_pass across, down;
    uint8_t *opaque;   /* of a row with alpha the part that is needed, over the background, (.., 4) */
    int32_t *sums;     /* (placement.to.width, 3), of a row of the pass down */
    uint8_t *narrowed; /* (placement.from.height, placement.to.width, 3) */
    uint8_t *pixels;
    /* Of a picture that is not stored upright: */
    struct stored_picture stored;
    int32_t *columns; /* (slots, a row's part, 4), of the pass across where rows are columns */
    int slots;        /* outputs of the pass across that one input is part of */
};

/* Plans, and with arena->base lays out in it, the resizing of an upright picture to pixels (input.h, input.w, 3). */
void resizer_plan(struct resizer *resizer, int width, int height, struct shape input,
                  const struct preprocess *preprocess, struct arena *arena);

/* The same of one in any orientation. */
void resizer_plan_stored(struct resizer *resizer, struct stored_picture stored, struct shape input,
                         const struct preprocess *preprocess, struct arena *arena);

/* The pixels stay the caller's; the background is put where the picture leaves it free. */
void resizer_start(struct resizer *resizer, uint8_t *pixels);

/* Row y of the file, (stored.width, 4), alpha not premultiplied: each once, from the first to the last. */
static inline void resizer_row(struct resizer *resizer, int y, const uint8_t *rgba) { resizer->row(resizer, y, rgba); }

void resizer_finish(struct resizer *resizer);

/* ---- For resizer_stored.c ---- */

/* The plan of both passes for a picture that is upright then, and of nothing else. */
void resizer_plan_passes(struct resizer *resizer, int width, int height, struct shape input,
                         const struct preprocess *preprocess, struct arena *arena);

/* `count` pixels over the background: themselves where they are opaque. */
const uint8_t *resizer_opaque(const struct resizer *resizer, const uint8_t *rgba, int count);

#endif
