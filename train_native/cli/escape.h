/* Text from outside on a terminal. */
#ifndef ESCAPE_H
#define ESCAPE_H

#include <stdio.h>

/* Prints text with control characters and invalid UTF-8 as \xNN. */
void print_escaped(FILE *out, const char *text);

/* Bytes of the UTF-8 character at text, or 0 if it is not one that may be printed. */
int printable_bytes(const char *text);

#endif
