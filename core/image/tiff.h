/* The first directory of a TIFF file, which is also what an EXIF block is: of either byte order.
 *
 *     struct tiff_entry entry;
 *     if (tiff_find(&entry, bytes, size, 0x0112) && entry.count == 1)
 *         orientation = (int)entry.value;
 *
 * Never reads outside [bytes, bytes + size). */
#ifndef TIFF_H
#define TIFF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum tiff_type { TIFF_BYTE = 1, TIFF_SHORT = 3, TIFF_LONG = 4 };

struct tiff_entry {
    uint32_t type, count;
    uint32_t value; /* the first, of a SHORT or a LONG that stands in the entry itself; else 0 */
};

/* The first entry of that tag; false if there is none, or if this is no TIFF header. */
bool tiff_find(struct tiff_entry *entry, const uint8_t *bytes, size_t size, unsigned tag);

#endif
