/* Errors of a subcommand: one line that names what is wrong, and perhaps a hint.
 *
 *     die("mine.eyelet", "Train it again.", "the model is cut short");
 *
 *     eyelet: mine.eyelet: the model is cut short
 *             Train it again. */
#ifndef ERRORS_H
#define ERRORS_H

#include <stdarg.h>

enum { EXIT_ERROR = 1, EXIT_USAGE = 2, EXIT_INTERRUPTED = 130 };

/* Prints to standard error and exits with EXIT_ERROR. subject: usually a file's name, escaped here; NULL: none. hint:
 * NULL: none. */
_Noreturn void die(const char *subject, const char *hint, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The same for want of memory. */
_Noreturn void die_of_memory(void);

/* The same without the exit, for one file among several; and with the arguments in a list. */
void warn(const char *subject, const char *hint, const char *format, ...) __attribute__((format(printf, 3, 4)));
void vmessage(const char *subject, const char *hint, const char *format, va_list arguments)
    __attribute__((format(printf, 3, 0)));

#endif
