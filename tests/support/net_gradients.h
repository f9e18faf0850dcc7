/* The gradient of every parameter of a whole net, beside central differences of the oracle.
 *
 *     net_gradients_check("a net of mine", &net, 3, 200, &random);      // 3 images, about 200 of the parameters */
#ifndef NET_GRADIENTS_H
#define NET_GRADIENTS_H

#include "base/random.h"
#include "support/oracle.h"

/* A net as a function: the sum of its logits weighted by fixed values. */
struct net_gradients_oracle {
    const struct net *net;
    double *tensor[LIMIT_NODES + 1], *parameters, *dlogits;
    struct oracle_mode mode;
    int n;
};
double net_gradients_value(void *oracle);

/* The running statistics have no gradient; net_backward puts n times the batch's own there. Taken out for the check. */
void net_gradients_without_statistics(float *gradients, const struct net *net);

/* Runs core forward and back, and prepares the oracle at the same point. Returns the gradients. */
float *net_gradients_of(struct net_gradients_oracle *oracle, const struct net *net, int n, struct random *random);

/* Fails the test where one of about `sample` parameters has another gradient (gradient_check.h). */
void net_gradients_check(const char *name, const struct net *net, int n, size_t sample, struct random *random);

#endif
