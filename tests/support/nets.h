/* Networks for tests: a builder, a fixture that plans and packs, and random graphs. */
#ifndef NETS_H
#define NETS_H

#include "net/net.h"
#include "base/random.h"

/* Appends a node and returns the number of its output, as all of these do. */
int nets_node(struct net *net, struct node node);

/* Each appends a node that reads tensor `in` and returns the number of its output. */
int nets_conv(struct net *net, int in, int channels, int kernel_h, int kernel_w, int stride, bool same, bool bias);
int nets_depthwise(struct net *net, int in, int kernel_h, int kernel_w, int stride, bool same, bool bias);
int nets_pool(struct net *net, int in, enum node_kind kind, int kernel, int stride, bool same);
int nets_dense(struct net *net, int in, int channels, bool bias);
int nets_dropout(struct net *net, int in, float rate);
int nets_scale(struct net *net, int in, float factor);
int nets_leaky_relu(struct net *net, int in, float slope);
int nets_add(struct net *net, int first, int second);
int nets_multiply(struct net *net, int first, int second);
int nets_simple(struct net *net, int in, enum node_kind kind); /* kinds without settings */

/* Appends the softmax and checks the net; a failed check of the net is a failed check of the test. */
void nets_finish(struct net *net, int in);

/* A small net with a layer of this kind, which its row in the table of kinds describes; a layer before it has
 * parameters. */
void nets_of_kind(struct net *net, enum node_kind kind);

/* Puts any activation instead of each: nets_random draws from those that there were when its nets became
 * references. */
void nets_redraw_activations(struct net *net, struct random *random);

/* A valid net of any graph: up to `layers` random nodes, and then as many as it takes to read every tensor. */
void nets_random(struct net *net, int layers, struct random *random);

/* A chain of `layers` random windows, most of them with explicit padding, different on the four sides; unless plain,
 * convolutions with dilation and in groups, too. */
void nets_random_windows(struct net *net, int layers, bool plain, struct random *random);

/* A chain of `blocks` sums and products: of tensors of one shape, one with itself, and with one pixel for all others,
 * made from the same tensor or another; with activations behind them, and pools that leave pixels over. */
void nets_random_gates(struct net *net, int blocks, struct random *random);

/* A graph of `layers` random nodes, most of them concat, slice and shuffle, and what it takes to read every tensor. */
void nets_random_channels(struct net *net, int layers, struct random *random);

/* Random weights of a sensible size, scales and variances around 1. */
float *nets_parameters(const struct net *net, struct random *random);

/* Everything that running takes; `bytes` is what the plan measured. Memory goes with the test. */
struct fixture {
    struct net_packed packed;
    struct net_run run;
    uint64_t bytes;
};
void fixture_open(struct fixture *fixture, const struct net *net, const float *parameters, int batch, net_mode mode);
void fixture_pack(struct fixture *fixture, const struct net *net, const float *parameters);

#endif
