#include "model/suggestion.h"

#include "cli/memory.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>

static double dot(const float *a, const float *b, int count)
{
    double sum = 0;
    for (int k = 0; k < count; k++)
        sum += (double)a[k] * (double)b[k];
    return sum;
}

static void normalise(float *x, int count)
{
    const double length = sqrt(dot(x, x, count));
    for (int k = 0; k < count && length > 0; k++)
        x[k] = (float)((double)x[k] / length);
}

int suggestion_choose(int *chosen, int wanted, const float *margins, float *embeddings, int count, int dimensions)
{
    const int most = wanted < count ? wanted : count;
    double *distance = allocate((size_t)count, sizeof *distance); /* from the nearest chosen one; below 0: is chosen */
#pragma omp parallel for
    for (int i = 0; i < count; i++) {
        normalise(embeddings + (ptrdiff_t)i * dimensions, dimensions);
        distance[i] = 1;
    }
    for (int n = 0; n < most; n++) {
        int best = -1;
        for (int i = 0; i < count; i++)
            if (distance[i] >= 0 &&
                (best < 0 || (1 - (double)margins[i]) * distance[i] > (1 - (double)margins[best]) * distance[best]))
                best = i;
        chosen[n] = best;
        const float *nearest = embeddings + (ptrdiff_t)best * dimensions;
#pragma omp parallel for
        for (int i = 0; i < count; i++)
            distance[i] =
                fmin(distance[i], fmax(0, 1 - dot(embeddings + (ptrdiff_t)i * dimensions, nearest, dimensions)));
        distance[best] = -1;
    }
    free(distance);
    return most;
}
