#include "model/softmax_regression.h"

#include "kernels/gemm.h"
#include "cli/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { HISTORY = 10, MOST_ITERATIONS = 200, ROWS = 64 /* at a time in a thread */ };

/* out (rows of a, columns) = a b, rows in parallel; each sum is one thread's and in order of depth. */
static void multiply(float *out, const float *a, int rows, ptrdiff_t row_stride, int depth, ptrdiff_t depth_stride,
                     const float *b, int columns, int threads)
{
    float *packed = allocate(gemm_packed_count(depth, columns), sizeof(float));
    gemm_pack(packed, b, axis_line(depth, columns), 1, columns);
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int start = 0; start < rows; start += ROWS)
        gemm_fast(&(struct gemm){.a = a + start * row_stride,
                                 .rows = axis_line(rows - start < ROWS ? rows - start : ROWS, row_stride),
                                 .depth = axis_line(depth, depth_stride), .b = packed, .columns = columns,
                                 .c = out + (ptrdiff_t)start * columns, .c_stride = columns});
    free(packed);
}

void softmax_regression_logits(float *logits, const float *w, const struct regression *data)
{
    multiply(logits, data->x, data->count, data->features, data->features, 1, w, data->classes, data->threads);
}

/* Memory of one run. */
struct work {
    float *logits, *probabilities, *losses; /* (count, classes), the same, (count) */
    float *gradient, *next, *next_gradient, *direction;    /* as w */
    float *steps[HISTORY], *changes[HISTORY]; /* of w and of the gradient; a ring */
};

static double dot(const float *a, const float *b, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += (double)a[i] * (double)b[i];
    return sum;
}

/* The objective and its gradient at w. */
static double objective(float *gradient, const float *w, const struct regression *data, float l2, struct work *work)
{
    const int n = data->count, c = data->classes;
    const size_t held = (size_t)(data->features - 1) * (size_t)c; /* the biases are free */
    softmax_regression_logits(work->logits, w, data);
    cross_entropy_forward(work->losses, work->probabilities, work->logits, data->targets, 0, n, c);
    cross_entropy_backward(work->logits, work->probabilities, data->targets, 0, 1.0f / (float)n, n, c);
    multiply(gradient, data->x, data->features, 1, n, data->features, work->logits, c, data->threads);
    double loss = 0.5 * (double)l2 * dot(w, w, held);
    for (int i = 0; i < n; i++)
        loss += (double)work->losses[i] / n;
    for (size_t i = 0; i < held; i++)
        gradient[i] += l2 * w[i];
    return loss;
}

/* Nocedal and Wright 2006, algorithm 7.4: the gradient times the inverse of the curvature seen in the last steps. */
static void find_direction(struct work *work, int iteration, size_t count)
{
    double shares[HISTORY];
    const int oldest = iteration > HISTORY ? iteration - HISTORY : 0;
    memcpy(work->direction, work->gradient, count * sizeof(float));
    for (int k = iteration - 1; k >= oldest; k--) {
        const float *step = work->steps[k % HISTORY], *change = work->changes[k % HISTORY];
        const double share = shares[k % HISTORY] = dot(step, work->direction, count) / dot(step, change, count);
        for (size_t i = 0; i < count; i++)
            work->direction[i] -= (float)share * change[i];
    }
    if (iteration > 0) {
        const float *step = work->steps[(iteration - 1) % HISTORY], *change = work->changes[(iteration - 1) % HISTORY];
        const float scale = (float)(dot(step, change, count) / dot(change, change, count));
        for (size_t i = 0; i < count; i++)
            work->direction[i] *= scale;
    }
    for (int k = oldest; k < iteration; k++) {
        const float *step = work->steps[k % HISTORY], *change = work->changes[k % HISTORY];
        const double share = shares[k % HISTORY] - dot(change, work->direction, count) / dot(step, change, count);
        for (size_t i = 0; i < count; i++)
            work->direction[i] += (float)share * step[i];
    }
}

/* Halves the step until the objective falls enough (Armijo); returns the objective there, or `loss` where no step helps: rounding
 * is all that is left. */
static double line_search(const float *w, const struct regression *data, float l2, struct work *work, double loss, size_t count)
{
    enum { TRIES = 30 };
    const double slope = dot(work->gradient, work->direction, count);
    float length = 1;
    for (int i = 0; i < TRIES; i++, length *= 0.5f) {
        for (size_t k = 0; k < count; k++)
            work->next[k] = w[k] - length * work->direction[k];
        const double next = objective(work->next_gradient, work->next, data, l2, work);
        if (next < loss - 1e-4 * (double)length * slope)
            return next;
    }
    return loss;
}

int softmax_regression(float *w, const struct regression *data, float l2)
{
    const size_t count = (size_t)data->features * (size_t)data->classes, scores = (size_t)data->count * (size_t)data->classes;
    struct work work = {.logits = allocate(scores, sizeof(float)), .probabilities = allocate(scores, sizeof(float)),
                        .losses = allocate((size_t)data->count, sizeof(float)), .gradient = allocate(count, sizeof(float)),
                        .next = allocate(count, sizeof(float)), .next_gradient = allocate(count, sizeof(float)),
                        .direction = allocate(count, sizeof(float))};
    for (int k = 0; k < HISTORY; k++) {
        work.steps[k] = allocate(count, sizeof(float));
        work.changes[k] = allocate(count, sizeof(float));
    }
    double loss = objective(work.gradient, w, data, l2, &work);
    int iteration = 0;
    for (int known = 0; iteration < MOST_ITERATIONS && sqrt(dot(work.gradient, work.gradient, count)) > 1e-5; iteration++) {
        find_direction(&work, known, count);
        const double next = line_search(w, data, l2, &work, loss, count);
        if (!(next < loss * (1 - 1e-7)))
            break;
        float *step = work.steps[known % HISTORY], *change = work.changes[known % HISTORY];
        for (size_t i = 0; i < count; i++) {
            step[i] = work.next[i] - w[i];
            change[i] = work.next_gradient[i] - work.gradient[i];
            w[i] = work.next[i];
            work.gradient[i] = work.next_gradient[i];
        }
        known = dot(step, change, count) > 0 ? known + 1 : 0; /* without curvature, start from the gradient again */
        loss = next;
    }
    for (int k = 0; k < HISTORY; k++) {
        free(work.steps[k]);
        free(work.changes[k]);
    }
    free(work.logits);
    free(work.probabilities);
    free(work.losses);
    free(work.gradient);
    free(work.next);
    free(work.next_gradient);
    free(work.direction);
    return iteration;
}
