/* What the readers of models call of the program (train_native/cli) and what is another thing here: there are no streams
 * to print to and no process to end. For want of memory the instance traps, which web/page/foreign_import.js says. */
#include "cli/errors.h"

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

void die(const char *subject, const char *hint, const char *format, ...)
{
    (void)subject, (void)hint, (void)format;
    __builtin_trap();
}

void die_of_memory(void) { __builtin_trap(); }
