/* SHA-256 (FIPS 180-4): names a model or a data set by its content.
 *
 *     struct sha256 state = sha256_begin();
 *     sha256_add(&state, bytes, size);        // as often as there are parts
 *     uint8_t digest[SHA256_BYTES];
 *     sha256_end(digest, &state); */
#ifndef SHA256_H
#define SHA256_H

#include "cli/message_blocks.h"

enum { SHA256_BYTES = 32 };

struct sha256 {
    struct message_blocks message;
};

struct sha256 sha256_begin(void);
void sha256_add(struct sha256 *state, const void *bytes, size_t size);
void sha256_end(uint8_t digest[SHA256_BYTES], struct sha256 *state);

/* The digest as 64 digits in base 16, zero-terminated. */
void sha256_text(char text[2 * SHA256_BYTES + 1], const uint8_t digest[SHA256_BYTES]);

#endif
