/* A quantized network: integer arithmetic from the pixels to the logits, so that the bits are the same everywhere by
 * nature. Weights are int8, activations are integers of 12 bits (int8_layer.h).
 *
 *     struct net_int8 quantized;
 *     struct arena arena = {0};
 *     net_int8_plan(&quantized, &net, &arena);                        // measure; with arena.base set: bind
 *     int8_scales(quantized.scale, &net, own, &preprocess);           // own[node]: as the model stores them
 *     net_int8_pack_pixels(&quantized, &preprocess);
 *     for (int node = 0; node < net.node_count; node++)
 *         net_int8_pack(&quantized, node, &weights[node]);
 *     net_int8_run(&quantized, pixels, temperature);                  // quantized.logits, quantized.probabilities
 *
 * Every tensor has a scale, the real number that 1 stands for. Of the pixels it is the largest normalised pixel /
 * ACTIVATION_MAX; conv2d, depthwise, dense, add, multiply, concat, avgpool and global_avgpool have one of their own,
 * which the model stores; sigmoid, tanh and hardsigmoid have 1 / ACTIVATION_MAX; `scale` multiplies that of its input;
 * all others keep it (enum int8_form). With in, w and out the scales of input, channel and output, a layer's integers
 * follow as
 *
 *     conv2d, depthwise, dense    factor = round(in * w / out * 2^INT8_FRACTION), bias = round(bias / (in * w))
 *     add, concat                 factor = round(in / out * 2^INT8_ADD_FRACTION) of each input
 *     multiply                    factor = round(first * second / out * 2^32)
 *     means of `count` pixels     factor = round(in / out / count * 2^INT8_FRACTION)
 *
 * and int8_kernels.h computes with them. model_weights.c has checked that they fit (int8_channel_of,
 * int8_scales_fit). Rounding of those, and of the tables for pixels and activations, is to the nearest, halves away
 * from 0, in double. A network may hold any layer but batchnorm, which quantizing turns into a depthwise one, prelu, and
 * convolutions that are dilated or in groups. */
#ifndef INT8_NET_H
#define INT8_NET_H

#include "image/image.h"
#include "int8/int8_kernels.h"
#include "net/net.h"

/* How a node is computed: its kind's form, but none for dilated and grouped convolutions. */
enum int8_form int8_form_of(const struct node *node);

/* Whether the model stores a scale for the output of a node of this kind. */
bool int8_has_scale(enum node_kind kind);

/* The scales of all tensors from those that are stored, own (node_count; 0 where there is none). False: one is not a
 * positive finite number, or a layer cannot be computed in int8. */
bool int8_scales(float scale[LIMIT_NODES + 1], const struct net *net, const float *own,
                 const struct preprocess *preprocess);

/* Weights of a conv2d, depthwise or dense node, as the model stores them. */
struct int8_weights {
    const int8_t *values; /* in the order of net_blocks */
    const float *scale;   /* (out.c) */
    const float *bias;    /* (out.c) or NULL */
};

/* Of one output channel, the absolute values of whose weights have this sum. False: a sum of products could reach 2^29,
 * or factor would not be in 1 .. 2^29 - 1. */
struct int8_channel {
    int32_t bias, factor;
};
bool int8_channel_of(struct int8_channel *channel, float in, float weight, float out, float bias,
                     uint64_t absolute_sum);

/* The smallest scale for the weights of a channel, whose absolute values have this sum: smaller ones could be refused,
 * or the factor be rounded too much. */
float int8_min_scale(float in, float out, double absolute_sum, float bias);

/* Whether an add, multiply, concat or avgpool node between these scales can be computed. */
bool int8_scales_fit(const struct net *net, int node, const float scale[LIMIT_NODES + 1]);

struct net_int8 {
    const struct net *net;
    float scale[LIMIT_NODES + 1]; /* of the tensors */
    struct int8_layer layer[LIMIT_NODES];
    bool winograd[LIMIT_NODES];
    int last[LIMIT_NODES];              /* the last node that is done in one pass with this one */
    int64_t *mean_factors[LIMIT_NODES]; /* int8_avgpool's */
    int16_t *table[LIMIT_NODES];        /* activations that are looked up */
    int16_t *pixel;                     /* (3, 256): the value of each byte, by channels of the network */
    int first_channel;                  /* the byte of a pixel that is the network's first channel */
    int16_t *tensor[LIMIT_NODES + 1];   /* NULL: never stored, being inside a layer that does several nodes' work */
    void *scratch;
    float *logits, *probabilities;
};
void net_int8_plan(struct net_int8 *quantized, const struct net *net, struct arena *arena);

/* After the scales, for every node; weights for those that have them. preprocess: makes the pixels' table. */
void net_int8_pack(struct net_int8 *quantized, int node, const struct int8_weights *weights);
void net_int8_pack_pixels(struct net_int8 *quantized, const struct preprocess *preprocess);

/* pixels (h, w, 3) that need no fitting. */
void net_int8_run(struct net_int8 *quantized, const uint8_t *pixels, float temperature);

/* The same from numbers of the input's size and of scale quantized->scale[0]: those of a tensor of another network,
 * whose last layers these are (net_check_tail). */
void net_int8_run_numbers(struct net_int8 *quantized, const int16_t *numbers, float temperature);

#endif
