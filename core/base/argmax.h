/* The class of a row of scores. */
#ifndef ARGMAX_H
#define ARGMAX_H

/* The index of the largest of count >= 1 values, the first of equal ones. */
static inline int argmax(const float *x, int count)
{
    int best = 0;
    for (int i = 1; i < count; i++)
        best = x[i] > x[best] ? i : best;
    return best;
}

#endif
