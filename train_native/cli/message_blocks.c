#include "cli/message_blocks.h"

#include <string.h>

void message_blocks_add(struct message_blocks *message, const void *bytes, size_t size, message_compress *compress)
{
    const uint8_t *p = bytes;
    size_t held = (size_t)(message->size % MESSAGE_BLOCK);
    message->size += size;
    if (held + size >= MESSAGE_BLOCK) {
        memcpy(message->block + held, p, MESSAGE_BLOCK - held);
        compress(message->hash, message->block);
        p += MESSAGE_BLOCK - held;
        size -= MESSAGE_BLOCK - held;
        for (; size >= MESSAGE_BLOCK; p += MESSAGE_BLOCK, size -= MESSAGE_BLOCK)
            compress(message->hash, p);
        held = 0;
    }
    if (size)
        memcpy(message->block + held, p, size);
}

void message_blocks_end(struct message_blocks *message, const uint8_t bits[8], message_compress *compress)
{
    static const uint8_t padding[MESSAGE_BLOCK] = {0x80};
    const size_t held = (size_t)(message->size % MESSAGE_BLOCK);
    message_blocks_add(message, padding, (held < 56 ? 56 : 120) - held, compress);
    message_blocks_add(message, bits, 8, compress);
}

void digest_text(char *text, const uint8_t *digest, int size)
{
    for (int i = 0; i < size; i++) {
        text[2 * i] = "0123456789abcdef"[digest[i] >> 4];
        text[2 * i + 1] = "0123456789abcdef"[digest[i] & 15];
    }
    text[2 * size] = 0;
}
