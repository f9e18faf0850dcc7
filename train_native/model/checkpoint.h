/* Checkpoints: everything that a run needs to go on as if it had never stopped, bit for bit. Here in memory;
 * checkpoint_files.h keeps them in files.
 *
 *     size_t size;
 *     uint8_t *bytes = checkpoint_bytes(&size, trainer, &state, identity);
 *     ... in another process ...
 *     const struct checkpoint_run run = {"mine.eyelet", identity, images, batch, epochs};
 *     struct checkpoint checkpoint;
 *     struct failure failure;
 *     if (!checkpoint_parse(&checkpoint, bytes, size, "mine.checkpoint", &failure) ||
 *         !checkpoint_take(trainer, &checkpoint, &run, "mine.checkpoint", &failure))
 *         die_of(&failure);
 *
 * The images' order, augmentation and dropout are functions of the seed, the epoch and the image (random.h), so the
 * state is only the weights, the optimizer's moments, the moving average of the weights, and how far the run is. A
 * checkpoint also holds the run's identity, a text of lines "key=value" with all that decides its course; a run of
 * another identity refuses it and names the line. Only a complete run may go on with more epochs. */
#ifndef CHECKPOINT_H
#define CHECKPOINT_H

#include "cli/errors.h"
#include "training/trainer.h"

/* How far a run is. */
struct run_state {
    int epoch;                  /* the epoch under way, from 0 */
    struct epoch_result so_far; /* what has been trained of it */
    double first_loss;          /* of the run's first step; 0 before it */
    double best;                /* the best validation accuracy yet, or -1 */
    int epochs_waited;          /* since then, for early stopping */
    struct plateau plateau;
};

/* The run that a checkpoint is of, and what bounds its state. */
struct checkpoint_run {
    const char *path; /* that of the model */
    const char *identity;
    int images, batch, epochs;
};

/* Points into the bytes that it was parsed from. */
struct checkpoint {
    const char *identity;
    struct run_state state; /* each number within its own bounds; checkpoint_take holds them against a run */
    const uint8_t *arrays;
    size_t array_bytes;
};

/* The caller frees them. */
uint8_t *checkpoint_bytes(size_t *size, const struct trainer *trainer, const struct run_state *state,
                          const char *identity);

/* name: the file's, for the failure. */
bool checkpoint_parse(struct checkpoint *checkpoint, const uint8_t *bytes, size_t size, const char *name,
                      struct failure *failure);

/* Puts it into the trainer, which is as it was after a failure. */
bool checkpoint_take(struct trainer *trainer, const struct checkpoint *checkpoint, const struct checkpoint_run *run,
                     const char *name, struct failure *failure);

/* How many epochs its run has; whether nothing is left of them: all are done, or early stopping has ended them. */
int checkpoint_epochs(const struct checkpoint *checkpoint);
bool checkpoint_complete(const struct checkpoint *checkpoint);

#endif
