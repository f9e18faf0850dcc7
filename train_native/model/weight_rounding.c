#include "model/weight_rounding.h"

#include "cli/memory.h"
#include "net/net_int8.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { WEIGHT_MAX = 127 };

/* Of the mean variance, added to each: inputs that the images left alone are not free to take any error. */
static const double damping = 0.003;

/* ---- The order, and the Cholesky factor ---- */

/* Of a part's inputs: their rows in the order of their variance, smallest first, and the lower triangular factor (rows,
 * rows) of the damped covariance in that order. */
struct factor {
    int *order;
    double *lower;
};

/* In place, column by column: what is right of the diagonal stays 0. With `least` added to every variance no pivot is
 * below it, but for rounding. */
static void cholesky(double *lower, int rows, double least)
{
    double *column = allocate((size_t)rows, sizeof *column);
    for (int k = 0; k < rows; k++) {
        const double pivot = sqrt(lower[k * rows + k] > least ? lower[k * rows + k] : least);
        lower[k * rows + k] = pivot;
        for (int i = k + 1; i < rows; i++)
            column[i] = lower[i * rows + k] /= pivot;
        for (int i = k + 1; i < rows; i++)
            for (int j = k + 1; j <= i; j++)
                lower[i * rows + j] -= column[i] * column[j];
    }
    free(column);
}

struct ranked {
    double variance;
    int row;
};

static int by_variance(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    return x->variance < y->variance ? -1 : x->variance > y->variance ? 1 : x->row - y->row;
}

static struct factor factor_new(const struct input_moments *moments, const struct moments_part *part, bool centred)
{
    const int rows = part->rows;
    struct factor factor = {allocate((size_t)rows, sizeof(int)), allocate((size_t)rows * (size_t)rows, sizeof(double))};
    struct ranked *ranked = allocate((size_t)rows, sizeof *ranked);
    double *mean = allocate((size_t)rows, sizeof *mean), sum = 0;
    for (int r = 0; r < rows; r++) {
        mean[r] = centred ? 0 : input_moments_mean(moments, part, r);
        const double variance = input_moments_covariance(moments, part, r, r) + mean[r] * mean[r];
        ranked[r] = (struct ranked){variance > 0 ? variance : 0, r};
        sum += ranked[r].variance;
    }
    qsort(ranked, (size_t)rows, sizeof *ranked, by_variance);
    const double least = sum > 0 ? damping * sum / rows : 1;
    for (int i = 0; i < rows; i++) {
        const int r = factor.order[i] = ranked[i].row;
        for (int k = 0; k < i; k++) {
            const int s = factor.order[k], low = r < s ? r : s, high = r < s ? s : r;
            factor.lower[i * rows + k] = input_moments_covariance(moments, part, low, high) + mean[r] * mean[s];
        }
        factor.lower[i * rows + i] = ranked[i].variance + least;
    }
    cholesky(factor.lower, rows, least);
    free(ranked);
    free(mean);
    return factor;
}

static void factor_free(struct factor *factor)
{
    free(factor->order);
    free(factor->lower);
}

/* ---- Rounding ---- */

/* One layer's. Arrays of its channels: */
struct rounding {
    const struct net *net;
    const struct input_moments *moments;
    int node, parts, channels;
    bool centred;   /* the bias takes what is constant of an error */
    float *weights; /* the node's */
    float *largest; /* the absolute value of the largest weight of a channel */
    size_t *pinned; /* which that is: it is rounded to 127 or -127 */
    float *scale;
};

static int channel_of(const struct moments_part *part, int column)
{
    return part->columns == 1 ? (int)part->first : column;
}

static void find_largest(struct rounding *rounding)
{
    struct block blocks[4];
    net_blocks(blocks, rounding->net, rounding->node);
    for (size_t k = 0; k < blocks[0].count; k++) {
        const size_t c = k % (size_t)rounding->channels;
        const float size = fabsf(rounding->weights[k]);
        if (size > rounding->largest[c]) {
            rounding->largest[c] = size;
            rounding->pinned[c] = k;
        }
    }
}

static float nearest_multiple(float weight, float scale)
{
    const float multiple = rintf(weight / scale);
    return fminf(fmaxf(multiple, -(float)WEIGHT_MAX), (float)WEIGHT_MAX);
}

/* Rounds the weights of one row, which have taken over what others left; errors: what is left of each. */
static void round_row(struct rounding *rounding, const struct moments_part *part, int row, const double *wanted,
                      double *errors)
{
    for (int column = 0; column < part->columns; column++) {
        const size_t at = part->first + (size_t)row * part->stride + (size_t)column;
        const int c = channel_of(part, column);
        const float scale = rounding->scale[c], before = rounding->weights[at];
        if (rounding->largest[c] == 0)
            continue;
        const float multiple = at == rounding->pinned[c] ? (before < 0 ? -WEIGHT_MAX : WEIGHT_MAX)
                                                         : nearest_multiple((float)wanted[column], scale);
        rounding->weights[at] = multiple * scale;
        errors[column] = (double)before - (double)rounding->weights[at];
    }
}

static void round_part(struct rounding *rounding, const struct moments_part *part)
{
    const int rows = part->rows, columns = part->columns;
    struct factor factor = factor_new(rounding->moments, part, rounding->centred);
    double *errors = allocate((size_t)rows * (size_t)columns, sizeof *errors);
    double *wanted = allocate((size_t)columns, sizeof *wanted);
    for (int i = rows - 1; i >= 0; i--) {
        const int row = factor.order[i];
        for (int column = 0; column < columns; column++)
            wanted[column] = (double)rounding->weights[part->first + (size_t)row * part->stride + (size_t)column];
        for (int k = i + 1; k < rows; k++) {
            const double share = factor.lower[k * rows + i] / factor.lower[i * rows + i];
            for (int column = 0; column < columns; column++)
                wanted[column] += share * errors[k * columns + column];
        }
        round_row(rounding, part, row, wanted, errors + (size_t)i * (size_t)columns);
    }
    float *bias = rounding->weights +
                  (rounding->net->offset[rounding->node + 1] - rounding->net->offset[rounding->node]) -
                  rounding->channels;
    for (int i = 0; i < rows && rounding->centred; i++) {
        const double mean = input_moments_mean(rounding->moments, part, factor.order[i]);
        for (int column = 0; column < columns; column++)
            bias[channel_of(part, column)] += (float)(mean * errors[i * columns + column]);
    }
    free(wanted);
    free(errors);
    factor_free(&factor);
}

static void round_layer(float *parameters, const struct net *net, int node, const float scale[LIMIT_NODES + 1],
                        const struct input_moments *moments)
{
    struct block blocks[4];
    const int channels = net->shapes[node + 1].c, count = net_blocks(blocks, net, node);
    struct rounding rounding = {.net = net, .moments = moments, .node = node, .channels = channels};
    rounding.parts = input_moments_parts(moments, node);
    rounding.centred = count > 1;
    rounding.weights = parameters + net->offset[node];
    rounding.largest = allocate((size_t)channels, sizeof(float));
    rounding.pinned = allocate((size_t)channels, sizeof(size_t));
    rounding.scale = allocate((size_t)channels, sizeof(float));
    find_largest(&rounding);
    for (int c = 0; c < channels; c++) {
        double sum = 0;
        for (size_t k = (size_t)c; k < blocks[0].count; k += (size_t)channels)
            sum += (double)fabsf(rounding.weights[k]);
        const float least = int8_min_scale(scale[net->nodes[node].input[0]], scale[node + 1], sum,
                                           count > 1 ? parameters[blocks[1].offset + (size_t)c] : 0);
        rounding.scale[c] = fmaxf(rounding.largest[c] / (float)WEIGHT_MAX, least);
    }
    for (int p = 0; p < rounding.parts; p++) {
        const struct moments_part part = input_moments_part(moments, node, p);
        round_part(&rounding, &part);
    }
    free(rounding.largest);
    free(rounding.pinned);
    free(rounding.scale);
}

void weight_rounding(float *parameters, const struct net *net, const float scale[LIMIT_NODES + 1],
                     const struct input_moments *moments)
{
    for (int i = 0; i < net->node_count; i++)
        if (node_has_weights(net->nodes[i].kind))
            round_layer(parameters, net, i, scale, moments);
}
