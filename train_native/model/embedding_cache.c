#include "model/embedding_cache.h"

#include "base/bytes.h"
#include "cli/errors.h"
#include "cli/files.h"
#include "cli/list.h"
#include "cli/memory.h"
#include "ranks/ranks.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char magic[8] = "\x89"
                             "EYEM\r\n\x01";
enum { KEY = sizeof magic, FEATURES = KEY + SHA256_BYTES, ROWS = FEATURES + 4, HEADER = ROWS + 4 };

static size_t row_bytes(int features) { return sizeof(uint64_t) + (size_t)features * sizeof(float); }

static size_t file_bytes(int features, size_t rows) { return HEADER + rows * row_bytes(features) + SHA256_BYTES; }

/* ---- The file ---- */

static uint64_t content_at(const uint8_t *bytes, int row)
{
    uint64_t content;
    memcpy(&content, bytes + HEADER + (size_t)row * sizeof content, sizeof content);
    return content;
}

/* The rows begin at a multiple of a float's size. */
static const float *values_at(const uint8_t *bytes, int rows, int row, int features)
{
    const uint8_t *values = bytes + HEADER + (size_t)rows * sizeof(uint64_t);
    return (const float *)(const void *)values + (size_t)row * (size_t)features;
}

static void find_sum(uint8_t sum[SHA256_BYTES], const uint8_t *bytes, size_t size)
{
    struct sha256 state = sha256_begin();
    sha256_add(&state, bytes, size);
    sha256_end(sum, &state);
}

static bool starts_as_cache(const char *path, const char **reason)
{
    uint8_t start[sizeof magic];
    return read_file_start(start, sizeof start, path, reason) == sizeof start &&
           memcmp(start, magic, sizeof start) == 0;
}

/* Whether what has the right start and size is what was written. */
static bool undamaged(const uint8_t *bytes, size_t size)
{
    uint8_t sum[SHA256_BYTES];
    find_sum(sum, bytes, size - SHA256_BYTES);
    return memcmp(sum, bytes + size - SHA256_BYTES, sizeof sum) == 0;
}

static void take_file(struct embedding_cache *cache, uint8_t *bytes, size_t size)
{
    const bool header = size >= HEADER + SHA256_BYTES;
    const uint32_t features = header ? bytes_get4(bytes + FEATURES) : 0, rows = header ? bytes_get4(bytes + ROWS) : 0;
    const bool whole = features && features <= INT32_MAX && rows <= INT32_MAX &&
                       size == file_bytes((int)features, rows) && undamaged(bytes, size);
    if (!whole)
        warn(cache->path, NULL, "the embeddings are damaged, and computed anew");
    if (!whole || memcmp(bytes + KEY, cache->key, sizeof cache->key) != 0 || (int)features != cache->features) {
        free(bytes);
        return;
    }
    cache->bytes = bytes;
    cache->count = (int)rows;
}

void embedding_cache_open(struct embedding_cache *cache, const char *path, const uint8_t key[SHA256_BYTES],
                          int features, int rows)
{
    enum { TIMES_AS_MANY = 8, FEW = 1 << 14 };
    const char *reason;
    *cache = (struct embedding_cache){.path = path, .features = features};
    memcpy(cache->key, key, sizeof cache->key);
    if (!path || access(path, F_OK))
        return;
    if (!starts_as_cache(path, &reason)) {
        warn(path, "Name another file with --embeddings.", "holds no embeddings, and is left as it is");
        cache->path = NULL;
        return;
    }
    size_t size;
    uint8_t *bytes = read_file(&size, &reason, path, file_bytes(features, TIMES_AS_MANY * (size_t)rows + FEW));
    if (bytes)
        take_file(cache, bytes, size);
    else
        warn(path, NULL, "the embeddings are not used, and computed anew: %s", reason);
}

void embedding_cache_free(struct embedding_cache *cache)
{
    free(cache->bytes);
    free(cache->added);
}

static const float *find(const struct embedding_cache *cache, uint64_t content)
{
    int low = 0, high = cache->count;
    while (low < high) {
        const int middle = low + (high - low) / 2;
        if (content_at(cache->bytes, middle) < content)
            low = middle + 1;
        else
            high = middle;
    }
    return low < cache->count && content_at(cache->bytes, low) == content
               ? values_at(cache->bytes, cache->count, low, cache->features)
               : NULL;
}

const float *embedding_cache_find(struct embedding_cache *cache, uint64_t content)
{
    const float *values = find(cache, content);
    cache->found += values != NULL;
    return values;
}

void embedding_cache_add(struct embedding_cache *cache, uint64_t content, const float *values)
{
    if (!cache->path)
        return;
    cache->changed |= !find(cache, content);
    LIST_ADD(cache->added, cache->added_count, (struct embedding_row){content, values});
}

/* ---- Writing ---- */

static int ascending(const void *a, const void *b)
{
    const struct embedding_row *x = a, *y = b;
    return (x->content > y->content) - (x->content < y->content);
}

/* Equal images have one row. */
static int unite(struct embedding_row *rows, int count)
{
    int kept = 0;
    qsort(rows, (size_t)count, sizeof *rows, ascending);
    for (int i = 0; i < count; i++)
        if (!kept || rows[kept - 1].content != rows[i].content)
            rows[kept++] = rows[i];
    return kept;
}

static void fill(uint8_t *bytes, const struct embedding_cache *cache, int rows)
{
    const size_t values = (size_t)cache->features * sizeof(float);
    uint8_t *contents = bytes + HEADER, *to = contents + (size_t)rows * sizeof(uint64_t);
    memcpy(bytes, magic, sizeof magic);
    memcpy(bytes + KEY, cache->key, sizeof cache->key);
    bytes_put4(bytes + FEATURES, (uint32_t)cache->features);
    bytes_put4(bytes + ROWS, (uint32_t)rows);
    for (int i = 0; i < rows; i++, contents += sizeof(uint64_t), to += values) {
        memcpy(contents, &cache->added[i].content, sizeof(uint64_t));
        memcpy(to, cache->added[i].values, values);
    }
    find_sum(to, bytes, (size_t)(to - bytes));
}

void embedding_cache_save(struct embedding_cache *cache)
{
    if (!cache->path || !cache->changed || !ranks_first())
        return;
    const int rows = unite(cache->added, cache->added_count);
    const size_t size = file_bytes(cache->features, (size_t)rows);
    const char *reason = "there is not enough memory for it";
    uint8_t *bytes = allocate_or_null(size, 1);
    if (bytes)
        fill(bytes, cache, rows);
    if (!bytes || !write_file(cache->path, bytes, size, &reason))
        warn(cache->path, "The run goes on; the next one computes them again.", "the embeddings cannot be kept: %s",
             reason);
    free(bytes);
}

void embedding_cache_remove(const char *path)
{
    const char *reason;
    if (path && starts_as_cache(path, &reason) && unlink(path))
        warn(path, NULL, "cannot be removed: %m");
}
