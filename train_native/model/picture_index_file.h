/* The file of an index over pictures (picture_index.h): its connection, its statements, and how a vector is stored.
 *
 *     sqlite3_stmt *count = picture_index_prepare(index->db, "SELECT count(*) FROM pictures");
 *     if (!count)
 *         return picture_index_failed(index, failure);
 *     sqlite3_finalize(count); */
#ifndef PICTURE_INDEX_FILE_H
#define PICTURE_INDEX_FILE_H

#include "cli/errors.h"
#include "int8/int8_dot.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>

struct picture_index {
    sqlite3 *db;
    char *path, *model, *sha256;
    int dimensions;
    sqlite3_stmt *put, *put_vector, *entry;
    int64_t puts;
    bool writes;
};

/* What SQLite says of the index's last call, as the failure; false. */
bool picture_index_failed(struct picture_index *index, struct failure *failure);

/* NULL: a mistake, which SQLite tells. */
sqlite3_stmt *picture_index_prepare(sqlite3 *db, const char *sql);

/* A connection, one a thread; sqlite3_errcode says whether it is one. flags: of sqlite3_open_v2. */
sqlite3 *picture_index_connect(const char *path, int flags);

/* Bytes of a vector, with its padding. */
static inline size_t picture_index_bytes(int dimensions)
{
    return ((size_t)dimensions + INT8_DOT_STEP - 1) / INT8_DOT_STEP * INT8_DOT_STEP;
}

/* vector (picture_index_bytes) from embedding (dimensions); returns the vector's length (Euclid's). */
double picture_index_quantize(int8_t *vector, const float *embedding, int dimensions);

#endif
