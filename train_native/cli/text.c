#include "cli/text.h"

#include "cli/errors.h"

#include <stdarg.h>
#include <string.h>

char *text_copy(const char *text)
{
    char *copy = strdup(text);
    if (!copy)
        die_of_memory();
    return copy;
}

char *text_copy_bytes(const char *text, size_t length)
{
    char *copy = strndup(text, length);
    if (!copy)
        die_of_memory();
    return copy;
}

char *text_format(const char *format, ...)
{
    char *text;
    va_list arguments;
    va_start(arguments, format);
    const int length = vasprintf(&text, format, arguments);
    va_end(arguments);
    if (length < 0)
        die_of_memory();
    return text;
}

FILE *text_open(char **text, size_t *size)
{
    FILE *out = open_memstream(text, size);
    if (!out)
        die_of_memory();
    return out;
}

void text_close(FILE *out)
{
    if (ferror(out) || fclose(out))
        die_of_memory();
}

const char *format_thousands(uint64_t number)
{
    static _Thread_local char buffers[4][32];
    static _Thread_local int turn;
    char *p = buffers[turn = (turn + 1) % 4] + 31;
    *p = 0;
    for (int digits = 0; digits == 0 || number; digits++, number /= 10) {
        if (digits && digits % 3 == 0)
            *--p = ',';
        *--p = (char)('0' + number % 10);
    }
    return p;
}
