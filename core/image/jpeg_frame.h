/* What a JPEG's frame header says, and where its blocks go. A block is 8x8 coefficients or samples of one component;
 * an MCU is the blocks of all components for one rectangle of the picture (ITU-T T.81, A.2).
 *
 *     struct jpeg_component *luminance = &frame.components[0];
 *     uint8_t *block = jpeg_samples(luminance, row, column);
 *     block[1 * luminance->stride + 2] = 128; // sample (2, 1) of it
 */
#ifndef JPEG_FRAME_H
#define JPEG_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { JPEG_COMPONENTS = 3, JPEG_BLOCK = 64, JPEG_MCU_BLOCKS = 10, JPEG_NO_BITS = 127 };

struct jpeg_component {
    int id, h, v;                      /* blocks of an MCU across and down */
    int table;                         /* of quantization, in the frame header */
    uint16_t quantization[JPEG_BLOCK]; /* row by row, as the first scan found it */
    int8_t low_bit[JPEG_BLOCK]; /* the lowest bit yet known of each coefficient, along the zigzag; JPEG_NO_BITS */
    int width, height;          /* samples that are the picture's */
    int columns;                /* blocks across, of whole MCUs */
    int16_t *coefficients;      /* (blocks down, columns, JPEG_BLOCK), or NULL: scans make samples */
    uint64_t *nonzero;          /* beside them: a bit of a block for each coefficient along the zigzag but the first */
    uint8_t *samples;           /* (ring, stride): sample row y is row y % ring */
    int ring, stride;
};

struct jpeg_frame {
    int width, height;
    bool progressive;
    int count; /* of components: 1, or 3 */
    struct jpeg_component components[JPEG_COMPONENTS];
    int h, v; /* the largest of the components */
    int mcu_columns, mcu_rows;
};

static inline size_t jpeg_block_index(const struct jpeg_component *component, int row, int column)
{
    return (size_t)row * (size_t)component->columns + (size_t)column;
}

static inline uint8_t *jpeg_samples(const struct jpeg_component *component, int row, int column)
{
    return component->samples + (size_t)(row * 8 % component->ring) * (size_t)component->stride + column * 8;
}

#endif
