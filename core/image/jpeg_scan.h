/* One scan of a JPEG: its entropy-coded bytes to coefficients, or to samples where a picture is all in one scan.
 *
 *     struct jpeg_scan scan = {.frame = &frame, .count = 1, .components = {&frame.components[0]}, ...};
 *     jpeg_scan_open(&scan, data, end);
 *     for (int row = 0; row < scan.mcu_rows && !status; row++)
 *         status = jpeg_scan_row(&scan, row);
 *     data = scan.bits.at; // the next marker is behind it
 *
 * It is as strict as to let nothing be made up - every MCU's bits are there, every code exists, no coefficient leaves
 * its block or 16 bits - and as lenient as libjpeg about bytes between the last MCU and a marker. */
#ifndef JPEG_SCAN_H
#define JPEG_SCAN_H

#include "base/status.h"
#include "image/jpeg_frame.h"
#include "image/jpeg_huffman.h"

/* Where the coefficients along the zigzag stand in a block. */
extern const uint8_t jpeg_zigzag[JPEG_BLOCK];

struct jpeg_scan {
    struct jpeg_frame *frame;
    int count; /* of components */
    struct jpeg_component *components[JPEG_COMPONENTS];
    const struct jpeg_huffman *dc[JPEG_COMPONENTS], *ac[JPEG_COMPONENTS]; /* defined, where the scan needs them */
    int first, last;       /* the coefficients along the zigzag, of a progressive frame */
    int high_bit, low_bit; /* 0 high: the first scan of them, down to the low bit; else one that refines it */
    int restart_interval;  /* MCUs from one restart marker to the next, or 0 */

    /* What jpeg_scan_open fills in. */
    int mcu_columns, mcu_rows;
    bool (*decode_block)(int16_t *block, uint64_t *nonzero, struct jpeg_scan *scan, int component);
    int until_restart, next_restart;
    int dc_value[JPEG_COMPONENTS];
    int blocks_without; /* blocks to come whose band is over ("EOBRUN" in T.81) */
    struct jpeg_bits bits;
};

void jpeg_scan_open(struct jpeg_scan *scan, const uint8_t *data, const uint8_t *end);

/* The next row of MCUs; `row` counts them. STATUS_IMAGE_TRUNCATED or STATUS_IMAGE_CORRUPT. */
enum status jpeg_scan_row(struct jpeg_scan *scan, int row);

#endif
