#include "cli/escape.h"

#include "base/text.h"

#include <stddef.h>
#include <string.h>

bool is_hidden(uint32_t code)
{
    static const struct {
        uint32_t first, last;
    } ranges[] = {
        {0x0, 0x1f},      {0x7f, 0x9f},       {0xad, 0xad},       {0x34f, 0x34f},     {0x61c, 0x61c},
        {0x115f, 0x1160}, {0x17b4, 0x17b5},   {0x180b, 0x180f},   {0x200b, 0x200f},   {0x2028, 0x202e},
        {0x2060, 0x206f}, {0x3164, 0x3164},   {0xfe00, 0xfe0f},   {0xfeff, 0xfeff},   {0xffa0, 0xffa0},
        {0xfff0, 0xfffb}, {0x1bca0, 0x1bca3}, {0x1d173, 0x1d17a}, {0xe0000, 0xe0fff},
    };
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
        if (code >= ranges[i].first && code <= ranges[i].last)
            return true;
    return false;
}

int character_at(uint32_t *code, const char *text) { return text_character(code, text, (int)strnlen(text, 4)); }

static bool is_joiner(uint32_t code) { return code == 0x200c || code == 0x200d; }

static bool is_selector(uint32_t code) { return code >= 0xfe00 && code <= 0xfe0f; }

static bool is_letter(const char *text)
{
    uint32_t code;
    return character_at(&code, text) > 1 && !is_hidden(code);
}

/* What stands before a character, as far as it decides whether that is shown. */
enum before { HIDDEN, ASCII, LETTER, LETTER_WITH_SELECTOR };

static bool is_shown(uint32_t code, const char *next, enum before before)
{
    if (is_joiner(code))
        return before >= LETTER && is_letter(next);
    if (is_selector(code))
        return before == ASCII || before == LETTER;
    return !is_hidden(code);
}

/* Returns how many characters it printed. */
static int print(FILE *out, const char *text)
{
    enum before before = HIDDEN;
    int printed = 0;
    for (int length; *text; text += length ? length : 1) {
        uint32_t code = 0;
        length = character_at(&code, text);
        const bool shown = length && is_shown(code, text + length, before);
        if (shown)
            printed += fwrite(text, (size_t)length, 1, out) == 1;
        else if (!length || code < 0x80)
            printed += fprintf(out, "\\x%02x", (unsigned char)*text);
        else
            printed += fprintf(out, "\\u{%X}", (unsigned)code);
        if (!shown || is_joiner(code))
            before = HIDDEN;
        else if (is_selector(code))
            before = before == LETTER ? LETTER_WITH_SELECTOR : HIDDEN;
        else
            before = length > 1 ? LETTER : ASCII;
    }
    return printed;
}

void print_escaped(FILE *out, const char *text) { print(out, text); }

void print_escaped_column(FILE *out, const char *text, int width)
{
    const int printed = print(out, text);
    fprintf(out, "%*s", printed < width ? width - printed : 0, "");
}
