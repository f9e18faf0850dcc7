#include "cli/errors.h"

#include "cli/escape.h"

#include <stdio.h>
#include <stdlib.h>

enum { MAX_MESSAGE = 8192 };

void vmessage(const char *subject, const char *hint, const char *format, va_list arguments)
{
    char message[MAX_MESSAGE]; /* no memory is taken, of which there may be none */
    vsnprintf(message, sizeof message, format, arguments);
    fflush(stdout);
    fputs("eyelet: ", stderr);
    if (subject) {
        print_escaped(stderr, subject);
        fputs(": ", stderr);
    }
    print_escaped(stderr, message); /* it may quote a file or an argument */
    fputc('\n', stderr);
    if (hint) {
        fputs("        ", stderr);
        print_escaped(stderr, hint);
        fputc('\n', stderr);
    }
}

void warn(const char *subject, const char *hint, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vmessage(subject, hint, format, arguments);
    va_end(arguments);
}

void die(const char *subject, const char *hint, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vmessage(subject, hint, format, arguments);
    va_end(arguments);
    exit(EXIT_ERROR);
}

bool failure_set(struct failure *failure, const char *subject, const char *hint, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(failure->reason, sizeof failure->reason, format, arguments);
    va_end(arguments);
    snprintf(failure->subject, sizeof failure->subject, "%s", subject ? subject : "");
    snprintf(failure->hint, sizeof failure->hint, "%s", hint ? hint : "");
    return false;
}

void die_of(const struct failure *failure)
{
    die(*failure->subject ? failure->subject : NULL, *failure->hint ? failure->hint : NULL, "%s", failure->reason);
}

void die_of_memory(void) { die(NULL, "Close other programs.", "there is not enough memory"); }

void flush_output(void)
{
    const bool lost = ferror(stdout);
    if (fflush(stdout))
        die("standard output", NULL, "not everything could be written: %m");
    if (lost)
        die("standard output", NULL, "not everything could be written");
}
