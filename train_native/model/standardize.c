#include "model/standardize.h"

#include "cli/memory.h"

#include <math.h>
#include <stdlib.h>

struct standardizer standardizer_of(const float *x, int count, int features)
{
    const struct standardizer s = {features, allocate((size_t)features, sizeof(float)),
                                   allocate((size_t)features, sizeof(float))};
    for (int k = 0; k < features - 1; k++) {
        double sum = 0, squares = 0;
        for (int i = 0; i < count; i++)
            sum += (double)x[(size_t)i * (size_t)features + (size_t)k] / count;
        for (int i = 0; i < count; i++) {
            const double d = (double)x[(size_t)i * (size_t)features + (size_t)k] - sum;
            squares += d * d / count;
        }
        s.mean[k] = (float)sum;
        s.std[k] = squares > 1e-12 ? (float)sqrt(squares) : 1;
    }
    return s;
}

void standardizer_free(struct standardizer *standardizer)
{
    free(standardizer->mean);
    free(standardizer->std);
}

void standardize(float *x, int count, const struct standardizer *s)
{
    for (int i = 0; i < count; i++, x += s->features)
        for (int k = 0; k < s->features - 1; k++)
            x[k] = (x[k] - s->mean[k]) / s->std[k];
}

void standardizer_head(float *head, const float *w, const struct standardizer *s, int classes, float scale)
{
    const int inputs = s->features - 1;
    for (int c = 0; c < classes; c++) {
        double bias = (double)w[inputs * classes + c];
        for (int k = 0; k < inputs; k++) {
            const double weight = (double)w[k * classes + c] / (double)s->std[k];
            head[k * classes + c] = (float)(weight / (double)scale);
            bias -= weight * (double)s->mean[k];
        }
        head[inputs * classes + c] = (float)(bias / (double)scale);
    }
}
