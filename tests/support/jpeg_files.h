/* The golden JPEGs (golden/README.md), and files made of them by changing a few bytes. Their memory goes with the test. */
#ifndef JPEG_FILES_H
#define JPEG_FILES_H

#include "base/status.h"

#include <stddef.h>
#include <stdint.h>

#include "golden/jpegs.h"

enum { JPEGS = sizeof golden_jpegs / sizeof *golden_jpegs, COLOUR = 2, PROGRESSIVE = 5 };
enum { SOF0 = 0xc0, DHT = 0xc4, EOI = 0xd9, SOS = 0xda, DQT = 0xdb };

struct jpeg_file {
    uint8_t *bytes;
    size_t size;
};

struct jpeg_file jpeg_file(int i); /* a copy of golden_jpegs[i] */

/* The file with `count` bytes in the place of `removed` others. */
struct jpeg_file jpeg_spliced(struct jpeg_file file, size_t at, size_t removed, const void *bytes, size_t count);

void jpeg_append(struct jpeg_file *file, const void *bytes, size_t count);

size_t jpeg_segment_size(struct jpeg_file file, size_t at);

/* Where the first segment with this marker begins, by the lengths of those before it. */
size_t jpeg_segment_of(struct jpeg_file file, int marker);

/* Without the segments of this marker that stand before the first scan. */
struct jpeg_file jpeg_without(struct jpeg_file file, int marker);

/* CRC-32 of the pixels, or 0 where there are none; checks the status. */
uint32_t jpeg_pixels(struct jpeg_file file, enum status expected);

#define CHECK_READ(file, i) CHECK_EQUAL(jpeg_pixels(file, STATUS_OK), golden_jpegs[i].crc)
#define CHECK_REFUSED(file, status) CHECK_EQUAL(jpeg_pixels(file, status), 0)

#endif
