/* The checkpoints of a run: MODEL.checkpoint and, the generation before, MODEL.checkpoint.old. The newest that can be
 * read is loaded.
 *
 *     const struct checkpoint_run run = {"mine.eyelet", identity, images, batch, epochs};
 *     int epochs_done;
 *     enum checkpoint_found found = checkpoint_load(trainer, &state, &epochs_done, &run, &failure);
 *     ... train ...
 *     bool saved = checkpoint_save(trainer, &state, &run, &failure);
 *
 * Each is written completely or not at all (write_file), so a run killed at any moment resumes. Nothing is removed
 * because it could not be read. A complete run keeps its last one: it tells that nothing is left to train, and the run
 * may be lengthened. */
#ifndef CHECKPOINT_FILES_H
#define CHECKPOINT_FILES_H

#include "model/checkpoint.h"

/* After a failure, which is false, the checkpoint before is still there. */
bool checkpoint_save(const struct trainer *trainer, const struct run_state *state, const struct checkpoint_run *run,
                     struct failure *failure);

enum checkpoint_found {
    CHECKPOINT_NONE,
    CHECKPOINT_LOADED,
    CHECKPOINT_REFUSED /* unreadable or of another run, as the failure says; the trainer is as it was */
};

/* One that cannot be read is named on standard error, kept as MODEL.checkpoint.unreadable, and its predecessor taken.
 * *epochs: of the run that was saved; fewer than run->epochs where a complete run is lengthened. */
enum checkpoint_found checkpoint_load(struct trainer *trainer, struct run_state *state, int *epochs,
                                      const struct checkpoint_run *run, struct failure *failure);

/* Whether a new run may take the place of what is there; the failure names an interrupted run, or what cannot be
 * read and may be one. */
bool checkpoint_replaceable(const char *path, struct failure *failure);

bool checkpoint_exists(const char *path);

/* The generation before, when the newest is whole; both, of a model that has none any more. */
void checkpoint_remove_old(const char *path);
void checkpoint_remove(const char *path);

#endif
