#include "model/privacy.h"

#include <math.h>

enum { MAX_ORDER = 512 };

static double log_binomial(int n, int k) { return lgamma(n + 1.0) - lgamma(k + 1.0) - lgamma(n - k + 1.0); }

static double log_sum(double a, double b)
{
    const double larger = fmax(a, b), smaller = fmin(a, b);
    return isinf(larger) ? larger : larger + log1p(exp(smaller - larger));
}

double privacy_divergence(const struct privacy *privacy, int order)
{
    const double q = privacy->sample, variance = privacy->noise * privacy->noise;
    if (q >= 1)
        return order / (2 * variance);
    double sum = -INFINITY;
    for (int k = 0; k <= order; k++)
        sum = log_sum(sum, log_binomial(order, k) + (order - k) * log1p(-q) + k * log(q) +
                               ((double)k * k - k) / (2 * variance));
    return sum / (order - 1);
}

double privacy_epsilon(const struct privacy *privacy)
{
    const double spent = log(1 / privacy->delta);
    if (privacy->sample >= 1) { /* rounds a / (2 z^2) + spent / (a - 1) is least at a = 1 + z sqrt(2 spent / rounds) */
        const double z = privacy->noise;
        return privacy->rounds / (2 * z * z) + sqrt(2 * privacy->rounds * spent) / z;
    }
    double least = INFINITY;
    for (int order = 2; order <= MAX_ORDER; order++)
        least = fmin(least, privacy->rounds * privacy_divergence(privacy, order) + spent / (order - 1));
    return least;
}
