#include "image/orientation.h"

#include "base/bytes.h"

#include <stdbool.h>
#include <string.h>

enum { TIFF_HEADER = 8, ENTRY = 12, TAG_ORIENTATION = 0x0112, TYPE_SHORT = 3, TYPE_LONG = 4 };

struct tiff {
    const uint8_t *bytes;
    size_t size;
    bool little;
};

static uint32_t get2(const struct tiff *tiff, size_t at)
{
    return tiff->little ? bytes_get2(tiff->bytes + at) : bytes_get2_big(tiff->bytes + at);
}

static uint32_t get4(const struct tiff *tiff, size_t at)
{
    return tiff->little ? bytes_get4(tiff->bytes + at) : bytes_get4_big(tiff->bytes + at);
}

int orientation_of(const uint8_t *block, size_t size)
{
    const size_t prefix = size >= 6 && memcmp(block, "Exif\0", 6) == 0 ? 6 : 0;
    const struct tiff tiff = {block + prefix, size - prefix, size > prefix && block[prefix] == 'I'};
    if (tiff.size < TIFF_HEADER || memcmp(tiff.bytes, tiff.little ? "II*\0" : "MM\0*", 4) != 0)
        return 1;
    const uint64_t directory = get4(&tiff, 4);
    if (directory + 2 > tiff.size)
        return 1;
    const unsigned entries = get2(&tiff, (size_t)directory);
    for (uint64_t at = directory + 2, end = at + entries * (uint64_t)ENTRY; at < end && at + ENTRY <= tiff.size;
         at += ENTRY) {
        const size_t entry = (size_t)at;
        if (get2(&tiff, entry) != TAG_ORIENTATION)
            continue;
        const uint32_t type = get2(&tiff, entry + 2), count = get4(&tiff, entry + 4);
        const uint32_t value = type == TYPE_SHORT  ? get2(&tiff, entry + 8)
                               : type == TYPE_LONG ? get4(&tiff, entry + 8)
                                                   : 0;
        return count == 1 && value >= 1 && value <= 8 ? (int)value : 1;
    }
    return 1;
}
