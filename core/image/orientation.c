#include "image/orientation.h"

#include "image/tiff.h"

#include <string.h>

int orientation_of(const uint8_t *block, size_t size)
{
    enum { ORIENTATION = 0x0112, PREFIX = 6 };
    struct tiff_entry entry;
    const size_t prefix = size >= PREFIX && memcmp(block, "Exif\0", PREFIX) == 0 ? PREFIX : 0;
    if (!tiff_find(&entry, block + prefix, size - prefix, ORIENTATION) || entry.count != 1)
        return 1;
    return entry.value >= 1 && entry.value <= 8 ? (int)entry.value : 1;
}
