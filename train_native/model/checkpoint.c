/* The file: magic, the identity with a zero behind it, the state (one double a field), parameters, first and second
 * moments and, if there is one, their moving average as they are in memory, CRC-32 of everything before. It stays on
 * the machine that wrote it, so it is not made portable. Steps and images seen follow from the state. */
#include "model/checkpoint.h"

#include "base/bytes.h"
#include "cli/memory.h"

#include <float.h>
#include <limits.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static const char magic[8] = "\x89"
                             "EYC4\r\n";
enum { VERSION = 4 /* offset of its digit */, CHECKSUM = 4 };

/* ---- The state's fields ---- */

/* One row a field, for writer, reader and checks. */
static const struct field {
    const char *name;
    size_t offset;
    bool integer;
    double min, max;
} fields[] = {
    {"epoch", offsetof(struct run_state, epoch), true, 0, INT_MAX},
    {"count of images", offsetof(struct run_state, so_far.count), true, 0, INT_MAX},
    {"count of right answers", offsetof(struct run_state, so_far.correct), true, 0, INT_MAX},
    {"sum of losses", offsetof(struct run_state, so_far.loss_sum), false, -DBL_MAX, DBL_MAX},
    {"first loss", offsetof(struct run_state, first_loss), false, -DBL_MAX, DBL_MAX},
    {"best accuracy", offsetof(struct run_state, best), false, -1, 1},
    {"count of epochs without a better accuracy", offsetof(struct run_state, epochs_waited), true, 0, INT_MAX},
    {"learning-rate factor", offsetof(struct run_state, plateau.factor), false, 0, 1},
    {"lowest loss", offsetof(struct run_state, plateau.lowest_loss), false, -DBL_MAX, INFINITY},
    {"count of epochs without a lower loss", offsetof(struct run_state, plateau.epochs_waited), true, 0, INT_MAX},
};
enum { FIELDS = sizeof fields / sizeof *fields, STATE_BYTES = FIELDS * sizeof(double) };

static const char damaged_hint[] = "Nothing was removed. --restart starts anew in its place.";

static uint8_t *put(uint8_t *to, const void *from, size_t size)
{
    memcpy(to, from, size);
    return to + size;
}

static uint8_t *put_state(uint8_t *to, const struct run_state *state)
{
    for (int i = 0; i < FIELDS; i++) {
        double value;
        int number;
        if (fields[i].integer) {
            memcpy(&number, (const char *)state + fields[i].offset, sizeof number);
            value = number;
        } else {
            memcpy(&value, (const char *)state + fields[i].offset, sizeof value);
        }
        to = put(to, &value, sizeof value);
    }
    return to;
}

static bool refuse_value(struct failure *failure, const char *file, const char *name, double value, double max)
{
    return failure_set(failure, file, damaged_hint,
                       "the checkpoint is damaged: its %s is %.17g, which must be at most %.17g", name, value, max);
}

static bool get_state(struct run_state *state, const uint8_t *from, const char *file, struct failure *failure)
{
    *state = (struct run_state){.so_far.finite = true};
    for (int i = 0; i < FIELDS; i++, from += sizeof(double)) {
        const struct field *field = &fields[i];
        double value;
        memcpy(&value, from, sizeof value);
        if (!(value >= field->min && value <= field->max) || (field->integer && value != floor(value)))
            return failure_set(failure, file, damaged_hint,
                               "the checkpoint is damaged: its %s is %.17g, which is none from %g to %g", field->name,
                               value, field->min, field->max);
        const int number = field->integer ? (int)value : 0;
        memcpy((char *)state + field->offset, field->integer ? (const void *)&number : &value,
               field->integer ? sizeof number : sizeof value);
    }
    return true;
}

/* ---- Writing ---- */

/* The arrays of the trainer that a checkpoint holds, in order; returns how many. */
static int arrays_of(float *arrays[4], const struct trainer *trainer)
{
    arrays[0] = trainer->parameters;
    arrays[1] = trainer->first;
    arrays[2] = trainer->second;
    arrays[3] = trainer->ema;
    return trainer->ema ? 4 : 3;
}

uint8_t *checkpoint_bytes(size_t *size, const struct trainer *trainer, const struct run_state *state,
                          const char *identity)
{
    const size_t length = strlen(identity) + 1;
    const size_t array_bytes = (size_t)net_parameter_count(trainer->options.net) * sizeof(float);
    float *arrays[4];
    const int array_count = arrays_of(arrays, trainer);
    *size = sizeof magic + length + STATE_BYTES + (size_t)array_count * array_bytes + CHECKSUM;
    uint8_t *bytes = allocate(*size, 1), *p = bytes;
    p = put(p, magic, sizeof magic);
    p = put(p, identity, length);
    p = put_state(p, state);
    for (int i = 0; i < array_count; i++)
        p = put(p, arrays[i], array_bytes);
    bytes_put4(p, bytes_crc32(bytes, (size_t)(p - bytes)));
    return bytes;
}

/* ---- Reading ---- */

bool checkpoint_parse(struct checkpoint *checkpoint, const uint8_t *bytes, size_t size, const char *name,
                      struct failure *failure)
{
    const bool ours = size >= sizeof magic && memcmp(bytes, magic, VERSION) == 0 &&
                      memcmp(bytes + VERSION + 1, magic + VERSION + 1, sizeof magic - VERSION - 1) == 0;
    if (ours && bytes[VERSION] != magic[VERSION])
        return failure_set(failure, name, "Go on with that version, or --restart starts anew in its place.",
                           "the checkpoint is of another version of Eyelet");
    if (!ours || size < sizeof magic + CHECKSUM ||
        bytes_get4(bytes + size - CHECKSUM) != bytes_crc32(bytes, size - CHECKSUM))
        return failure_set(failure, name, damaged_hint, "the checkpoint is damaged");
    const uint8_t *identity = bytes + sizeof magic, *end = bytes + size - CHECKSUM;
    const uint8_t *zero = memchr(identity, 0, (size_t)(end - identity));
    if (!zero || (size_t)(end - zero - 1) < STATE_BYTES)
        return failure_set(failure, name, damaged_hint, "the checkpoint is damaged");
    *checkpoint = (struct checkpoint){.identity = (const char *)identity,
                                      .arrays = zero + 1 + STATE_BYTES,
                                      .array_bytes = (size_t)(end - zero - 1) - STATE_BYTES};
    return get_state(&checkpoint->state, zero + 1, name, failure);
}

/* The number behind this key, as in "--epochs="; 0 without. */
static int number_of(const char *identity, const char *key)
{
    const char *line = strstr(identity, key);
    const long number = line ? strtol(line + strlen(key), NULL, 10) : 0;
    return number > 0 && number <= INT_MAX ? (int)number : 0;
}

static const char epochs_key[] = "\n--epochs=";

int checkpoint_epochs(const struct checkpoint *checkpoint) { return number_of(checkpoint->identity, epochs_key); }

bool checkpoint_complete(const struct checkpoint *checkpoint)
{
    const struct run_state *state = &checkpoint->state;
    const int patience = number_of(checkpoint->identity, "\n--patience=");
    return state->epoch >= checkpoint_epochs(checkpoint) || (patience && state->epochs_waited >= patience);
}

/* Whether the identities are the same, but for the number of epochs; if not, the failure names the first line in which
 * they differ. */
static bool compare(const char *stored, const char *wanted, const char *file, struct failure *failure)
{
    static const char hint[] = "Give the same command again with --resume, or with --restart to start anew.";
    while (*stored && *wanted) {
        const int a = (int)strcspn(stored, "\n"), b = (int)strcspn(wanted, "\n"), key = sizeof epochs_key - 2;
        const bool lengths =
            strncmp(stored, epochs_key + 1, (size_t)key) == 0 && strncmp(wanted, epochs_key + 1, (size_t)key) == 0;
        if (!lengths && (a != b || strncmp(stored, wanted, (size_t)a) != 0))
            return failure_set(failure, file, hint, "the checkpoint is of another run: it has %.*s, this one has %.*s",
                               a, stored, b, wanted);
        stored += a + (stored[a] == '\n');
        wanted += b + (wanted[b] == '\n');
    }
    if (*stored || *wanted)
        return failure_set(failure, file, hint, "the checkpoint is of another version of Eyelet");
    return true;
}

/* Whether a run may go on from there with its own number of epochs. */
static bool check_length(const struct checkpoint *checkpoint, const struct checkpoint_run *run, const char *file,
                         struct failure *failure)
{
    const int stored = checkpoint_epochs(checkpoint);
    if (run->epochs == stored)
        return true;
    if (!checkpoint_complete(checkpoint))
        return failure_set(
            failure, file, "Finish it with --resume and its own --epochs; a complete run can be lengthened.",
            "the checkpoint is of another run: it has --epochs=%d, this one has --epochs=%d", stored, run->epochs);
    if (run->epochs < stored)
        return failure_set(failure, file, "A complete run can be lengthened, not shortened; --restart starts anew.",
                           "the run is complete: it has --epochs=%d, this one has --epochs=%d", stored, run->epochs);
    return true;
}

/* Holds the state against what the run can come to. */
static bool check_state(const struct run_state *state, const struct checkpoint_run *run, const char *file,
                        struct failure *failure)
{
    const struct epoch_result *so_far = &state->so_far;
    if (state->epoch > run->epochs)
        return refuse_value(failure, file, "epoch", state->epoch, run->epochs);
    const int images = state->epoch < run->epochs ? run->images - 1 : 0;
    if (so_far->count > images)
        return refuse_value(failure, file, "count of images", so_far->count, images);
    if (so_far->count % run->batch)
        return failure_set(failure, file, damaged_hint,
                           "the checkpoint is damaged: its count of images is %d, which must be batches of %d",
                           so_far->count, run->batch);
    if (so_far->correct > so_far->count)
        return refuse_value(failure, file, "count of right answers", so_far->correct, so_far->count);
    if (state->epochs_waited > state->epoch)
        return refuse_value(failure, file, "count of epochs without a better accuracy", state->epochs_waited,
                            state->epoch);
    if (state->plateau.epochs_waited > state->epoch)
        return refuse_value(failure, file, "count of epochs without a lower loss", state->plateau.epochs_waited,
                            state->epoch);
    return true;
}

bool checkpoint_take(struct trainer *trainer, const struct checkpoint *checkpoint, const struct checkpoint_run *run,
                     const char *name, struct failure *failure)
{
    const size_t bytes = (size_t)net_parameter_count(trainer->options.net) * sizeof(float);
    const struct run_state *state = &checkpoint->state;
    float *arrays[4];
    const int array_count = arrays_of(arrays, trainer);
    if (!compare(checkpoint->identity, run->identity, name, failure) || !check_length(checkpoint, run, name, failure) ||
        !check_state(state, run, name, failure))
        return false;
    if (checkpoint->array_bytes != (size_t)array_count * bytes)
        return failure_set(failure, name, "--restart starts anew in its place.",
                           "the checkpoint is of another network");
    const int64_t steps = (run->images + (int64_t)run->batch - 1) / run->batch;
    trainer->step = state->epoch * steps + state->so_far.count / run->batch;
    trainer->images_seen = (uint64_t)state->epoch * (uint64_t)run->images + (uint64_t)state->so_far.count;
    for (int i = 0; i < array_count; i++)
        memcpy(arrays[i], checkpoint->arrays + (size_t)i * bytes, bytes);
    return true;
}
