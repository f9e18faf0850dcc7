/* Finds the pictures that a list names, in the ways in which lists name them.
 *
 *     struct file_finder *finder = file_finder_new("photos/list.csv");
 *     struct file_way way = file_way_of(finder, names, count);        // some names of the list
 *     char *path = file_find(finder, &way, names[0]);
 *     file_finder_free(finder);
 *
 * A name is relative to the list's folder or to a folder in it, or absolute. It may have backslashes, folders in front
 * that are another machine's, and no ending. One way holds for a whole list, so that what is missing stays missing. */
#ifndef FILE_FINDER_H
#define FILE_FINDER_H

#include <stdbool.h>
#include <stdint.h>

struct file_finder;

struct file_way {
    int found, exact;  /* of the names it was made of; exact: those that need no ending added */
    int stripped;      /* folders in front that do not count */
    uint64_t folders;  /* bit i: folder i of the finder has some of them */
    const char *twice; /* a name that two folders have, so that it is not plain which is meant; else NULL */
};

struct file_finder *file_finder_new(const char *list);
void file_finder_free(struct file_finder *finder);

/* The way that finds most of the names; where it finds none, or there is none, in the folder of the list. */
struct file_way file_way_of(const struct file_finder *finder, const char *const *names, int count);

/* The path of a file, which the caller frees; NULL if there is none. */
char *file_find(const struct file_finder *finder, const struct file_way *way, const char *name);

/* Where it would be: for a message that it is missing. The caller frees it. */
char *file_expected(const struct file_finder *finder, const struct file_way *way, const char *name);

/* The folders of a way in words, as `train/, test/`; empty for the list's own. The caller frees it. */
char *file_way_folders(const struct file_finder *finder, const struct file_way *way);

/* Whether a name ends as those of pictures do. */
bool has_picture_ending(const char *name);

#endif
