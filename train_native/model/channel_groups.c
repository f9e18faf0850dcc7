#include "model/channel_groups.h"

#include "cli/memory.h"

#include <stdlib.h>

/* ---- Disjoint sets (Galler and Fischer 1964, with path halving), whose root is the smallest member ---- */

static int find(int *parent, int i)
{
    while (parent[i] != i) {
        parent[i] = parent[parent[i]];
        i = parent[i];
    }
    return i;
}

static void join(int *parent, int a, int b)
{
    a = find(parent, a);
    b = find(parent, b);
    if (a < b)
        parent[b] = a;
    else
        parent[a] = b;
}

/* ---- What depends on what ---- */

struct work {
    const struct net *net;
    struct channel_groups *groups;
    int *parent; /* of each channel */
};

/* A tensor's first channel. */
static int start(const struct work *work, int tensor) { return (int)work->groups->first[tensor]; }

static void pin(const struct work *work, int tensor, enum channel_pin why)
{
    for (int k = 0; k < work->net->shapes[tensor].c; k++)
        work->groups->pin[start(work, tensor) + k] = (unsigned char)why;
}

/* `count` channels from a on with those from b on. */
static void join_all(const struct work *work, int a, int b, int count)
{
    for (int k = 0; k < count; k++)
        join(work->parent, a + k, b + k);
}

/* Whether the first layer is one that whiten.h has made, which training leaves as it is: the second half of its filters
 * are the negatives of the first. */
static bool is_whitening(const struct net *net, int node, const float *parameters)
{
    const struct node *of = &net->nodes[node];
    const int inputs = of->kernel_h * of->kernel_w * net->input.c;
    if (node != 0 || of->kind != NODE_CONV2D || of->groups != 1 || of->channels != 2 * inputs)
        return false;
    const float *weights = parameters + net->offset[node];
    for (int i = 0; i < inputs; i++)
        for (int k = 0; k < inputs; k++)
            if (weights[i * 2 * inputs + k] != -weights[i * 2 * inputs + inputs + k])
                return false;
    return true;
}

/* What a node's output has of its inputs. */
static void join_node(const struct work *work, int i, const float *parameters)
{
    const struct net *net = work->net;
    const struct node *node = &net->nodes[i];
    const struct kind_traits *traits = &kind_traits[node->kind];
    const int in = start(work, node->input[0]), out = start(work, i + 1);
    const int c = net->shapes[node->input[0]].c, out_c = net->shapes[i + 1].c;
    if (node_has_weights(node->kind) && !traits->per_channel) { /* a filter makes a channel of all of its inputs */
        if (node->groups > 1) {
            pin(work, node->input[0], PIN_GROUPED);
            pin(work, i + 1, PIN_GROUPED);
        } else if (is_whitening(net, i, parameters)) {
            pin(work, i + 1, PIN_WHITENING);
        }
        return;
    }
    switch (traits->shape) {
    case SHAPE_FLAT:
        for (int from = 0; from < out_c; from += c)
            join_all(work, out + from, in, c);
        break;
    case SHAPE_JOINED:
        join_all(work, out, in, c);
        join_all(work, out + c, start(work, node->input[1]), out_c - c);
        break;
    case SHAPE_PART: join_all(work, out, in + node->first, out_c); break;
    case SHAPE_KEPT:
    case SHAPE_WINDOW:
    case SHAPE_POOLED:
    case SHAPE_VECTOR:
    case SHAPE_UNITS:
        join_all(work, out, in, c);
        if (traits->inputs > 1)
            join_all(work, out, start(work, node->input[1]), c);
        if (node->groups > 1) { /* shuffle: the rest of a channel's way is lost, so all of it stays */
            pin(work, node->input[0], PIN_SHUFFLED);
            pin(work, i + 1, PIN_SHUFFLED);
        }
        break;
    }
}

/* Numbers the sets without a pinned channel, and lists their channels. */
static void number_units(const struct work *work)
{
    struct channel_groups *groups = work->groups;
    const int count = (int)groups->first[work->net->node_count + 1];
    for (int k = 0; k < count; k++) {
        const int root = find(work->parent, k);
        if (groups->pin[k] > groups->pin[root])
            groups->pin[root] = groups->pin[k];
    }
    for (int k = 0; k < count; k++) {
        const int root = find(work->parent, k);
        groups->pin[k] = groups->pin[root];
        groups->unit[k] = groups->pin[k] ? -1 : root == k ? groups->units++ : groups->unit[root];
    }
    groups->member = allocate((size_t)groups->units + 1, sizeof(int));
    groups->next = allocate((size_t)count, sizeof(int));
    for (int u = 0; u < groups->units; u++)
        groups->member[u] = -1;
    for (int k = count - 1; k >= 0; k--)
        if (groups->unit[k] >= 0) {
            groups->next[k] = groups->member[groups->unit[k]];
            groups->member[groups->unit[k]] = k;
        }
}

/* Units that one layer makes are of one group, and so are those of layers that make a unit together. */
static void number_groups(const struct work *work)
{
    struct channel_groups *groups = work->groups;
    const struct net *net = work->net;
    int *parent = allocate((size_t)groups->units + 1, sizeof *parent);
    for (int u = 0; u < groups->units; u++)
        parent[u] = u;
    for (int i = 0; i < net->node_count; i++) {
        int before = -1;
        for (int k = 0; node_has_weights(net->nodes[i].kind) && k < net->shapes[i + 1].c; k++) {
            const int unit = groups->unit[start(work, i + 1) + k];
            if (unit >= 0 && before >= 0 && !kind_traits[net->nodes[i].kind].per_channel)
                join(parent, before, unit);
            before = unit >= 0 ? unit : before;
        }
    }
    groups->group = allocate((size_t)groups->units + 1, sizeof(int));
    for (int u = 0; u < groups->units; u++) {
        const int root = find(parent, u);
        groups->group[u] = root == u ? groups->groups++ : groups->group[root];
    }
    free(parent);
}

bool channel_groups_open(struct channel_groups *groups, const struct net *net, const float *parameters)
{
    *groups = (struct channel_groups){.units = 0};
    for (int t = 0; t <= net->node_count; t++) {
        groups->first[t + 1] = groups->first[t] + (size_t)net->shapes[t].c;
        if (groups->first[t + 1] > CHANNEL_GROUPS_LIMIT)
            return false;
    }
    const size_t count = groups->first[net->node_count + 1];
    const struct work work = {net, groups, allocate(count, sizeof(int))};
    groups->unit = allocate(count, sizeof(int));
    groups->pin = allocate(count, 1);
    for (size_t k = 0; k < count; k++)
        work.parent[k] = (int)k;
    pin(&work, 0, PIN_INPUT);
    pin(&work, net->node_count, PIN_CLASSES);
    for (int i = 0; i < net->node_count; i++)
        join_node(&work, i, parameters);
    number_units(&work);
    number_groups(&work);
    free(work.parent);
    return true;
}

void channel_groups_free(struct channel_groups *groups)
{
    free(groups->unit);
    free(groups->pin);
    free(groups->group);
    free(groups->member);
    free(groups->next);
}
