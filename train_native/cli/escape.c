#include "cli/escape.h"

#include "base/text.h"

#include <string.h>

int printable_bytes(const char *text)
{
    const size_t left = strnlen(text, 4);
    for (int length = 1; length <= (int)left; length++)
        if (text_valid(text, length, false))
            return length;
    return 0;
}

void print_escaped(FILE *out, const char *text)
{
    while (*text) {
        const int length = printable_bytes(text);
        if (length)
            fwrite(text, 1, (size_t)length, out);
        else
            fprintf(out, "\\x%02x", (unsigned char)*text);
        text += length ? length : 1;
    }
}
