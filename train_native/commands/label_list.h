/* The labels of a model, in the order of its classes.
 *
 *     struct label_list labels;
 *     struct failure failure;
 *     if (!label_list_read(&labels, "labels.txt", &failure))
 *         die_of(&failure);
 *     label_list_free(&labels); */
#ifndef LABEL_LIST_H
#define LABEL_LIST_H

#include "cli/errors.h"
#include "net/model.h"

struct label_list {
    char **texts;
    int count;
};

struct label_list label_list_of(const struct model *model);

/* From a model, or from a file of labels (exchange/import_labels.h): two or more, none of them twice. */
bool label_list_read(struct label_list *labels, const char *path, struct failure *failure);

void label_list_free(struct label_list *labels);

#endif
