#include "model/blocks.h"

#include <assert.h>

struct blocks {
    int count;
    int start[LIMIT_NODES]; /* the first node of each */
};

/* earliest[i]: the first tensor that node i or one behind it reads. All data goes through tensor t where none that is
 * older is read by the nodes from t on, of which node t is the first that may read it. */
static void find_earliest(int earliest[LIMIT_NODES + 1], const struct net *net)
{
    earliest[net->node_count] = net->node_count;
    for (int i = net->node_count - 1; i >= 0; i--) {
        earliest[i] = earliest[i + 1];
        for (int k = 0; k < kind_traits[net->nodes[i].kind].inputs; k++)
            if (net->nodes[i].input[k] < earliest[i])
                earliest[i] = net->nodes[i].input[k];
    }
}

static bool sees_neighbours(const struct node *node)
{
    return node_has_weights(node->kind) && (node->kernel_h > 1 || node->kernel_w > 1);
}

static void find_blocks(struct blocks *blocks, const struct net *net, int trunk)
{
    int earliest[LIMIT_NODES + 1];
    assert(trunk <= net->node_count);
    find_earliest(earliest, net);
    *blocks = (struct blocks){.count = 1};
    bool spatial = false;
    int end = 0; /* the tensor at which the block under way would end */
    for (int i = 0; i < trunk; i++) {
        if (sees_neighbours(&net->nodes[i])) {
            if (end)
                blocks->start[blocks->count++] = end;
            end = 0;
            spatial = true;
        }
        if (spatial && earliest[i + 1] >= i + 1 &&
            (!end || shape_count(net->shapes[i + 1]) <= shape_count(net->shapes[end])))
            end = i + 1;
    }
}

int blocks_start(const struct net *net, int trunk, int count)
{
    struct blocks blocks;
    find_blocks(&blocks, net, trunk);
    return count < blocks.count ? blocks.start[blocks.count - count] : 0;
}

int blocks_count(const struct net *net, int trunk)
{
    struct blocks blocks;
    find_blocks(&blocks, net, trunk);
    return blocks.count;
}
