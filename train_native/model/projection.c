#include "model/projection.h"

#include <string.h>

enum status projection_attach(struct net *projected, const struct net *net, int projections)
{
    const int head = net_head(net);
    if (net->nodes[head].kind != NODE_DENSE)
        return STATUS_NODE;
    *projected = *net;
    projected->nodes[head].channels += projections;
    return net_check(projected, NULL);
}

/* What both nets have; the head's rows are of `to_width` and `from_width` outputs. */
static void copy_common(float *to, const struct net *to_net, const float *from, const struct net *from_net)
{
    const int head = net_head(from_net);
    const size_t start = from_net->offset[head];
    const size_t to_width = (size_t)to_net->nodes[head].channels, from_width = (size_t)from_net->nodes[head].channels;
    const size_t width = to_width < from_width ? to_width : from_width;
    const size_t rows =
        (from_net->offset[head + 1] - start) / from_width; /* the features, and the bias if there is one */
    memcpy(to, from, start * sizeof *to);
    for (size_t row = 0; row < rows; row++)
        memcpy(to + start + row * to_width, from + start + row * from_width, width * sizeof *to);
}

void projection_detach(float *parameters, const struct net *net, const float *trained, const struct net *projected)
{
    copy_common(parameters, net, trained, projected);
}

void projection_fill(float *parameters, const struct net *projected, const float *trained, const struct net *net)
{
    copy_common(parameters, projected, trained, net);
}
