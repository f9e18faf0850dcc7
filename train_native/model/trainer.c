#include "model/trainer.h"

#include "training/loss.h"
#include "cli/memory.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

/* One thread's memory. */
struct worker {
    struct net_run run;
    void *memory;
    float *losses, *probabilities; /* (shard), (shard, classes) */
    struct target *targets;        /* (shard) */
    uint8_t *pixels, *scratch;     /* of one image each */
};

/* ---- Memory ---- */

static void plan_worker(struct worker *worker, const struct net *net, const struct net_packed *packed, int shard,
                        struct arena *arena)
{
    const uint64_t classes = (uint64_t)net_classes(net);
    net_run_plan(&worker->run, net, packed, shard, NET_TRAIN, arena);
    worker->losses = arena_alloc(arena, (uint64_t)shard, sizeof(float));
    worker->probabilities = arena_alloc(arena, (uint64_t)shard * classes, sizeof(float));
    worker->targets = arena_alloc(arena, (uint64_t)shard, sizeof *worker->targets);
    worker->pixels = arena_alloc(arena, (uint64_t)net->input.h * (uint64_t)net->input.w, 3);
    worker->scratch = arena_alloc(arena, (uint64_t)net->input.h * (uint64_t)net->input.w, 3);
}

size_t trainer_bytes(const struct net *net, int threads, int shard)
{
    struct arena shared = {0}, each = {0};
    struct net_packed packed;
    struct worker worker;
    net_packed_plan(&packed, net, NET_TRAIN, &shared);
    plan_worker(&worker, net, &packed, shard, &each);
    return (size_t)(shared.used + each.used * (uint64_t)threads + (LANES + 3) * net_parameter_count(net) * sizeof(float));
}

struct trainer *trainer_new(const struct net *net, const struct preprocess *preprocess, int threads, int shard,
                            uint64_t seed, enum initializer initializer, bool averaged)
{
    struct trainer *trainer = allocate(1, sizeof *trainer);
    const size_t count = net_parameter_count(net);
    *trainer = (struct trainer){.net = net, .preprocess = *preprocess, .threads = threads, .shard = shard, .seed = seed,
                                .overflown = -1, .rates_left = 1};
    for (int node = 0; node < net->node_count; node++)
        trainer->learning_rate_scales[node] = 1;
    trainer->parameters = allocate(count, sizeof(float));
    trainer->first = allocate(count, sizeof(float));
    trainer->second = allocate(count, sizeof(float));
    trainer->average = averaged ? allocate(count, sizeof(float)) : NULL;
    for (int lane = 0; lane < LANES; lane++)
        trainer->gradients[lane] = allocate(count, sizeof(float));
    struct random random = random_seed(seed, 1);
    net_initialize(trainer->parameters, net, initializer, &random);

    struct arena arena = {0};
    net_packed_plan(&trainer->packed, net, NET_TRAIN, &arena);
    trainer->packed_memory = allocate((size_t)arena.used, 1);
    arena = (struct arena){.base = trainer->packed_memory, .size = arena.used};
    net_packed_plan(&trainer->packed, net, NET_TRAIN, &arena);

    trainer->workers = allocate((size_t)threads, sizeof *trainer->workers);
    for (int i = 0; i < threads; i++) {
        struct worker *worker = &trainer->workers[i];
        struct arena own = {0};
        plan_worker(worker, net, &trainer->packed, shard, &own);
        worker->memory = allocate((size_t)own.used, 1);
        own = (struct arena){.base = worker->memory, .size = own.used};
        plan_worker(worker, net, &trainer->packed, shard, &own);
        worker->run.gemm = gemm_fast;
        worker->run.parameters = trainer->parameters;
        worker->run.dropout_seed = random_at(seed, 2, 0);
    }
    return trainer;
}

void trainer_free(struct trainer *trainer)
{
    for (int i = 0; i < trainer->threads; i++)
        free(trainer->workers[i].memory);
    for (int lane = 0; lane < LANES; lane++)
        free(trainer->gradients[lane]);
    free(trainer->workers);
    free(trainer->packed_memory);
    free(trainer->parameters);
    free(trainer->first);
    free(trainer->second);
    free(trainer->average);
    free(trainer);
}

const float *trainer_weights(const struct trainer *trainer)
{
    return trainer->average && trainer->step ? trainer->average : trainer->parameters;
}

static void pack(struct trainer *trainer, const float *parameters)
{
#pragma omp parallel for schedule(dynamic) num_threads(trainer->threads)
    for (int i = 0; i < trainer->net->node_count; i++)
        net_pack(&trainer->packed, trainer->net, i, parameters + trainer->net->offset[i]);
}

/* ---- A step ---- */

struct sums {
    double loss;
    int correct;
    int overflown; /* as in struct trainer */
};

static const uint8_t *image_at(const struct dataset *dataset, int place)
{
    return dataset->pixels + (size_t)place * shape_count(dataset->shape);
}

static int largest(const float *scores, int count)
{
    int best = 0;
    for (int i = 1; i < count; i++)
        best = scores[i] > scores[best] ? i : best;
    return best;
}

static struct sums score(const struct worker *worker, int n, int classes)
{
    struct sums sums = {0, 0, -1};
    for (int i = 0; i < n; i++) {
        sums.loss += (double)worker->losses[i];
        const struct target *target = &worker->targets[i];
        const int wanted = target->share > 0.5f ? target->other : target->label;
        sums.correct += largest(worker->probabilities + i * classes, classes) == wanted;
    }
    return sums;
}

/* The first node with an output that is infinite or NaN, -1 if there is none. */
static int first_overflow(const struct net_run *run, int n)
{
    for (int node = 0; node < run->net->node_count - 1; node++)
        for (size_t i = 0, count = (size_t)n * shape_count(run->net->shapes[node + 1]); i < count; i++)
            if (!isfinite(run->tensor[node + 1][i]))
                return node;
    return -1;
}

/* The images of a step. */
struct batch {
    const struct dataset *dataset;
    const int *indices;
    int n, epoch;
};

/* The sum of two weighted losses is one loss of a mixed target. */
static struct target target_between(const struct trainer *trainer, int label, int other, float share)
{
    const float *weights = trainer->class_weights;
    if (!weights)
        return (struct target){label, other, share, 1};
    const float weight = (1 - share) * weights[label] + share * weights[other];
    return (struct target){label, other, weight > 0 ? share * weights[other] / weight : 0, weight};
}

/* Gradients of the images from .. to-1 of a batch, added to a lane. */
static struct sums learn_shard(const struct trainer *trainer, struct worker *worker, float *gradients,
                               const struct settings *settings, const struct batch *batch, int from, int to)
{
    const struct net *net = trainer->net;
    const struct dataset *dataset = batch->dataset;
    const int classes = net_classes(net), n = to - from;
    for (int i = 0; i < n; i++) {
        const struct mix mix =
            augment_mixed(worker->pixels, worker->scratch, dataset->pixels, net->input, batch->indices, batch->n, from + i,
                          &settings->augment, trainer->preprocess.mean, trainer->seed, batch->epoch);
        image_normalise(worker->run.tensor[0] + (size_t)i * shape_count(net->input), worker->pixels, net->input,
                        &trainer->preprocess);
        worker->targets[i] =
            target_between(trainer, dataset->labels[batch->indices[from + i]], dataset->labels[mix.place], mix.share);
    }
    worker->run.first_image = trainer->seen + (uint64_t)from; /* its number in the run */
    net_forward_training(&worker->run, n);
    cross_entropy_forward(worker->losses, worker->probabilities, net_logits(&worker->run), worker->targets,
                          settings->smoothing, n, classes);
    cross_entropy_backward(net_logits_gradient(&worker->run), worker->probabilities, worker->targets, settings->smoothing,
                           1.0f / (float)batch->n, n, classes);
    net_backward(&worker->run, gradients, n);
    struct sums sums = score(worker, n, classes);
    sums.overflown = isfinite(sums.loss) ? -1 : first_overflow(&worker->run, n);
    return sums;
}

/* Adds the lanes to the first one, in order, and makes the running statistics' sums means over the images. */
static void add_lanes(struct trainer *trainer, int lanes, int n)
{
    const size_t count = net_parameter_count(trainer->net);
#pragma omp parallel for schedule(static) num_threads(trainer->threads)
    for (size_t start = 0; start < count; start += 4096) {
        const size_t end = start + 4096 < count ? start + 4096 : count;
        for (int lane = 1; lane < lanes; lane++)
            for (size_t i = start; i < end; i++)
                trainer->gradients[0][i] += trainer->gradients[lane][i];
    }
    for (int node = 0; node < trainer->net->node_count; node++) {
        struct block blocks[4];
        const int blocks_count = net_blocks(blocks, trainer->net, node);
        for (int b = 0; b < blocks_count; b++)
            if (blocks[b].role == BLOCK_MEAN || blocks[b].role == BLOCK_VARIANCE)
                for (size_t i = blocks[b].offset; i < blocks[b].offset + blocks[b].count; i++)
                    trainer->gradients[0][i] /= (float)n;
    }
}

/* The optimizer with its rates as they are after this many epochs. */
static struct optimizer scheduled(const struct settings *settings, double epochs)
{
    const double frozen = 1 - epochs / (double)settings->frozen_bias_epochs;
    struct optimizer optimizer = schedule_optimizer(&settings->optimizer, settings->schedule, epochs, (double)settings->warmup,
                                                    (double)settings->epochs);
    optimizer.frozen_bias_rate *= (float)(frozen > 0 ? frozen : 0);
    return optimizer;
}

static struct optimizer with_rates_times(struct optimizer optimizer, float share)
{
    optimizer.rate *= share;
    optimizer.dense_rate *= share;
    optimizer.bias_rate *= share;
    optimizer.frozen_bias_rate *= share;
    return optimizer;
}

/* average = decay average + (1 - decay) parameters, for the indices from start to end. */
static void move_average(struct trainer *trainer, float decay, size_t start, size_t end)
{
    const float rising = (1 + (float)trainer->step) / (10 + (float)trainer->step);
    const float stays = trainer->step == 1 ? 0 : rising < decay ? rising : decay;
    for (size_t i = start; i < end; i++)
        trainer->average[i] = stays * trainer->average[i] + (1 - stays) * trainer->parameters[i];
}

static void step(struct trainer *trainer, const struct optimizer *optimizer, float decay)
{
    const size_t *place = trainer->net->offset;
    const size_t scratch_count = optimizer_scratch_count(optimizer, trainer->net);
#pragma omp parallel num_threads(trainer->threads)
    {
        float *scratch = allocate(scratch_count, sizeof(float));
#pragma omp for schedule(dynamic)
        for (int node = 0; node < trainer->net->node_count; node++) {
            const struct optimizer own = with_rates_times(*optimizer, trainer->learning_rate_scales[node] * (float)trainer->rates_left);
            const bool rests = node < trainer->frozen_nodes;
            if (!rests)
                optimizer_step(&own, trainer->net, node, trainer->step, trainer->parameters, trainer->gradients[0],
                               trainer->first, trainer->second, scratch);
            if (trainer->average) /* of what stays the same it is that, without rounding */
                move_average(trainer, rests ? 0 : decay, place[node], place[node + 1]);
        }
        free(scratch);
    }
}

static struct sums learn_batch(struct trainer *trainer, const struct settings *settings, const struct dataset *dataset,
                               const int *indices, int n, int epoch, double epochs_done)
{
    const int shards = (n + trainer->shard - 1) / trainer->shard, lanes = shards < LANES ? shards : LANES;
    const struct batch batch = {dataset, indices, n, epoch};
    struct sums sums[LANES] = {{0, 0, 0}};
    const struct optimizer optimizer = scheduled(settings, epochs_done);
    pack(trainer, trainer->parameters);
#pragma omp parallel for schedule(dynamic) num_threads(trainer->threads)
    for (int lane = 0; lane < lanes; lane++) {
        struct worker *worker = &trainer->workers[omp_get_thread_num()];
        worker->run.frozen_biases_rest = optimizer.kind == OPTIMIZER_MUON && optimizer.frozen_bias_rate == 0;
        worker->run.frozen_nodes = trainer->frozen_nodes;
        memset(trainer->gradients[lane], 0, net_parameter_count(trainer->net) * sizeof(float));
        sums[lane].overflown = -1;
        for (int shard = lane; shard < shards; shard += LANES) {
            /* Evenly sized: a last shard of one image would be a poor sample for batch normalisation. */
            const int from = (int)((int64_t)n * shard / shards), to = (int)((int64_t)n * (shard + 1) / shards);
            const struct sums of_shard = learn_shard(trainer, worker, trainer->gradients[lane], settings, &batch, from, to);
            sums[lane].loss += of_shard.loss;
            sums[lane].correct += of_shard.correct;
            if (sums[lane].overflown < 0)
                sums[lane].overflown = of_shard.overflown;
        }
    }
    for (int lane = 1; lane < lanes; lane++) {
        sums[0].loss += sums[lane].loss;
        sums[0].correct += sums[lane].correct;
        if (sums[0].overflown < 0)
            sums[0].overflown = sums[lane].overflown;
    }
    if (!isfinite(sums[0].loss)) { /* the weights stay as they were */
        trainer->overflown = sums[0].overflown;
        return sums[0];
    }
    add_lanes(trainer, lanes, n);
    trainer->step++;
    trainer->seen += (uint64_t)n;
    step(trainer, &optimizer, settings->average);
    return sums[0];
}

/* ---- An epoch ---- */

struct epoch_result trainer_epoch(struct trainer *trainer, const struct settings *settings,
                                  const struct dataset *dataset, const int *indices, int count, int epoch,
                                  const struct epoch_result *so_far, progress_function *progress, void *context)
{
    int *order = allocate((size_t)count, sizeof(int));
    memcpy(order, indices, (size_t)count * sizeof(int));
    struct random random = random_seed(random_at(trainer->seed, 4, (uint64_t)epoch), 0);
    for (int i = count - 1; i > 0; i--) { /* Fisher-Yates */
        const int other = (int)random_below(&random, (uint32_t)i + 1), place = order[i];
        order[i] = order[other];
        order[other] = place;
    }
    struct epoch_result result = {0};
    if (so_far)
        result = *so_far;
    result.finite = true;
    result.stopped = false;
    while (result.count < count && !result.stopped) {
        const int n = count - result.count < settings->batch ? count - result.count : settings->batch;
        /* The rate in the middle of the step: neither the first nor the last step is wasted at 0. */
        const double done = epoch + ((double)result.count + 0.5 * n) / count;
        const struct sums sums = learn_batch(trainer, settings, dataset, order + result.count, n, epoch, done);
        result.loss_sum += sums.loss;
        result.correct += sums.correct;
        result.count += n;
        if (!isfinite(result.loss_sum)) {
            result.finite = false;
            break;
        }
        result.stopped = progress && !progress(context, &result, count);
    }
    free(order);
    return result;
}

double epoch_loss(const struct epoch_result *result)
{
    return result->count ? result->loss_sum / result->count : 0;
}

double epoch_accuracy(const struct epoch_result *result)
{
    return result->count ? (double)result->correct / result->count : 0;
}

struct epoch_result trainer_measure(struct trainer *trainer, const struct dataset *dataset, const int *indices, int count)
{
    const struct net *net = trainer->net;
    const int classes = net_classes(net), shards = (count + trainer->shard - 1) / trainer->shard;
    struct sums *sums = allocate((size_t)shards + 1, sizeof *sums);
    pack(trainer, trainer_weights(trainer));
#pragma omp parallel for schedule(dynamic) num_threads(trainer->threads)
    for (int shard = 0; shard < shards; shard++) {
        struct worker *worker = &trainer->workers[omp_get_thread_num()];
        const int from = shard * trainer->shard, n = count - from < trainer->shard ? count - from : trainer->shard;
        for (int i = 0; i < n; i++) {
            image_normalise(worker->run.tensor[0] + (size_t)i * shape_count(net->input), image_at(dataset, indices[from + i]),
                            net->input, &trainer->preprocess);
            worker->targets[i] = target_of(dataset->labels[indices[from + i]]);
        }
        net_forward(&worker->run, n);
        cross_entropy_forward(worker->losses, worker->probabilities, net_logits(&worker->run), worker->targets, 0, n, classes);
        sums[shard] = score(worker, n, classes);
    }
    struct epoch_result result = {.count = count};
    for (int shard = 0; shard < shards; shard++) {
        result.loss_sum += sums[shard].loss;
        result.correct += sums[shard].correct;
    }
    free(sums);
    result.finite = isfinite(result.loss_sum);
    return result;
}
