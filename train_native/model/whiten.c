#include "model/whiten.h"

#include "cli/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_IMAGES = 5000, SWEEPS = 50 };

/* Jacobi's method: turns the symmetric a (n, n) to diagonal form; the columns of v (n, n) become its eigenvectors. */
static void eigenvectors(double *a, double *v, int n)
{
    for (int i = 0; i < n * n; i++)
        v[i] = i % (n + 1) == 0;
    for (int sweep = 0; sweep < SWEEPS; sweep++)
        for (int p = 0; p < n; p++)
            for (int q = p + 1; q < n; q++) {
                if (fabs(a[p * n + q]) < 1e-300)
                    continue;
                const double theta = (a[q * n + q] - a[p * n + p]) / (2 * a[p * n + q]);
                const double t = (theta < 0 ? -1 : 1) / (fabs(theta) + sqrt(theta * theta + 1));
                const double cosine = 1 / sqrt(t * t + 1), sine = t * cosine;
                for (int k = 0; k < n; k++) {
                    const double kp = a[k * n + p], kq = a[k * n + q];
                    a[k * n + p] = cosine * kp - sine * kq;
                    a[k * n + q] = sine * kp + cosine * kq;
                }
                for (int k = 0; k < n; k++) {
                    const double pk = a[p * n + k], qk = a[q * n + k];
                    a[p * n + k] = cosine * pk - sine * qk;
                    a[q * n + k] = sine * pk + cosine * qk;
                    const double vp = v[k * n + p], vq = v[k * n + q];
                    v[k * n + p] = cosine * vp - sine * vq;
                    v[k * n + q] = sine * vp + cosine * vq;
                }
            }
}

void whiten_weights(float *weights, const struct net *net, const struct preprocess *preprocess,
                    const struct dataset *dataset, const int *indices, int count)
{
    const struct window window = net_window(net, 0);
    const struct shape in = net->input;
    const int row = window.kernel_w * in.c, n = window.kernel_h * row; /* numbers in a patch, as in a filter: (ky, kx, c) */
    double *covariance = allocate((size_t)(n * n), sizeof(double)), *vectors = allocate((size_t)(n * n), sizeof(double));
    float *image = allocate(shape_count(in), sizeof(float)), *patch = allocate((size_t)n, sizeof(float));
    count = count < MOST_IMAGES ? count : MOST_IMAGES;
    double patches = 0;
    for (int i = 0; i < count; i++) {
        image_normalise(image, dataset->pixels + (size_t)indices[i] * shape_count(dataset->shape), in, preprocess);
        for (int y = 0; y + window.kernel_h <= in.h; y++)
            for (int x = 0; x + window.kernel_w <= in.w; x++, patches++) {
                for (int ky = 0; ky < window.kernel_h; ky++)
                    memcpy(patch + ky * row, image + ((y + ky) * in.w + x) * in.c, (size_t)row * sizeof(float));
                for (int p = 0; p < n; p++)
                    for (int q = 0; q < n; q++)
                        covariance[p * n + q] += (double)patch[p] * (double)patch[q];
            }
    }
    for (int i = 0; i < n * n; i++)
        covariance[i] /= patches;
    eigenvectors(covariance, vectors, n);
    for (int o = 0; o < n; o++) {
        const double scale = 1 / sqrt(covariance[o * n + o] + 5e-4);
        for (int k = 0; k < n; k++) {
            weights[k * 2 * n + o] = (float)(vectors[k * n + o] * scale);
            weights[k * 2 * n + n + o] = -weights[k * 2 * n + o];
        }
    }
    free(covariance);
    free(vectors);
    free(image);
    free(patch);
}
