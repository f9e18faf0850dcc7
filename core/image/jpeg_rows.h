/* From a JPEG's samples to rows of RGBA: each component to the picture's resolution, then to red, green and blue.
 *
 *     struct jpeg_rows rows = {.frame = &frame, .rgb = false};
 *     jpeg_rows_plan(&rows, &arena);
 *     jpeg_rows_convert(rgba, &rows, 0, frame.height);
 *
 * A component at half the resolution is interpolated ("fancy upsampling"), others are repeated; this and the colours
 * are as in libjpeg, to the bit. */
#ifndef JPEG_ROWS_H
#define JPEG_ROWS_H

#include "base/arena.h"
#include "image/jpeg_frame.h"

struct jpeg_rows {
    const struct jpeg_frame *frame;
    bool rgb; /* three components are red, green and blue, not YCbCr */
    uint16_t *sums;
    uint8_t *row[JPEG_COMPONENTS]; /* at the picture's resolution */
};

void jpeg_rows_plan(struct jpeg_rows *rows, struct arena *arena);

/* Rows `first` to `end` of rgba (height, width, 4). Their samples, and those of the row before and behind, are there. */
void jpeg_rows_convert(uint8_t *rgba, struct jpeg_rows *rows, int first, int end);

#endif
