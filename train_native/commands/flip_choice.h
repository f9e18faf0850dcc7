/* Whether training mirrors images, where neither --flip nor the recipe says that it does not: the images decide
 * (mirroring.h).
 *
 *     flip_choose(&options, &train, gemm_fast); */
#ifndef FLIP_CHOICE_H
#define FLIP_CHOICE_H

#include "commands/train_options.h"

/* Sets options->settings.augment.flip to FLIP_NONE where mirroring costs, and prints one line of what was found, which
 * stays in options->mirroring. */
void flip_choose(struct train_options *options, const struct subset *train, gemm_function *gemm);

#endif
