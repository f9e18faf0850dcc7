/* Text from outside on a terminal: labels, names of files, notes.
 *
 *     print_escaped(stdout, label);
 *     print_escaped_column(stdout, label, 24);        // followed by spaces up to that many characters
 *
 * What cannot be seen, or turns the order of what stands beside it, is shown by its number: control characters as \x1b,
 * bytes that are no UTF-8 as \xff, and as \u{202E} C1 controls, separators of lines and paragraphs, and all that
 * Unicode calls Default_Ignorable_Code_Point: bidirectional and zero-width controls, fillers, tags. Two exceptions, for
 * what languages and emoji are written with: a zero-width joiner or non-joiner between characters beyond ASCII, and one
 * variation selector (U+FE00 to U+FE0F) behind a character. web/view.js has the same rules in `visible`. */
#ifndef ESCAPE_H
#define ESCAPE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

void print_escaped(FILE *out, const char *text);
void print_escaped_column(FILE *out, const char *text, int width);

/* The character that a text begins with: its bytes and its code point, 0 bytes where there is none. */
int character_at(uint32_t *code, const char *text);

/* Whether a character is of those that are shown by their number; joiners and variation selectors are. */
bool is_hidden(uint32_t code);

#endif
