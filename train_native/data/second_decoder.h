/* Decoders of the system's libraries, for images that core's (image/decode.h) refuses and others read: CMYK JPEGs and
 * those with arithmetic coding, WebP, HEIC, AVIF and GIF, each where the build found the library (DECODERS in the Makefile).
 * Their pixels may differ between versions of the libraries: whoever uses them says so.
 *
 *     const struct second_decoder *second = second_decoder_for(status, bytes, size);
 *     if (second && !(status = second->size(&picture, bytes, size)))
 *         status = second->decode(&picture, bytes, size);
 *
 * They are called in child processes (sandbox.h), as core's. */
#ifndef SECOND_DECODER_H
#define SECOND_DECODER_H

#include "image/decode.h"

#include <stdbool.h>

struct second_decoder {
    const char *name;
    const char *extensions; /* of file names, beside those of core's formats: "heic heif" */
    int bytes_per_pixel;    /* at most so many does decoding take */
    /* By the first bytes. */
    bool (*reads)(const uint8_t *bytes, size_t size);
    /* Width, height and orientation, as stored; STATUS_IMAGE_CORRUPT, or what is not read here either. */
    enum status (*size)(struct picture *picture, const uint8_t *bytes, size_t size);
    /* Of a picture with these, its pixels, as stored; the caller frees them. No part of it is made up. */
    enum status (*decode)(struct picture *picture, const uint8_t *bytes, size_t size);
};

/* The one that may read what core refused with this status; NULL: none. */
const struct second_decoder *second_decoder_for(enum status refused, const uint8_t *bytes, size_t size);

/* Whether a file's name has an extension of one of them. */
bool second_decoder_has_extension(const char *path);

/* " libjpeg libwebp", or "". */
extern const char second_decoder_names[];

/* ---- Those that there may be ---- */

extern const struct second_decoder jpeg_decoder, webp_decoder, heif_decoder, gif_decoder;

#endif
