/* What a training run should know of its classes, on standard error: which of them validation does not see, and which are
 * far smaller than others.
 *
 *     class_notes(&dataset, &split, false); */
#ifndef CLASS_NOTES_H
#define CLASS_NOTES_H

#include "data/split.h"

/* balanced: the loss weighs the classes alike already. */
void class_notes(const struct dataset *dataset, const struct split *split, bool balanced);

#endif
