/* What the readers of models call of the program (train_native/cli) and what is another thing here: there are no streams
 * to print to and no process to end. For want of memory the instance traps, which web/page/foreign_import.js says. */
#include "cli/errors.h"

void die(const char *subject, const char *hint, const char *format, ...)
{
    (void)subject, (void)hint, (void)format;
    __builtin_trap();
}

void die_of_memory(void) { __builtin_trap(); }
