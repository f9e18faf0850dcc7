#include "commands/trainer_memory.h"

#include "cli/errors.h"
#include "cli/text.h"
#include "data/memory_budget.h"

/* Of one thread, where images at a time are none of each other's business: several times what a core has of the caches,
 * so that more gain nothing. */
#define USEFUL_BYTES ((uint64_t)128 << 20)
/* Of all with two threads, where batch normalisation takes the images at a time for its batch: the fewer they are, the
 * worse its statistics. */
#define USUAL_BYTES ((uint64_t)1 << 30)

static uint64_t bytes_with(struct trainer_options options, int threads)
{
    options.parallel.threads = threads;
    return trainer_bytes(&options);
}

static bool normalises(const struct net *net)
{
    for (int i = 0; i < net->node_count; i++)
        if (net->nodes[i].kind == NODE_BATCHNORM)
            return true;
    return false;
}

/* How many images at a time decides the weights, so it follows from the network, not from the machine. */
static int usual_shard(struct trainer_options options, bool limited)
{
    const bool normalised = normalises(options.net);
    for (; options.shard > 1; options.shard /= 2) {
        const uint64_t two = bytes_with(options, 2);
        if (normalised ? !limited || two <= USUAL_BYTES : two - bytes_with(options, 1) <= USEFUL_BYTES)
            break;
    }
    return options.shard;
}

uint64_t trainer_memory_fit(struct trainer_options *options, bool shard_named, int memory)
{
    const uint64_t budget = memory_budget(memory);
    if (!shard_named)
        options->shard = usual_shard(*options, memory == MEMORY_UNSET);
    while (trainer_bytes(options) > budget && options->parallel.threads > 1)
        options->parallel.threads--;
    while (trainer_bytes(options) > budget && options->shard > 1 && !shard_named)
        options->shard /= 2;
    const uint64_t bytes = trainer_bytes(options);
    if (bytes > budget)
        die(NULL, "Give it more with --memory, or train the head alone with --linear-probe.",
            options->shard == 1 ? "fine-tuning takes %s MiB of memory with one image at a time; %s MiB are left for it"
                                : "fine-tuning takes %s MiB of memory with this --micro-batch; %s MiB are left for it",
            format_thousands((bytes >> 20) + 1), format_thousands(budget >> 20));
    return bytes;
}
