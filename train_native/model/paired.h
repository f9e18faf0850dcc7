/* Two models on the same images: whether one is better, or whether chance may have made the difference. Only the
 * images on which exactly one of them is right tell.
 *
 *     struct paired pairs = {.both = 810, .first = 20, .second = 40, .neither = 130};
 *     paired_p(&pairs);                                     // 0.0135
 *     struct interval by = paired_difference(&pairs);       // 0.0047 to 0.0352 */
#ifndef PAIRED_H
#define PAIRED_H

#include "model/interval.h"

struct paired {
    int both, first, second, neither; /* images on which both are right, only the first or the second model, none */
};

/* McNemar's (1947) test, exact: how probable a split of first + second images as uneven as this one or more so is if
 * each of them fell to either model with equal chance, two-sided. 1 where there is none. */
double paired_p(const struct paired *pairs);

/* How much more accurate the second model is, from -1 to 1: with 95 % confidence in this interval (Agresti and Min
 * 2005, Wald's for matched pairs with half an image more of each kind). */
struct interval paired_difference(const struct paired *pairs);

#endif
