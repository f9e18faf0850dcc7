/* Whether two models can be averaged: of one architecture, labels and preprocessing.
 *
 *     struct failure failure;
 *     const struct named_model a = {"a.eyelet", &first}, b = {"b.eyelet", &second};
 *     if (!same_model(&b, &a, &failure))
 *         die_of(&failure);                  // b.eyelet: its class 3 is "cat", that of a.eyelet "dog"
 *
 * The values of the weights, how they are stored, the temperature and the notes may differ. */
#ifndef SAME_MODEL_H
#define SAME_MODEL_H

#include "cli/errors.h"
#include "net/model.h"

#include <stdbool.h>

struct named_model {
    const char *path;
    const struct model *model;
};

/* False, with the first difference in the failure, whose subject is `model`. */
bool same_model(const struct named_model *model, const struct named_model *other, struct failure *failure);

#endif
