#include "training/trainer.h"

#include "training/barlow_twins.h"
#include "training/twin_step.h"

#include <assert.h>
#include <math.h> /* isfinite */
#include <string.h>

/* ---- Memory ---- */

/* One net is at hand at a time, so that what is planned for the small one takes the memory of what was planned for the
 * other from `start` on. */
static void plan_small_packed(struct trainer *trainer, const struct trainer_options *options, struct arena *arena,
                              uint64_t start)
{
    const uint64_t end = arena->used;
    if (!options->small)
        return;
    arena->used = start;
    net_packed_plan(&trainer->small_packed, options->small, NET_TRAIN, arena);
    arena->used = arena->used > end ? arena->used : end;
}

static void plan_runs(struct worker *worker, const struct trainer_options *options, const struct trainer *trainer,
                      struct arena *arena)
{
    const uint64_t start = arena->used;
    net_run_plan(&worker->full, options->net, &trainer->packed, options->shard, NET_TRAIN, arena);
    const uint64_t end = arena->used;
    if (!options->small)
        return;
    arena->used = start;
    net_run_plan(&worker->small, options->small, &trainer->small_packed, options->shard, NET_TRAIN, arena);
    arena->used = arena->used > end ? arena->used : end;
}

static void plan_worker(struct worker *worker, const struct trainer_options *options, const struct trainer *trainer,
                        struct arena *arena)
{
    const struct net *net = options->net;
    const uint64_t classes = (uint64_t)trainer_classes(options), shard = (uint64_t)options->shard;
    const uint64_t pixels = (uint64_t)net->input.h * (uint64_t)net->input.w;
    struct worker measured, *to = worker ? worker : &measured;
    plan_runs(to, options, trainer, arena);
    to->losses = arena_alloc(arena, shard, sizeof(float));
    to->probabilities = arena_alloc(arena, shard * classes, sizeof(float));
    to->targets = arena_alloc(arena, shard, sizeof *to->targets);
    const uint64_t distilled = options->distilled ? shard : 0;
    to->wanted = arena_alloc(arena, distilled * classes, sizeof(float));
    to->softened = arena_alloc(arena, distilled * classes, sizeof(float));
    to->mixed_in = arena_alloc(arena, options->distilled ? classes : 0, sizeof(float));
    to->wanted_embeddings = arena_alloc(arena, shard * (uint64_t)options->projections, sizeof(float));
    to->logits = arena_alloc(arena, options->projections ? shard * classes : 0, sizeof(float));
    to->dlogits = arena_alloc(arena, options->projections ? shard * classes : 0, sizeof(float));
    to->pixels = arena_alloc(arena, pixels, 3);
    to->scratch = arena_alloc(arena, pixels, 3);
    to->optimizer_scratch = arena_alloc(arena, optimizer_scratch_count(options->optimizer, net), sizeof(float));
}

/* The trainer and all it points to; NULL while measuring. */
static struct trainer *plan(const struct trainer_options *options, struct arena *arena)
{
    assert(options->shard > 0 && options->max_images >= 0 && options->parallel.threads > 0 && options->gemm);
    assert(options->lanes >= 0 && options->lanes <= TRAINER_MAX_LANES);
    assert(options->projections >= 0 && (options->distilled || !options->projections));
    assert(!options->small ||
           (options->small->input.h <= options->net->input.h && options->small->input.w <= options->net->input.w &&
            net_parameter_count(options->small) == net_parameter_count(options->net)));
    const uint64_t count = net_parameter_count(options->net);
    struct trainer measured, *trainer = arena_alloc(arena, 1, sizeof *trainer), *to = trainer ? trainer : &measured;
    to->lanes = arena_alloc(arena, (uint64_t)trainer_lanes(options), sizeof *to->lanes);
    to->workers = arena_alloc(arena, (uint64_t)options->parallel.threads, sizeof *to->workers);
    to->order = arena_alloc(arena, (uint64_t)options->max_images, sizeof *to->order);
    to->sums = arena_alloc(arena, (uint64_t)trainer_shards(options->max_images, options->shard), sizeof *to->sums);
    to->parameters = arena_alloc(arena, count, sizeof(float));
    to->first = arena_alloc(arena, count, sizeof(float));
    to->second = arena_alloc(arena, count, sizeof(float));
    to->ema = options->ema ? arena_alloc(arena, count, sizeof(float)) : NULL;
    for (int lane = 0; lane < trainer_lanes(options); lane++) {
        float *gradients = arena_alloc(arena, count, sizeof(float));
        if (trainer)
            trainer->lanes[lane].gradients = gradients;
    }
    const uint64_t width = options->twins ? (uint64_t)net_classes(options->net) : 0;
    to->projections = arena_alloc(arena, 2 * (uint64_t)options->twins * width, sizeof(float));
    to->dprojections = arena_alloc(arena, 2 * (uint64_t)options->twins * width, sizeof(float));
    to->twin_scratch =
        arena_alloc(arena, options->twins ? barlow_twins_scratch_count(options->twins, (int)width) : 0, sizeof(float));
    const uint64_t start = arena->used;
    net_packed_plan(&to->packed, options->net, NET_TRAIN, arena);
    plan_small_packed(to, options, arena, start);
    for (int i = 0; i < options->parallel.threads; i++)
        plan_worker(trainer ? &trainer->workers[i] : NULL, options, to, arena);
    return trainer;
}

uint64_t trainer_bytes(const struct trainer_options *options)
{
    struct arena measure = {0};
    plan(options, &measure);
    return measure.used;
}

enum status trainer_open(struct trainer **trainer, void *memory, uint64_t size, const struct trainer_options *options)
{
    *trainer = NULL;
    if (!memory || size < trainer_bytes(options))
        return STATUS_MEMORY;
    assert((uintptr_t)memory % ARENA_ALIGNMENT == 0);
    const struct net *net = options->net;
    struct arena arena = {.base = memory, .size = size};
    struct trainer *new = plan(options, &arena);
    new->options = *options;
    new->step = 0;
    new->images_seen = 0;
    new->frozen_nodes = 0;
    new->learning_rate_factor = 1;
    new->class_weights = NULL;
    new->distillation = NULL;
    new->overflown = -1;
    for (int node = 0; node < LIMIT_NODES; node++)
        new->learning_rate_scales[node] = 1;
    const size_t bytes = net_parameter_count(net) * sizeof(float);
    memset(new->first, 0, bytes);
    memset(new->second, 0, bytes);
    if (new->ema)
        memset(new->ema, 0, bytes);
    struct random random = random_seed(options->seed, STREAM_WEIGHTS);
    initialize_parameters(new->parameters, net, options->initializer, &random);
    new->net = net;
    for (int i = 0; i < options->parallel.threads; i++) {
        struct worker *worker = &new->workers[i];
        worker->run = &worker->full;
        worker->full.gemm = worker->small.gemm = options->gemm;
        worker->full.parameters = worker->small.parameters = new->parameters;
        worker->full.dropout_seed = worker->small.dropout_seed = random_at(options->seed, STREAM_DROPOUT, 0);
    }
    *trainer = new;
    return STATUS_OK;
}

const float *trainer_weights(const struct trainer *trainer)
{
    return trainer->ema && trainer->step ? trainer->ema : trainer->parameters;
}

/* ---- An epoch ---- */

static void check(const struct trainer *trainer, const struct subset *subset)
{
    const struct shape shape = subset->images->shape, input = trainer->options.net->input;
    assert(subset->count >= 0 && subset->count <= trainer->options.max_images);
    assert(shape.h == input.h && shape.w == input.w && shape.c == 3 &&
           subset->images->classes <= trainer_classes(&trainer->options));
    (void)shape;
    (void)input;
}

/* trainer->order: a permutation (Fisher and Yates) of the epoch's images. */
static void draw_order(struct trainer *trainer, const struct epoch *epoch)
{
    int *order = trainer->order;
    const int count = epoch->subset.count;
    memcpy(order, epoch->subset.indices, (size_t)count * sizeof *order);
    struct random random = random_seed(random_at(trainer->options.seed, STREAM_ORDER, (uint64_t)epoch->number), 0);
    for (int i = count - 1; i > 0; i--) {
        const int other = (int)random_below(&random, (uint32_t)i + 1), index = order[i];
        order[i] = order[other];
        order[other] = index;
    }
}

struct epoch_result trainer_epoch(struct trainer *trainer, const struct epoch *epoch)
{
    const struct trainer_settings *settings = epoch->settings;
    const int count = epoch->subset.count;
    check(trainer, &epoch->subset);
    assert(settings->optimizer.kind == trainer->options.optimizer && settings->batch > 0 && epoch->number >= 0);
    draw_order(trainer, epoch);
    struct epoch_result result = {0};
    if (epoch->so_far)
        result = *epoch->so_far;
    result.finite = true;
    result.stopped = false;
    const struct subset ordered = {epoch->subset.images, trainer->order, count};
    subset_expect(&ordered, result.count, settings->batch);
    while (result.count < count && !result.stopped) {
        const int n = count - result.count < settings->batch ? count - result.count : settings->batch;
        /* The learning rate in the middle of the step: neither the first nor the last step is wasted at 0. */
        const struct step step = {.settings = settings,
                                  .batch = {epoch->subset.images, trainer->order + result.count, n},
                                  .number = epoch->number,
                                  .epochs = epoch->number + ((double)result.count + 0.5 * n) / count};
        subset_expect(&ordered, result.count + n, settings->batch);
        const struct sums sums = trainer->options.twins ? twin_step(trainer, &step) : trainer_step(trainer, &step);
        result.loss_sum += sums.loss;
        result.correct += sums.correct;
        result.count += n;
        if (!isfinite(result.loss_sum)) {
            result.finite = false;
            break;
        }
        result.stopped = epoch->progress && !epoch->progress(epoch->context, &result, count);
    }
    return result;
}

double epoch_loss(const struct epoch_result *result) { return result->count ? result->loss_sum / result->count : 0; }

double epoch_accuracy(const struct epoch_result *result)
{
    return result->count ? (double)result->correct / result->count : 0;
}

/* ---- Measuring ---- */

struct measurement {
    struct trainer *trainer;
    const struct subset *subset;
};

static void measure_shard(void *context, int shard, int thread)
{
    const struct measurement *measurement = context;
    struct trainer *trainer = measurement->trainer;
    const struct trainer_options *options = &trainer->options;
    struct worker *worker = &trainer->workers[thread];
    const int from = shard * options->shard, left = measurement->subset->count - from,
              n = left < options->shard ? left : options->shard;
    const int classes = trainer_classes(options);
    subset_expect(measurement->subset, from + 2 * options->parallel.threads * options->shard, options->shard);
    for (int i = 0; i < n; i++) {
        image_normalise(worker->run->tensor[0] + (size_t)i * shape_count(options->net->input),
                        subset_pixels(measurement->subset, from + i), options->net->input, &options->preprocess);
        worker->targets[i] = target_of(subset_label(measurement->subset, from + i));
    }
    net_forward(worker->run, n);
    cross_entropy_forward(worker->losses, worker->probabilities, trainer_logits(worker, options, n), worker->targets, 0,
                          n, classes);
    trainer->sums[shard] = trainer_score(worker, n, classes);
}

static struct parallel_part sums_of_shard(void *context, int shard)
{
    const struct measurement *measurement = context;
    struct sums *sums = &measurement->trainer->sums[shard];
    return (struct parallel_part){shard, sums, sizeof *sums};
}

struct epoch_result trainer_measure(struct trainer *trainer, const struct subset *subset)
{
    check(trainer, subset);
    const int shards = trainer_shards(subset->count, trainer->options.shard);
    struct measurement measurement = {trainer, subset};
    trainer_pack(trainer, trainer->options.net, trainer_weights(trainer));
    trainer_divide(trainer, shards, measure_shard, &measurement);
    parallel_share(&trainer->options.parallel, shards, shards, sums_of_shard, &measurement);
    struct epoch_result result = {.count = subset->count};
    for (int shard = 0; shard < shards; shard++) {
        result.loss_sum += trainer->sums[shard].loss;
        result.correct += trainer->sums[shard].correct;
    }
    result.finite = isfinite(result.loss_sum);
    return result;
}
