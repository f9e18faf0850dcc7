/* Text in files from outside: UTF-8 that may be stored in a model and shown anywhere.
 *
 *     if (!text_valid(label, length, false)) return STATUS_TEXT; */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdbool.h>
#include <stdint.h>

/* Whether these bytes are valid UTF-8 (RFC 3629) without control characters, but for line feeds if lines are
 * allowed. */
bool text_valid(const char *text, int length, bool lines);

/* How many of these bytes the first character takes, with its code point; 0 if they do not begin with one. */
int text_character(uint32_t *code, const char *text, int length);

#endif
