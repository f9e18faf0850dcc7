/* Files sorted into a folder for each class, and one for those of which a model is not sure.
 *
 *     struct sort_into sorting = {.folder = "sorted", .link = false};
 *     sort_into_begin(&sorting, operands, operand_count, classifier);
 *     if (!sort_into_add(&sorting, "photos/a.png", class))         // -1: not sure
 *         failures++;
 *     sort_into_end(&sorting); */
#ifndef SORT_INTO_H
#define SORT_INTO_H

#include "classifier.h"
#include "cli/list.h"

#include <stdbool.h>

struct sort_into {
    const char *folder;
    bool link; /* instead of copies */
    /* private: */
    struct text_list names; /* of the folders: one for each class, then that of "not sure" */
    char *temporary;
    int placed, there;
};

/* Makes the folder. Ends the program, naming it, where it cannot be, or lies in one of the operands: what is sorted
 * would be classified the next time. */
void sort_into_begin(struct sort_into *sorting, char **operands, int count, const struct eyelet_classifier *classifier);

/* False, and named, when the file is not where it should be. */
bool sort_into_add(struct sort_into *sorting, const char *path, int class);

/* Says how many there are. */
void sort_into_end(struct sort_into *sorting);

#endif
