/* Softmax regression by L-BFGS: the weights w (features, classes) that minimise
 *
 *     mean over the images of weight * cross-entropy(softmax(x w)) + l2 / 2 * |w without its last row|^2
 *
 * The last feature of every image is 1, so that the last row of w holds the biases.
 *
 *     struct regression data = {x, targets, count, features, classes, threads};
 *     float w[features * classes] = {0};
 *     int iterations = softmax_regression(w, &data, 1e-3f);
 *     softmax_regression_logits(logits, w, &data);
 *
 * Convex, so where it starts decides only how long it takes. The same bits for any number of threads. */
#ifndef SOFTMAX_REGRESSION_H
#define SOFTMAX_REGRESSION_H

#include "training/loss.h"

struct regression {
    const float *x; /* (count, features) */
    const struct target *targets; /* (count) */
    int count, features, classes, threads;
};

/* Improves w; returns the number of iterations. */
int softmax_regression(float *w, const struct regression *data, float l2);

/* logits (count, classes) */
void softmax_regression_logits(float *logits, const float *w, const struct regression *data);

#endif
