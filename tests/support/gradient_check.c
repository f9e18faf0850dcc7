#include "support/gradient_check.h"

#include "support/test.h"

#include <math.h>

/* Relative to the coordinate and to the gradient's root mean square, in which the sums' roundings are: lambda u
 * sqrt(n) (rounding.h) of 2e-5 for sums of 3,000 products, times 5 for quotients by a batch's small standard
 * deviation. The differences themselves lie 1e-9 off (1e-16 |f| / h of rounding, h^2 / 6 of truncation). */
static const double tolerance = 1e-4;

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

struct findings {
    int wrong, skipped, seen;
    double used; /* the largest fraction of the tolerance, of coordinates that are not wrong */
};

static struct findings compare(const float *gradient, const struct function *f, size_t sample)
{
    const size_t step = f->count > sample ? f->count / sample | 1 : 1;
    double scale = 0;
    for (size_t i = 0; i < f->count; i++)
        scale += (double)gradient[i] * (double)gradient[i];
    scale = sqrt(scale / (double)f->count);
    struct findings found = {0};
    for (size_t i = 0; i < f->count; i += step) {
        found.seen++;
        const double fine = difference(f, i, 1e-5), coarse = difference(f, i, 2e-5);
        if (fabs(fine - coarse) > 1e-4 * (fabs(fine) + scale) + 1e-7) {
            found.skipped++;
            continue;
        }
        const double used = fabs((double)gradient[i] - fine) / (tolerance * (fabs(fine) + scale) + 1e-7);
        found.wrong += !(used <= 1);
        found.used = used <= 1 ? fmax(found.used, used) : found.used;
    }
    return found;
}

int gradient_wrong_coordinates(const float *gradient, const struct function *f, size_t sample, int *skipped, int *seen)
{
    const struct findings found = compare(gradient, f, sample);
    *skipped += found.skipped;
    *seen += found.seen;
    return found.wrong;
}

void gradient_check(const char *name, const float *gradient, const struct function *f, size_t sample)
{
    const struct findings found = compare(gradient, f, sample);
    test_fraction(found.used);
    if (found.wrong || found.skipped * 5 > found.seen + 5)
        test_fail(__FILE__, __LINE__, "gradient of %s: %d of %d coordinates are wrong, %d skipped", name, found.wrong,
                  found.seen, found.skipped);
}
