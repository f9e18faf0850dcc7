/* Copies of files and links to them under names that nothing has yet: what is there is never replaced.
 *
 *     const char *reason;
 *     bool there;
 *     if (!place_file(&there, &reason, &(struct place){"photos/a.png", "sorted/cat", "sorted/copy", false}))
 *         warn("photos/a.png", NULL, "cannot be copied into sorted/cat: %s", reason);
 *     remove_leftovers("sorted/copy");                    // new_file.h: of a program that was killed
 */
#ifndef PLACE_FILE_H
#define PLACE_FILE_H

#include <stdbool.h>

struct place {
    const char *source;
    const char *folder;    /* that is there */
    const char *temporary; /* a path on the same file system, after which a copy is called until it is complete */
    bool link;             /* a hard link instead of a copy; a symbolic one where that cannot be */
};

/* The file is called in the folder as it was, or name-2.png, name-3.png, ... where other files are called so. *there:
 * one of these has the same bytes already, and nothing was done. False, with *reason set, when it is not there, nor half
 * of it. */
bool place_file(bool *there, const char **reason, const struct place *place);

#endif
