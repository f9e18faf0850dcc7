#include "support/logit.h"

static const struct oracle_mode inference = {.temperature = 1};

void logit_start(struct logit *logit, const float *image)
{
    oracle_tensors(logit->tensor, logit->net, 1);
    for (size_t k = 0; k < shape_count(logit->net->input); k++)
        logit->tensor[0][k] = (double)image[k];
    oracle_net(logit->tensor, logit->net, logit->parameters, 1, inference);
}

double logit_value(void *context)
{
    struct logit *logit = context;
    const struct net *net = logit->net;
    oracle_net_from(logit->tensor, net, logit->parameters, 1, inference, net->kept);
    return logit->tensor[net->nodes[net->node_count - 1].input[0]][logit->class];
}
