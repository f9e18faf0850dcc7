/* The folders that stand side by side in a folder of data, each with what is in it: what layout.c compares.
 *
 *     struct level level = level_open("photos");
 *     for (int i = 0; i < level.count; i++)
 *         printf("%s: %d folders\n", level.branches[i].name, level.branches[i].folders.count);
 *     level_free(&level); */
#ifndef FOLDER_LEVEL_H
#define FOLDER_LEVEL_H

#include "cli/list.h"

#include <stdbool.h>

/* One of them. */
struct branch {
    char *name;
    char *folder;             /* its path; where only one folder in it holds images and folders, that one's */
    struct text_list folders; /* in that, in the order of their bytes */
    bool flat;                /* images stand in that */
    bool empty;               /* there are no images in it, nor in the folders in it */
    int part;                 /* by its name, or -1 */
    const char *fault;        /* why not all of that could be listed; NULL: it was */
};

struct level {
    char *folder;
    struct branch *branches;
    int count;
};

/* Of the folder itself, or of the one in it where there is more than one. The program ends if that or a part in it cannot
 * be listed. */
struct level level_open(const char *folder);
void level_free(struct level *level);

/* Fills in a branch of which name, folder and part are known, and goes into its folder as far as there is one way. */
void branch_open(struct branch *branch);
void branch_free(struct branch *branch);

/* Ends the program if the branch has a fault. */
void branch_check(const struct branch *branch);

/* A folder of a class or part may be a link, but not to the folder that it is in, nor two of them to one: or the program
 * ends. */
void check_apart(const char *parent, const struct text_list *names);

/* Whether two folders that hold these, in the order of their bytes, have two names and half of all in common. */
bool names_are_alike(const struct text_list *a, const struct text_list *b);
bool has_name(const struct text_list *names, const char *name);

#endif
