/* Packed weights of a network and a run over it, in memory of their own.
 *
 *     struct net_memory *net_memory = net_memory_new(&net, 16, NET_TRAIN);
 *     for (int i = 0; i < net.node_count; i++)
 *         net_pack(&net_memory->packed, &net, i, parameters + net.offset[i]);
 *     memcpy(net_memory->run.tensor[0], images, sizeof images);
 *     net_forward(&net_memory->run, 16);
 *     net_memory_free(net_memory); */
#ifndef NET_MEMORY_H
#define NET_MEMORY_H

#include "net/net.h"

struct net_memory {
    struct net_packed packed;
    struct net_run run;
    void *memory; /* private */
};

/* For at most `batch` images; with NET_TRAIN every tensor stays as its layer left it. */
struct net_memory *net_memory_new(const struct net *net, int batch, net_mode mode);
void net_memory_free(struct net_memory *net_memory);

#endif
