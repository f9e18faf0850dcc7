#include "exchange/tfjs_weights.h"

#include "base/bounds.h"
#include "base/bytes.h"
#include "cli/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_WEIGHTS = 1 << 16, MAX_VALUES = 2 * LIMIT_PARAMETERS };

/* How a weight's values stand in the shards. */
enum encoding { FLOAT32, INT32, BOOL, FLOAT16, UINT8, UINT16, TEXT, UNKNOWN };
static const size_t encoding_bytes[] = {
    [FLOAT32] = 4, [INT32] = 4, [BOOL] = 1, [FLOAT16] = 2, [UINT8] = 1, [UINT16] = 2};

struct spec {
    const char *name;
    enum encoding encoding;
    double scale, min;
    bool rounded; /* an int32 that was quantised */
    bool passed_over;
    struct graph_constant constant; /* its dimensions */
    size_t count;
};

/* A group of the manifest: shards that are one sequence of bytes. */
struct group {
    const char *path; /* of the package */
    const char *shard /* the last */;
    const uint8_t *bytes;
    uint8_t *joined; /* those, allocated, where there are several shards; else NULL */
    size_t size, at; /* at: of the next weight */
};

/* ---- The manifest ---- */

static enum encoding encoding_of(const char *dtype)
{
    static const char *const names[] = {
        [FLOAT32] = "float32", [INT32] = "int32",   [BOOL] = "bool",  [FLOAT16] = "float16",
        [UINT8] = "uint8",     [UINT16] = "uint16", [TEXT] = "string"};
    for (int i = 0; dtype && i < UNKNOWN; i++)
        if (strcmp(dtype, names[i]) == 0)
            return (enum encoding)i;
    return UNKNOWN;
}

static bool read_shape(struct spec *spec, const cJSON *shape)
{
    const int rank = json_tree_ints_up_to(spec->constant.dims, GRAPH_RANK, shape);
    size_t count = 1;
    for (int i = 0; i < rank; i++)
        if (spec->constant.dims[i] < 0 || __builtin_mul_overflow(count, (size_t)spec->constant.dims[i], &count) ||
            count > MAX_VALUES)
            return false;
    spec->constant.rank = rank;
    spec->count = count;
    return rank >= 0;
}

/* Sets encoding, scale and min; NULL, or what is wrong. */
static const char *read_encoding(struct spec *spec, const cJSON *weight)
{
    const cJSON *quantization = json_tree_member(weight, "quantization");
    const char *dtype = json_tree_text(json_tree_member(weight, "dtype"));
    const enum encoding whole = encoding_of(dtype);
    if (whole != FLOAT32 && whole != INT32 && whole != BOOL && whole != TEXT)
        return "its dtype is none that can be read: float32, int32, bool";
    spec->encoding = whole;
    if (!quantization)
        return NULL;
    spec->encoding = encoding_of(json_tree_text(json_tree_member(quantization, "dtype")));
    if (spec->encoding == FLOAT16 && whole == FLOAT32)
        return NULL;
    if ((spec->encoding != UINT8 && spec->encoding != UINT16) || (whole != FLOAT32 && whole != INT32))
        return "its quantization is none that can be read: uint8, uint16, float16";
    spec->rounded = whole == INT32;
    if (!json_tree_number(&spec->scale, json_tree_member(quantization, "scale")) ||
        !json_tree_number(&spec->min, json_tree_member(quantization, "min")))
        return "its quantization has no numbers `scale` and `min`";
    return NULL;
}

static bool read_spec(struct spec *spec, const cJSON *weight, const char *path, struct failure *failure)
{
    const char *group = json_tree_text(json_tree_member(weight, "group"));
    *spec = (struct spec){.name = json_tree_text(json_tree_member(weight, "name"))};
    if (!spec->name || !*spec->name)
        return failure_set(failure, path, NULL, "a weight in the manifest has no name");
    const char *wrong = read_shape(spec, json_tree_member(weight, "shape"))
                            ? read_encoding(spec, weight)
                            : "its shape is no list of up to 8 sizes, or one of more values than a model has";
    spec->passed_over = spec->encoding == TEXT || (group && strcmp(group, "optimizer") == 0);
    return !wrong || failure_set(failure, path, NULL, "weight %.200s: %s", spec->name, wrong);
}

/* ---- The shards ---- */

static bool join(struct group *group, const uint8_t *bytes, size_t size, struct failure *failure)
{
    if (size > PACKAGE_MAX_BYTES - group->size)
        return failure_set(failure, group->path, NULL, "its weights are larger than %zu MB", PACKAGE_MAX_BYTES >> 20);
    group->joined = reallocate(group->joined, group->size + size);
    memcpy(group->joined + group->size, bytes, size);
    group->bytes = group->joined;
    group->size += size;
    return true;
}

static bool open_group(struct group *group, const cJSON *paths, const struct package *package, struct failure *failure)
{
    const int count = json_tree_count(paths);
    if (!count)
        return failure_set(failure, package_path(package), NULL, "the weights' manifest names no files");
    for (const cJSON *path = paths->child; path; path = path->next) {
        group->shard = json_tree_text(path);
        if (!group->shard)
            return failure_set(failure, package_path(package), NULL,
                               "the weights' manifest has a path that is no text");
        size_t size;
        const uint8_t *bytes = package_file(&size, package, group->shard, failure);
        if (!bytes)
            return false;
        if (count > 1 && !join(group, bytes, size, failure))
            return false;
        if (count == 1) {
            group->bytes = bytes;
            group->size = size;
        }
    }
    return true;
}

/* The bytes of a weight, which is the next. NULL, with the failure: they are not all there. */
static const uint8_t *next_bytes(struct group *group, const struct spec *spec, struct failure *failure)
{
    const uint8_t *bytes = group->bytes + group->at;
    size_t left = group->size - group->at, needed = 0;
    if (spec->encoding == TEXT) /* each behind its length */
        for (size_t i = 0; i < spec->count && needed <= left; i++)
            needed += 4 + (left - needed < 4 ? left : bytes_get4(bytes + needed));
    else
        needed = spec->count * encoding_bytes[spec->encoding];
    if (needed > left) {
        failure_set(failure, group->path, "Get the model's files again, all of one export.",
                    "%.200s ends before the weights do: %.200s needs bytes up to %zu, and there are %zu", group->shard,
                    spec->name, group->at + needed, group->size);
        failure_key(failure, "WEIGHTS_SHORT", "%s", group->shard);
        return NULL;
    }
    group->at += needed;
    return bytes;
}

static float value_at(const uint8_t *bytes, const struct spec *spec, size_t i)
{
    bytes += i * encoding_bytes[spec->encoding];
    double quantised = 0;
    switch (spec->encoding) {
    case FLOAT32: return bytes_get_float(bytes);
    case INT32: return (float)(int32_t)bytes_get4(bytes);
    case BOOL: return bytes[0] != 0;
    case FLOAT16: return bytes_float16_to((uint16_t)bytes_get2(bytes));
    case UINT8: quantised = bytes[0] * spec->scale + spec->min; break;
    case UINT16: quantised = bytes_get2(bytes) * spec->scale + spec->min; break;
    case TEXT:
    case UNKNOWN: break;
    }
    return (float)(spec->rounded ? floor(quantised + 0.5) : quantised);
}

static bool read_group(struct named_weights *weights, size_t *total, struct group *group, const cJSON *specs,
                       struct failure *failure)
{
    struct spec spec;
    for (const cJSON *weight = specs ? specs->child : NULL; weight; weight = weight->next) {
        if (!read_spec(&spec, weight, group->path, failure))
            return false;
        const uint8_t *bytes = next_bytes(group, &spec, failure);
        if (!bytes)
            return false;
        if (spec.passed_over)
            continue;
        *total += spec.count;
        if (*total > MAX_VALUES || weights->count == MAX_WEIGHTS)
            return failure_set(failure, group->path, NULL, "its weights are more than a model may have");
        float *values = allocate(spec.count, sizeof *values);
        for (size_t i = 0; i < spec.count; i++)
            values[i] = value_at(bytes, &spec, i);
        named_weights_add(weights, spec.name, &spec.constant, values);
    }
    if (group->at == group->size)
        return true;
    failure_set(failure, group->path, "Get the model's files again, all of one export.",
                "the weights end at byte %zu of %zu of %.200s: it belongs to another model", group->at, group->size,
                group->shard);
    return failure_key(failure, "WEIGHTS_LONG", "%s", group->shard);
}

bool tfjs_weights_read(struct named_weights *weights, const cJSON *manifest, const struct package *package,
                       struct failure *failure)
{
    size_t total = 0;
    if (!json_tree_count(manifest))
        return failure_set(failure, package_path(package), "Export the model with its weights.",
                           "the model has no weights: there is no list `weightsManifest`") ||
               failure_key(failure, "NO_WEIGHTS", "%s", package_path(package));
    for (const cJSON *item = manifest->child; item; item = item->next) {
        struct group group = {.path = package_path(package)};
        const bool read =
            open_group(&group, json_tree_member(item, "paths"), package, failure) &&
            read_group(weights, &total, &group, json_tree_array(json_tree_member(item, "weights")), failure);
        free(group.joined);
        if (!read)
            return false;
    }
    const char *twice = named_weights_sort(weights);
    return !twice || failure_set(failure, package_path(package), NULL, "the weights have two called %.200s", twice);
}
