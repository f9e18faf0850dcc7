/* What SHA-256 and MD5 have in common: a message that comes in parts is compressed in blocks of 64 bytes, the last of
 * which is padded and ends with the message's length (Merkle 1979, Damgard 1989). For sha256.c and md5.c. */
#ifndef MESSAGE_BLOCKS_H
#define MESSAGE_BLOCKS_H

#include <stddef.h>
#include <stdint.h>

enum { MESSAGE_BLOCK = 64 };

struct message_blocks {
    uint32_t hash[8];
    uint64_t size;                /* bytes so far */
    uint8_t block[MESSAGE_BLOCK]; /* the last size % MESSAGE_BLOCK of them */
};

typedef void message_compress(uint32_t *hash, const uint8_t *block);

void message_blocks_add(struct message_blocks *message, const void *bytes, size_t size, message_compress *compress);

/* bits: the length of the message in bits, in the order of bytes that the hash has. */
void message_blocks_end(struct message_blocks *message, const uint8_t bits[8], message_compress *compress);

/* 2 * size digits in base 16, and a zero. */
void digest_text(char *text, const uint8_t *digest, int size);

#endif
