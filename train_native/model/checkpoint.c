/* The file: magic, length of the identity, the identity, struct state, parameters, first and second moments and, if
 * there is one, their moving average as they are in memory, CRC-32 of everything before. It stays on the machine that
 * wrote it, so it is not made portable. */
#include "model/checkpoint.h"

#include "base/bytes.h"
#include "cli/files.h"
#include "cli/memory.h"
#include "cli/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char magic[8] = "\x89"
                             "EYC3\r\n";

struct state {
    uint64_t parameter_count;
    int64_t step;
    uint64_t images_seen;
    struct run_state run;
};

/* The arrays of the trainer that a checkpoint holds, in order; returns how many. */
static int arrays_of(float *arrays[4], const struct trainer *trainer)
{
    arrays[0] = trainer->parameters;
    arrays[1] = trainer->first;
    arrays[2] = trainer->second;
    arrays[3] = trainer->ema;
    return trainer->ema ? 4 : 3;
}

static char *generation(const char *path, bool old)
{
    return with_suffix(path, old ? ".checkpoint.old" : ".checkpoint");
}

static uint8_t *put(uint8_t *to, const void *from, size_t size)
{
    memcpy(to, from, size);
    return to + size;
}

bool checkpoint_save(const char *path, const char *identity, const struct trainer *trainer, const struct run_state *run,
                     struct failure *failure)
{
    const uint64_t length = strlen(identity), count = net_parameter_count(trainer->options.net);
    float *arrays[4];
    const int array_count = arrays_of(arrays, trainer);
    const size_t size =
        sizeof magic + sizeof length + length + sizeof(struct state) + (size_t)array_count * count * sizeof(float) + 4;
    struct state state;
    memset(&state, 0, sizeof state); /* the padding is part of the file */
    state.parameter_count = count;
    state.step = trainer->step;
    state.images_seen = trainer->images_seen;
    state.run = *run;

    uint8_t *bytes = allocate(size, 1), *p = bytes;
    p = put(p, magic, sizeof magic);
    p = put(p, &length, sizeof length);
    p = put(p, identity, length);
    p = put(p, &state, sizeof state);
    for (int i = 0; i < array_count; i++)
        p = put(p, arrays[i], count * sizeof(float));
    const uint32_t sum = bytes_crc32(bytes, (size_t)(p - bytes));
    put(p, &sum, sizeof sum);

    char *new = generation(path, false), *old = generation(path, true);
    const char *reason;
    bool saved = true;
    if (rename(new, old) && access(new, F_OK) == 0)
        saved = failure_set(failure, old, "The checkpoint before is kept.", "cannot be written: %m");
    else if (!write_file(new, bytes, size, &reason))
        saved = failure_set(failure, new, "The checkpoint before is kept; --resume goes on from it.",
                            "the checkpoint cannot be written: %s", reason);
    free(new);
    free(old);
    free(bytes);
    return saved;
}

/* Whether the identities are the same; if not, the failure names the first line in which they differ. */
static bool compare(const char *file, const char *stored, const char *wanted, struct failure *failure)
{
    while (*stored && *wanted) {
        const int a = (int)strcspn(stored, "\n"), b = (int)strcspn(wanted, "\n");
        if (a != b || strncmp(stored, wanted, (size_t)a) != 0)
            return failure_set(
                failure, file, "Give the same command again with --resume, or leave --resume away to start anew.",
                "the checkpoint is of another run: it has %.*s, this one has %.*s", a, stored, b, wanted);
        stored += a + (stored[a] == '\n');
        wanted += b + (wanted[b] == '\n');
    }
    if (*stored || *wanted)
        return failure_set(failure, file, "Train anew, without --resume.",
                           "the checkpoint is of another version of Eyelet");
    return true;
}

static enum checkpoint_found load(const char *file, const char *identity, struct trainer *trainer,
                                  struct run_state *run, struct failure *failure)
{
    size_t size;
    const char *reason;
    uint64_t length;
    struct state state;
    uint32_t sum;
    uint8_t *bytes = read_file(&size, &reason, file, (size_t)1 << 31);
    if (!bytes) {
        warn(file, NULL, "%s", reason);
        return CHECKPOINT_NONE;
    }
    const uint64_t count = net_parameter_count(trainer->options.net);
    const size_t fixed = sizeof magic + sizeof length + sizeof state + sizeof sum;
    bool valid = size >= fixed && memcmp(bytes, magic, sizeof magic) == 0;
    if (valid) {
        memcpy(&sum, bytes + size - sizeof sum, sizeof sum);
        memcpy(&length, bytes + sizeof magic, sizeof length);
        valid = sum == bytes_crc32(bytes, size - sizeof sum) && length <= size - fixed;
    }
    if (!valid) {
        warn(file, NULL, "the checkpoint is damaged");
        free(bytes);
        return CHECKPOINT_NONE;
    }
    char *stored = text_copy_bytes((char *)bytes + sizeof magic + sizeof length, (size_t)length);
    bool ours = compare(file, stored, identity, failure);
    free(stored);
    const uint8_t *p = bytes + sizeof magic + sizeof length + length;
    memcpy(&state, p, sizeof state);
    p += sizeof state;
    float *arrays[4];
    const int array_count = arrays_of(arrays, trainer);
    if (ours &&
        (state.parameter_count != count || size - fixed - length != (size_t)array_count * count * sizeof(float)))
        ours = failure_set(failure, file, "Train anew, without --resume.", "the checkpoint is of another network");
    if (!ours) {
        free(bytes);
        return CHECKPOINT_OTHER;
    }
    trainer->step = state.step;
    trainer->images_seen = state.images_seen;
    *run = state.run;
    for (int i = 0; i < array_count; i++, p += count * sizeof(float))
        memcpy(arrays[i], p, count * sizeof(float));
    free(bytes);
    return CHECKPOINT_LOADED;
}

enum checkpoint_found checkpoint_load(const char *path, const char *identity, struct trainer *trainer,
                                      struct run_state *run, struct failure *failure)
{
    enum checkpoint_found found = CHECKPOINT_NONE;
    for (int old = 0; old < 2 && found == CHECKPOINT_NONE; old++) {
        char *file = generation(path, old);
        if (access(file, F_OK) == 0 && (found = load(file, identity, trainer, run, failure)) == CHECKPOINT_NONE)
            unlink(file); /* or the next save would keep it instead of a valid one */
        if (found == CHECKPOINT_LOADED)
            fprintf(stderr, "resuming from %s: epoch %d, %d images into it\n", file, run->epoch + 1, run->so_far.count);
        free(file);
    }
    return found;
}

bool checkpoint_exists(const char *path)
{
    char *new = generation(path, false), *old = generation(path, true);
    const bool exists = access(new, F_OK) == 0 || access(old, F_OK) == 0;
    free(new);
    free(old);
    return exists;
}

void checkpoint_remove(const char *path)
{
    for (int old = 0; old < 2; old++) {
        char *file = generation(path, old);
        unlink(file);
        remove_leftovers(file);
        free(file);
    }
}
