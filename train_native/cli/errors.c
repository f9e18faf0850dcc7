#include "cli/errors.h"

#include "cli/escape.h"

#include <stdlib.h>

enum { MAX_MESSAGE = 8192 };

static FILE *other; /* NULL: messages go to standard error */

static uint64_t digest; /* FNV-1a of what was said last */

static void digest_text(const char *text)
{
    for (; text && *text; text++)
        digest = (digest ^ (unsigned char)*text) * 0x100000001b3;
}

uint64_t message_digest(void) { return digest; }

void messages_to(FILE *stream) { other = stream; }

void vmessage(const char *subject, const char *hint, const char *format, va_list arguments)
{
    char message[MAX_MESSAGE]; /* no memory is taken, of which there may be none */
    vsnprintf(message, sizeof message, format, arguments);
    digest = 0xcbf29ce484222325;
    digest_text(subject);
    digest_text(message);
    digest_text(hint);
    FILE *out = other ? other : stderr;
    fflush(stdout);
    if (other)
        rewind(other);
    fputs("eyelet: ", out);
    if (subject) {
        print_escaped(out, subject);
        fputs(": ", out);
    }
    print_escaped(out, message); /* it may quote a file or an argument */
    fputc('\n', out);
    if (hint) {
        fputs("        ", out);
        print_escaped(out, hint);
        fputc('\n', out);
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
