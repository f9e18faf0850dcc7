/* Gzip files (RFC 1952) of one member.
 *
 *     struct gzip gzip;
 *     if (gzip_is(bytes, size) && gzip_parse(&gzip, bytes, size, path, &failure)) {
 *         uint8_t *out = malloc(gzip.size + 1);
 *         bool whole = gzip_inflate(out, &gzip);
 *     } */
#ifndef GZIP_H
#define GZIP_H

#include "cli/errors.h"

#include <stddef.h>
#include <stdint.h>

enum { GZIP_MAX_BYTES = 1 << 30 };

struct gzip {
    const uint8_t *packed; /* in the file */
    size_t packed_size, size /* unpacked */;
    uint32_t checksum;
};

/* Whether the bytes begin as gzip's do. */
bool gzip_is(const uint8_t *bytes, size_t size);

/* Reads what stands around the packed bytes. path: for the failure. */
bool gzip_parse(struct gzip *gzip, const uint8_t *bytes, size_t size, const char *path, struct failure *failure);

/* Unpacks into gzip->size bytes; false if they are damaged. May trap, as image/decode.h says. */
bool gzip_inflate(uint8_t *out, const struct gzip *gzip);

/* The same in a child process (sandbox.h); NULL where it fails. The caller frees it. */
uint8_t *gzip_unpack(const struct gzip *gzip, const char *path, struct failure *failure);

#endif
