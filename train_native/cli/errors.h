/* Errors of a subcommand: one line that names what is wrong, and perhaps a hint.
 *
 *     die("mine.eyelet", "Train it again.", "the model is cut short");
 *
 *     eyelet: mine.eyelet: the model is cut short
 *             Train it again.
 *
 * What several commands share does not end the program but tells its caller the same in a struct failure:
 *
 *     struct failure failure;
 *     if (!failure_set(&failure, "mine.eyelet", NULL, "the model is cut short"))
 *         die_of(&failure); */
#ifndef ERRORS_H
#define ERRORS_H

#include "cli/failure.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum { EXIT_ERROR = 1, EXIT_USAGE = 2, EXIT_INTERRUPTED = 130 };

/* Prints to standard error and exits with EXIT_ERROR. subject: usually a file's name, escaped here; NULL: none. hint:
 * NULL: none. */
_Noreturn void die(const char *subject, const char *hint, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

_Noreturn void die_of(const struct failure *failure);

/* As die, for want of memory. */
_Noreturn void die_of_memory(void);

/* The same without the exit, for one file among several; and with the arguments in a list. */
void warn(const char *subject, const char *hint, const char *format, ...) __attribute__((format(printf, 3, 4)));
void vmessage(const char *subject, const char *hint, const char *format, va_list arguments)
    __attribute__((format(printf, 3, 0)));

/* From now on messages go there, each in the place of the one before (quiet.h). */
void messages_to(FILE *stream);

/* A number that stands for the last message; 0: there was none. */
uint64_t message_digest(void);

/* What was printed so far reaches standard output, or the program ends: on a full disk, at a closed pipe. */
void flush_output(void);

#endif
