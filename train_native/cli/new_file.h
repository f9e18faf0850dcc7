/* How a file takes the place of another in one moment: it is written under a temporary name beside it, which is renamed
 * when it is complete. For files.c, large_file.c and who removes files with all that belongs to them.
 *
 *     struct destination to;
 *     const char *reason;
 *     char *temporary;
 *     if (find_destination(&to, "mine.eyelet", &reason) && to.kind == REPLACED) {
 *         int file = open_temporary(&temporary, to.path, 0666);      // then write_all, sync_file, close
 *         rename(temporary, to.path);
 *         sync_folder(to.path);
 *     }
 */
#ifndef NEW_FILE_H
#define NEW_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

struct destination {
    char *path; /* what the name means, behind symbolic links; the caller frees it */
    enum { REPLACED, DIRECT, STANDARD_OUTPUT } kind;
    bool there;
    struct stat about; /* if it is there */
};

/* False, with *reason set, if nothing can be written there. */
bool find_destination(struct destination *to, const char *path, const char **reason);

/* Opens a file of a new name beside `path` for writing and reading, locked for as long as it is written. -1, with errno
 * set, if there can be none; the caller frees the name in any case. */
int open_temporary(char **temporary, const char *path, mode_t mode);

/* Removes temporary files for `path` that nobody is writing. */
void remove_leftovers(const char *path);

/* The renaming of a file in the folder of `path` lasts through a power cut, or a warning says that it may not. */
void sync_folder(const char *path);

/* As open, write and fsync, but for interruptions by signals; all of the bytes are written, or errno tells why not. */
int open_file(const char *path, int flags, mode_t mode);
bool write_all(int file, const uint8_t *bytes, size_t size);
bool sync_file(int file);

#endif
