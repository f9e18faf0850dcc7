/* The names of an imported network's classes.
 *
 *     struct failure failure;
 *     struct text_list list = {0};
 *     if (!import_labels_read(&list, "imagenet_labels.txt", &failure))
 *         die_of(&failure);
 *     char **labels = import_labels_fitted(&list, 1001);
 *     if (labels)
 *         printf("%s\n", labels[0]);                    // background: the file has 1,000
 *     import_labels_free(labels, 1001);
 *     text_list_free(&list); */
#ifndef IMPORT_LABELS_H
#define IMPORT_LABELS_H

#include "cli/errors.h"
#include "cli/list.h"
#include "exchange/package.h"

/* By the name "imagenet" those of ImageNet's 1,000 classes; else from a file. False with the failure. */
bool import_labels_read(struct text_list *labels, const char *path, struct failure *failure);

/* From the bytes of a file, behind which is a zero: JSON (a list, an object from numbers to labels, or one from labels to
 * numbers), or one a line, perhaps with its number in front, as Teachable Machine writes them. False with the failure:
 * it is broken JSON. name: of the file, for the failure. */
bool import_labels_parse(struct text_list *labels, const uint8_t *bytes, size_t size, const char *name,
                         struct failure *failure);

/* From a file of a usual name (labels.txt, class_names.json) in a model's folder; its name. NULL: there is none with a
 * label in it. */
const char *import_labels_beside(struct text_list *labels, const struct package *package);

/* The list as labels that a model may hold, (classes), which it is emptied into. One label fewer than classes: class 0 is
 * called "background", as in TensorFlow's networks for ImageNet. NULL, with the list as it was, for another count. */
char **import_labels_fitted(struct text_list *labels, int classes);

/* "class 0" and so on. */
char **import_labels_numbered(int classes);

/* Makes each a label that a model may hold: characters that are not allowed become '?', and what is too long is cut. */
void import_labels_clean(char **labels, int classes);

void import_labels_free(char **labels, int classes); /* NULL does nothing */

#endif
