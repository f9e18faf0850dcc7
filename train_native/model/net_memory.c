#include "model/net_memory.h"

#include "cli/memory.h"

#include <stdlib.h>

struct net_memory *net_memory_new(const struct net *net, int batch, net_mode mode)
{
    struct net_memory *own = allocate(1, sizeof *own);
    struct arena arena = {0};
    net_packed_plan(&own->packed, net, mode, &arena);
    net_run_plan(&own->run, net, &own->packed, batch, mode, &arena);
    own->memory = allocate((size_t)arena.used, 1);
    arena = (struct arena){.base = own->memory, .size = arena.used};
    net_packed_plan(&own->packed, net, mode, &arena);
    net_run_plan(&own->run, net, &own->packed, batch, mode, &arena);
    return own;
}

void net_memory_free(struct net_memory *net_memory)
{
    free(net_memory->memory);
    free(net_memory);
}
