#include "training/softmax_regression.h"

#include <assert.h>
#include <math.h> /* sqrt, which is rounded correctly everywhere */
#include <string.h>

enum { HISTORY = 10, MAX_ITERATIONS = 200, ROWS = 64 /* at a time in a thread */ };

/* Memory of one run. */
struct work {
    float *packed;                                      /* the second factor of a product */
    float *logits, *probabilities, *losses;             /* (count, classes), the same, (count) */
    float *gradient, *next, *next_gradient, *direction; /* as w */
    float *steps[HISTORY], *changes[HISTORY];           /* of w and of the gradient; a ring */
};

static struct work plan(const struct regression *data, struct arena *memory)
{
    assert(data->count >= 0 && data->features > 0 && data->classes > 0);
    const uint64_t weights = (uint64_t)data->features * (uint64_t)data->classes,
                   scores = (uint64_t)data->count * (uint64_t)data->classes;
    struct work work;
    work.packed = arena_alloc(
        memory, gemm_packed_count(data->features > data->count ? data->features : data->count, data->classes),
        sizeof(float));
    work.logits = arena_alloc(memory, scores, sizeof(float));
    work.probabilities = arena_alloc(memory, scores, sizeof(float));
    work.losses = arena_alloc(memory, (uint64_t)data->count, sizeof(float));
    work.gradient = arena_alloc(memory, weights, sizeof(float));
    work.next = arena_alloc(memory, weights, sizeof(float));
    work.next_gradient = arena_alloc(memory, weights, sizeof(float));
    work.direction = arena_alloc(memory, weights, sizeof(float));
    for (int k = 0; k < HISTORY; k++) {
        work.steps[k] = arena_alloc(memory, weights, sizeof(float));
        work.changes[k] = arena_alloc(memory, weights, sizeof(float));
    }
    return work;
}

uint64_t softmax_regression_bytes(const struct regression *data)
{
    struct arena measure = {0};
    plan(data, &measure);
    return measure.used;
}

/* out (rows of a, classes) = a b, rows in parallel; each sum is one thread's and in order of depth. */
struct product {
    struct gemm gemm; /* all of it */
    int rows;
    ptrdiff_t row_stride;
    gemm_function *multiply;
};

static void multiply_rows(void *context, int chunk, int thread)
{
    (void)thread;
    const struct product *product = context;
    const int start = chunk * ROWS, left = product->rows - start;
    struct gemm gemm = product->gemm;
    gemm.a += start * product->row_stride;
    gemm.c += (ptrdiff_t)start * gemm.c_stride;
    gemm.rows = axis_line(left < ROWS ? left : ROWS, product->row_stride);
    product->multiply(&gemm);
}

static void multiply(const struct regression *data, struct product *product, const float *b, float *packed)
{
    struct gemm *gemm = &product->gemm;
    gemm_pack(packed, b, axis_line(axis_count(&gemm->depth), data->classes), 1, data->classes);
    gemm->b = packed;
    gemm->columns = data->classes;
    gemm->c_stride = data->classes;
    product->multiply = data->gemm;
    data->parallel->run(data->parallel, (product->rows + ROWS - 1) / ROWS, multiply_rows, product);
}

/* logits = x w */
static void find_logits(float *logits, const float *w, const struct regression *data, float *packed)
{
    struct product product = {.gemm = {.a = data->x, .depth = axis_line(data->features, 1), .c = logits},
                              .rows = data->count,
                              .row_stride = data->features};
    multiply(data, &product, w, packed);
}

/* gradient = x' dlogits */
static void find_gradient(float *gradient, const float *dlogits, const struct regression *data, float *packed)
{
    struct product product = {.gemm = {.a = data->x, .depth = axis_line(data->count, data->features), .c = gradient},
                              .rows = data->features,
                              .row_stride = 1};
    multiply(data, &product, dlogits, packed);
}

void softmax_regression_logits(float *logits, const float *w, const struct regression *data, struct arena memory)
{
    struct work work = plan(data, &memory);
    find_logits(logits, w, data, work.packed);
}

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
    find_logits(work->logits, w, data, work->packed);
    cross_entropy_forward(work->losses, work->probabilities, work->logits, data->targets, 0, n, c);
    cross_entropy_backward(work->logits, work->probabilities, data->targets, 0, 1.0f / (float)n, n, c);
    find_gradient(gradient, work->logits, data, work->packed);
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
    double projections[HISTORY];
    const int oldest = iteration > HISTORY ? iteration - HISTORY : 0;
    memcpy(work->direction, work->gradient, count * sizeof(float));
    for (int k = iteration - 1; k >= oldest; k--) {
        const float *step = work->steps[k % HISTORY], *change = work->changes[k % HISTORY];
        const double projection = projections[k % HISTORY] =
            dot(step, work->direction, count) / dot(step, change, count);
        for (size_t i = 0; i < count; i++)
            work->direction[i] -= (float)projection * change[i];
    }
    if (iteration > 0) {
        const float *step = work->steps[(iteration - 1) % HISTORY], *change = work->changes[(iteration - 1) % HISTORY];
        const float scale = (float)(dot(step, change, count) / dot(change, change, count));
        for (size_t i = 0; i < count; i++)
            work->direction[i] *= scale;
    }
    for (int k = oldest; k < iteration; k++) {
        const float *step = work->steps[k % HISTORY], *change = work->changes[k % HISTORY];
        const double projection =
            projections[k % HISTORY] - dot(change, work->direction, count) / dot(step, change, count);
        for (size_t i = 0; i < count; i++)
            work->direction[i] += (float)projection * step[i];
    }
}

/* Halves the step until the objective falls enough (Armijo); returns the objective there, or `loss` where no step
 * helps: rounding is all that is left. */
static double line_search(const float *w, const struct regression *data, float l2, struct work *work, double loss,
                          size_t count)
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

int softmax_regression(float *w, const struct regression *data, float l2, struct arena memory)
{
    assert(data->count > 0);
    const size_t count = (size_t)data->features * (size_t)data->classes;
    struct work work = plan(data, &memory);
    double loss = objective(work.gradient, w, data, l2, &work);
    int iteration = 0;
    for (int known = 0; iteration < MAX_ITERATIONS && sqrt(dot(work.gradient, work.gradient, count)) > 1e-5;
         iteration++) {
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
    return iteration;
}
