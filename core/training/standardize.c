#include "training/standardize.h"

#include <math.h>
#include <stddef.h>

struct standardizer standardizer_of(const float *x, int count, int features, float *memory)
{
    const struct standardizer s = {features, memory, memory + features};
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

void standardizer_weights(float *w, const float *head, const struct standardizer *s, int classes, float scale)
{
    const int inputs = s->features - 1;
    for (int c = 0; c < classes; c++) {
        double bias = (double)head[inputs * classes + c] * (double)scale;
        for (int k = 0; k < inputs; k++) {
            const double weight = (double)head[k * classes + c] * (double)scale;
            w[k * classes + c] = (float)(weight * (double)s->std[k]);
            bias += weight * (double)s->mean[k];
        }
        w[inputs * classes + c] = (float)bias;
    }
}
