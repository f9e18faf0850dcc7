/* One step of training over a batch, in three parts: lanes of gradients on every core, their sum in order, the
 * optimizer. trainer.h makes epochs of it and is the manual; here stands what both work on.
 *
 *     struct step step = {.settings = &settings, .batch = batch, .number = epoch, .epochs = epoch + 0.5};
 *     struct sums sums = trainer_step(trainer, &step);
 *
 * Ranks of several processes have some of the lanes each, and everything else alike (parallel.h). */
#ifndef TRAINER_STEP_H
#define TRAINER_STEP_H

#include "image/image.h"
#include "net/net.h"
#include "training/augment.h"
#include "training/distillation.h"
#include "training/embedding_matching.h"
#include "training/images.h"
#include "training/initialize.h"
#include "training/loss.h"
#include "training/optimizer.h"
#include "training/parallel.h"
#include "training/schedule.h"

enum { TRAINER_LANES = 8, TRAINER_MAX_LANES = 1024, TRAINER_USUAL_SHARD = 16 };

struct trainer_options {
    const struct net *net;   /* stays the caller's */
    const struct net *small; /* the same with a smaller input, for settings.small_part; NULL: there is none */
    struct preprocess preprocess;
    struct parallel parallel;
    gemm_function *gemm; /* gemm_fast or gemm_exact */
    uint64_t seed;
    enum initializer initializer;
    enum optimizer_kind optimizer; /* of every epoch */
    int shard;
    int max_images;  /* of an epoch and of a measurement */
    bool ema;        /* with a moving average of the weights */
    bool distilled;  /* with a teacher: trainer->distillation */
    int projections; /* outputs of the net behind the classes, which are to match the teacher's embedding; or 0 */
    int lanes; /* into which a batch is dealt, 1 .. TRAINER_MAX_LANES; other numbers, other roundings. 0: TRAINER_LANES */
    int twins; /* images of a batch at most, of which two views are compared (twin_step.h); 0: labels are trained */
};

struct trainer_settings {
    struct optimizer optimizer; /* its learning rates are the highest ones */
    enum schedule schedule;
    float warmup;     /* epochs over which the learning rates rise from 0 */
    float small_part; /* of the epochs, the first ones, at a smaller input (progressive resizing: Howard 2018, fast.ai;
                         Tan and Le 2021, EfficientNetV2) */
    int epochs;       /* in all, for the schedule */
    int batch;
    float label_smoothing;
    float redundancy; /* of two views (barlow_twins.h) */
    float ema_decay;  /* of the exponential moving average of the weights, per step (Polyak and Juditsky 1992); in its
                        first steps it is less, (1 + steps) / (10 + steps) */
    struct augment augment;
    int early_stopping;       /* epochs without a better validation after which a run ends; 0: it does not */
    int plateau_epochs;       /* without a lower validation loss, until SCHEDULE_PLATEAU lowers the learning rates */
    float frozen_bias_epochs; /* over these epochs Muon's learning rate for the biases of frozen layers falls to 0 */
};

/* One thread's memory. */
struct worker {
    struct net_run *run; /* the one at hand of: */
    struct net_run full, small;
    float *losses, *probabilities; /* (shard), (shard, classes) */
    float *logits, *dlogits;       /* (shard, classes) from among the net's outputs; with projections only */
    struct target *targets;        /* (shard) */
    float *wanted, *softened;      /* (shard, classes) the teacher's and the student's; distilled only */
    float *wanted_embeddings;      /* (shard, projections) the teacher's */
    float *mixed_in;               /* (classes) */
    uint8_t *pixels, *scratch;     /* of one image each */
    float *optimizer_scratch;
};

struct sums {
    double loss;
    int correct;
    int overflown; /* as in struct trainer */
};

/* A part of a batch: its gradients, of the layout of the parameters, and what they were computed from. */
struct lane {
    float *gradients;
    struct sums sums;
};

struct trainer {
    /* What a run consists of, and a checkpoint keeps: */
    float *parameters;     /* the flat array */
    float *first, *second; /* the optimizer's moments, of the same layout */
    float *ema;            /* the moving average of the parameters, of the same layout; NULL without */
    int64_t step;          /* optimizer steps done */
    uint64_t images_seen;  /* over all epochs */
    /* The caller's to change before an epoch: */
    int frozen_nodes;                        /* nodes 0 .. frozen_nodes-1 keep their parameters (net.h) */
    float learning_rate_scales[LIMIT_NODES]; /* what a node's learning rates are multiplied with; all 1 */
    double learning_rate_factor;             /* the same for all nodes: 1, or struct plateau's */
    const float *class_weights; /* (classes) what the losses of a class are multiplied with; NULL: 1 each */
    const struct distillation *distillation; /* of the images that are trained on; NULL: labels alone */
    /* After a loss that is not finite: the first node whose output was not, or -1. */
    int overflown;
    /* private: */
    struct trainer_options options;
    const struct net *net; /* the one at hand of options.net and options.small */
    struct net_packed packed, small_packed;
    struct worker *workers; /* (threads) */
    struct lane *lanes;     /* (trainer_lanes) */
    struct sums *sums;      /* of the shards of a measurement */
    /* (2, twins, classes) of both views of a batch: what the net makes of them, and the gradient; else NULL */
    float *projections, *dprojections;
    float *twin_scratch;
    int *order; /* of the images of an epoch */
};

/* The classes are the first outputs of the net. */
static inline int trainer_classes(const struct trainer_options *options)
{
    return net_classes(options->net) - options->projections;
}

static inline int trainer_lanes(const struct trainer_options *options)
{
    return options->lanes ? options->lanes : TRAINER_LANES;
}

/* The logits (n, classes) of what the worker's net has run on. */
const float *trainer_logits(struct worker *worker, const struct trainer_options *options, int n);

/* How many shards of at most `shard` images make up so many images. */
static inline int trainer_shards(int images, int shard) { return (images + shard - 1) / shard; }

static inline void trainer_run(const struct trainer *trainer, int count, parallel_task *task, void *context)
{
    trainer->options.parallel.run(&trainer->options.parallel, count, task, context);
}

/* The same for the items of this rank, whose results are then to be shared. */
static inline void trainer_divide(const struct trainer *trainer, int count, parallel_task *task, void *context)
{
    parallel_divide(&trainer->options.parallel, count, task, context);
}

/* Takes one of the options' nets in hand, with weights as the kernels want them, for the runs of all threads. */
void trainer_pack(struct trainer *trainer, const struct net *net, const float *parameters);

/* What n images in the worker's tensors, targets, losses and probabilities amount to. */
struct sums trainer_score(const struct worker *worker, int n, int classes);

struct step {
    const struct trainer_settings *settings;
    struct subset batch;
    int number;    /* of the epoch, from 0 */
    double epochs; /* how many are done, with a fraction, for the schedule */
};

/* After a loss that is not finite the weights are what they were. */
struct sums trainer_step(struct trainer *trainer, const struct step *step);

/* ---- The parts of a step, for one with another loss ---- */

/* What the threads share. */
struct lanes {
    struct trainer *trainer;
    const struct step *step;
    struct optimizer optimizer; /* with the learning rates of this step */
    struct augmentation augmentation;
    int shards, count;
};

/* With the weights packed. */
struct lanes trainer_step_begin(struct trainer *trainer, const struct step *step, int shards);

/* A lane without gradients yet, and its thread's worker. Its shards are number, number + trainer_lanes, ... */
struct worker *trainer_lane_begin(const struct lanes *lanes, int number, int thread);

/* The first image of a shard, of so many that make up n images: they are of even size. */
static inline int trainer_shard_start(int n, int shard, int shards) { return (int)((int64_t)n * shard / shards); }

/* The first node with an output that is infinite or NaN, -1 if there is none. */
int trainer_overflow(const struct net_run *run, int n);

/* What the lanes of all ranks were computed from, on every rank. */
void trainer_share_sums(const struct lanes *lanes);

/* Adds the lanes up in order, and takes the optimizer's step if the loss is finite. views: of each image, over which
 * running statistics are means. */
struct sums trainer_step_end(struct lanes *lanes, int views);

#endif
