/* From a JPEG's samples to rows of RGBA: each component to the picture's resolution, then to red, green and blue.
 *
 *     struct jpeg_rows rows = {.frame = &frame, .rgb = false, .taker = &taker};
 *     jpeg_rows_plan(&rows, &arena);
 *     jpeg_rows_convert(&rows, 0, frame.height);
 *
 * A component at half the resolution is interpolated ("fancy upsampling"), others are repeated; this and the colours
 * are as in libjpeg, to the bit. */
#ifndef JPEG_ROWS_H
#define JPEG_ROWS_H

#include "base/arena.h"
#include "image/jpeg_frame.h"
#include "image/picture.h"

struct jpeg_rows {
    const struct jpeg_frame *frame;
    bool rgb; /* three components are red, green and blue, not YCbCr */
    const struct picture_rows *taker;
    uint16_t *sums;
    uint8_t *row[JPEG_COMPONENTS]; /* at the picture's resolution */
    uint8_t *rgba;                 /* the same as pixels */
};

void jpeg_rows_plan(struct jpeg_rows *rows, struct arena *arena);

/* Gives rows `first` to `end` to the taker. Their samples, and those of the row before and behind, are there. */
void jpeg_rows_convert(struct jpeg_rows *rows, int first, int end);

#endif
