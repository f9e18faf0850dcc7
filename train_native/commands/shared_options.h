/* Options that several subcommands have, in the same words.
 *
 *     const struct option_entry options[] = {DATA_OPTION(&data.path), JSON_OPTION(&json), {0}};
 */
#ifndef SHARED_OPTIONS_H
#define SHARED_OPTIONS_H

#include "cli/options.h"

/* clang-format off */

/* Where the data is. */
#define DATA_OPTION(target) {"data", "PATH", OPTION_TEXT, target, "the data set, same as DATA", NULL}
#define MODEL_DATA_OPTION(target) \
    {"data", "PATH", OPTION_TEXT, target, \
     "the data set it was trained on (default: $EYELET_DATA, data/, ../shared/data/)", NULL}

/* Of struct data_options. */
#define TEST_OPTION(target) \
    {"test", "FRACTION", OPTION_NUMBER, target, "fraction held out as test set if there is no test folder", NULL}
#define SPLIT_SEED_OPTION(target) {"split-seed", "N", OPTION_COUNT, target, "random seed of that split", NULL}
#define MEMORY_OPTION(target) \
    {"memory", "MIB", OPTION_COUNT, target, \
     "memory for images while they are read; what is kept above half of it is in a file in $TMPDIR or /var/tmp " \
     "[half of what is free]", NULL}
#define COLUMNS_OPTION(target) \
    {"columns", "COLUMNS", OPTION_TEXT, target, \
     "which columns of a CSV file have what, like file=NAME,label=NAME,part=NAME", NULL}

/* Which images of a folder are read: of struct data_options, for every command that reads data. */
#define FOLDER_OPTIONS(data) \
    {"parts", "PARTS", OPTION_TEXT, &(data)->parts, \
     "which folders are which part, like train=A,train=B,test=C; none: the folders are classes", NULL}, \
    {"skip-empty", NULL, OPTION_FLAG, &(data)->skip_empty, "leave out classes without an image", NULL}, \
    {"allow-bad", "FRACTION", OPTION_NUMBER, &(data)->allow_bad, "fraction of images that may be unreadable", NULL}

/* Which images are the test set: of struct data_options, for commands that measure models. */
#define TEST_SET_OPTIONS(data) \
    TEST_OPTION(&(data)->test), SPLIT_SEED_OPTION(&(data)->split_seed), COLUMNS_OPTION(&(data)->columns), \
    MEMORY_OPTION(&(data)->memory), FOLDER_OPTIONS(data)

#define LIMIT_OPTION(target) {"limit", "N", OPTION_COUNT, target, "use the first N images only (0: all)", NULL}
#define LANES_OPTION(target) {"lanes", "N", OPTION_COUNT, target, "sums into which a batch is dealt: as many threads, of all ranks, have work; memory for N gradients", NULL}
#define THREADS_OPTION(target) {"threads", "N", OPTION_COUNT, target, "number of threads (0: one per core)", NULL}
#define OUTPUT_OPTION(target) {"output", "FILE", OPTION_TEXT, target, "(or -o) output file", NULL}
#define JSON_OPTION(target) {"json", NULL, OPTION_FLAG, target, "print JSON", NULL}

/* clang-format on */

/* Ends the program if --threads asks for too many. */
static inline void check_threads(const char *command, int threads)
{
    if (threads > MAX_THREADS)
        usage_error(command, "--threads takes at most %d", MAX_THREADS);
}

#endif
