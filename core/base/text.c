#include "base/text.h"

int text_character(uint32_t *code, const char *text, int length)
{
    static const uint32_t shortest[4] = {0, 0x80, 0x800, 0x10000};
    const unsigned char first = length > 0 ? (unsigned char)*text : 0xff;
    const int tail = first < 0x80 ? 0 : first >> 5 == 6 ? 1 : first >> 4 == 14 ? 2 : first >> 3 == 30 ? 3 : -1;
    if (tail < 0 || tail >= length)
        return 0;
    *code = tail ? first & (0x3fu >> tail) : first;
    for (int k = 1; k <= tail; k++) {
        const unsigned char next = (unsigned char)text[k];
        if (next >> 6 != 2)
            return 0;
        *code = *code << 6 | (next & 0x3f);
    }
    return *code < shortest[tail] || *code > 0x10ffff || (*code >= 0xd800 && *code < 0xe000) ? 0 : tail + 1;
}

bool text_valid(const char *text, int length, bool lines)
{
    for (int i = 0, bytes; i < length; i += bytes) {
        uint32_t code = 0;
        bytes = text_character(&code, text + i, length - i);
        const bool control = (code < 0x20 && !(lines && code == '\n')) || (code >= 0x7f && code < 0xa0);
        if (!bytes || control)
            return false;
    }
    return true;
}
