#include "model/pruning.h"

#include "cli/memory.h"
#include "cli/text.h"
#include "model/channel_importance.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LANES = 8, FEW_LANES = 4, FEW_CHANNELS = 64, MIN_CHANNELS = 4 };
static const double min_kept = 0.15;
static const double close_enough = 0.02, acceptable = 0.05; /* of the target, on either side */

struct work {
    const struct net *net;
    const float *parameters;
    struct channel_groups groups;
    double *importance;        /* (units) */
    bool *removed;             /* (units) */
    int kept[LIMIT_NODES + 1]; /* channels of each tensor */
    int *order, *first; /* units of a group from order[first[group]] on, the least important first; (groups + 1) */
    int *gone;          /* (groups) how many of them are removed */
    bool *closed;       /* (groups) */
    bool by_one;        /* channels go one by one, not by the lanes of a vector */
};

/* ---- Choice ---- */

struct ranked {
    double importance;
    int group, unit;
};

static int by_importance(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    if (x->group != y->group)
        return x->group - y->group;
    return x->importance < y->importance ? -1 : x->importance > y->importance ? 1 : x->unit - y->unit;
}

/* Fills in order and first. */
static void rank(struct work *work)
{
    const struct channel_groups *groups = &work->groups;
    for (int u = 0; u < groups->units; u++)
        work->first[groups->group[u] + 1]++;
    for (int g = 0; g < groups->groups; g++)
        work->first[g + 1] += work->first[g];
    struct ranked *ranked = allocate((size_t)groups->units + 1, sizeof *ranked);
    for (int u = 0; u < groups->units; u++)
        ranked[u] = (struct ranked){work->importance[u], groups->group[u], u};
    qsort(ranked, (size_t)groups->units, sizeof *ranked, by_importance);
    for (int u = 0; u < groups->units; u++)
        work->order[u] = ranked[u].unit;
    free(ranked);
}

/* How many units of a group go next: those above a multiple of the lanes, or as many as these; 0: no more may. */
static int block_of(const struct work *work, int group)
{
    const int all = work->first[group + 1] - work->first[group], left = all - work->gone[group];
    const int lanes = work->by_one ? 1 : all < FEW_CHANNELS ? FEW_LANES : LANES;
    const int block = left % lanes ? left % lanes : lanes;
    return left - block >= MIN_CHANNELS && left - block >= min_kept * all ? block : 0;
}

static double block_importance(const struct work *work, int group)
{
    const int block = block_of(work, group), *units = work->order + work->first[group] + work->gone[group];
    double sum = 0;
    for (int k = 0; k < block; k++)
        sum += work->importance[units[k]];
    return sum / block;
}

/* Removes `count` units of a group, or brings the last ones back. */
static void remove_block(struct work *work, int group, int count)
{
    const struct channel_groups *groups = &work->groups;
    const int from = work->first[group] + work->gone[group], step = count < 0 ? -1 : 1;
    for (int k = 0; k != count; k += step) {
        const int unit = work->order[count < 0 ? from + k - 1 : from + k];
        work->removed[unit] = count > 0;
        for (int member = groups->member[unit], tensor = 0; member >= 0; member = groups->next[member]) {
            while (groups->first[tensor + 1] <= (size_t)member) /* members are in order */
                tensor++;
            work->kept[tensor] -= step;
        }
    }
    work->gone[group] += count;
}

/* Multiply-adds of what is kept; 0 if a tensor would have no channel. */
static uint64_t multiply_adds(const struct work *work)
{
    const struct net *net = work->net;
    uint64_t sum = 0;
    for (int i = 0; i < net->node_count; i++) {
        const struct node *node = &net->nodes[i];
        const uint64_t in = (uint64_t)work->kept[node->input[0]], out = (uint64_t)work->kept[i + 1];
        if (!out)
            return 0;
        if (!node_has_weights(node->kind))
            continue;
        const uint64_t taps = node_has_window(node->kind) ? (uint64_t)(node->kernel_h * node->kernel_w) : 1;
        const uint64_t filters =
            kind_traits[node->kind].per_channel ? 1 : in / (node->groups ? (uint64_t)node->groups : 1);
        sum += taps * filters * out * (uint64_t)(net->shapes[i + 1].h * net->shapes[i + 1].w);
    }
    return sum;
}

/* The group whose next block is the least important; -1: no group has one. */
static int next_group(const struct work *work)
{
    int found = -1;
    double least = 0;
    for (int g = 0; g < work->groups.groups; g++) {
        if (work->closed[g] || !block_of(work, g))
            continue;
        const double importance = block_importance(work, g);
        if (found < 0 || importance < least) {
            found = g;
            least = importance;
        }
    }
    return found;
}

/* Removes units until about this many multiply-adds are left; returns how many are. A block that would go too far is
 * passed over, and taken at the end if that is nearer to the target. */
static uint64_t choose(struct work *work, double wanted)
{
    uint64_t now = multiply_adds(work), nearest = 0;
    int group, last = -1;
    while ((double)now > wanted * (1 + close_enough) && (group = next_group(work)) >= 0) {
        const int block = block_of(work, group);
        remove_block(work, group, block);
        const uint64_t then = multiply_adds(work);
        if ((double)then >= wanted * (1 - close_enough)) {
            now = then;
            last = -1;
            nearest = 0;
            continue;
        }
        if (then > nearest) {
            nearest = then;
            last = group;
        }
        remove_block(work, group, -block);
        work->closed[group] = true;
    }
    if (last >= 0 && (double)now > wanted * (1 + close_enough) && wanted - (double)nearest < (double)now - wanted) {
        remove_block(work, last, block_of(work, last));
        now = nearest;
    }
    return now;
}

static bool is_near(uint64_t multiply_adds, double wanted)
{
    return fabs((double)multiply_adds - wanted) <= acceptable * wanted;
}

/* Nothing is removed yet. */
static void start_over(struct work *work)
{
    for (int t = 0; t <= work->net->node_count; t++)
        work->kept[t] = work->net->shapes[t].c;
    memset(work->removed, 0, (size_t)work->groups.units * sizeof *work->removed);
    memset(work->gone, 0, (size_t)work->groups.groups * sizeof *work->gone);
    memset(work->closed, 0, (size_t)work->groups.groups * sizeof *work->closed);
}

/* ---- The smaller network ---- */

/* Whether a channel of a tensor is kept. */
static bool keeps(const struct work *work, int tensor, size_t channel)
{
    const int unit = work->groups.unit[work->groups.first[tensor] + channel];
    return unit < 0 || !work->removed[unit];
}

static enum status shrink(struct net *smaller, const struct work *work)
{
    *smaller = *work->net;
    for (int i = 0; i < smaller->node_count; i++) {
        struct node *node = &smaller->nodes[i];
        if (kind_traits[node->kind].channels)
            node->channels = work->kept[i + 1];
        const int first = node->first;
        for (int k = 0; k < first; k++)
            node->first -= !keeps(work, node->input[0], (size_t)k);
    }
    return net_check(smaller, NULL);
}

/* The weights of what is kept. */
static void copy_node(float *to, const struct work *work, int i)
{
    const struct net *net = work->net;
    const struct node *node = &net->nodes[i];
    const size_t out = (size_t)net->shapes[i + 1].c, c = (size_t)net->shapes[node->input[0]].c;
    const bool reads = !kind_traits[node->kind].per_channel && node->groups <= 1;
    struct block blocks[4];
    const int count = net_blocks(blocks, net, i);
    for (int b = 0; b < count; b++) {
        const float *from = work->parameters + blocks[b].offset;
        for (size_t k = 0; k < blocks[b].count; k++)
            if (keeps(work, i + 1, k % out) &&
                (blocks[b].role != BLOCK_WEIGHT || !reads || keeps(work, node->input[0], k / out % c)))
                *to++ = from[k];
    }
}

/* Why layers keep channels that no rule of theirs asks for. */
static void tell_kept(struct pruning *pruning, const struct work *work)
{
    const struct channel_groups *groups = &work->groups;
    for (int i = 0; i < work->net->node_count; i++) {
        pruning->kept[i] = PIN_NONE;
        if (!node_has_weights(work->net->nodes[i].kind))
            continue;
        for (size_t k = groups->first[i + 1]; k < groups->first[i + 2]; k++)
            if (groups->pin[k] && groups->pin[k] != PIN_CLASSES)
                pruning->kept[i] = groups->pin[k];
    }
}

static void open_work(struct work *work)
{
    const size_t units = (size_t)work->groups.units + 1, groups = (size_t)work->groups.groups + 2;
    work->importance = channel_importance(&work->groups, work->net, work->parameters);
    work->removed = allocate(units, sizeof *work->removed);
    work->order = allocate(units, sizeof *work->order);
    work->first = allocate(groups, sizeof *work->first);
    work->gone = allocate(groups, sizeof *work->gone);
    work->closed = allocate(groups, sizeof *work->closed);
    rank(work);
}

static void free_work(struct work *work)
{
    free(work->importance);
    free(work->removed);
    free(work->order);
    free(work->first);
    free(work->gone);
    free(work->closed);
    channel_groups_free(&work->groups);
}

bool prune(struct pruning *pruning, const struct net *net, const float *parameters, double target,
           struct failure *failure)
{
    struct work work = {.net = net, .parameters = parameters};
    if (!channel_groups_open(&work.groups, net, parameters))
        return failure_set(failure, NULL, NULL, "the network is too large to prune");
    open_work(&work);
    start_over(&work);
    pruning->before = multiply_adds(&work);
    if (!pruning->before) {
        free_work(&work);
        return failure_set(failure, NULL, NULL, "the network has no multiply-adds that could become fewer");
    }
    const double wanted = target * (double)pruning->before;
    pruning->after = choose(&work, wanted);
    if (!is_near(pruning->after, wanted)) { /* its few layers are too few for steps of some lanes */
        work.by_one = true;
        start_over(&work);
        pruning->after = choose(&work, wanted);
    }
    tell_kept(pruning, &work);
    bool fits = is_near(pruning->after, wanted) ||
                failure_set(failure, NULL, "Take another --target.",
                            "of its %s multiply-adds %s can be left (%.3g), not %.3g of them",
                            format_thousands(pruning->before), format_thousands(pruning->after),
                            (double)pruning->after / (double)pruning->before, target);
    if (fits && shrink(&pruning->net, &work))
        fits = failure_set(failure, NULL, NULL, "the pruned network would not be valid");
    if (fits) {
        pruning->parameters = allocate(net_parameter_count(&pruning->net) + 1, sizeof(float));
        for (int i = 0; i < net->node_count; i++)
            copy_node(pruning->parameters + pruning->net.offset[i], &work, i);
    }
    free_work(&work);
    return fits;
}

void pruning_free(struct pruning *pruning) { free(pruning->parameters); }
