#include "image/tiff.h"

#include "base/bytes.h"

#include <string.h>

enum { HEADER = 8, ENTRY = 12 };

bool tiff_find(struct tiff_entry *entry, const uint8_t *bytes, size_t size, unsigned tag)
{
    if (size < HEADER || (memcmp(bytes, "II*\0", 4) != 0 && memcmp(bytes, "MM\0*", 4) != 0))
        return false;
    const bool little = bytes[0] == 'I';
#define GET2(at) (little ? bytes_get2(bytes + (at)) : bytes_get2_big(bytes + (at)))
#define GET4(at) (little ? bytes_get4(bytes + (at)) : bytes_get4_big(bytes + (at)))
    const size_t directory = GET4(4);
    if (directory > size - 2)
        return false;
    size_t at = directory + 2;
    for (unsigned left = GET2(directory); left && size - at >= ENTRY; left--, at += ENTRY) {
        if (GET2(at) != tag)
            continue;
        *entry = (struct tiff_entry){GET2(at + 2), GET4(at + 4), 0};
        if (entry->type == TIFF_SHORT && entry->count <= 2)
            entry->value = GET2(at + 8);
        else if (entry->type == TIFF_LONG && entry->count <= 1)
            entry->value = GET4(at + 8);
        return true;
    }
#undef GET2
#undef GET4
    return false;
}
