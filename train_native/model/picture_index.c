#include "model/picture_index.h"

#include "base/bounds.h"
#include "cli/memory.h"
#include "cli/text.h"
#include "model/picture_index_file.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { APPLICATION_ID = 0x45594c49 /* "EYLI" */, VERSION_NUMBER = 1, PUTS_PER_COMMIT = 500 };

static const char schema[] =
    "PRAGMA page_size = 65536;"
    "PRAGMA journal_mode = WAL;"
    "BEGIN;"
    "CREATE TABLE about(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE pictures(id INTEGER PRIMARY KEY, path TEXT UNIQUE NOT NULL, size INTEGER NOT NULL,"
    " modified INTEGER NOT NULL, sha256 TEXT NOT NULL, label TEXT NOT NULL, score REAL NOT NULL);"
    "CREATE TABLE embeddings(picture INTEGER PRIMARY KEY REFERENCES pictures(id) ON DELETE CASCADE,"
    " norm REAL NOT NULL, vector BLOB NOT NULL);"
    "PRAGMA application_id = 1163480137;"
    "PRAGMA user_version = 1;"
    "COMMIT;";

/* The only number that a query gives; `otherwise` where it gives none. */
static int64_t number_of(sqlite3 *db, const char *sql, int64_t otherwise)
{
    sqlite3_stmt *statement = picture_index_prepare(db, sql);
    const int64_t number =
        statement && sqlite3_step(statement) == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : otherwise;
    sqlite3_finalize(statement);
    return number;
}

static char *text_of(sqlite3 *db, const char *key)
{
    sqlite3_stmt *statement = picture_index_prepare(db, "SELECT value FROM about WHERE key = ?");
    char *text = NULL;
    if (statement && sqlite3_bind_text(statement, 1, key, -1, SQLITE_STATIC) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW && sqlite3_column_text(statement, 0))
        text = text_copy((const char *)sqlite3_column_text(statement, 0));
    sqlite3_finalize(statement);
    return text;
}

/* What the file says of its model; false, where it says nothing that can be. */
static bool read_about(struct picture_index *index)
{
    char *dimensions = text_of(index->db, "dimensions");
    index->model = text_of(index->db, "model");
    index->sha256 = text_of(index->db, "model_sha256");
    index->dimensions = dimensions ? atoi(dimensions) : 0;
    free(dimensions);
    return index->model && index->sha256 && index->dimensions > 0 && index->dimensions <= LIMIT_CHANNELS;
}

static bool begin(struct picture_index *index)
{
    return sqlite3_exec(index->db, "BEGIN", NULL, NULL, NULL) == SQLITE_OK;
}

static void discard(struct picture_index *index)
{
    sqlite3_finalize(index->put);
    sqlite3_finalize(index->put_vector);
    sqlite3_finalize(index->entry);
    sqlite3_close(index->db);
    free(index->model);
    free(index->sha256);
    free(index->path);
    free(index);
}

static bool open_tables(struct picture_index *index, enum index_mode mode, struct failure *failure)
{
    static const char hint[] = "Name a file that eyelet index has made, or a new one.";
    sqlite3 *db = index->db;
    if (number_of(db, "PRAGMA schema_version", -1) < 0)
        return failure_set(failure, index->path, hint, "it is no index: %s", sqlite3_errmsg(db));
    const bool empty = number_of(db, "SELECT count(*) FROM sqlite_master", 1) == 0;
    if (empty && mode == INDEX_CREATE && sqlite3_exec(db, schema, NULL, NULL, NULL) != SQLITE_OK)
        return picture_index_failed(index, failure);
    if (number_of(db, "PRAGMA application_id", 0) != APPLICATION_ID)
        return failure_set(failure, index->path, hint, "it is a database, but no index of pictures");
    if (number_of(db, "PRAGMA user_version", 0) != VERSION_NUMBER)
        return failure_set(failure, index->path, "Make it anew with eyelet index.", "an index of another version");
    if (!read_about(index) && mode == INDEX_READ)
        return failure_set(failure, index->path, hint, "the index does not say which model it is of");
    index->entry =
        picture_index_prepare(db, "SELECT path, size, modified, sha256, label, score FROM pictures WHERE id = ?");
    if (mode == INDEX_READ)
        return index->entry ? true : picture_index_failed(index, failure);
    index->put = picture_index_prepare(
        db, "INSERT INTO pictures(path, size, modified, sha256, label, score) VALUES(?, ?, ?, ?, ?, ?)"
            " ON CONFLICT(path) DO UPDATE SET size = excluded.size, modified = excluded.modified,"
            " sha256 = excluded.sha256, label = excluded.label, score = excluded.score RETURNING id");
    index->put_vector =
        picture_index_prepare(db, "INSERT OR REPLACE INTO embeddings(picture, norm, vector) VALUES(?, ?, ?)");
    return index->entry && index->put && index->put_vector && begin(index) ? true
                                                                           : picture_index_failed(index, failure);
}

struct picture_index *picture_index_open(const char *path, enum index_mode mode, struct failure *failure)
{
    struct picture_index *index = allocate(1, sizeof *index);
    index->path = text_copy(path);
    index->writes = mode == INDEX_CREATE;
    index->db =
        picture_index_connect(path, index->writes ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY);
    if (!index->db || sqlite3_errcode(index->db) != SQLITE_OK) {
        failure_set(failure, path, NULL, "the index cannot be opened: %s", sqlite3_errmsg(index->db));
        discard(index);
        return NULL;
    }
    if (open_tables(index, mode, failure))
        return index;
    discard(index);
    return NULL;
}

bool picture_index_close(struct picture_index *index, struct failure *failure)
{
    const bool closed = !index->writes || sqlite3_get_autocommit(index->db) ||
                        sqlite3_exec(index->db, "COMMIT; PRAGMA optimize;", NULL, NULL, NULL) == SQLITE_OK;
    if (!closed)
        picture_index_failed(index, failure);
    discard(index);
    return closed;
}

static bool describe_key(struct picture_index *index, const char *key, const char *value)
{
    sqlite3_stmt *statement = picture_index_prepare(index->db, "INSERT OR REPLACE INTO about(key, value) VALUES(?, ?)");
    const bool done = statement && sqlite3_bind_text(statement, 1, key, -1, SQLITE_STATIC) == SQLITE_OK &&
                      sqlite3_bind_text(statement, 2, value, -1, SQLITE_STATIC) == SQLITE_OK &&
                      sqlite3_step(statement) == SQLITE_DONE;
    sqlite3_finalize(statement);
    return done;
}

bool picture_index_describe(struct picture_index *index, const struct index_about *about, struct failure *failure)
{
    if (index->sha256 && strcmp(index->sha256, about->sha256) != 0)
        return failure_set(failure, index->path, "Embeddings of two models cannot be compared: name a new file.",
                           "the index is of another model, %s", index->model);
    char *dimensions = text_format("%d", about->dimensions);
    const bool done = describe_key(index, "model", about->model) &&
                      describe_key(index, "model_sha256", about->sha256) &&
                      describe_key(index, "dimensions", dimensions);
    free(dimensions);
    free(index->model);
    free(index->sha256);
    index->model = index->sha256 = NULL;
    return done && read_about(index) ? true : picture_index_failed(index, failure);
}

struct index_about picture_index_about(const struct picture_index *index)
{
    return (struct index_about){index->model, index->sha256, index->dimensions};
}

static bool put(struct picture_index *index, const struct index_entry *entry, double norm, const int8_t *vector)
{
    sqlite3_stmt *put = index->put, *put_vector = index->put_vector;
    const int bytes = (int)picture_index_bytes(index->dimensions);
    bool done = sqlite3_bind_text(put, 1, entry->path, -1, SQLITE_STATIC) == SQLITE_OK &&
                sqlite3_bind_int64(put, 2, entry->size) == SQLITE_OK &&
                sqlite3_bind_int64(put, 3, entry->modified) == SQLITE_OK &&
                sqlite3_bind_text(put, 4, entry->sha256, -1, SQLITE_STATIC) == SQLITE_OK &&
                sqlite3_bind_text(put, 5, entry->label, -1, SQLITE_STATIC) == SQLITE_OK &&
                sqlite3_bind_double(put, 6, entry->score) == SQLITE_OK && sqlite3_step(put) == SQLITE_ROW;
    const int64_t id = done ? sqlite3_column_int64(put, 0) : 0;
    done = done && sqlite3_step(put) == SQLITE_DONE;
    sqlite3_reset(put);
    done = done && sqlite3_bind_int64(put_vector, 1, id) == SQLITE_OK &&
           sqlite3_bind_double(put_vector, 2, norm) == SQLITE_OK &&
           sqlite3_bind_blob(put_vector, 3, vector, bytes, SQLITE_STATIC) == SQLITE_OK &&
           sqlite3_step(put_vector) == SQLITE_DONE;
    sqlite3_reset(put_vector);
    return done;
}

bool picture_index_put(struct picture_index *index, const struct index_entry *entry, const float *embedding,
                       struct failure *failure)
{
    int8_t *vector = allocate(picture_index_bytes(index->dimensions), 1);
    const double norm = picture_index_quantize(vector, embedding, index->dimensions);
    bool done = put(index, entry, norm, vector);
    free(vector);
    if (done && ++index->puts % PUTS_PER_COMMIT == 0)
        done = sqlite3_exec(index->db, "COMMIT; BEGIN", NULL, NULL, NULL) == SQLITE_OK;
    return done ? true : picture_index_failed(index, failure);
}

bool index_file_of(struct index_file *file, const char *path)
{
    struct stat about;
    char *resolved = realpath(path, NULL);
    if (!resolved || stat(resolved, &about) != 0) {
        free(resolved);
        return false;
    }
    *file = (struct index_file){text_copy(resolved), about.st_size,
                                (int64_t)about.st_mtim.tv_sec * 1000000000 + about.st_mtim.tv_nsec};
    free(resolved);
    return true;
}

bool picture_index_has(struct picture_index *index, const struct index_file *file)
{
    sqlite3_stmt *statement =
        picture_index_prepare(index->db, "SELECT 1 FROM pictures WHERE path = ? AND size = ? AND modified = ?");
    const bool has = statement && sqlite3_bind_text(statement, 1, file->path, -1, SQLITE_STATIC) == SQLITE_OK &&
                     sqlite3_bind_int64(statement, 2, file->size) == SQLITE_OK &&
                     sqlite3_bind_int64(statement, 3, file->modified) == SQLITE_OK &&
                     sqlite3_step(statement) == SQLITE_ROW;
    sqlite3_finalize(statement);
    return has;
}

int64_t picture_index_remove(struct picture_index *index, const char *folder, bool (*is_there)(const char *path),
                             struct failure *failure)
{
    sqlite3_stmt *all = picture_index_prepare(index->db, "SELECT id, path FROM pictures"),
                 *gone = picture_index_prepare(index->db, "DELETE FROM pictures WHERE id = ?");
    const size_t length = strlen(folder);
    int64_t removed = 0;
    int step = all && gone ? SQLITE_ROW : SQLITE_ERROR;
    while (step == SQLITE_ROW && (step = sqlite3_step(all)) == SQLITE_ROW) {
        const char *path = (const char *)sqlite3_column_text(all, 1);
        if (!path || strncmp(path, folder, length) != 0 || is_there(path))
            continue;
        sqlite3_bind_int64(gone, 1, sqlite3_column_int64(all, 0));
        step = sqlite3_step(gone) == SQLITE_DONE ? SQLITE_ROW : SQLITE_ERROR;
        sqlite3_reset(gone);
        removed++;
    }
    sqlite3_finalize(all);
    sqlite3_finalize(gone);
    if (step == SQLITE_DONE)
        return removed;
    picture_index_failed(index, failure);
    return -1;
}

int64_t picture_index_count(struct picture_index *index)
{
    return number_of(index->db, "SELECT count(*) FROM pictures", 0);
}

bool picture_index_entry(struct picture_index *index, int64_t id, struct index_entry *entry)
{
    sqlite3_stmt *statement = index->entry;
    sqlite3_reset(statement);
    if (sqlite3_bind_int64(statement, 1, id) != SQLITE_OK || sqlite3_step(statement) != SQLITE_ROW)
        return false;
    const char *path = (const char *)sqlite3_column_text(statement, 0),
               *sha256 = (const char *)sqlite3_column_text(statement, 3),
               *label = (const char *)sqlite3_column_text(statement, 4);
    *entry = (struct index_entry){path ? path : "",
                                  sqlite3_column_int64(statement, 1),
                                  sqlite3_column_int64(statement, 2),
                                  sha256 ? sha256 : "",
                                  label ? label : "",
                                  sqlite3_column_double(statement, 5)};
    return true;
}
