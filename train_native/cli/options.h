/* Command-line options from one table, which is also the help.
 *
 *     int batch = 128;
 *     float momentum = 0.9f;
 *     const struct option_entry options[] = {
 *         {"batch", "N", OPTION_COUNT, &batch, "batch size", NULL},
 *         {"Optimisation", NULL, OPTION_GROUP, NULL, NULL, NULL},
 *         {"momentum", "X", OPTION_NUMBER, &momentum, "momentum of SGD", NULL},
 *         {0}};
 *     int first = options_parse(options, usage, argc, argv);        // argv[first ...] are the operands
 *
 * Every option is `--name value` or `--name=value`. The value that a variable has before is the default in the help. A
 * mistake prints what was expected and exits with EXIT_USAGE. --help prints the options before the first group, which
 * are those that people use, to standard output and exits with 0; --help all prints the others too, group by group. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdbool.h>

enum { MAX_THREADS = 256 }; /* for --threads: each takes memory */

enum option_kind {
    OPTION_FLAG,   /* bool: no value */
    OPTION_COUNT,  /* int, 0 or more */
    OPTION_NUMBER, /* float, finite, 0 or more */
    OPTION_TEXT,   /* const char * */
    OPTION_TEXTS,  /* struct text_list: may be given several times, each adds one */
    OPTION_CHOICE, /* int: the index in `choices` */
    OPTION_GROUP   /* no option: `name` is the title of the options that follow */
};

struct option_entry {
    const char *name;
    const char *value; /* what the help calls it; NULL for a flag */
    enum option_kind kind;
    void *target;
    const char *help;
    const char *const *choices; /* for OPTION_CHOICE, ends with NULL */
};

/* usage: the lines of the help before the options. Operands may stand between options; argv is reordered. */
int options_parse(const struct option_entry *options, const char *usage, int argc, char **argv);

/* The command as one would type it, but for some arguments (a list that ends with NULL), before options_parse has
 * reordered argv; the caller frees it. */
char *options_command(int argc, char **argv, const char *const *left_out);

/* Ends the program with EXIT_USAGE: `eyelet: message`, then where the help is. */
_Noreturn void usage_error(const char *command, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
