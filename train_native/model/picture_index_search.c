#include "model/picture_index.h"

#include "cli/memory.h"
#include "int8/int8_layer.h"
#include "model/picture_index_file.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

/* The query at 12 bits, (picture_index_bytes); returns its length. */
static double quantize_query(int16_t *query, const float *embedding, int dimensions)
{
    float largest = 0;
    double squares = 0;
    for (int k = 0; k < dimensions; k++)
        largest = fabsf(embedding[k]) > largest ? fabsf(embedding[k]) : largest;
    for (int k = 0; k < dimensions && largest > 0; k++) {
        query[k] = (int16_t)lrintf(embedding[k] / largest * (float)ACTIVATION_MAX);
        squares += query[k] * query[k];
    }
    return sqrt(squares);
}

static double cosine(int32_t product, double a, double b) { return a > 0 && b > 0 ? product / (a * b) : 0; }

static bool is_before(const struct index_match *a, const struct index_match *b)
{
    return a->similarity > b->similarity || (a->similarity >= b->similarity && a->id < b->id);
}

/* Puts a match among the best `count`, of which there are *found. */
static void keep(struct index_match *best, int *found, int count, struct index_match match)
{
    if (*found == count && !is_before(&match, &best[count - 1]))
        return;
    int at = *found < count ? (*found)++ : count - 1;
    for (; at > 0 && is_before(&match, &best[at - 1]); at--)
        best[at] = best[at - 1];
    best[at] = match;
}

/* The vectors of the pictures first <= id < end. */
struct scan {
    sqlite3 *db;
    sqlite3_stmt *rows;
    int bytes;
    bool damaged; /* a vector of another length */
};

static bool scan_begin(struct scan *scan, const struct picture_index *index, int64_t first, int64_t end)
{
    *scan = (struct scan){.db = picture_index_connect(index->path, SQLITE_OPEN_READONLY),
                          .bytes = (int)picture_index_bytes(index->dimensions)};
    scan->rows = picture_index_prepare(
        scan->db, "SELECT picture, norm, vector FROM embeddings WHERE picture >= ? AND picture < ? ORDER BY picture");
    return scan->rows && sqlite3_bind_int64(scan->rows, 1, first) == SQLITE_OK &&
           sqlite3_bind_int64(scan->rows, 2, end) == SQLITE_OK;
}

/* The next one; NULL behind the last, and where the index is damaged, as scan_end tells. */
static const int8_t *scan_next(struct scan *scan, int64_t *id, double *norm)
{
    if (sqlite3_step(scan->rows) != SQLITE_ROW)
        return NULL;
    *id = sqlite3_column_int64(scan->rows, 0);
    *norm = sqlite3_column_double(scan->rows, 1);
    const int8_t *vector = sqlite3_column_blob(scan->rows, 2);
    scan->damaged = !vector || sqlite3_column_bytes(scan->rows, 2) != scan->bytes;
    return scan->damaged ? NULL : vector;
}

static bool scan_end(struct scan *scan)
{
    const bool whole = scan->rows && sqlite3_reset(scan->rows) == SQLITE_OK && !scan->damaged;
    sqlite3_finalize(scan->rows);
    sqlite3_close(scan->db);
    return whole;
}

static bool damaged(const struct picture_index *index, struct failure *failure)
{
    return failure_set(failure, index->path, "Make it anew with eyelet index.", "the index is damaged");
}

/* Ids from 1 to the last, cut into parts of about the same number. */
static int64_t last_id(struct picture_index *index)
{
    sqlite3_stmt *statement = picture_index_prepare(index->db, "SELECT max(picture) FROM embeddings");
    const int64_t last = statement && sqlite3_step(statement) == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
    sqlite3_finalize(statement);
    return last;
}

int picture_index_nearest(struct index_match *matches, int count, struct picture_index *index, const float *query,
                          int threads, struct failure *failure)
{
    const int dimensions = index->dimensions, bytes = (int)picture_index_bytes(dimensions);
    int16_t *numbers = allocate((size_t)bytes, sizeof *numbers);
    const double length = quantize_query(numbers, query, dimensions);
    const int64_t last = last_id(index), part = last / threads + 1;
    struct index_match *best = allocate((size_t)threads * (size_t)count, sizeof *best);
    int *found = allocate((size_t)threads, sizeof *found), all = 0;
    bool whole = true;
#pragma omp parallel for num_threads(threads) schedule(static, 1) reduction(&& : whole)
    for (int t = 0; t < threads; t++) {
        struct scan scan;
        double norm;
        int64_t id;
        const int8_t *vector;
        if (scan_begin(&scan, index, part * t + 1, part * (t + 1) + 1))
            while ((vector = scan_next(&scan, &id, &norm))) {
                int32_t product;
                int8_dot(&product, vector, numbers, 1, bytes);
                keep(best + (ptrdiff_t)t * count, &found[t], count,
                     (struct index_match){id, cosine(product, norm, length)});
            }
        whole = scan_end(&scan) && whole;
    }
    for (int t = 0; t < threads; t++)
        for (int i = 0; i < found[t]; i++)
            keep(matches, &all, count, best[(ptrdiff_t)t * count + i]);
    free(numbers);
    free(best);
    free(found);
    return whole || damaged(index, failure) ? all : -1;
}

bool picture_index_vector(struct picture_index *index, const char *path, float *vector)
{
    sqlite3_stmt *statement =
        picture_index_prepare(index->db, "SELECT vector FROM embeddings JOIN pictures ON id = picture WHERE path = ?");
    const bool there = statement && sqlite3_bind_text(statement, 1, path, -1, SQLITE_STATIC) == SQLITE_OK &&
                       sqlite3_step(statement) == SQLITE_ROW &&
                       sqlite3_column_bytes(statement, 0) == (int)picture_index_bytes(index->dimensions);
    const int8_t *values = there ? sqlite3_column_blob(statement, 0) : NULL;
    for (int k = 0; k < index->dimensions && there; k++)
        vector[k] = (float)values[k];
    sqlite3_finalize(statement);
    return there;
}

/* ---- All pairs ---- */

struct vectors {
    int count, bytes;
    int64_t *ids;
    double *norms;
    int8_t *values;
};

static bool load(struct vectors *vectors, struct picture_index *index)
{
    const size_t room = (size_t)picture_index_count(index);
    *vectors = (struct vectors){.bytes = (int)picture_index_bytes(index->dimensions)};
    vectors->ids = allocate(room + 1, sizeof *vectors->ids);
    vectors->norms = allocate(room + 1, sizeof *vectors->norms);
    vectors->values = allocate((room + 1) * (size_t)vectors->bytes, 1);
    struct scan scan;
    const int8_t *vector;
    int64_t id;
    double norm;
    if (scan_begin(&scan, index, 1, last_id(index) + 1))
        while ((size_t)vectors->count < room && (vector = scan_next(&scan, &id, &norm))) {
            vectors->ids[vectors->count] = id;
            vectors->norms[vectors->count] = norm;
            memcpy(vectors->values + (ptrdiff_t)vectors->count++ * vectors->bytes, vector, (size_t)vectors->bytes);
        }
    return scan_end(&scan);
}

static void free_vectors(struct vectors *vectors)
{
    free(vectors->ids);
    free(vectors->norms);
    free(vectors->values);
}

bool picture_index_pairs(struct picture_index *index, double similarity, int threads, void *context,
                         void (*found)(void *context, int64_t a, int64_t b, double similarity), struct failure *failure)
{
    struct vectors all;
    if (!load(&all, index)) {
        free_vectors(&all);
        return damaged(index, failure);
    }
#pragma omp parallel for num_threads(threads) schedule(dynamic, 16) ordered
    for (int i = 0; i < all.count; i++) {
        const int behind = all.count - i - 1;
        const int8_t *own = all.values + (ptrdiff_t)i * all.bytes;
        int16_t *query = allocate((size_t)all.bytes, sizeof *query);
        int32_t *products = allocate((size_t)behind + 1, sizeof *products);
        for (int k = 0; k < all.bytes; k++)
            query[k] = own[k];
        int8_dot(products, own + all.bytes, query, behind, all.bytes);
#pragma omp ordered
        for (int k = 0; k < behind; k++) {
            const double value = cosine(products[k], all.norms[i], all.norms[i + 1 + k]);
            if (value >= similarity)
                found(context, all.ids[i], all.ids[i + 1 + k], value);
        }
        free(query);
        free(products);
    }
    free_vectors(&all);
    return true;
}
