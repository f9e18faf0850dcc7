#include "model/projector.h"

#include "model/head.h"

#include <string.h>

enum { LAYERS = 3 };

static int append(struct net *net, struct node node)
{
    if (net->node_count < LIMIT_NODES)
        net->nodes[net->node_count] = node;
    return ++net->node_count;
}

static bool any_weights(const struct net *net, int nodes)
{
    bool any = false;
    for (int i = 0; i < nodes; i++)
        any |= node_has_weights(net->nodes[i].kind) && !net->nodes[i].frozen;
    return any;
}

enum status projector_attach(struct net *twins, const struct net *net, int width)
{
    const struct head head = head_find(net);
    if (!any_weights(net, head.trunk))
        return STATUS_NODE;
    *twins = *net;
    twins->node_count = head.trunk;
    twins->embedding = 0;
    int tensor = head.features;
    if (head.pooled)
        tensor = append(twins, (struct node){.kind = NODE_GLOBAL_AVGPOOL, .input = {tensor}});
    for (int layer = 0; layer < LAYERS; layer++) {
        tensor = append(twins, (struct node){.kind = NODE_DENSE, .input = {tensor}, .channels = width});
        if (layer < LAYERS - 1) {
            tensor = append(twins, (struct node){.kind = NODE_BATCHNORM, .input = {tensor}});
            tensor = append(twins, (struct node){.kind = NODE_RELU, .input = {tensor}});
        }
    }
    append(twins, (struct node){.kind = NODE_SOFTMAX, .input = {tensor}});
    return twins->node_count > LIMIT_NODES ? STATUS_LIMIT : net_check(twins, NULL);
}

void projector_detach(float *parameters, const struct net *net, const float *trained)
{
    const size_t kept = net->offset[head_find(net).trunk];
    memcpy(parameters, trained, kept * sizeof *parameters);
    memset(parameters + kept, 0, (net_parameter_count(net) - kept) * sizeof *parameters);
}

int projector_embedding(const struct net *net)
{
    const struct head head = head_find(net);
    return head.pooled ? head.trunk + 1 : head.features;
}
