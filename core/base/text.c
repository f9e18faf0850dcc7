#include "base/text.h"

#include <stdint.h>

bool text_valid(const char *text, int length, bool lines)
{
    for (int i = 0; i < length;) {
        const unsigned char first = (unsigned char)text[i];
        const int tail = first < 0x80 ? 0 : first >> 5 == 6 ? 1 : first >> 4 == 14 ? 2 : first >> 3 == 30 ? 3 : -1;
        if (tail < 0 || i + tail >= length)
            return false;
        uint32_t code = tail ? first & (0x3fu >> tail) : first;
        for (int k = 1; k <= tail; k++) {
            const unsigned char next = (unsigned char)text[i + k];
            if (next >> 6 != 2)
                return false;
            code = code << 6 | (next & 0x3f);
        }
        static const uint32_t shortest[4] = {0, 0x80, 0x800, 0x10000};
        const bool control = (code < 0x20 && !(lines && code == '\n')) || (code >= 0x7f && code < 0xa0);
        if (code < shortest[tail] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000) || control)
            return false;
        i += tail + 1;
    }
    return true;
}
