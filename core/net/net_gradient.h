/* The way back to a network's inputs: of each kind of layer, which training uses too (net_backward.c), and of one
 * logit, in inference, from the last layer to a feature map. To the last one it takes little: in between there are
 * vectors only.
 *
 *     net.kept = net_feature_map(&net, 14);                  // stays, with what is behind it
 *     ... net_packed_plan and net_run_plan with NET_INFER, for one image ...
 *     net_gradient_plan(&run, &packed, &arena);
 *     ... net_pack ...
 *     for (int i = 0; i < net.node_count; i++)
 *         net_gradient_pack(&packed, &net, i, parameters + net.offset[i]);
 *     net_forward(&run, 1);
 *     const float *gradient = net_gradient(&run, class);     // as run.tensor[net.kept]
 *
 * The numbers do not depend on the machine, as those of inference do not (gemm_exact). */
#ifndef NET_GRADIENT_H
#define NET_GRADIENT_H

#include "net/net.h"

/* Writes the gradient of an input of node i from that of its output, in which n images are. Of batchnorm and dropout as
 * they are in inference. */
typedef void net_input_gradient(struct net_run *run, int i, float *din, const float *dout, int n);
extern net_input_gradient *const net_input_gradients[2][NODE_KINDS]; /* of the first input, and of the second */

/* Whether these functions are there for a kind; the softmax has none. */
bool net_has_input_gradient(enum node_kind kind);

/* The last tensor of more than one pixel; 0, the input, if no layer makes one. */
int net_last_map(const struct net *net);

/* The last tensor of at least `side` rows and columns that is all that the logits are made of: no layer behind it reads
 * what is before it, as in the middle of a residual block. Without one, net_last_map's. */
int net_feature_map(const struct net *net, int side);

/* After net_run_plan, with net->kept above 0: memory for the rest. */
void net_gradient_plan(struct net_run *run, struct net_packed *packed, struct arena *arena);

/* After net_pack of the same node. */
void net_gradient_pack(struct net_packed *packed, const struct net *net, int node, const float *parameters);

/* The gradient of a class's logit by every value of the tensor net->kept (h, w, c), of the image that net_forward ran
 * last; run->gradient[t] is that by a later tensor t. Valid until the next call. */
const float *net_gradient(struct net_run *run, int class);

#endif
