/* What a training run should know of its classes, on standard error: which of them validation does not see, and which are
 * far smaller than others.
 *
 *     class_notes(&dataset, &split, CLASS_WEIGHTS_NONE, false); */
#ifndef CLASS_NOTES_H
#define CLASS_NOTES_H

#include "commands/class_weights.h"
#include "data/split.h"

void class_notes(const struct dataset *dataset, const struct split *split, enum class_weighting weighting,
                 bool may_lack);

#endif
