/* Strings in memory: copied, formatted, written like a file. The caller frees what is returned; the program ends where
 * there is no memory. Nothing outside this folder calls strdup, asprintf, open_memstream and their kin.
 *
 *     char *json;
 *     size_t size;
 *     FILE *out = text_open(&json, &size);
 *     fprintf(out, "...");
 *     text_close(out);                         // json is complete, zero-terminated
 */
#ifndef TEXT_H
#define TEXT_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

char *text_copy(const char *text);
char *text_copy_bytes(const char *text, size_t length); /* at most so many, and a zero */
char *text_format(const char *format, ...) __attribute__((format(printf, 1, 2)));
char *text_format_list(const char *format, va_list arguments) __attribute__((format(printf, 1, 0)));

/* *text and *size are what has been written when the stream is flushed or closed. */
FILE *text_open(char **text, size_t *size);
void text_close(FILE *out);

/* 12345678 as 12,345,678, in a buffer that lasts for four calls. */
const char *format_thousands(uint64_t number);

#endif
