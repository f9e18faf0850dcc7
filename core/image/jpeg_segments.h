/* The markers of a JPEG and the segments behind them, but for the scans' data.
 *
 *     enum status status = jpeg_next_scan(&jpeg);
 *     struct jpeg_segment header;
 *     if (!status)
 *         status = jpeg_next_segment(&header, &jpeg.reader); // the scan's; its data follows
 */
#ifndef JPEG_SEGMENTS_H
#define JPEG_SEGMENTS_H

#include "base/status.h"
#include "image/jpeg_scan.h"

/* T.81, table B.1. */
enum jpeg_marker {
    JPEG_END = 0, /* of the file */
    JPEG_TEMPORARY = 0x01,
    JPEG_SOF0 = 0xc0, /* frame headers: sequential with less and with more Huffman tables, progressive */
    JPEG_SOF2 = 0xc2,
    JPEG_DHT = 0xc4,
    JPEG_SOF9 = 0xc9, /* the same with arithmetic coding */
    JPEG_SOF10 = 0xca,
    JPEG_SOF15 = 0xcf,
    JPEG_JPG = 0xc8,
    JPEG_DAC = 0xcc,
    JPEG_RST0 = 0xd0,
    JPEG_SOI = 0xd8,
    JPEG_EOI = 0xd9,
    JPEG_SOS = 0xda,
    JPEG_DQT = 0xdb,
    JPEG_DRI = 0xdd,
    JPEG_DHP = 0xde, /* of hierarchical files */
    JPEG_EXP = 0xdf,
    JPEG_APP0 = 0xe0,
    JPEG_APP1 = 0xe1,
    JPEG_APP14 = 0xee,
    JPEG_APP15 = 0xef,
    JPEG_SOF55 = 0xf7, /* JPEG-LS */
    JPEG_COM = 0xfe
};

struct jpeg_segment {
    const uint8_t *bytes; /* behind its length */
    size_t size;
};

enum { JPEG_TABLES = 4 };

struct jpeg_reader {
    const uint8_t *at, *end;
};

/* What the markers read so far have said. Not to be copied: its scan points into it. */
struct jpeg {
    int orientation; /* EXIF's, 1 to 8, of any EXIF segment before the first scan */
    struct jpeg_frame frame;
    bool rgb; /* three components are red, green and blue, not YCbCr */

    struct jpeg_reader reader;
    bool jfif;
    int adobe; /* the colour transform that an Adobe segment names, or -1 */
    int restart_interval;
    bool quantization_defined[JPEG_TABLES];
    uint16_t quantization[JPEG_TABLES][JPEG_BLOCK];
    struct jpeg_huffman dc[JPEG_TABLES], ac[JPEG_TABLES];
    struct jpeg_scan scan; /* the next one, or the one being read */
};

/* The next marker, behind which `at` stands then, or JPEG_END. As libjpeg, passes over what is none. */
int jpeg_next_marker(struct jpeg_reader *reader);

/* Whether a segment, which begins with its length, follows the marker. */
bool jpeg_has_segment(int marker);

enum status jpeg_next_segment(struct jpeg_segment *segment, struct jpeg_reader *reader);

/* Reads all segments up to the next scan, whose segment follows. STATUS_IMAGE_TRUNCATED if there is none. */
enum status jpeg_next_scan(struct jpeg *jpeg);

#endif
