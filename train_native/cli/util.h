/* What every subcommand needs: errors in one line and a hint, memory that is there or the program ends, files read and
 * written whole. */
#ifndef UTIL_H
#define UTIL_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { EXIT_ERROR = 1, EXIT_USAGE = 2, EXIT_INTERRUPTED = 130 };
enum { MAX_THREADS = 256 }; /* each takes memory */

/* Prints `eyelet: SUBJECT: reason`, then the hint on a line of its own unless it is NULL, and exits with EXIT_ERROR.
 * The subject, usually a file's name, is escaped. */
_Noreturn void die(const char *subject, const char *hint, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same without the end: for one file among several; with its arguments in a list. */
void warn(const char *subject, const char *hint, const char *format, ...) __attribute__((format(printf, 3, 4)));
void vmessage(const char *subject, const char *hint, const char *format, va_list arguments) __attribute__((format(printf, 3, 0)));

/* Zeroed, aligned for every vector; the program ends with a message where there is none. Freed with free(). */
void *allocate(size_t count, size_t size);

/* Text from outside on a terminal: control characters and invalid UTF-8 as \xNN. */
void print_escaped(FILE *out, const char *text);

/* A string of JSON with its quotes. */
void print_json_string(FILE *out, const char *text);

/* All of a regular file; NULL, with *reason set, when that fails or it is longer than `most`. The caller frees it. */
uint8_t *read_file(size_t *size, const char **reason, const char *path, size_t most);

/* Writes a file so that at every moment, whatever fails, `path` is the old file or the new one in full: a temporary file
 * beside it (path.part), fsync, size check, rename, fsync of the folder. False, with *reason set, when nothing was
 * changed. */
bool write_file(const char *path, const void *bytes, size_t size, const char **reason);

/* folder/name; the caller frees it. */
char *path_join(const char *folder, const char *name);

/* path with its ending, if it is `.eyelet`, replaced by `ending`; the caller frees it. */
char *with_suffix(const char *path, const char *ending);

double seconds_now(void);

/* 12345678 as 12,345,678, in a buffer that lasts for four calls. */
const char *format_thousands(uint64_t number);

#endif
