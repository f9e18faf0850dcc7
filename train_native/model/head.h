/* Where a network's trunk ends and its head begins, and another head for it.
 *
 *     struct head head = head_find(&net);
 *     printf("the first %d layers compute %d features\n", head.trunk, head_features(&net, &head));
 *     const int dense = head_replace(&net, &head, 20);     // 20 classes; the new layer's node; net is to be checked again
 *
 * The head is every dense layer behind the last pool or flatten, as transfer learning takes it (Donahue et al. 2014;
 * Kornblith et al. 2019): what stands between them was trained for the old classes. So is a 1x1 convolution that gives
 * the classes in front of the last pool (Lin et al. 2014; SqueezeNet): in its place the features are averaged and a
 * dense layer follows, which is the same function, for a mean and a convolution of 1x1 are both linear. A network whose
 * only weights are such layers keeps all but the last of them, and a classifier that is neither is the last layer with
 * weights alone. */
#ifndef HEAD_H
#define HEAD_H

#include "net/net.h"

struct head {
    int trunk;    /* how many nodes the trunk has: those in front of the head */
    int last;     /* the last node with weights */
    int features; /* the tensor that the head reads */
    bool pooled;  /* a mean over that tensor comes first */
};

/* net: checked. */
struct head head_find(const struct net *net);

/* Numbers that a dense head reads. */
int head_features(const struct net *net, const struct head *head);

/* Puts a new layer with a bias in the head's place; what follows its last layer with weights stays, as a scale, but
 * neither activation nor pool. Returns its node, or -1 where no layer can be put there. */
int head_replace(struct net *net, const struct head *head, int classes);

#endif
