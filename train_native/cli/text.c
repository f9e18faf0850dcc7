#include "cli/text.h"

#include "cli/errors.h"
#include "cli/memory.h"

#include <stdbool.h>
#include <stdlib.h>
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

char *text_format_list(const char *format, va_list arguments)
{
    char *text;
    if (vasprintf(&text, format, arguments) < 0)
        die_of_memory();
    return text;
}

char *text_format(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *text = text_format_list(format, arguments);
    va_end(arguments);
    return text;
}

/* ---- Text written like a file ---- */

/* What a stream writes to. Not open_memstream: where memory ends, its stream loses a part and no flag tells. */
struct written {
    char **text;
    size_t *size, room;
};

/* A size smaller than the one asked for sets the stream's error flag, which text_close looks at. */
static ssize_t append(void *cookie, const char *bytes, size_t size)
{
    struct written *written = cookie;
    size_t needed;
    if (__builtin_add_overflow(*written->size, size + 1, &needed))
        return 0;
    if (needed > written->room) {
        const size_t room = needed < written->room * 2 ? written->room * 2 : needed;
        char *grown = realloc(*written->text, room);
        if (!grown)
            return 0;
        *written->text = grown;
        written->room = room;
    }
    memcpy(*written->text + *written->size, bytes, size);
    *written->size += size;
    (*written->text)[*written->size] = 0;
    return (ssize_t)size;
}

static int end_of_text(void *cookie)
{
    free(cookie);
    return 0;
}

FILE *text_open(char **text, size_t *size)
{
    struct written *written = allocate(1, sizeof *written);
    *written = (struct written){text, size, 1};
    *text = text_copy("");
    *size = 0;
    FILE *out = fopencookie(written, "w", (cookie_io_functions_t){.write = append, .close = end_of_text});
    if (!out)
        die_of_memory();
    return out;
}

void text_close(FILE *out)
{
    const bool whole = !ferror(out);
    if (fclose(out) || !whole)
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
