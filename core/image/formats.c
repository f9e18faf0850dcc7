#include "image/formats.h"

#include <string.h>

bool format_of(enum picture_format *format, const uint8_t *bytes, size_t size)
{
#define ROW(name, extensions, magic) {magic, sizeof magic - 1},
    static const struct {
        const char *bytes;
        size_t size;
    } magics[] = {PICTURE_FORMATS(ROW)};
#undef ROW
    for (int i = 0; i < PICTURE_FORMAT_COUNT; i++)
        if (size >= magics[i].size && memcmp(bytes, magics[i].bytes, magics[i].size) == 0) {
            *format = (enum picture_format)i;
            return true;
        }
    return false;
}

const char *format_name(enum picture_format format)
{
#define ROW(name, extensions, magic) #name,
    static const char *const names[] = {PICTURE_FORMATS(ROW)};
#undef ROW
    return names[format];
}

/* Whether text is this word of ASCII letters, in capitals or not. */
static bool is_word(const char *text, const char *word, size_t length)
{
    if (strlen(text) != length)
        return false;
    for (size_t i = 0; i < length; i++)
        if ((text[i] >= 'A' && text[i] <= 'Z' ? text[i] - 'A' + 'a' : text[i]) != word[i])
            return false;
    return true;
}

bool format_has_extension(enum picture_format format, const char *path)
{
#define ROW(name, extensions, magic) extensions,
    static const char *const lists[] = {PICTURE_FORMATS(ROW)};
#undef ROW
    const char *dot = strrchr(path, '.');
    for (const char *word = lists[format]; dot && *word; word += strspn(word, " ")) {
        const size_t length = strcspn(word, " ");
        if (is_word(dot + 1, word, length))
            return true;
        word += length;
    }
    return false;
}

bool format_has_any_extension(const char *path)
{
    for (int i = 0; i < PICTURE_FORMAT_COUNT; i++)
        if (format_has_extension((enum picture_format)i, path))
            return true;
    return false;
}
