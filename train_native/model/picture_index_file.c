#include "model/picture_index_file.h"

#include <math.h>
#include <string.h>

enum { BUSY_MS = 10000 };

bool picture_index_failed(struct picture_index *index, struct failure *failure)
{
    return failure_set(failure, index->path, NULL, "the index: %s", sqlite3_errmsg(index->db));
}

sqlite3_stmt *picture_index_prepare(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    return sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK ? statement : NULL;
}

/* A file from outside cannot make SQLite run what its schema says, nor be changed but by these statements. */
static void distrust(sqlite3 *db)
{
    sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_busy_timeout(db, BUSY_MS);
    sqlite3_exec(db, "PRAGMA foreign_keys = ON; PRAGMA cell_size_check = ON; PRAGMA mmap_size = 68719476736;", NULL,
                 NULL, NULL);
}

sqlite3 *picture_index_connect(const char *path, int flags)
{
    sqlite3 *db = NULL;
    if (sqlite3_open_v2(path, &db, flags | SQLITE_OPEN_NOMUTEX, NULL) == SQLITE_OK)
        distrust(db);
    return db;
}

double picture_index_quantize(int8_t *vector, const float *embedding, int dimensions)
{
    float largest = 0;
    int64_t squares = 0;
    for (int k = 0; k < dimensions; k++)
        largest = fabsf(embedding[k]) > largest ? fabsf(embedding[k]) : largest;
    memset(vector, 0, picture_index_bytes(dimensions));
    for (int k = 0; k < dimensions && largest > 0; k++) {
        vector[k] = (int8_t)lrintf(embedding[k] / largest * INT8_MAX);
        squares += vector[k] * vector[k];
    }
    return sqrt((double)squares);
}
