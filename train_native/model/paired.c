#include "model/paired.h"

#include <math.h>

double paired_p(const struct paired *pairs)
{
    const int n = pairs->first + pairs->second, fewer = pairs->first < pairs->second ? pairs->first : pairs->second;
    double sum = 0;
    for (int k = 0; k <= fewer; k++)
        sum += exp(lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1) - n * log(2));
    return fmin(1, 2 * sum);
}

struct interval paired_difference(const struct paired *pairs)
{
    const double z = 1.96, first = pairs->first + 0.5, second = pairs->second + 0.5;
    const double count = pairs->both + pairs->neither + 1 + first + second;
    const double by = (second - first) / count;
    const double half = z * sqrt((first + second) / count - by * by) / sqrt(count);
    return (struct interval){fmax(-1, by - half), fmin(1, by + half)};
}
