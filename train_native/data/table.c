#include "data/table.h"

#include "cli/list.h"
#include "cli/memory.h"

#include <stdlib.h>
#include <string.h>

enum { SAMPLE = 100 /* rows that the delimiter is told by */ };

/* ---- Encoding ---- */

/* UTF-8 of a code point (RFC 3629); returns what follows it. */
static char *put_utf8(char *out, uint32_t code)
{
    if (code < 0x80) {
        *out++ = (char)code;
        return out;
    }
    const int more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3; /* bytes after the first */
    *out++ = (char)((0xff00u >> (more + 1) & 0xff) | code >> 6 * more);
    for (int i = more - 1; i >= 0; i--)
        *out++ = (char)(0x80 | (code >> 6 * i & 0x3f));
    return out;
}

/* UTF-16 (RFC 2781) behind its byte order mark. */
static bool decode_utf16(char *out, size_t *length, const uint8_t *bytes, size_t size, size_t *damaged)
{
    const int high = bytes[0] == 0xfe ? 0 : 1; /* which byte of two */
    char *end = out;
    for (size_t at = 2; at < size; at += 2) {
        *damaged = at;
        if (size - at < 2)
            return false;
        uint32_t code = (uint32_t)bytes[at + (size_t)high] << 8 | bytes[at + 1 - (size_t)high];
        if (code >= 0xd800 && code < 0xe000) { /* one half of a pair */
            if (code >= 0xdc00 || size - at < 4)
                return false;
            at += 2;
            const uint32_t low = (uint32_t)bytes[at + (size_t)high] << 8 | bytes[at + 1 - (size_t)high];
            if (low < 0xdc00 || low >= 0xe000)
                return false;
            code = 0x10000 + ((code - 0xd800) << 10 | (low - 0xdc00));
        }
        end = put_utf8(end, code);
    }
    *length = (size_t)(end - out);
    return true;
}

static bool decode(struct table *table, size_t *length, const uint8_t *bytes, size_t size, const char *path,
                   struct failure *failure)
{
    static const char hint[] = "A CSV file is text, in UTF-8 or UTF-16.";
    if (size > TABLE_MAX_BYTES)
        return failure_set(failure, path, NULL, "is too large");
    size_t damaged = 0;
    if (size >= 2 && ((bytes[0] == 0xff && bytes[1] == 0xfe) || (bytes[0] == 0xfe && bytes[1] == 0xff))) {
        table->text = allocate(size / 2 * 3 + 1, 1);
        if (!decode_utf16(table->text, length, bytes, size, &damaged))
            return failure_set(failure, path, hint, "the UTF-16 text is damaged or cut short at byte %zu", damaged);
    } else {
        const size_t mark = size >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
        *length = size - mark;
        table->text = allocate(*length + 1, 1);
        memcpy(table->text, bytes + mark, *length);
    }
    const char *zero = memchr(table->text, 0, *length);
    if (zero)
        return failure_set(failure, path, hint, "this is not a text file: it has a zero at character %zu",
                           (size_t)(zero - table->text));
    return true;
}

/* ---- Fields ---- */

struct cursor {
    char *at, *end;
    char delimiter;
    int line;
    bool keep; /* moves the fields together and ends each with a zero; else only counts */
};

static bool is_blank(const struct cursor *cursor, char c) { return (c == ' ' || c == '\t') && c != cursor->delimiter; }

/* Passes over a line end, of one character or two. */
static void pass_line_end(struct cursor *cursor)
{
    cursor->at += cursor->at[0] == '\r' && cursor->at + 1 < cursor->end && cursor->at[1] == '\n' ? 2 : 1;
    cursor->line++;
}

/* What stands between quotes, to `out`; returns its end, or NULL where the closing quote is missing. */
static char *read_quoted(struct cursor *cursor, char *out)
{
    char *p = cursor->at + 1;
    for (;; p++) {
        if (p == cursor->end)
            return NULL;
        if (*p == '"' && (p + 1 == cursor->end || *++p != '"'))
            break;
        cursor->line += *p == '\n' || (*p == '\r' && (p + 1 == cursor->end || p[1] != '\n'));
        if (cursor->keep)
            *out = *p;
        out++;
    }
    cursor->at = p + (p + 1 == cursor->end && *p == '"');
    return out;
}

/* Reads a field, and what ends it; *more tells whether that was a delimiter. False if a quoted field has no end. */
static bool read_field(struct cursor *cursor, char **field, bool *more)
{
    while (cursor->at < cursor->end && is_blank(cursor, *cursor->at))
        cursor->at++;
    char *out = *field = cursor->at, *quoted = out;
    if (cursor->at < cursor->end && *cursor->at == '"') {
        out = quoted = read_quoted(cursor, out);
        if (!out)
            return false;
    }
    while (cursor->at < cursor->end && *cursor->at != cursor->delimiter && *cursor->at != '\n' && *cursor->at != '\r') {
        if (cursor->keep)
            *out = *cursor->at;
        out++;
        cursor->at++;
    }
    while (out > quoted && is_blank(cursor, out[-1]))
        out--;
    *more = cursor->at < cursor->end && *cursor->at == cursor->delimiter;
    if (*more)
        cursor->at++;
    else if (cursor->at < cursor->end)
        pass_line_end(cursor);
    if (cursor->keep)
        *out = 0;
    return true;
}

static void pass_empty_lines(struct cursor *cursor)
{
    while (cursor->at < cursor->end && (*cursor->at == '\n' || *cursor->at == '\r'))
        pass_line_end(cursor);
}

/* ---- The delimiter ---- */

struct fit {
    int columns, rows; /* the number of fields that most of the sampled rows have, and how many those are */
};

static struct fit fit_of(const struct cursor *start, char delimiter)
{
    struct cursor cursor = *start;
    cursor.delimiter = delimiter;
    int counts[SAMPLE], count = 0;
    bool closed = true;
    for (pass_empty_lines(&cursor); closed && count < SAMPLE && cursor.at < cursor.end; pass_empty_lines(&cursor)) {
        char *field;
        bool more = true;
        for (counts[count] = 0; closed && more; counts[count]++)
            closed = read_field(&cursor, &field, &more);
        count++;
    }
    struct fit best = {0};
    for (int i = 0; i < count; i++) {
        struct fit fit = {counts[i], 0};
        for (int k = 0; k < count; k++)
            fit.rows += counts[k] == counts[i];
        if (fit.columns > 1 && (fit.rows > best.rows || (fit.rows == best.rows && fit.columns > best.columns)))
            best = fit;
    }
    return best;
}

static char find_delimiter(struct cursor *cursor)
{
    static const char usual[] = {',', ';', '\t', '|'};
    static const char named[] = "sep="; /* Excel's */
    if (cursor->end - cursor->at > 5 && memcmp(cursor->at, named, 4) == 0 &&
        (cursor->at[5] == '\r' || cursor->at[5] == '\n')) {
        const char delimiter = cursor->at[4];
        cursor->at += 5;
        pass_line_end(cursor);
        return delimiter;
    }
    struct fit best = {0};
    char delimiter = ',';
    for (size_t i = 0; i < sizeof usual; i++) {
        const struct fit fit = fit_of(cursor, usual[i]);
        if (fit.rows > best.rows || (fit.rows == best.rows && fit.columns > best.columns)) {
            best = fit;
            delimiter = usual[i];
        }
    }
    return best.rows || !fit_of(cursor, ' ').rows ? delimiter : ' ';
}

/* ---- Rows ---- */

static bool read_rows(struct table *table, struct cursor *cursor, const char *path, struct failure *failure)
{
    int fields = 0;
    for (pass_empty_lines(cursor); cursor->at < cursor->end; pass_empty_lines(cursor)) {
        struct table_row row = {(uint32_t)fields, 0, cursor->line};
        for (bool more = true; more; row.fields++) {
            char *field;
            const int line = cursor->line;
            if (!read_field(cursor, &field, &more))
                return failure_set(failure, path, "Every \" needs a second one, and a \" in a field stands twice.",
                                   "line %d: a quoted field has no end", line);
            LIST_ADD(table->fields, fields, (uint32_t)(field - table->text));
        }
        if (row.fields == 1 && !*table_field(table, &row, 0))
            fields--;
        else
            LIST_ADD(table->rows, table->count, row);
    }
    return true;
}

/* The number of fields that most rows have; of two such numbers the larger. */
static int usual_columns(const struct table *table)
{
    int max = 0, best = 0;
    for (int i = 0; i < table->count; i++)
        max = table->rows[i].fields > max ? table->rows[i].fields : max;
    int *rows = allocate((size_t)max + 1, sizeof *rows);
    for (int i = 0; i < table->count; i++)
        rows[table->rows[i].fields]++;
    for (int n = 1; n <= max; n++)
        best = rows[n] >= rows[best] ? n : best;
    free(rows);
    return best;
}

bool table_parse(struct table *table, const uint8_t *bytes, size_t size, const char *path, struct failure *failure)
{
    size_t length = 0;
    *table = (struct table){0};
    bool sound = decode(table, &length, bytes, size, path, failure);
    if (sound) {
        struct cursor cursor = {.at = table->text, .end = table->text + length, .line = 1};
        table->delimiter = cursor.delimiter = find_delimiter(&cursor);
        cursor.keep = true;
        sound = read_rows(table, &cursor, path, failure);
        table->columns = usual_columns(table);
    }
    if (!sound)
        table_free(table);
    return sound;
}

void table_free(struct table *table)
{
    free(table->rows);
    free(table->fields);
    free(table->text);
    *table = (struct table){0};
}

const char *table_field(const struct table *table, const struct table_row *row, int column)
{
    return column < row->fields ? table->text + table->fields[row->first + (uint32_t)column] : "";
}
