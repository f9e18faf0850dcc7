#include "model/outlier.h"

#include "base/argmax.h"
#include "cli/memory.h"

#include <math.h>
#include <stdlib.h>

double outlier_max_logit(const float *logits, int classes) { return (double)logits[argmax(logits, classes)]; }

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double outlier_limit(const float *logits, int count, int classes)
{
    double *values = allocate((size_t)count, sizeof *values);
    for (int i = 0; i < count; i++, logits += classes)
        values[i] = outlier_max_logit(logits, classes);
    qsort(values, (size_t)count, sizeof *values, ascending);
    const double limit = floor(values[(int)((1 - OUTLIER_ACCEPTED) * count)] * 1000) / 1000;
    free(values);
    return limit;
}

double outlier_auroc(double *known, int known_count, double *others, int other_count)
{
    qsort(known, (size_t)known_count, sizeof *known, ascending);
    qsort(others, (size_t)other_count, sizeof *others, ascending);
    double lower = 0; /* others below each of the known, of equal ones half */
    for (int i = 0, below = 0, up_to = 0; i < known_count; i++) {
        while (below < other_count && others[below] < known[i])
            below++;
        while (up_to < other_count && others[up_to] <= known[i])
            up_to++;
        lower += (below + up_to) / 2.0;
    }
    return lower / ((double)known_count * other_count);
}

static double fraction_below(const double *values, int count, double limit)
{
    int below = 0;
    for (int i = 0; i < count; i++)
        below += values[i] < limit;
    return (double)below / count;
}

void outlier_compare(struct outlier_test *test, double *others, const float *logits, int count, int classes)
{
    double *known = allocate((size_t)count, sizeof *known);
    for (int i = 0; i < count; i++)
        known[i] = outlier_max_logit(logits + (size_t)i * (size_t)classes, classes);
    test->refused = fraction_below(others, test->count, test->limit);
    test->known_refused = fraction_below(known, count, test->limit);
    test->auroc = outlier_auroc(known, count, others, test->count);
    free(known);
}
