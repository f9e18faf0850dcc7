/* Files read and written whole, and their names. */
#ifndef FILES_H
#define FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All of a regular file, and a zero behind it; NULL, with *reason set, when that fails or it is longer than max_size.
 * The caller frees it. */
uint8_t *read_file(size_t *size, const char **reason, const char *path, size_t max_size);

/* Writes a file so that at every moment, whatever fails, `path` is the old file or the new one in full: a temporary
 * file beside it (path.part), fsync, size check, rename, fsync of the folder. False, with *reason set, when nothing was
 * changed. */
bool write_file(const char *path, const void *bytes, size_t size, const char **reason);

/* The same, or the program ends with "WHAT cannot be written", as in "the model". */
void save_file(const char *path, const void *bytes, size_t size, const char *what);

/* folder/name; the caller frees it. */
char *path_join(const char *folder, const char *name);

/* path with its ending, if it is `.eyelet`, replaced by `ending`; the caller frees it. */
char *with_suffix(const char *path, const char *ending);

#endif
