/* Whether several ranks have the same files of data: before they read them, so that each picture need be decoded by one
 * of them alone.
 *
 *     char *paths[] = {"photos/cat/1.png", "photos/dog/1.png"};
 *     same_files("photos", paths, 2);               // or the program ends, with the first file that differs, and whose
 *
 * All ranks call it, each with its own. Files are compared by their path below the folder, which may lie elsewhere on
 * each; then by what the system says of them, which is the same where the disk is, and their content need not be read; on
 * disks of their own by all of their bytes. */
#ifndef SAME_FILES_H
#define SAME_FILES_H

void same_files(const char *folder, char *const *paths, int count);

#endif
