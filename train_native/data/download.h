/* Files from the web, whole and unchanged, by the usual program: curl.
 *
 *     const struct download archive = {"data/a.tar.gz", "https://example.org/a.tar.gz", md5, "the archive"};
 *     char sum[DOWNLOAD_SUM];
 *     if (access(archive.path, F_OK) != 0)
 *         download_file(&archive);
 *     else if (!download_is_right(sum, &archive))
 *         die(archive.path, NULL, "its %s is %s", download_sum_name(&archive), sum);
 */
#ifndef DOWNLOAD_H
#define DOWNLOAD_H

#include "cli/sha256.h"

#include <stdbool.h>

enum { DOWNLOAD_SUM = 2 * SHA256_BYTES + 1 };

struct download {
    const char *path, *url;
    const char *sum;  /* its MD5 or SHA-256, in digits */
    const char *what; /* for messages: "the archive" */
};

/* Fetches into a new file beside `path`, so that nothing that is there is written over; goes on where the connection
 * broke, three times; gives it its name when it is whole and has its sum. What a failed download leaves is removed; a
 * whole file that is another one stays under the new file's name. Any failure ends the program. */
void download_file(const struct download *download);

/* Whether the file at `path` has its sum; what it has, in digits. Ends the program if it cannot be read. */
bool download_is_right(char sum[DOWNLOAD_SUM], const struct download *download);

/* "MD5" or "SHA-256". */
const char *download_sum_name(const struct download *download);

/* Runs a program with its output where ours goes; its exit status, or RUN_MISSING if there is no such program, or
 * RUN_STOPPED if a signal ended it: Ctrl-C ends it, not us, who have its files to remove. */
enum { RUN_MISSING = 127, RUN_STOPPED = 128 };
int run_program(const char *const arguments[]);

#endif
