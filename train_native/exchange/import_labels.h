/* The names of an imported network's classes.
 *
 *     struct failure failure;
 *     char **labels = import_labels_read("imagenet_labels.txt", 1001, &failure);
 *     if (!labels)
 *         die_of(&failure);
 *     printf("%s\n", labels[0]);                        // background: the file has 1,000
 *     import_labels_free(labels, 1001); */
#ifndef IMPORT_LABELS_H
#define IMPORT_LABELS_H

#include "cli/errors.h"

#include <stddef.h>
#include <stdint.h>

/* By the name "imagenet" those of ImageNet's 1,000 classes; else from a file: JSON (a list, an object from numbers to
 * labels, or one from labels to numbers), or one a line, perhaps with its number in front, as Teachable Machine writes
 * them. One label fewer than classes: class 0 is called
 * "background", as in TensorFlow's networks for ImageNet. NULL with the failure, for a count that does not fit with
 * both numbers. */
char **import_labels_read(const char *path, int classes, struct failure *failure);

/* The same from the bytes of a file, with a zero behind them, whose name is `path`. */
char **import_labels_of(const uint8_t *bytes, size_t size, const char *path, int classes, struct failure *failure);

/* "class 0" and so on. */
char **import_labels_numbered(int classes);

/* Makes each a label that a model may hold: characters that are not allowed become '?', and what is too long is cut. */
void import_labels_clean(char **labels, int classes);

void import_labels_free(char **labels, int classes); /* NULL does nothing */

#endif
