/* Naive loops in double precision: what core's kernels are held against. Written from the formulas in core's headers,
 * without looking at how core computes them; nothing here is fast. Arrays are NHWC as in core. */
#ifndef ORACLE_H
#define ORACLE_H

#include "image/image.h"
#include "training/loss.h"
#include "net/net.h"
#include "training/optimizer.h"

void oracle_conv(double *out, const double *in, const double *weights, const double *bias, int n,
                 const struct window *window);
void oracle_conv_backward(double *din, double *dweights, const double *dout, const double *in, const double *weights,
                          int n, const struct window *window);
void oracle_maxpool(double *out, const double *in, int n, const struct window *window);
void oracle_avgpool(double *out, const double *in, int n, const struct window *window);
void oracle_depthwise(double *out, const double *in, const double *weights, const double *bias, int n,
                      const struct window *window);

/* scale, shift (c); over the batch's own statistics, which are returned in mean and variance unless they are NULL. */
void oracle_batchnorm_train(double *out, double *mean, double *variance, const double *in, const double *scale,
                            const double *shift, int rows, int c);
void oracle_batchnorm_infer(double *out, const double *in, const double *scale, const double *shift, const double *mean,
                            const double *variance, int rows, int c);

/* Elementwise ones: of a node, or of a kind without a setting. */
void oracle_activate(const struct node *node, double *out, const double *in, size_t count);
void oracle_activation(double *out, const double *in, enum node_kind kind, size_t count);
void oracle_softmax(double *out, const double *in, double temperature, int n, int c);

/* As in kernels/channels.h; of concat, c is the first input's and out_c the output's. */
void oracle_concat(double *out, const double *in, const double *second, size_t pixels, int c, int out_c);
void oracle_slice(double *out, const double *in, size_t pixels, int first, int count, int c);
void oracle_shuffle(double *out, const double *in, size_t pixels, int groups, int c);

/* The sum of the losses of n images. */
double oracle_cross_entropy(const double *logits, const struct target *targets, double smoothing, int n, int c);

/* One step of one weight, numbered from 1. */
struct oracle_weight {
    double weight, first, second;
};
void oracle_step(struct oracle_weight *weight, double gradient, const struct optimizer *optimizer, int step);

/* One step of Muon for weights (rows, columns); `first` holds the velocity. */
void oracle_muon(struct oracle_weight *weights, const double *gradients, double rate, double momentum, int rows,
                 int columns);

/* out (out_h, out_w, 3) from in (h, w, 3): Pillow's resize with the bilinear filter, on bytes. */
void oracle_resize(uint8_t *out, int out_w, int out_h, const uint8_t *in, int w, int h);

/* A whole net. tensor[0] holds n images; tensor[1 .. node_count] are written. In training mode batchnorm uses the
 * statistics of these images and dropout drops what core's coordinates say. */
struct oracle_mode {
    bool training;
    double temperature;
    uint64_t dropout_seed, first_image;
};
void oracle_net(double *const tensor[], const struct net *net, const double *parameters, int n,
                struct oracle_mode mode);

/* The same of nodes `first` and later alone. */
void oracle_net_from(double *const tensor[], const struct net *net, const double *parameters, int n,
                     struct oracle_mode mode, int first);

/* Memory for it, freed after the test. */
void oracle_tensors(double *tensor[], const struct net *net, int n);

#endif
