/* A quantized network: from the pixels to the logits in whole numbers, so that the bits are the same everywhere by nature.
 *
 *     struct integer_net quantized; struct arena arena = {0};
 *     integer_net_plan(&quantized, &net, &arena);                        // measure; with arena.base set: bind
 *     integer_scales(quantized.scale, &net, own, &preprocess);           // own[node]: as the model stores them
 *     integer_net_pack_pixels(&quantized, &preprocess);
 *     for (each node) integer_net_pack(&quantized, node, &weights);
 *     integer_net_run(&quantized, pixels, temperature); use(quantized.logits, quantized.probabilities);
 *
 * Every tensor has a scale, the real number that 1 stands for. Of the pixels it is the largest normalised pixel / INTEGER_MOST;
 * conv2d, depthwise, dense, add, avgpool and global_avgpool have one of their own, which the model stores; sigmoid and tanh have
 * 1 / INTEGER_MOST; `scale` multiplies that of its input; all others keep it. With in, w and out the scales of input, channel and
 * output, a layer's numbers follow as
 *
 *     conv2d, depthwise, dense    factor = round(in * w / out * 2^INTEGER_FRACTION), bias = round(bias / (in * w))
 *     add                         factor = round(in / out * 2^INTEGER_ADD_FRACTION) of each input
 *     means of `count` pixels     factor = round(in / out / count * 2^INTEGER_FRACTION)
 *
 * and int8_kernels.h says what is done with them. model.c has checked that they fit (integer_channel_of, integer_scales_fit). Rounding of
 * those, and of the tables for pixels, gelu, sigmoid and tanh, is to the nearest, halves away from 0, in double. A network may
 * hold any layer but batchnorm, which quantizing turns into a depthwise one. */
#ifndef INTEGER_NET_H
#define INTEGER_NET_H

#include "image/image.h"
#include "int8/int8_kernels.h"
#include "net/net.h"

/* Whether the model stores a scale for the output of a node of this kind. */
bool integer_has_scale(enum node_kind kind);

/* The scales of all tensors from those that are stored, own (node_count; 0 where there is none). False: one is not a positive
 * finite number, or the network has a layer that has no form in whole numbers. */
bool integer_scales(float scale[LIMIT_NODES + 1], const struct net *net, const float *own, const struct preprocess *preprocess);

/* Weights of a conv2d, depthwise or dense node, as the model stores them. */
struct integer_weights {
    const int8_t *whole; /* in the order of net_blocks */
    const float *scale;  /* (out.c) */
    const float *bias;   /* (out.c) or NULL */
};

/* Of one output channel whose weights' sizes have this sum. False: a sum could reach 2^29, or factor would not be in 1 .. 2^29 - 1. */
struct integer_channel {
    int32_t bias, factor;
};
bool integer_channel_of(struct integer_channel *channel, float in, float weight, float out, float bias, uint64_t sum_of_sizes);

/* The least scale for the weights of a channel, whose sizes add up to sum: smaller ones could be refused or lose the bias's digits. */
float integer_least_scale(float in, float out, double sum, float bias);

/* Whether an add or avgpool node between these scales can be computed. */
bool integer_scales_fit(const struct net *net, int node, const float scale[LIMIT_NODES + 1]);

struct integer_net {
    const struct net *net;
    float scale[LIMIT_NODES + 1];        /* of the tensors */
    struct integer_layer layer[LIMIT_NODES];
    bool winograd[LIMIT_NODES];
    int last[LIMIT_NODES];               /* the last node that is done in one pass with this one */
    int64_t *share[LIMIT_NODES];         /* pools: integer_avgpool's factors */
    int16_t *table[LIMIT_NODES];         /* gelu, sigmoid, tanh */
    int16_t *pixel;                      /* (3, 256): the number of each byte */
    int16_t *tensor[LIMIT_NODES + 1];    /* NULL: it is never stored, being inside a layer that does more than one node's work */
    void *scratch;
    float *logits, *probabilities;
};
void integer_net_plan(struct integer_net *quantized, const struct net *net, struct arena *arena);

/* After the scales, for every node; weights for those that have them. preprocess: makes the pixels' table. */
void integer_net_pack(struct integer_net *quantized, int node, const struct integer_weights *weights);
void integer_net_pack_pixels(struct integer_net *quantized, const struct preprocess *preprocess);

/* pixels (h, w, 3) that need no fitting. */
void integer_net_run(struct integer_net *quantized, const uint8_t *pixels, float temperature);

#endif
