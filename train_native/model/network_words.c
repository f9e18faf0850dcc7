#include "model/network_words.h"

#include "base/bounds.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void words_split(struct words *words, char *line)
{
    int count = 0;
    char *p = line;
    words->next = 0;
    while (*p && *p != '#') {
        if (isspace((unsigned char)*p)) {
            *p++ = 0;
            continue;
        }
        if (count == WORDS_MAX) {
            words_mistake(words, (int)(p - line) + 1, "more than %d words in a line", WORDS_MAX);
            return;
        }
        words->words[count++] = (struct word){p, (int)(p - line) + 1};
        while (*p && *p != '#' && !isspace((unsigned char)*p))
            p++;
    }
    words->end_column = (int)(p - line) + 1;
    *p = 0;
    words->words[count].text = NULL;
}

const char *words_peek(const struct words *words) { return words->failed ? NULL : words->words[words->next].text; }

int words_column(const struct words *words)
{
    return words_peek(words) ? words->words[words->next].column : words->end_column;
}

bool words_take(struct words *words, const char *word)
{
    if (!words_peek(words) || strcmp(words_peek(words), word) != 0)
        return false;
    words->next++;
    return true;
}

int words_integer_at(const char **text, int max)
{
    long value = 0;
    const char *p = *text;
    if (!isdigit((unsigned char)*p))
        return -1;
    for (; isdigit((unsigned char)*p); p++)
        if ((value = value * 10 + (*p - '0')) > max)
            return -1;
    *text = p;
    return (int)value;
}

int words_number(struct words *words, int min, int max, const char *what)
{
    char wanted[120];
    snprintf(wanted, sizeof wanted, "%s, %d to %d", what, min, max);
    const char *text = words_peek(words) ? words_peek(words) : "";
    const int value = words_integer_at(&text, max);
    if (value < min || *text) {
        words_expected(words, wanted);
        return min;
    }
    words->next++;
    return value;
}

void words_kernel(struct words *words, int *h, int *w, const char *what)
{
    const char *text = words_peek(words) ? words_peek(words) : "";
    *h = *w = words_integer_at(&text, LIMIT_KERNEL);
    if (*text == 'x') {
        text++;
        *w = words_integer_at(&text, LIMIT_KERNEL);
    }
    if (*text || *h < 1 || *w < 1) {
        words_expected(words, what);
        *h = *w = 1;
        return;
    }
    words->next++;
}

void words_mistake(struct words *words, int column, const char *format, ...)
{
    if (words->failed)
        return;
    words->failed = true;
    char message[400];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    char position[600];
    snprintf(position, sizeof position, "%s:%d:%d", words->source, words->line, column);
    failure_set(words->failure, position, NULL, "%s", message);
}

void words_expected(struct words *words, const char *what)
{
    if (words_peek(words))
        words_mistake(words, words_column(words), "expected %s, got \"%s\"", what, words_peek(words));
    else
        words_mistake(words, words_column(words), "expected %s at the end of the line", what);
}
