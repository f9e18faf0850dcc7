/* What is found out about a picture while it is decoded (photos.h). */
#ifndef PHOTO_FACTS_H
#define PHOTO_FACTS_H

#include "data/picture_file.h"

#include <stdbool.h>
#include <stdint.h>

/* Filled in by photos.c; plain bytes but for the decoder, which ranks send each other. */
struct photo_facts {
    char reason[PICTURE_REASON]; /* why there is no picture; empty: there is one */
    int width, height;           /* upright */
    uint8_t orientation, format; /* as in struct picture */
    bool alpha;                  /* some of it is not opaque */
    const char *decoder;         /* as in struct picture_file */
    uint64_t content;            /* equal for pictures with equal pixels */
    uint64_t stored;             /* content_hash of the pixels that it was resized to */
    uint32_t checksum;           /* CRC-32 of them */
};

#endif
