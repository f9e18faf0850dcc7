#include "support/gradient_check.h"

#include "support/test.h"

#include <math.h>

static double difference(const struct function *f, size_t i, double h)
{
    const double kept = f->numbers[i];
    f->numbers[i] = kept + h;
    const double above = f->value(f->context);
    f->numbers[i] = kept - h;
    const double below = f->value(f->context);
    f->numbers[i] = kept;
    return (above - below) / (2 * h);
}

int gradient_wrong_coordinates(const float *gradient, const struct function *f, size_t sample, int *skipped, int *seen)
{
    const size_t step = f->count > sample ? f->count / sample | 1 : 1;
    double scale = 0;
    size_t numbers = 0;
    for (size_t i = 0; i < f->count; i++)
        scale += (double)gradient[i] * (double)gradient[i];
    scale = sqrt(scale / (double)f->count);
    int wrong = 0;
    for (size_t i = 0; i < f->count; i += step, numbers++) {
        const double fine = difference(f, i, 1e-5), coarse = difference(f, i, 2e-5);
        if (fabs(fine - coarse) > 1e-4 * (fabs(fine) + scale) + 1e-7) {
            ++*skipped;
            continue;
        }
        wrong += !(fabs((double)gradient[i] - fine) <= 2e-3 * (fabs(fine) + scale) + 1e-5);
    }
    *seen += (int)numbers;
    return wrong;
}

void gradient_check(const char *name, const float *gradient, const struct function *f, size_t sample)
{
    int skipped = 0, seen = 0;
    const int wrong = gradient_wrong_coordinates(gradient, f, sample, &skipped, &seen);
    if (wrong || skipped * 5 > seen + 5)
        test_fail(__FILE__, __LINE__, "gradient of %s: %d of %d coordinates are wrong, %d skipped", name, wrong, seen,
                  skipped);
}
