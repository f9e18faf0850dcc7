/* How much memory decoding an image takes, before it is decoded: who decodes several at once can let one wait.
 *
 *     int width, height;
 *     if (decode_size(&width, &height, bytes, size) == STATUS_OK)
 *         printf("%llu bytes\n", (unsigned long long)decode_bytes(width, height, bytes, size));
 */
#ifndef DECODE_BYTES_H
#define DECODE_BYTES_H

#include <stddef.h>
#include <stdint.h>

/* At most so many bytes does decode_picture allocate beside the file at one time, of an image of this size (decode_size) that keeps to its
 * format: its picture, what that is made from, and a copy that is turned upright. */
uint64_t decode_bytes(int width, int height, const uint8_t *bytes, size_t size);

#endif
