/* Checkpoints: everything that a run needs to go on as if it had never stopped, bit for bit.
 *
 * The images' order, augmentation and dropout are functions of the seed, the epoch and the image (random.h), so the
 * state is only the weights, the optimizer's moments, the moving average of the weights, and how far the run is. A
 * checkpoint also holds the run's identity, a text of lines "key=value" with all that decides its course; a run of
 * another identity refuses it and names the line.
 *
 * Two generations are kept, MODEL.checkpoint and MODEL.checkpoint.old; the newest valid one is loaded. Each is written
 * completely or not at all (write_file), so a run killed at any moment resumes. */
#ifndef CHECKPOINT_H
#define CHECKPOINT_H

#include "cli/errors.h"
#include "training/trainer.h"

/* How far a run is. */
struct run_state {
    int epoch;                  /* the epoch under way, from 0 */
    struct epoch_result so_far; /* what has been trained of it */
    double best;                /* the best validation accuracy yet, or -1 */
    int epochs_waited;          /* since then, for early stopping */
    struct plateau plateau;
};

/* path: that of the model. After a failure, which is false, the older checkpoint is still there. */
bool checkpoint_save(const char *path, const char *identity, const struct trainer *trainer, const struct run_state *run,
                     struct failure *failure);

enum checkpoint_found {
    CHECKPOINT_NONE,
    CHECKPOINT_LOADED,
    CHECKPOINT_OTHER /* of another identity, which the failure names; the trainer is as it was */
};

/* One that is damaged is named on standard error and its predecessor taken. */
enum checkpoint_found checkpoint_load(const char *path, const char *identity, struct trainer *trainer,
                                      struct run_state *run, struct failure *failure);

/* Removes both generations: the run is complete. */
void checkpoint_remove(const char *path);

bool checkpoint_exists(const char *path);

#endif
