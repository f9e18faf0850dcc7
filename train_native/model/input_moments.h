/* How the inputs of layers with weights vary over images: means and covariances, of what each output is a sum of. Rounding
 * (weight_rounding.h) weighs errors by them.
 *
 *     struct input_moments *moments = input_moments_new(&net);
 *     ... a run over net, planned with NET_TRAIN, which keeps every tensor ...
 *     input_moments_observe(moments, &run, n);
 *     for (int k = 0; k < input_moments_parts(moments, node); k++) {
 *         const struct moments_part part = input_moments_part(moments, node, k);
 *         printf("%g\n", input_moments_covariance(moments, &part, 0, 0));
 *     }
 *     input_moments_free(moments);
 *
 * The weights of a conv2d or dense layer are a matrix with a row for each of its inputs (kernel_h, kernel_w, in) and a
 * column for each output. Of a depthwise layer each channel has one of its own, with a row for each tap. A matrix of many
 * rows is taken in parts, between which no covariance is kept. Of each image some of the layer's pixels are looked at. */
#ifndef INPUT_MOMENTS_H
#define INPUT_MOMENTS_H

#include "net/net.h"

struct input_moments;

struct input_moments *input_moments_new(const struct net *net);
void input_moments_free(struct input_moments *moments);

/* Takes the inputs of all layers from the run's tensors, of n images. */
void input_moments_observe(struct input_moments *moments, const struct net_run *run, int n);

/* Rows that are rounded together: weight (row, column) of them is the node's parameter first + row * stride + column. */
struct moments_part {
    int rows, columns;
    size_t first, stride;
    int node, input; /* private: the layer, and the first of its inputs */
    size_t sums;     /* private: where the moments begin */
    double count;    /* observations */
};
int input_moments_parts(const struct input_moments *moments, int node);
struct moments_part input_moments_part(const struct input_moments *moments, int node, int index);

double input_moments_mean(const struct input_moments *moments, const struct moments_part *part, int row);
/* About the mean; of row <= other. */
double input_moments_covariance(const struct input_moments *moments, const struct moments_part *part, int row,
                                int other);

#endif
