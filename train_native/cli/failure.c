#include "cli/failure.h"

#include <stdarg.h>
#include <stdio.h>

bool failure_set(struct failure *failure, const char *subject, const char *hint, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(failure->reason, sizeof failure->reason, format, arguments);
    va_end(arguments);
    snprintf(failure->subject, sizeof failure->subject, "%s", subject ? subject : "");
    snprintf(failure->hint, sizeof failure->hint, "%s", hint ? hint : "");
    failure->key[0] = failure->words[0] = 0;
    return false;
}

bool failure_key(struct failure *failure, const char *key, const char *words, ...)
{
    va_list arguments;
    va_start(arguments, words);
    vsnprintf(failure->words, sizeof failure->words, words, arguments);
    va_end(arguments);
    snprintf(failure->key, sizeof failure->key, "%s", key);
    return false;
}
