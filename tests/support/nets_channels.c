/* Random graphs whose tensors are joined, cut and shuffled. */
#include "support/nets.h"

#include "support/test.h"

static int divisor(int c, struct random *random)
{
    int groups = test_between(random, 1, c);
    while (c % groups)
        groups--;
    return groups;
}

/* Of the same height and width; the newest such tensor, or one before. */
static int partner(const struct shape shapes[], int in, int count, struct random *random)
{
    for (int other = count; other >= 0; other--)
        if (shapes[other].h == shapes[in].h && shapes[other].w == shapes[in].w && random_below(random, 2))
            return other;
    return in;
}

/* A node that reads tensor `in`; *shape becomes its output's. Numbers are drawn one by one, as in nets.c. */
static void random_node(struct net *net, const struct shape shapes[], struct shape *shape, struct random *random)
{
    enum { MAX_CHANNELS = 70 };
    const int count = net->node_count, in = random_below(random, 4) ? count : test_between(random, 0, count);
    *shape = shapes[in];
    const bool pools = shape->h > 1 && shape->w > 1 && random_below(random, 3);
    const uint32_t choice = random_below(random, 7);
    if (choice < 2) {
        const int other = partner(shapes, in, count, random);
        shape->c += shapes[other].c;
        if (shape->c <= MAX_CHANNELS) {
            nets_node(net, (struct node){.kind = NODE_CONCAT, .input = {in, other}});
            return;
        }
        *shape = shapes[in];
    }
    if (choice == 2 && shape->c > 1) {
        const int first = test_between(random, 0, shape->c - 1), c = test_between(random, 1, shape->c - first);
        nets_node(net, (struct node){.kind = NODE_SLICE, .input = {in}, .first = first, .channels = c});
        shape->c = c;
    } else if (choice == 3) {
        nets_node(net, (struct node){.kind = NODE_SHUFFLE, .input = {in}, .groups = divisor(shape->c, random)});
    } else if (choice == 4) {
        nets_simple(net, in, random_below(random, 2) ? NODE_RELU6 : NODE_TANH);
    } else if (pools) { /* leaves out the last of an odd number of rows or columns */
        nets_pool(net, in, random_below(random, 2) ? NODE_MAXPOOL : NODE_AVGPOOL, 2, 2, false);
        shape->h /= 2;
        shape->w /= 2;
    } else {
        const int channels = test_between(random, 1, 12), kernel = 2 * test_between(random, 0, 1) + 1;
        nets_conv(net, in, channels, kernel, kernel, 1, true, true);
        shape->c = channels;
    }
}

void nets_random_channels(struct net *net, int layers, struct random *random)
{
    const int h = test_between(random, 1, 9), w = test_between(random, 1, 9);
    *net = (struct net){.input = {h, w, 3}};
    struct shape shapes[LIMIT_NODES + 1] = {net->input};
    while (net->node_count < layers) {
        struct shape shape;
        random_node(net, shapes, &shape, random);
        shapes[net->node_count] = shape;
    }
    /* The means of every tensor that nothing reads yet, side by side. */
    int joined = 0;
    for (int t = 0, count = net->node_count; t <= count; t++) {
        bool is_read = false;
        for (int i = t; i < count; i++)
            is_read |= node_reads(&net->nodes[i], t);
        if (!is_read) {
            const int mean = nets_simple(net, t, NODE_GLOBAL_AVGPOOL);
            joined = joined ? nets_node(net, (struct node){.kind = NODE_CONCAT, .input = {joined, mean}}) : mean;
        }
    }
    nets_finish(net, nets_dense(net, joined, 5, true));
}
