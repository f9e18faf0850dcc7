/* How many images at a time, and how many threads, a training run takes for the memory that it may have.
 *
 *     struct trainer_options options = {.net = &net, .parallel = parallel_threads(8), .gemm = gemm_fast, .shard = 50};
 *     const uint64_t bytes = trainer_memory_fit(&options, false, MEMORY_UNSET);
 *     printf("%d images at a time in %d threads\n", options.shard, options.parallel.threads); */
#ifndef TRAINER_MEMORY_H
#define TRAINER_MEMORY_H

#include "training/trainer.h"

/* Fewer images at a time (options->shard) where the network is large, unless the user has named how many; fewer threads,
 * then images, until it fits into `memory` MiB (data/memory_budget.h). Returns the bytes that it takes. What does not
 * fit with one image, or with as many as are named, ends the program. */
uint64_t trainer_memory_fit(struct trainer_options *options, bool shard_named, int memory);

#endif
