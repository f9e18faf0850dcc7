#include "model/checkpoint_files.h"

#include "base/bounds.h"
#include "cli/escape.h"
#include "cli/files.h"
#include "cli/new_file.h"
#include "cli/memory.h"
#include "cli/text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum generation { NEWEST, OLD, GENERATIONS };

static char *generation_path(const char *path, enum generation generation)
{
    return with_suffix(path, generation == OLD ? ".checkpoint.old" : ".checkpoint");
}

/* The newest becomes the old one and then the new one is written: at every moment the last whole one has one of the
 * two names. */
bool checkpoint_save(const struct trainer *trainer, const struct run_state *state, const struct checkpoint_run *run,
                     struct failure *failure)
{
    size_t size;
    uint8_t *bytes = checkpoint_bytes(&size, trainer, state, run->identity);
    char *new = generation_path(run->path, NEWEST), *old = generation_path(run->path, OLD);
    const char *reason;
    bool saved = true;
    if (rename(new, old) && errno != ENOENT)
        saved = failure_set(failure, old, "The checkpoint before is kept.", "cannot be written: %m");
    else if (!write_file(new, bytes, size, &reason))
        saved = failure_set(failure, new, "The checkpoint before is kept; --resume goes on from it.",
                            "the checkpoint cannot be written: %s", reason);
    free(new);
    free(old);
    free(bytes);
    return saved;
}

enum { MAX_IDENTITY = 1 << 20 };

/* What stands under the two names. */
struct generations {
    struct checkpoint checkpoint; /* the newest that can be read */
    uint8_t *bytes;               /* which it points into; NULL: there is none */
    enum generation found;
    bool unreadable[GENERATIONS];
    struct failure failures[GENERATIONS]; /* of these */
};

/* The caller frees the bytes. */
static void read_newest(struct generations *all, const char *path)
{
    const size_t max_size = MAX_IDENTITY + 4 * sizeof(float) * (size_t)LIMIT_PARAMETERS;
    *all = (struct generations){.bytes = NULL};
    for (int i = 0; i < GENERATIONS && !all->bytes; i++) {
        char *file = generation_path(path, (enum generation)i);
        struct failure *failure = &all->failures[i];
        size_t size;
        const char *reason;
        if (access(file, F_OK) == 0 || errno != ENOENT) {
            all->found = (enum generation)i;
            all->bytes = read_file(&size, &reason, file, max_size);
            all->unreadable[i] = true;
            if (!all->bytes) {
                failure_set(failure, file, "Nothing was removed. Make it readable; --restart starts anew in its place.",
                            "the checkpoint cannot be read: %s", reason);
            } else if (checkpoint_parse(&all->checkpoint, all->bytes, size, file, failure)) {
                all->unreadable[i] = false;
            } else {
                free(all->bytes);
                all->bytes = NULL;
            }
        }
        free(file);
    }
}

/* Where none can be read: false, and why, if there is any. */
static bool tell_unreadable(const struct generations *all, struct failure *failure)
{
    for (int i = 0; i < GENERATIONS; i++)
        if (all->unreadable[i]) {
            *failure = all->failures[i];
            return true;
        }
    return false;
}

/* Gives the newest, which cannot be read, a name under which no save removes it. */
static bool set_aside(const struct generations *all, const char *path, struct failure *failure)
{
    char *file = generation_path(path, NEWEST), *aside = with_suffix(path, ".checkpoint.unreadable");
    bool moved = false;
    if (access(aside, F_OK) == 0) {
        failure_set(failure, aside, "Move it away and try again.",
                    "is of an earlier time, and %s cannot be read either", file);
    } else if (rename(file, aside)) {
        failure_set(failure, file, NULL, "cannot be renamed to %s: %m", aside);
    } else {
        char *hint = text_format("It is kept as %s.", aside);
        warn(file, hint, "%s", all->failures[NEWEST].reason);
        free(hint);
        moved = true;
    }
    free(aside);
    free(file);
    return moved;
}

enum checkpoint_found checkpoint_load(struct trainer *trainer, struct run_state *state, int *epochs,
                                      const struct checkpoint_run *run, struct failure *failure)
{
    struct generations *all = allocate(1, sizeof *all);
    read_newest(all, run->path);
    enum checkpoint_found found = CHECKPOINT_REFUSED;
    if (!all->bytes) {
        if (!tell_unreadable(all, failure))
            found = CHECKPOINT_NONE;
    } else {
        char *file = generation_path(run->path, all->found);
        if (checkpoint_take(trainer, &all->checkpoint, run, file, failure) &&
            (!all->unreadable[NEWEST] || set_aside(all, run->path, failure))) {
            found = CHECKPOINT_LOADED;
            *state = all->checkpoint.state;
            *epochs = checkpoint_epochs(&all->checkpoint);
            if (!checkpoint_complete(&all->checkpoint)) {
                fputs("resuming from ", stderr);
                print_escaped(stderr, file);
                fprintf(stderr, ": epoch %d, %d images into it\n", state->epoch + 1, state->so_far.count);
            }
        }
        free(file);
    }
    free(all->bytes);
    free(all);
    return found;
}

bool checkpoint_replaceable(const char *path, struct failure *failure)
{
    struct generations *all = allocate(1, sizeof *all);
    read_newest(all, path);
    bool replaceable = true;
    if (!all->bytes) {
        replaceable = !tell_unreadable(all, failure);
    } else {
        const struct run_state *state = &all->checkpoint.state;
        char *file = generation_path(path, all->found);
        replaceable = checkpoint_complete(&all->checkpoint) || (!state->epoch && !state->so_far.count) ||
                      failure_set(failure, file, "--resume goes on with it; --restart starts anew in its place.",
                                  "is of an interrupted run, in epoch %d of %d, %d images into it", state->epoch + 1,
                                  checkpoint_epochs(&all->checkpoint), state->so_far.count);
        free(file);
    }
    free(all->bytes);
    free(all);
    return replaceable;
}

bool checkpoint_exists(const char *path)
{
    char *new = generation_path(path, NEWEST), *old = generation_path(path, OLD);
    const bool exists = access(new, F_OK) == 0 || access(old, F_OK) == 0;
    free(new);
    free(old);
    return exists;
}

static void remove_generation(const char *path, enum generation generation)
{
    char *file = generation_path(path, generation);
    unlink(file);
    remove_leftovers(file);
    free(file);
}

void checkpoint_remove_old(const char *path) { remove_generation(path, OLD); }

void checkpoint_remove(const char *path)
{
    remove_generation(path, OLD);
    remove_generation(path, NEWEST);
}
