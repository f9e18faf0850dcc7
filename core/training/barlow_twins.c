#include "training/barlow_twins.h"

#include "kernels/batchnorm.h"

#include <assert.h>
#include <string.h>

/* Where what stands in the scratch. */
struct parts {
    struct view {
        float *normal;     /* (n, d) */
        float *mean, *std; /* (d) */
    } first, second;
    float *ones, *zeros; /* (d) scale and shift of the normalisation, which has none */
    float *ignored;      /* (2, d) their gradients */
    float *correlation;  /* (d, d) */
    float *packed;
};

static size_t packed_count(int n, int d) { return gemm_packed_count(n > d ? n : d, d); }

size_t barlow_twins_scratch_count(int n, int d)
{
    const size_t width = (size_t)d;
    return 2 * ((size_t)n + 2) * width + 4 * width + width * width + packed_count(n, d);
}

static float *take(float **scratch, size_t count)
{
    float *taken = *scratch;
    *scratch += count;
    return taken;
}

static struct parts parts_of(float *scratch, int n, int d)
{
    const size_t width = (size_t)d, all = (size_t)n * width;
    struct parts parts;
    parts.packed = take(&scratch, packed_count(n, d));
    parts.first.normal = take(&scratch, all);
    parts.second.normal = take(&scratch, all);
    parts.correlation = take(&scratch, width * width);
    parts.first.mean = take(&scratch, width);
    parts.first.std = take(&scratch, width);
    parts.second.mean = take(&scratch, width);
    parts.second.std = take(&scratch, width);
    parts.ones = take(&scratch, width);
    parts.zeros = take(&scratch, width);
    parts.ignored = take(&scratch, 2 * width);
    return parts;
}

double barlow_twins_forward(float *scratch, const float *first, const float *second, const struct barlow_twins *twins)
{
    const int n = twins->n, d = twins->d;
    assert(n > 0 && d > 0 && scratch && first && second && twins->gemm);
    const struct parts parts = parts_of(scratch, n, d);
    for (int k = 0; k < d; k++) {
        parts.ones[k] = 1;
        parts.zeros[k] = 0;
    }
    batchnorm_forward(parts.first.normal, parts.first.mean, parts.first.std, first, parts.ones, parts.zeros, n, d);
    batchnorm_forward(parts.second.normal, parts.second.mean, parts.second.std, second, parts.ones, parts.zeros, n, d);
    gemm_pack(parts.packed, parts.second.normal, axis_line(n, d), 1, d);
    twins->gemm(&(struct gemm){.a = parts.first.normal,
                               .rows = axis_line(d, 1),
                               .depth = axis_line(n, d),
                               .b = parts.packed,
                               .columns = d,
                               .c = parts.correlation,
                               .c_stride = d});
    double alike = 0, redundant = 0;
    for (int k = 0; k < d; k++)
        for (int l = 0; l < d; l++) {
            const double c = (double)parts.correlation[(ptrdiff_t)k * d + l] / n;
            if (k == l)
                alike += (1 - c) * (1 - c);
            else
                redundant += c * c;
        }
    return (alike + (double)twins->redundancy * redundant) / d;
}

/* The other view's normalised projections (n, d) times the gradient of C (d, d), or its transpose for the first view;
 * then back through the normalisation. */
static void backward_view(float *dview, const float *view, bool is_second, const struct parts *parts,
                          const struct barlow_twins *twins)
{
    const int n = twins->n, d = twins->d;
    const struct view *own = is_second ? &parts->second : &parts->first;
    gemm_pack(parts->packed, parts->correlation, axis_line(d, is_second ? d : 1), is_second ? 1 : d, d);
    twins->gemm(&(struct gemm){.a = is_second ? parts->first.normal : parts->second.normal,
                               .rows = axis_line(n, d),
                               .depth = axis_line(d, 1),
                               .b = parts->packed,
                               .columns = d,
                               .c = dview,
                               .c_stride = d});
    memset(parts->ignored, 0, 2 * (size_t)d * sizeof(float));
    batchnorm_backward(dview, parts->ignored, parts->ignored + d, dview, view, own->mean, own->std, parts->ones, n, d);
}

/* With G = dloss / dC: dx = y G' / n and dy = x G / n. */
void barlow_twins_backward(float *dfirst, float *dsecond, const float *first, const float *second, float *scratch,
                           const struct barlow_twins *twins)
{
    const int n = twins->n, d = twins->d;
    const struct parts parts = parts_of(scratch, n, d);
    const float scale = 2 / ((float)n * (float)d), redundancy = twins->redundancy;
    for (int k = 0; k < d; k++)
        for (int l = 0; l < d; l++) {
            float *at = &parts.correlation[(ptrdiff_t)k * d + l];
            const float c = *at / (float)n;
            *at = scale * (k == l ? c - 1 : redundancy * c);
        }
    backward_view(dfirst, first, false, &parts, twins);
    backward_view(dsecond, second, true, &parts, twins);
}
