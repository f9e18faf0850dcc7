/* Softmax regression by L-BFGS: the weights w (features, classes) that minimise
 *
 *     mean over the images of weight * cross-entropy(softmax(x w)) + l2 / 2 * |w without its last row|^2
 *
 * The last feature of every image is 1, so that the last row of w holds the biases.
 *
 *     const struct parallel parallel = parallel_threads(2);
 *     const struct regression data = {x, targets, count, features, classes, gemm_fast, &parallel};
 *     const struct arena memory = {.base = block, .size = softmax_regression_bytes(&data)};
 *     memset(w, 0, features * classes * sizeof(float));
 *     int iterations = softmax_regression(w, &data, 1e-3f, memory);
 *     softmax_regression_logits(logits, w, &data, memory);
 *
 * Convex, so where it starts decides only how long it takes. The same bits for any number of threads. */
#ifndef SOFTMAX_REGRESSION_H
#define SOFTMAX_REGRESSION_H

#include "base/arena.h"
#include "kernels/gemm.h"
#include "training/loss.h"
#include "training/parallel.h"

struct regression {
    const float *x;               /* (count, features) */
    const struct target *targets; /* (count) */
    int count, features, classes;
    gemm_function *gemm;
    const struct parallel *parallel;
};

/* Bytes of memory that the functions below need. */
uint64_t softmax_regression_bytes(const struct regression *data);

/* Improves w; returns the number of iterations. */
int softmax_regression(float *w, const struct regression *data, float l2, struct arena memory);

/* logits (count, classes) */
void softmax_regression_logits(float *logits, const float *w, const struct regression *data, struct arena memory);

#endif
