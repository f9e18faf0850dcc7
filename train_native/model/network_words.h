/* The words of a network's description, one line at a time (network.c). The first that is not as expected becomes the
 * failure, with file, line, column and what was expected; after it there are no more words, so that a reader needs to
 * look only at the end.
 *
 *     struct failure failure;
 *     struct words words = {.source = "net.txt", .line = 1, .failure = &failure};
 *     char line[] = "conv2d 32 3x3 relu  # comment";
 *     words_split(&words, line);
 *     if (words_take(&words, "conv2d"))
 *         channels = words_number(&words, 1, LIMIT_CHANNELS, "the number of channels");
 *     if (words_peek(&words))
 *         words_expected(&words, "nothing more");
 *     if (words.failed)
 *         die_of(&failure); */
#ifndef NETWORK_WORDS_H
#define NETWORK_WORDS_H

#include "cli/errors.h"

#include <stdbool.h>

enum { WORDS_MAX = 32 };

struct word {
    const char *text;
    int column; /* from 1 */
};

struct words {
    const char *source;      /* the file, for messages */
    int line;                /* from 1 */
    struct failure *failure; /* the caller's */
    bool failed;
    struct word words[WORDS_MAX + 1]; /* of the line; ends with text == NULL */
    int next;
    int end_column;
};

/* Splits a line into its words, in place; `#` starts a comment. */
void words_split(struct words *words, char *line);

/* The next word, or NULL at the end of the line, and its column. */
const char *words_peek(const struct words *words);
int words_column(const struct words *words);

/* Whether it is this one, which is then taken. */
bool words_take(struct words *words, const char *word);

/* Takes a number, or a window's size: "3x3", or "3" for the same. The least there is after a mistake. */
int words_number(struct words *words, int min, int max, const char *what);
void words_kernel(struct words *words, int *h, int *w, const char *what);

/* A decimal integer at *text; moves *text behind it. -1 if there is none, or one above `max`. */
int words_integer_at(const char **text, int max);

/* Fill in the failure, unless it is already. */
void words_mistake(struct words *words, int column, const char *format, ...) __attribute__((format(printf, 3, 4)));
void words_expected(struct words *words, const char *what);

#endif
