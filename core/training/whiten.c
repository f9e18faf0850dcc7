#include "training/whiten.h"

#include <assert.h>
#include <math.h> /* fabs and sqrt, which are exact, or rounded correctly, everywhere */
#include <string.h>

enum { MAX_IMAGES = 5000, SWEEPS = 50, AHEAD = 64 /* images that are fetched ahead */ };

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

struct work {
    int row, n;                   /* values in a row of a patch, and in all of it, as in a filter: (ky, kx, c) */
    double *covariance, *vectors; /* (n, n) */
    float *image, *patch;         /* (h, w, c), (n) */
};

static struct work plan(const struct net *net, struct arena *memory)
{
    assert(net->nodes[0].kind == NODE_CONV2D && net->nodes[0].initial == INITIAL_WHITEN);
    const int row = net->nodes[0].kernel_w * net->input.c, n = net->nodes[0].kernel_h * row;
    struct work work = {.row = row, .n = n};
    work.covariance = arena_alloc(memory, (uint64_t)n * (uint64_t)n, sizeof(double));
    work.vectors = arena_alloc(memory, (uint64_t)n * (uint64_t)n, sizeof(double));
    work.image = arena_alloc(memory, shape_count(net->input), sizeof(float));
    work.patch = arena_alloc(memory, (uint64_t)n, sizeof(float));
    return work;
}

uint64_t whiten_bytes(const struct net *net)
{
    struct arena measure = {0};
    plan(net, &measure);
    return measure.used;
}

/* Adds the products of all patches of work->image; returns their number. */
static int add_patches(struct work *work, const struct net *net)
{
    const struct shape in = net->input;
    const int kernel_h = net->nodes[0].kernel_h, kernel_w = net->nodes[0].kernel_w, row = work->row, n = work->n;
    int patches = 0;
    for (int y = 0; y + kernel_h <= in.h; y++)
        for (int x = 0; x + kernel_w <= in.w; x++, patches++) {
            for (int ky = 0; ky < kernel_h; ky++)
                memcpy(work->patch + ky * row, work->image + ((y + ky) * in.w + x) * in.c, (size_t)row * sizeof(float));
            for (int p = 0; p < n; p++)
                for (int q = 0; q < n; q++)
                    work->covariance[p * n + q] += (double)work->patch[p] * (double)work->patch[q];
        }
    return patches;
}

void whiten_weights(float *weights, const struct net *net, const struct preprocess *preprocess,
                    const struct subset *subset, struct arena memory)
{
    struct work work = plan(net, &memory);
    const int n = work.n, count = subset->count < MAX_IMAGES ? subset->count : MAX_IMAGES;
    assert(count > 0 && subset->images->shape.h == net->input.h && subset->images->shape.w == net->input.w);
    memset(work.covariance, 0, (size_t)(n * n) * sizeof(double));
    double patches = 0;
    for (int i = 0; i < count; i++) {
        subset_expect(subset, i + AHEAD, 1);
        image_normalise(work.image, subset_pixels(subset, i), net->input, preprocess);
        patches += add_patches(&work, net);
    }
    for (int i = 0; i < n * n; i++)
        work.covariance[i] /= patches;
    eigenvectors(work.covariance, work.vectors, n);
    for (int o = 0; o < n; o++) {
        const double scale = 1 / sqrt(work.covariance[o * n + o] + 5e-4);
        for (int k = 0; k < n; k++) {
            weights[k * 2 * n + o] = (float)(work.vectors[k * n + o] * scale);
            weights[k * 2 * n + n + o] = -weights[k * 2 * n + o];
        }
    }
}
