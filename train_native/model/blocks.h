/* The blocks of a network, for fine-tuning the last of them.
 *
 *     int first = blocks_start(&net, head, 2);       // the last two blocks are nodes first .. head-1
 *
 * A block is what stands between two tensors through which all data goes, with one convolution or more that sees
 * neighbouring pixels: a residual block, an inverted residual, a layer of a plain network. Of several such tensors
 * between two of these convolutions the smallest one, the bottleneck, ends the block; the last one if they are equal. */
#ifndef BLOCKS_H
#define BLOCKS_H

#include "net/net.h"

/* The first node of the last `count` blocks among the nodes 0 .. trunk-1; 0 if there are no more than that. */
int blocks_start(const struct net *net, int trunk, int count);

/* How many blocks they are. */
int blocks_count(const struct net *net, int trunk);

#endif
