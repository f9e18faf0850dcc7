#include "training/trainer_step.h"

#include "base/argmax.h"

#include <assert.h>
#include <math.h> /* isfinite */
#include <string.h>

/* ---- Packing ---- */

struct packing {
    struct trainer *trainer;
    const float *parameters;
};

static void pack_node(void *context, int node, int thread)
{
    (void)thread;
    const struct packing *packing = context;
    struct trainer *trainer = packing->trainer;
    const struct net *net = trainer->net;
    net_pack(net == trainer->options.small ? &trainer->small_packed : &trainer->packed, net, node,
             packing->parameters + net->offset[node]);
}

void trainer_pack(struct trainer *trainer, const struct net *net, const float *parameters)
{
    struct packing packing = {trainer, parameters};
    trainer->net = net;
    for (int i = 0; i < trainer->options.parallel.threads; i++) {
        struct worker *worker = &trainer->workers[i];
        worker->run = net == trainer->options.small ? &worker->small : &worker->full;
    }
    trainer_run(trainer, net->node_count, pack_node, &packing);
}

/* ---- Shards ---- */

struct sums trainer_score(const struct worker *worker, int n, int classes)
{
    struct sums sums = {0, 0, -1};
    for (int i = 0; i < n; i++) {
        sums.loss += (double)worker->losses[i];
        const struct target *target = &worker->targets[i];
        const int wanted = target->fraction > 0.5f ? target->other : target->label;
        sums.correct += argmax(worker->probabilities + i * classes, classes) == wanted;
    }
    return sums;
}

static void add_sums(struct sums *sums, const struct sums *more)
{
    sums->loss += more->loss;
    sums->correct += more->correct;
    if (sums->overflown < 0)
        sums->overflown = more->overflown;
}

int trainer_overflow(const struct net_run *net_run, int n)
{
    for (int node = 0; node < net_run->net->node_count - 1; node++)
        for (size_t i = 0, count = (size_t)n * shape_count(net_run->net->shapes[node + 1]); i < count; i++)
            if (!isfinite(net_run->tensor[node + 1][i]))
                return node;
    return -1;
}

const float *trainer_logits(struct worker *worker, const struct trainer_options *options, int n)
{
    const float *outputs = net_logits(worker->run);
    const size_t classes = (size_t)trainer_classes(options), stride = (size_t)net_classes(options->net);
    if (!options->projections)
        return outputs;
    for (size_t i = 0; i < (size_t)n; i++)
        memcpy(worker->logits + i * classes, outputs + i * stride, classes * sizeof(float));
    return worker->logits;
}

/* The sum of two weighted losses is one loss of a mixed target. */
static struct target target_between(const float *class_weights, int label, int other, float fraction)
{
    if (!class_weights)
        return (struct target){label, other, fraction, 1};
    const float weight = (1 - fraction) * class_weights[label] + fraction * class_weights[other];
    return (struct target){label, other, weight > 0 ? fraction * class_weights[other] / weight : 0, weight};
}

/* ---- A step: lanes, reduce, apply ---- */

/* What the teacher says of an image, which was mixed as its target says. */
static void want(struct worker *worker, const struct lanes *lanes, int i, int image, int other)
{
    const struct distillation *distillation = lanes->trainer->distillation;
    const struct augmentation *how = &lanes->augmentation;
    const int classes = trainer_classes(&lanes->trainer->options), e = lanes->trainer->options.projections;
    const bool mirrored = augment_mirrored(how, image), other_mirrored = augment_mirrored(how, other);
    const float fraction = worker->targets[i].fraction;
    float *wanted = worker->wanted + i * classes, *embedding = worker->wanted_embeddings + (size_t)i * (size_t)e;
    distillation_wanted(wanted, distillation, image, mirrored, classes);
    if (e)
        memcpy(embedding, distillation_embedding(distillation, image, mirrored), (size_t)e * sizeof(float));
    if (fraction > 0) {
        distillation_wanted(worker->mixed_in, distillation, other, other_mirrored, classes);
        distillation_mix(wanted, worker->mixed_in, fraction, classes);
        if (e)
            distillation_mix(embedding, distillation_embedding(distillation, other, other_mirrored), fraction, e);
    }
}

/* The part of the loss that is the projections', and its gradient, beside that of the classes. */
static void match_embeddings(const struct lanes *lanes, struct worker *worker, int n)
{
    const struct trainer_options *options = &lanes->trainer->options;
    const struct embedding_matching matching = {
        worker->wanted_embeddings, worker->targets,          lanes->trainer->distillation->embedding_weight, n,
        options->projections,      net_classes(options->net)};
    const size_t classes = (size_t)trainer_classes(options), stride = (size_t)net_classes(options->net);
    const float *projections = net_logits(worker->run) + classes;
    float *gradient = net_logits_gradient(worker->run);
    embedding_matching_forward(worker->losses, projections, &matching);
    embedding_matching_backward(gradient + classes, projections, &matching, 1.0f / (float)lanes->step->batch.count);
    for (size_t i = 0; i < (size_t)n; i++)
        memcpy(gradient + i * stride, worker->dlogits + i * classes, classes * sizeof(float));
}

/* Losses of n images, and the gradient of their sum over the batch's. */
static void compute_loss(const struct lanes *lanes, struct worker *worker, int n)
{
    const struct trainer *trainer = lanes->trainer;
    const struct distillation *distillation = trainer->distillation;
    const float smoothing = lanes->step->settings->label_smoothing, factor = 1.0f / (float)lanes->step->batch.count;
    const bool projected = trainer->options.projections > 0;
    const float *logits = trainer_logits(worker, &trainer->options, n);
    float *dlogits = projected ? worker->dlogits : net_logits_gradient(worker->run);
    const int classes = trainer_classes(&trainer->options);
    cross_entropy_forward(worker->losses, worker->probabilities, logits, worker->targets, smoothing, n, classes);
    cross_entropy_backward(dlogits, worker->probabilities, worker->targets, smoothing, factor, n, classes);
    if (distillation) {
        const struct soft_targets soft = {
            worker->wanted, worker->softened, worker->targets, distillation->temperature, distillation->weight, n,
            classes};
        distillation_forward(worker->losses, logits, &soft);
        distillation_backward(dlogits, &soft, factor);
    }
    if (projected)
        match_embeddings(lanes, worker, n);
}

/* Adds the gradients of the images from .. to-1 of the batch to a lane. */
static void train_shard(const struct lanes *lanes, struct worker *worker, struct lane *lane, int from, int to)
{
    const struct trainer *trainer = lanes->trainer;
    const struct trainer_options *options = &trainer->options;
    const struct subset *batch = &lanes->step->batch;
    const int classes = trainer_classes(options), n = to - from;
    const struct shape input = worker->run->net->input;
    for (int i = 0; i < n; i++) {
        const struct mix mix = augment_mixed(worker->pixels, worker->scratch, &lanes->augmentation, batch, from + i);
        image_normalise(worker->run->tensor[0] + (size_t)i * shape_count(input), worker->pixels, input,
                        &options->preprocess);
        worker->targets[i] = target_between(trainer->class_weights, subset_label(batch, from + i),
                                            batch->images->labels[mix.index], mix.fraction);
        if (trainer->distillation)
            want(worker, lanes, i, batch->indices[from + i], mix.index);
    }
    worker->run->first_image = trainer->images_seen + (uint64_t)from; /* its number in the run */
    net_forward_training(worker->run, n);
    compute_loss(lanes, worker, n);
    struct sums sums = trainer_score(worker, n, classes);
    sums.overflown = isfinite(sums.loss) ? -1 : trainer_overflow(worker->run, n);
    add_sums(&lane->sums, &sums);
    net_backward(worker->run, lane->gradients, n);
}

struct worker *trainer_lane_begin(const struct lanes *lanes, int number, int thread)
{
    struct trainer *trainer = lanes->trainer;
    struct worker *worker = &trainer->workers[thread];
    struct lane *lane = &trainer->lanes[number];
    worker->run->frozen_biases =
        lanes->optimizer.kind == OPTIMIZER_MUON && lanes->optimizer.frozen_bias_learning_rate == 0;
    worker->run->frozen_nodes = trainer->frozen_nodes;
    memset(lane->gradients, 0, net_parameter_count(trainer->options.net) * sizeof(float));
    lane->sums = (struct sums){0, 0, -1};
    return worker;
}

static void train_lane(void *context, int number, int thread)
{
    const struct lanes *lanes = context;
    struct worker *worker = trainer_lane_begin(lanes, number, thread);
    const int n = lanes->step->batch.count;
    for (int shard = number; shard < lanes->shards; shard += trainer_lanes(&lanes->trainer->options))
        /* Evenly sized: a last shard of one image would be a poor sample for batch normalisation. */
        train_shard(lanes, worker, &lanes->trainer->lanes[number], trainer_shard_start(n, shard, lanes->shards),
                    trainer_shard_start(n, shard + 1, lanes->shards));
}

static struct parallel_part sums_of_lane(void *context, int lane)
{
    const struct lanes *lanes = context;
    struct sums *sums = &lanes->trainer->lanes[lane].sums;
    return (struct parallel_part){lane, sums, sizeof *sums};
}

void trainer_share_sums(const struct lanes *lanes)
{
    parallel_share(&lanes->trainer->options.parallel, lanes->count, lanes->count, sums_of_lane, (void *)lanes);
}

/* Adds the lanes to the first one, in order. */
static void reduce_lanes(const struct lanes *lanes)
{
    struct trainer *trainer = lanes->trainer;
    float *gradients[TRAINER_MAX_LANES];
    trainer_share_sums(lanes);
    for (int lane = 0; lane < lanes->count; lane++) {
        gradients[lane] = trainer->lanes[lane].gradients;
        if (lane > 0)
            add_sums(&trainer->lanes[0].sums, &trainer->lanes[lane].sums);
    }
    if (isfinite(trainer->lanes[0].sums.loss)) /* else there is no step */
        trainer->options.parallel.sum(&trainer->options.parallel, gradients, lanes->count,
                                      net_parameter_count(trainer->options.net));
}

/* Makes the running statistics' sums means over the images. */
static void divide_statistics(float *gradients, const struct net *net, int n)
{
    for (int node = 0; node < net->node_count; node++) {
        struct block blocks[4];
        const int count = net_blocks(blocks, net, node);
        for (int b = 0; b < count; b++)
            if (blocks[b].role == BLOCK_MEAN || blocks[b].role == BLOCK_VARIANCE)
                for (size_t i = blocks[b].offset; i < blocks[b].offset + blocks[b].count; i++)
                    gradients[i] /= (float)n;
    }
}

/* ema = decay ema + (1 - decay) parameters, for the parameters from start to end. */
static void update_ema(struct trainer *trainer, float decay, size_t start, size_t end)
{
    const float rising = (1 + (float)trainer->step) / (10 + (float)trainer->step);
    const float stays = trainer->step == 1 ? 0 : rising < decay ? rising : decay;
    for (size_t i = start; i < end; i++)
        trainer->ema[i] = stays * trainer->ema[i] + (1 - stays) * trainer->parameters[i];
}

static void apply_node(void *context, int node, int thread)
{
    const struct lanes *lanes = context;
    struct trainer *trainer = lanes->trainer;
    const struct net *net = trainer->options.net;
    const bool frozen = node < trainer->frozen_nodes;
    if (!frozen) {
        struct optimizer own = lanes->optimizer;
        optimizer_scale_learning_rates(&own,
                                       trainer->learning_rate_scales[node] * (float)trainer->learning_rate_factor);
        const struct optimizer_state state = {.step = trainer->step,
                                              .parameters = trainer->parameters,
                                              .gradients = trainer->lanes[0].gradients,
                                              .first = trainer->first,
                                              .second = trainer->second,
                                              .scratch = trainer->workers[thread].optimizer_scratch,
                                              .gemm = trainer->options.gemm};
        optimizer_step(&own, net, node, &state);
    }
    if (trainer->ema) /* of what stays the same it is that, without rounding */
        update_ema(trainer, frozen ? 0 : lanes->step->settings->ema_decay, net->offset[node], net->offset[node + 1]);
}

/* The optimizer with its learning rates as they are after this many epochs. */
static struct optimizer scheduled(const struct trainer_settings *settings, double epochs)
{
    const double frozen = 1 - epochs / (double)settings->frozen_bias_epochs;
    struct optimizer optimizer = schedule_optimizer(&settings->optimizer, settings->schedule, epochs,
                                                    (double)settings->warmup, (double)settings->epochs);
    optimizer.frozen_bias_learning_rate *= (float)(frozen > 0 ? frozen : 0);
    return optimizer;
}

struct lanes trainer_step_begin(struct trainer *trainer, const struct step *step, int shards)
{
    const struct trainer_options *options = &trainer->options;
    const float *mean = options->preprocess.mean;
    const int all = trainer_lanes(options);
    assert(step->batch.count > 0);
    const bool small = options->small && step->epochs < (double)step->settings->small_part * step->settings->epochs;
    trainer_pack(trainer, small ? options->small : options->net, trainer->parameters);
    return (struct lanes){.trainer = trainer,
                          .step = step,
                          .optimizer = scheduled(step->settings, step->epochs),
                          .augmentation = {.augment = &step->settings->augment,
                                           .shape = step->batch.images->shape,
                                           .seen = trainer->net->input,
                                           .mean = {mean[0], mean[1], mean[2]},
                                           .seed = options->seed,
                                           .epoch = step->number},
                          .shards = shards,
                          .count = shards < all ? shards : all};
}

struct sums trainer_step_end(struct lanes *lanes, int views)
{
    struct trainer *trainer = lanes->trainer;
    const int n = lanes->step->batch.count;
    reduce_lanes(lanes);
    const struct sums sums = trainer->lanes[0].sums;
    if (!isfinite(sums.loss)) { /* the weights stay as they were */
        trainer->overflown = sums.overflown;
        return sums;
    }
    divide_statistics(trainer->lanes[0].gradients, trainer->options.net, views * n);
    trainer->step++;
    trainer->images_seen += (uint64_t)n;
    trainer_run(trainer, trainer->options.net->node_count, apply_node, lanes);
    return sums;
}

struct sums trainer_step(struct trainer *trainer, const struct step *step)
{
    struct lanes lanes = trainer_step_begin(trainer, step, trainer_shards(step->batch.count, trainer->options.shard));
    trainer_divide(trainer, lanes.count, train_lane, &lanes);
    return trainer_step_end(&lanes, 1);
}
