#include "data/gzip.h"

#include "base/bytes.h"
#include "cli/memory.h"
#include "cli/text.h"
#include "data/sandbox.h"
#include "image/decode.h"

#include <string.h>

static const char remedy[] = "Fetch the file again.";

bool gzip_is(const uint8_t *bytes, size_t size) { return size >= 2 && bytes[0] == 0x1f && bytes[1] == 0x8b; }

bool gzip_parse(struct gzip *gzip, const uint8_t *bytes, size_t size, const char *path, struct failure *failure)
{
    enum { CHECKSUM = 2, EXTRA = 4, NAME = 8, COMMENT = 16, RESERVED = 0xe0, HEADER = 10, TRAILER = 8 };
    if (size < HEADER + TRAILER)
        return failure_set(failure, path, remedy, "the gzip file is cut short: it has %zu bytes", size);
    if (bytes[2] != 8 || (bytes[3] & RESERVED))
        return failure_set(failure, path, remedy, "the gzip file is damaged at byte %d", bytes[2] != 8 ? 2 : 3);
    const size_t end = size - TRAILER;
    size_t at = HEADER;
    if (bytes[3] & EXTRA)
        at += at + 2 <= end ? 2 + (size_t)(bytes[at] | bytes[at + 1] << 8) : size;
    for (int flag = NAME; flag <= COMMENT; flag *= 2)
        if (bytes[3] & flag) {
            const uint8_t *zero = at < end ? memchr(bytes + at, 0, end - at) : NULL;
            at = zero ? (size_t)(zero - bytes) + 1 : size;
        }
    at += bytes[3] & CHECKSUM ? 2 : 0;
    if (at >= end)
        return failure_set(failure, path, remedy, "the gzip file is damaged: its header goes on to its end");
    *gzip = (struct gzip){bytes + at, size - at, bytes_get4(bytes + size - 4), bytes_get4(bytes + end)};
    /* Deflate (RFC 1951) makes at most 258 bytes of 2 bits. */
    if (gzip->size > GZIP_MAX_BYTES || gzip->size / 1032 > gzip->packed_size)
        return failure_set(failure, path, remedy,
                           "the gzip file is damaged, or unpacks to more than %s bytes: at byte %zu it promises %s",
                           format_thousands(GZIP_MAX_BYTES), size - 4, format_thousands(gzip->size));
    return true;
}

bool gzip_inflate(uint8_t *out, const struct gzip *gzip)
{
    return decode_deflated(out, gzip->size, gzip->packed, gzip->packed_size) == STATUS_OK &&
           bytes_crc32(out, gzip->size) == gzip->checksum;
}

struct unpacking {
    const struct gzip *gzip;
    uint8_t *out; /* shared; behind it stands whether it is whole */
};

static void unpack(void *context, int i, struct sandbox_child *child)
{
    (void)i;
    (void)child;
    const struct unpacking *u = context;
    u->out[u->gzip->size] = gzip_inflate(u->out, u->gzip);
}

uint8_t *gzip_unpack(const struct gzip *gzip, const char *path, struct failure *failure)
{
    struct unpacking unpacking = {gzip, shared_memory(gzip->size + 1, 1)};
    uint8_t *result = NULL;
    sandbox_run(&(struct sandbox){.count = 1, .children = 1, .context = &unpacking, .work = unpack});
    if (unpacking.out[gzip->size]) {
        result = allocate(gzip->size, 1);
        memcpy(result, unpacking.out, gzip->size);
    } else {
        failure_set(failure, path, remedy,
                    "the gzip file is damaged or cut short: it does not unpack to the %s bytes "
                    "and the checksum that it ends with",
                    format_thousands(gzip->size));
    }
    shared_memory_free(unpacking.out, gzip->size + 1, 1);
    return result;
}
