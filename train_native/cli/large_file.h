/* A file too large for memory: written piece by piece, by several processes at once, and read through a mapping.
 *
 *     struct large_file file;
 *     struct failure failure;
 *     const char *reason;
 *     if (!large_file_create(&file, "mine.pixels", size, &failure))
 *         die_of(&failure);
 *     large_file_write(&file, 0, "EYPX", 4, &reason);        // also in a child process
 *     if (!large_file_keep(&file, &reason))                  // now it is mine.pixels
 *         die(file.path, NULL, "cannot be written: %s", reason);
 *     printf("%c\n", file.bytes[0]);
 *     large_file_close(&file);
 *
 * Until it is kept it has a temporary name, as in files.h, and what is left of a killed program is removed by the next
 * large_file_create of the same name, or by remove_leftovers. Its room on the disk is taken at once, or there is none.
 *
 * A mapped file that another program cuts short, or whose disk fails, ends the program with a line that names it. */
#ifndef LARGE_FILE_H
#define LARGE_FILE_H

#include "cli/errors.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct large_file {
    char *path;      /* its name behind symbolic links; of one without a name, the folder that it is in */
    char *temporary; /* its name until it is kept; NULL: none */
    int file;
    size_t size;
    uint8_t *bytes; /* (size); to be written only in one without a name */
};

/* A new file for `path`, zeroed. False: nothing has changed, and there is nothing to close. */
bool large_file_create(struct large_file *file, const char *path, size_t size, struct failure *failure);

/* The same without a name, in $TMPDIR or /var/tmp: it is gone when it is closed. */
bool large_file_create_unnamed(struct large_file *file, size_t size, struct failure *failure);

/* One that is there, to be read. False, with *reason set, and nothing to close. */
bool large_file_open(struct large_file *file, const char *path, const char **reason);

/* All of the bytes, in any process that has the file; false, with *reason set. */
bool large_file_write(const struct large_file *file, size_t offset, const void *bytes, size_t size,
                      const char **reason);

/* Gives a new file that is complete its name, in the place of what had it. False, with *reason set: it has none. */
bool large_file_keep(struct large_file *file, const char **reason);

/* Takes its temporary name from a new file; its bytes stay until it is closed. */
void large_file_forget(struct large_file *file);

void large_file_close(struct large_file *file);

/* What is read soon is fetched ahead; what is not may leave memory, and is read again when it is asked for. */
void large_file_fetch(const struct large_file *file, size_t offset, size_t size);
void large_file_release(const struct large_file *file);

#endif
