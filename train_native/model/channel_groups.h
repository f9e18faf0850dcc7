/* Which channels of a network have to be removed together: the dependency graph of structured pruning (Fang et al. 2023,
 * DepGraph), channel by channel.
 *
 *     struct channel_groups groups;
 *     if (channel_groups_open(&groups, &net, parameters)) {
 *         printf("%d sets of channels can be removed\n", groups.units);
 *         channel_groups_free(&groups);
 *     }
 *
 * A unit is a set of channels of any tensors that only go all together: what a conv2d or dense layer makes, and what
 * activations, normalisation, pools, depthwise filters, flatten (at each of its positions), add and multiply (of both
 * inputs), concat and slice make of it. Units of the same layers are a group, within which they are compared. In no unit
 * are channels that must stay (enum channel_pin), and what is tied to them. */
#ifndef CHANNEL_GROUPS_H
#define CHANNEL_GROUPS_H

#include "net/net.h"

/* Why a channel stays. */
enum channel_pin {
    PIN_NONE,
    PIN_INPUT,    /* of the image, or added to one that is */
    PIN_CLASSES,  /* the logits */
    PIN_GROUPED,  /* a convolution in groups reads or writes it */
    PIN_SHUFFLED, /* shuffle moves it */
    PIN_WHITENING /* the frozen first layer: principal directions of patches, and their negatives (whiten.h) */
};

struct channel_groups {
    size_t first[LIMIT_NODES + 2]; /* where a tensor's channels start in unit[] and pin[]; the last: how many in all */
    int *unit;                     /* of each channel of each tensor; -1: it stays */
    unsigned char *pin;            /* enum channel_pin of it */
    int units, groups;
    int *group;  /* (units) */
    int *member; /* (units) a channel of the unit, as an index into unit[]; next[] of it is another one; -1: no more */
    int *next;
};

/* net has passed net_check; parameters: its flat array. False, with nothing to free, for a network with more than
 * CHANNEL_GROUPS_LIMIT channels in all its tensors. */
enum { CHANNEL_GROUPS_LIMIT = 1 << 24 };
bool channel_groups_open(struct channel_groups *groups, const struct net *net, const float *parameters);
void channel_groups_free(struct channel_groups *groups);

#endif
