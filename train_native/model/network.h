/* Networks as text: a line for each layer.
 *
 *     # comment
 *     input 32x32x3                      height x width x channels (default: as the data set)
 *     conv2d 32 3x3 relu                 channels, kernel; then any of: stride N, same, valid, nobias, batchnorm,
 *                                        identity (first weights that repeat the input), whiten (first layer only: the
 *                                        principal directions of the training images' patches, which stay as they are)
 *     conv2d 32 3x3 padding 1 groups 4   padding: of all sides, or of top, left, bottom, right; dilation N, groups N
 *     depthwise 3x3 stride 2 same relu6  kernel, a filter for each channel; then as conv2d: stride N, same, valid,
 *                                        padding N, nobias, batchnorm
 *     maxpool 2                          window; stride N (default: the window), same, valid
 *     avgpool 2                          mean of the pixels inside; count_padding: padding counts, as zeros
 *     global_avgpool
 *     flatten
 *     dropout 0.5                        the fraction to zero
 *     dense 64 relu                      units; nobias, batchnorm
 *     batchnorm frozen gelu              frozen: the scale stays 1
 *     scale 0.125                        multiplies by a constant
 *     prelu                              a slope below 0 for each channel, which is trained
 *     dense classes softmax              `classes`: as many as the data set has
 *     a: conv2d 64 3x3 same              a name, for
 *     add a relu                         residual connections, and
 *     conv2d 64 1x1 from a               for branches
 *     multiply g from a                  of `a` and `g`: of one shape or, as for add, the second of one pixel
 *                                        (squeeze-and-excitation's gate)
 *     concat a                           the channels of the layer before and, behind them, of a
 *     slice 32 16                        the first channel, from 0 on, and how many
 *     shuffle 4                          groups: channel i * (c / 4) + j becomes channel j * 4 + i
 *
 * Any layer may end in an activation: relu, relu6, gelu, silu, hardswish, sigmoid, hardsigmoid, tanh, leaky_relu with
 * its slope below 0 (leaky_relu 0.1), and the last one in softmax; each may also stand on a line of its own. */
#ifndef NETWORK_H
#define NETWORK_H

#include "cli/errors.h"
#include "net/net.h"

/* Reads the preset (recipes.h) called `name_or_path`, or else the file there, into a net that has passed net_check.
 * size: height and width instead of the text's (0: keep). False for a mistake; the failure names file, line, column
 * and what was expected. */
bool network_read(struct net *net, const char *name_or_path, int size, int classes, struct failure *failure);

/* The same for text at hand; `source` names it in the failure. */
bool network_parse(struct net *net, const char *text, const char *source, int size, int classes,
                   struct failure *failure);

enum { NETWORK_NAME = 64 };

/* Where in a text the nodes of its network stand, and what their lines are called ("" where they have no name). */
struct network_names {
    int line[LIMIT_NODES];
    char of[LIMIT_NODES][NETWORK_NAME];
};
bool network_parse_named(struct net *net, struct network_names *names, const char *text, const char *source,
                         int classes, struct failure *failure);

/* "tutorial, ..." */
const char *network_presets(void);

/* What follows the kind of a layer: "3x3, same, stride 2". */
void network_details(char *buffer, size_t size, const struct node *node);

#endif
