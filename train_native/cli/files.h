/* Files read and written whole, and their names. */
#ifndef FILES_H
#define FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All of a regular file, and a zero behind it; NULL, with *reason set, when that fails or it is longer than max_size.
 * The caller frees it. */
uint8_t *read_file(size_t *size, const char **reason, const char *path, size_t max_size);

/* The same of its first bytes, at most `most` of them; *size is that of the whole file. */
uint8_t *read_file_part(size_t *size, const char **reason, const char *path, size_t most);

/* The first bytes of a file, at most `size`: their number, 0 if it is not a regular file. *reason: why they cannot be
 * read; NULL: they can. */
size_t read_file_start(uint8_t *bytes, size_t size, const char *path, const char **reason);

/* Writes a file so that at every moment, whatever fails, `path` is the old file or the new one in full: a temporary
 * file beside it, fsync, size check, rename, fsync of the folder. A file keeps its mode and, where the system allows it,
 * its owner; a symbolic link stays, and what it leads to is written. False, with *reason set, when nothing was changed.
 *
 * Devices, FIFOs and what standard output is are written as they are; what is printed after that goes to standard error.
 *
 * The temporary file is called NAME.writing-PROCESS-NUMBER.part and never takes the place of another. What a killed
 * program leaves of them is removed by the next write of the same file. */
bool write_file(const char *path, const void *bytes, size_t size, const char **reason);

/* Adds to the end of a file, all of it or nothing, and makes the file where there is none. */
bool append_to_file(const char *path, const void *bytes, size_t size, const char **reason);

/* Whether a file can be written there, as far as that shows before it is; if not, *reason is set. Nothing is changed. */
bool can_write_file(const char *path, const char **reason);

/* The same, or the program ends with "WHAT cannot be written", as in "the model". */
void save_file(const char *path, const void *bytes, size_t size, const char *what);

/* folder/name; the caller frees it. */
char *path_join(const char *folder, const char *name);

/* path with its ending, if it is `.eyelet`, replaced by `ending`; the caller frees it. */
char *with_suffix(const char *path, const char *ending);

#endif
