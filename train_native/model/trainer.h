/* Trains a network: steps over batches, on every core, with the same result for any number of threads.
 *
 * A batch is cut into shards of even size, at most `shard` images, and the shards dealt to LANES sums of gradients in turn.
 * Shards and lanes depend on the batch alone; a thread takes a whole lane, and the lanes are added up in order. Batch
 * normalisation sees a shard at a time.
 *
 *     struct trainer *trainer = trainer_new(&net, &preprocess, threads, shard, seed, initializer, false);
 *     for (...) {
 *         struct epoch_result train = trainer_epoch(trainer, &settings, &dataset, indices, count, epoch, NULL, progress, NULL);
 *         struct epoch_result validation = trainer_measure(trainer, &dataset, indices, count);
 *     }
 *     save(trainer_weights(trainer));
 *     trainer_free(trainer); */
#ifndef TRAINER_H
#define TRAINER_H

#include "training/augment.h"
#include "data/dataset.h"
#include "image/image.h"
#include "net/net.h"
#include "training/optimizer.h"
#include "training/schedule.h"

enum { LANES = 8, USUAL_SHARD = 16 };

struct trainer {
    const struct net *net;
    struct preprocess preprocess;
    uint64_t seed;
    int64_t step;      /* optimizer steps done */
    uint64_t seen;     /* images trained from, over all epochs */
    float *parameters; /* the flat array */
    float *first, *second; /* the optimizer's moments, of the same layout */
    float *average;    /* the moving average of the parameters; NULL without */
    int overflown;     /* after a loss that is not finite: the first node whose output was not, or -1 */
    /* The caller's to change before an epoch: */
    int frozen_nodes;       /* the first nodes, so many, keep their parameters (net.h) */
    float learning_rate_scales[LIMIT_NODES]; /* what a node's rates are multiplied with; all 1 */
    double rates_left; /* the same for all nodes: 1, or what SCHEDULE_PLATEAU has left */
    const float *class_weights;     /* (classes) what the losses of a class count; NULL: 1 each */
    /* private: */
    int threads, shard;
    float *gradients[LANES];
    struct net_packed packed;
    struct worker *workers; /* (threads) */
    void *packed_memory;
};

struct settings {
    struct optimizer optimizer; /* rate: the highest */
    enum schedule schedule;
    float warmup;   /* epochs over which the rate rises from 0 */
    int epochs;     /* in all, for the schedule */
    int batch;
    float smoothing; /* of the labels */
    float average;   /* how much of the moving average stays in a step (Polyak and Juditsky 1992; in its first steps less,
                        (1 + steps) / (10 + steps)) */
    struct augment augment;
    int patience;    /* epochs without a better validation after which a run ends; 0: it does not */
    int plateau;     /* epochs without a lower validation loss after which SCHEDULE_PLATEAU lowers the rates */
    float frozen_bias_epochs; /* over these epochs Muon's rate for the biases of frozen layers falls to 0 */
};

struct epoch_result {
    int count;       /* images */
    double loss_sum; /* over the images */
    int correct;
    bool finite;     /* false: the loss became infinite or NaN, and the epoch stopped there */
    bool stopped;    /* by progress */
};

/* Means over the images; 0 without any. */
double epoch_loss(const struct epoch_result *result);
double epoch_accuracy(const struct epoch_result *result);

/* Called after each step with what has been seen of the epoch; false stops the epoch after it. */
typedef bool progress_function(void *context, const struct epoch_result *so_far, int images_in_all);

/* Learnt weights start from `initializer`, drawn with the seed; `averaged`: with their moving average. net and, later, the data
 * set stay the caller's. */
struct trainer *trainer_new(const struct net *net, const struct preprocess *preprocess, int threads, int shard,
                            uint64_t seed, enum initializer initializer, bool averaged);
void trainer_free(struct trainer *trainer);

/* The weights to use: the average if there is one, after the first step. */
const float *trainer_weights(const struct trainer *trainer);

/* Memory that trainer_new takes, without an average. */
size_t trainer_bytes(const struct net *net, int threads, int shard);

/* One pass over the images at indices[0..count), in an order drawn from the seed and the epoch (from 0). so_far: what an
 * earlier call that was stopped gave back, to go on from there; NULL: from the start. progress may change the settings for the
 * steps to come. */
struct epoch_result trainer_epoch(struct trainer *trainer, const struct settings *settings,
                                  const struct dataset *dataset, const int *indices, int count, int epoch,
                                  const struct epoch_result *so_far, progress_function *progress, void *context);

/* Loss (without smoothing) and accuracy of trainer_weights, as in inference. */
struct epoch_result trainer_measure(struct trainer *trainer, const struct dataset *dataset, const int *indices, int count);

#endif
