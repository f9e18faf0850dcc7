#include "training/twin_step.h"

#include "training/barlow_twins.h"

#include <assert.h>
#include <math.h> /* isfinite */
#include <string.h>

/* Shards 0 .. shards / 2 - 1 are of the first views, the others of the second ones. */
struct shard {
    int view, from, n; /* images from .. from + n - 1 of the batch */
};

static struct shard shard_of(const struct lanes *lanes, int number)
{
    const int of_view = lanes->shards / TWIN_VIEWS, part = number % of_view, images = lanes->step->batch.count;
    const int from = trainer_shard_start(images, part, of_view);
    return (struct shard){number / of_view, from, trainer_shard_start(images, part + 1, of_view) - from};
}

/* Of a shard, in an array of all projections. */
static float *rows_of(float *projections, const struct lanes *lanes, const struct shard *shard)
{
    const size_t row = (size_t)shard->view * (size_t)lanes->step->batch.count + (size_t)shard->from;
    return projections + row * (size_t)net_classes(lanes->trainer->options.net);
}

static size_t value_count(const struct lanes *lanes, const struct shard *shard)
{
    return (size_t)shard->n * (size_t)net_classes(lanes->trainer->options.net);
}

static void forward_shard(const struct lanes *lanes, struct worker *worker, const struct shard *shard)
{
    const struct trainer_options *options = &lanes->trainer->options;
    const struct subset *batch = &lanes->step->batch;
    struct augmentation how = lanes->augmentation;
    how.epoch = TWIN_VIEWS * how.epoch + shard->view;
    for (int i = 0; i < shard->n; i++) {
        const int at = shard->from + i;
        augment_image(worker->pixels, subset_pixels(batch, at), &how, batch->indices[at]);
        image_normalise(worker->run->tensor[0] + (size_t)i * shape_count(options->net->input), worker->pixels,
                        options->net->input, &options->preprocess);
    }
    worker->run->first_image =
        TWIN_VIEWS * lanes->trainer->images_seen + (uint64_t)(shard->view * batch->count + shard->from);
    net_forward_training(worker->run, shard->n);
}

static bool all_finite(const float *values, size_t count)
{
    bool finite = true;
    for (size_t i = 0; i < count; i++)
        finite &= isfinite(values[i]) != 0;
    return finite;
}

static void project_lane(void *context, int number, int thread)
{
    const struct lanes *lanes = context;
    struct worker *worker = trainer_lane_begin(lanes, number, thread);
    int *overflown = &lanes->trainer->lanes[number].sums.overflown;
    for (int i = number; i < lanes->shards; i += trainer_lanes(&lanes->trainer->options)) {
        const struct shard shard = shard_of(lanes, i);
        forward_shard(lanes, worker, &shard);
        const size_t count = value_count(lanes, &shard);
        const float *projections = net_logits(worker->run);
        memcpy(rows_of(lanes->trainer->projections, lanes, &shard), projections, count * sizeof(float));
        if (*overflown < 0 && !all_finite(projections, count))
            *overflown = trainer_overflow(worker->run, shard.n);
    }
}

static void train_lane(void *context, int number, int thread)
{
    const struct lanes *lanes = context;
    struct worker *worker = trainer_lane_begin(lanes, number, thread);
    for (int i = number; i < lanes->shards; i += trainer_lanes(&lanes->trainer->options)) {
        const struct shard shard = shard_of(lanes, i);
        forward_shard(lanes, worker, &shard);
        memcpy(net_logits_gradient(worker->run), rows_of(lanes->trainer->dprojections, lanes, &shard),
               value_count(lanes, &shard) * sizeof(float));
        net_backward(worker->run, lanes->trainer->lanes[number].gradients, shard.n);
    }
}

/* A shard's projections, which its lane has computed. */
static struct parallel_part projections_of(void *context, int number)
{
    const struct lanes *lanes = context;
    const struct shard shard = shard_of(lanes, number);
    return (struct parallel_part){number % trainer_lanes(&lanes->trainer->options),
                                  rows_of(lanes->trainer->projections, lanes, &shard),
                                  value_count(lanes, &shard) * sizeof(float)};
}

/* The loss of all projections, and its gradient. */
static double compare(struct trainer *trainer, const struct step *step)
{
    const int n = step->batch.count, d = net_classes(trainer->options.net);
    const size_t second = (size_t)n * (size_t)d;
    const struct barlow_twins twins = {n, d, step->settings->redundancy, trainer->options.gemm};
    const float *projections = trainer->projections;
    const double loss = barlow_twins_forward(trainer->twin_scratch, projections, projections + second, &twins);
    barlow_twins_backward(trainer->dprojections, trainer->dprojections + second, projections, projections + second,
                          trainer->twin_scratch, &twins);
    return loss;
}

struct sums twin_step(struct trainer *trainer, const struct step *step)
{
    const int n = step->batch.count;
    assert(n <= trainer->options.twins);
    struct lanes lanes = trainer_step_begin(trainer, step, TWIN_VIEWS * trainer_shards(n, trainer->options.shard));
    trainer_divide(trainer, lanes.count, project_lane, &lanes);
    trainer_share_sums(&lanes);
    parallel_share(&trainer->options.parallel, lanes.count, lanes.shards, projections_of, &lanes);
    int overflown = -1;
    for (int lane = 0; lane < lanes.count && overflown < 0; lane++)
        overflown = trainer->lanes[lane].sums.overflown;
    const double loss = compare(trainer, step);
    if (!isfinite(loss)) {
        trainer->overflown = overflown;
        return (struct sums){loss, 0, overflown};
    }
    trainer_divide(trainer, lanes.count, train_lane, &lanes);
    trainer->lanes[0].sums.loss = loss * n;
    return trainer_step_end(&lanes, TWIN_VIEWS);
}
