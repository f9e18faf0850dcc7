#include "training/precise_batchnorm.h"

#include "base/random.h"
#include "kernels/batchnorm.h"

#include <assert.h>
#include <string.h>

struct measurement {
    struct trainer *trainer;
    const float *weights;
    struct subset images;
    int shards, lanes;
};

static bool is_measured(const struct trainer *trainer, int node)
{
    return node >= trainer->frozen_nodes && trainer->options.net->nodes[node].kind == NODE_BATCHNORM;
}

static bool any_measured(const struct trainer *trainer)
{
    for (int node = 0; node < trainer->options.net->node_count; node++)
        if (is_measured(trainer, node))
            return true;
    return false;
}

/* Where a node's mean (c), followed by its variance (c), stands in an array of the layout of the parameters. */
static float *statistics_of(float *parameters, const struct net *net, int node)
{
    return parameters + net->offset[node] + 2 * net->shapes[node + 1].c;
}

/* Mean and variance of n images become those of these and of `more` others (Chan, Golub and LeVeque 1979). */
static void add_statistics(float *statistics, int n, const float *others, int more, int c)
{
    const float theirs = (float)more / (float)(n + more), ours = 1 - theirs;
    for (int k = 0; k < c; k++) {
        const float apart = others[k] - statistics[k];
        statistics[k] += apart * theirs;
        statistics[c + k] = ours * statistics[c + k] + theirs * others[c + k] + apart * apart * ours * theirs;
    }
}

/* Shards are of even size, as in a step. */
static int shard_start(const struct measurement *measurement, int shard)
{
    return (int)((int64_t)measurement->images.count * shard / measurement->shards);
}

static void forward_shard(const struct measurement *measurement, struct worker *worker, int from, int n)
{
    const struct trainer_options *options = &measurement->trainer->options;
    for (int i = 0; i < n; i++)
        image_normalise(worker->run->tensor[0] + (size_t)i * shape_count(options->net->input),
                        subset_pixels(&measurement->images, from + i), options->net->input, &options->preprocess);
    worker->run->parameters = measurement->weights;
    worker->run->frozen_nodes = measurement->trainer->frozen_nodes;
    for (int node = 0; node < options->net->node_count - 1; node++)
        if (is_measured(measurement->trainer, node))
            net_forward_training_node(worker->run, node, n);
        else
            net_forward_node(worker->run, node, n);
}

/* A lane takes its shards in order; its gradients, free between steps, hold what it has seen. */
static void measure_lane(void *context, int number, int thread)
{
    const struct measurement *measurement = context;
    const struct net *net = measurement->trainer->options.net;
    struct worker *worker = &measurement->trainer->workers[thread];
    float *sums = measurement->trainer->lanes[number].gradients;
    memset(sums, 0, net_parameter_count(net) * sizeof *sums);
    for (int shard = number, seen = 0; shard < measurement->shards; shard += measurement->lanes) {
        const int from = shard_start(measurement, shard), n = shard_start(measurement, shard + 1) - from;
        forward_shard(measurement, worker, from, n);
        for (int node = 0; node < net->node_count; node++) {
            if (!is_measured(measurement->trainer, node))
                continue;
            const int c = net->shapes[node + 1].c;
            float *statistics = worker->run->statistics[node]; /* mean and std, which becomes the variance */
            for (int k = c; k < 2 * c; k++) {
                const float variance = statistics[k] * statistics[k] - BATCHNORM_EPSILON;
                statistics[k] = variance > 0 ? variance : 0;
            }
            add_statistics(statistics_of(sums, net, node), seen, statistics, n, c);
        }
        seen += n;
    }
}

/* Of a node in a lane, what it has seen. */
static struct parallel_part statistics_part(void *context, int part)
{
    const struct measurement *measurement = context;
    const struct net *net = measurement->trainer->options.net;
    const int lane = part / net->node_count, node = part % net->node_count;
    if (!is_measured(measurement->trainer, node))
        return (struct parallel_part){lane, NULL, 0};
    return (struct parallel_part){lane, statistics_of(measurement->trainer->lanes[lane].gradients, net, node),
                                  2 * (size_t)net->shapes[node + 1].c * sizeof(float)};
}

static int lane_images(const struct measurement *measurement, int lane)
{
    int count = 0;
    for (int shard = lane; shard < measurement->shards; shard += measurement->lanes)
        count += shard_start(measurement, shard + 1) - shard_start(measurement, shard);
    return count;
}

static void add_lanes(const struct measurement *measurement, float *weights)
{
    const struct trainer *trainer = measurement->trainer;
    const struct net *net = trainer->options.net;
    for (int node = 0; node < net->node_count; node++) {
        if (!is_measured(trainer, node))
            continue;
        float *statistics = statistics_of(weights, net, node);
        const int c = net->shapes[node + 1].c;
        for (int lane = 0, seen = 0; lane < measurement->lanes && lane < measurement->shards; lane++) {
            const int n = lane_images(measurement, lane);
            if (lane == 0)
                memset(statistics, 0, 2 * (size_t)c * sizeof *statistics);
            add_statistics(statistics, seen, statistics_of(trainer->lanes[lane].gradients, net, node), n, c);
            seen += n;
        }
    }
}

/* trainer->order: the subset's images, the first `count` of them drawn at random (Fisher and Yates). */
static void draw(struct trainer *trainer, const struct subset *subset, int count)
{
    int *order = trainer->order;
    memcpy(order, subset->indices, (size_t)subset->count * sizeof *order);
    struct random random = random_seed(trainer->options.seed, STREAM_STATISTICS);
    for (int i = 0; i < count; i++) {
        const int other = i + (int)random_below(&random, (uint32_t)(subset->count - i)), index = order[i];
        order[i] = order[other];
        order[other] = index;
    }
}

void precise_batchnorm(struct trainer *trainer, const struct subset *subset, int count)
{
    assert(subset->count <= trainer->options.max_images);
    count = count < subset->count ? count : subset->count;
    if (count <= 0 || !any_measured(trainer))
        return;
    draw(trainer, subset, count);
    float *weights = trainer->ema && trainer->step ? trainer->ema : trainer->parameters;
    struct measurement measurement = {.trainer = trainer,
                                      .weights = weights,
                                      .images = {subset->images, trainer->order, count},
                                      .shards = trainer_shards(count, trainer->options.shard),
                                      .lanes = trainer_lanes(&trainer->options)};
    subset_expect(&measurement.images, 0, count);
    trainer_pack(trainer, trainer->options.net, weights);
    const int lanes = measurement.shards < measurement.lanes ? measurement.shards : measurement.lanes;
    trainer_divide(trainer, lanes, measure_lane, &measurement);
    parallel_share(&trainer->options.parallel, lanes, lanes * trainer->options.net->node_count, statistics_part,
                   &measurement);
    add_lanes(&measurement, weights);
    for (int i = 0; i < trainer->options.parallel.threads; i++)
        trainer->workers[i].full.parameters = trainer->parameters;
}
