/* MD5 (RFC 1321): tells whether a file is the one that its publisher names by it. It does not withstand attacks.
 *
 *     struct md5 state = md5_begin();
 *     md5_add(&state, bytes, size);        // as often as there are parts
 *     uint8_t digest[MD5_BYTES];
 *     md5_end(digest, &state); */
#ifndef MD5_H
#define MD5_H

#include "cli/message_blocks.h"

enum { MD5_BYTES = 16 };

struct md5 {
    struct message_blocks message;
};

struct md5 md5_begin(void);
void md5_add(struct md5 *state, const void *bytes, size_t size);
void md5_end(uint8_t digest[MD5_BYTES], struct md5 *state);

/* The digest as 32 digits in base 16, zero-terminated. */
void md5_text(char text[2 * MD5_BYTES + 1], const uint8_t digest[MD5_BYTES]);

#endif
