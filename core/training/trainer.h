/* Trains a network: steps over batches, on every core, with the same result for any number of threads. It knows images
 * in memory (images.h) and no files, clock or process.
 *
 * A batch is cut into shards of even size, at most `shard` images, and the shards dealt to 8 sums of gradients, or
 * as many as options.lanes says, in turn. Shards and lanes depend on the batch alone; a thread takes a whole lane, and the lanes are added
 * up in order. Batch normalisation sees a shard at a time.
 *
 *     const struct trainer_options options = {.net = &net, .preprocess = preprocess, .parallel = parallel_threads(2),
 *                                             .gemm = gemm_fast, .seed = 1, .shard = 16, .max_images = subset.count,
 *                                             .optimizer = settings.optimizer.kind};
 *     struct trainer *trainer;
 *     enum status status = trainer_open(&trainer, memory, size, &options);     // size: trainer_bytes(&options)
 *     for (int number = 0; number < settings.epochs; number++) {
 *         const struct epoch epoch = {.settings = &settings, .subset = subset, .number = number};
 *         struct epoch_result trained = trainer_epoch(trainer, &epoch);
 *         struct epoch_result validated = trainer_measure(trainer, &validation);
 *     }
 *     save(trainer_weights(trainer));
 *
 * With gemm_fast multiply-adds are fused where the machine can, and weights are the same on all machines that do. With
 * gemm_exact they are the same, to the last bit, on all machines. */
#ifndef TRAINER_H
#define TRAINER_H

#include "training/trainer_step.h"

/* Bytes of memory that trainer_open needs. */
uint64_t trainer_bytes(const struct trainer_options *options);

/* Puts a trainer into the memory, aligned to ARENA_ALIGNMENT, which stays the caller's; weights are drawn with the
 * seed. STATUS_MEMORY if size is less than trainer_bytes. */
enum status trainer_open(struct trainer **trainer, void *memory, uint64_t size, const struct trainer_options *options);

/* The weights to use: the moving average if there is one, after the first step. */
const float *trainer_weights(const struct trainer *trainer);

struct epoch_result {
    int count;       /* images */
    double loss_sum; /* over the images */
    int correct;
    bool finite;  /* false: the loss became infinite or NaN, and the epoch stopped there */
    bool stopped; /* by progress */
};

/* Means over the images; 0 without any. */
double epoch_loss(const struct epoch_result *result);
double epoch_accuracy(const struct epoch_result *result);

/* Called after each step with what has been seen of the epoch; false stops the epoch after it. */
typedef bool progress_function(void *context, const struct epoch_result *so_far, int images_in_all);

struct epoch {
    const struct trainer_settings *settings; /* progress may change them for the steps to come */
    struct subset subset; /* of the net's input shape; taken in an order drawn from the seed and the number */
    int number;           /* from 0 */
    const struct epoch_result *so_far; /* returned by a call that was stopped, to go on from there; or NULL */
    progress_function *progress;       /* or NULL */
    void *context;
};

struct epoch_result trainer_epoch(struct trainer *trainer, const struct epoch *epoch);

/* Loss (without label smoothing) and accuracy of trainer_weights, as in inference. */
struct epoch_result trainer_measure(struct trainer *trainer, const struct subset *subset);

#endif
